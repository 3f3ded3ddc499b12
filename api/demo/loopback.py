"""This machine's name for itself, and HTTP clients for addresses on it.

Owns their form: plain HTTP, no proxy, nothing from the environment. Their TLS context trusts
nobody, so nothing but loopback can be reached by mistake; and reading the machine's authorities for
each of dozens of clients would cost more than all that they do.
"""

import functools
import socket
import ssl
from typing import Final

import httpx2

NAME: Final = "localhost"
"""A domain, as passkeys need one (WebAuthn, section 5.1.2)."""

ADDRESS: Final = "127.0.0.1"


@functools.cache
def knows_its_name() -> bool:
    """Whether this machine finds itself by name; one without ``/etc/hosts`` may not.

    RFC 6761, section 6.3, only recommends it.
    """
    try:
        socket.getaddrinfo(NAME, None, socket.AF_INET)
    except OSError:
        return False
    return True


def host() -> str:
    """Return how nodes on this machine are called: by address where it does not know its name."""
    return NAME if knows_its_name() else ADDRESS


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
