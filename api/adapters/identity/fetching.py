"""One small GET for identity documents: discovery and key sets.

Owns the limits of that request (time, size, no redirects, no ambient proxy or credentials); must
not interpret what it fetched.
"""

import time
from collections.abc import Callable

import httpx2

Fetch = Callable[[str], bytes]
"""Returns the body of a 200 answer to GET ``url``; raises FetchFailed for everything else."""

MAX_DOCUMENT = 256 * 1024
"""Largest discovery document or key set that is read, in bytes."""


class FetchFailed(Exception):  # noqa: N818 - reads as what happened
    """The document could not be had: network, status, redirect, size or time."""


class HttpFetch:
    """A ``Fetch`` over HTTP.

    Args:
        timeout: seconds one whole request may take, connecting and reading included.
        max_bytes: body size above which the answer is dropped.
        client: an own client (a private trust store, say); it must not follow redirects.
    """

    def __init__(
        self,
        timeout: float = 5.0,
        max_bytes: int = MAX_DOCUMENT,
        client: httpx2.Client | None = None,
    ) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._client = client or httpx2.Client(
            follow_redirects=False,
            trust_env=False,
            timeout=timeout,
            # Minutes pass between two fetches: a connection kept open would only be held.
            limits=httpx2.Limits(max_connections=4, max_keepalive_connections=0),
        )

    def __call__(self, url: str) -> bytes:
        """Return the body at ``url``.

        Raises:
            FetchFailed: nothing usable arrived within the limits.
        """
        deadline = time.monotonic() + self._timeout
        try:
            with self._client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
                if answer.status_code != httpx2.codes.OK:
                    raise FetchFailed(f"the issuer answered with status {answer.status_code}")
                return self._read(answer, deadline)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise FetchFailed(f"the issuer could not be read ({type(error).__name__})") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _read(self, answer: httpx2.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > self._max_bytes:
                raise FetchFailed(f"the issuer's document is over {self._max_bytes} bytes")
            # The client's own time-outs are per read; a drip of bytes would never end them.
            if time.monotonic() > deadline:
                raise FetchFailed(f"the issuer's document took over {self._timeout} s")
        return bytes(body)
