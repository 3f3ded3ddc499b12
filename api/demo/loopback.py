"""HTTP clients for addresses on this machine.

Owns their form: plain HTTP, no proxy, nothing from the environment. Their TLS context trusts
nobody, so nothing but loopback can be reached by mistake; and reading the machine's authorities for
each of dozens of clients would cost more than all that they do.
"""

import ssl

import httpx2


def client(timeout: float | httpx2.Timeout, base_url: str = "") -> httpx2.Client:
    """Return a client; the caller closes it."""
    trusts_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.Client(
        base_url=base_url,
        timeout=timeout,
        verify=trusts_nobody,
        trust_env=False,
        follow_redirects=False,
    )
