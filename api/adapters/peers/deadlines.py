"""Sockets that obey a deadline for a whole call, whatever drips out of them.

A time-out per read never ends a call whose other end gives one byte in five seconds, and status
line and headers are read before any caller could count. So the deadline stands below HTTP: every
read and write of the calling thread may last only until then. It moves on with the bytes that pass,
so that a large body over a slow line is no attack. Owns this and nothing of HTTP.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpcore2
from typing_extensions import override

SECONDS: Final = 20.0
"""Time that a call gets before a byte has moved."""

LEAST_RATE: Final = 64 * 1024
"""Bytes a second that extend a call's time; a slower end is cut off."""

MOST_BYTES: Final = 40 * 1024 * 1024
"""Bytes that extend it at most: the largest request and the largest answer, with room."""


@dataclass(slots=True)
class Allowance:
    """What is left of one call's time.

    Attributes:
        started: monotonic seconds.
        seconds: time before a byte has moved.
        moved: bytes read and written so far.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)
    moved: int = 0

    def left(self) -> float:
        """Return the seconds left; zero or less when the call is over."""
        credit = min(self.moved, MOST_BYTES)
        return self.started + self.seconds + credit / LEAST_RATE - time.monotonic()


_CALL = threading.local()


@contextmanager
def allowing(seconds: float) -> Iterator[Allowance]:
    """Bound everything that this thread reads and writes at such sockets until the block ends."""
    allowance = Allowance(seconds)
    _CALL.allowance = allowance
    try:
        yield allowance
    finally:
        _CALL.allowance = None


def _within(timeout: float | None, overdue: type[Exception]) -> float | None:
    """Return how long one operation may last.

    Raises:
        overdue: the call's time is over.
    """
    allowance: Allowance | None = getattr(_CALL, "allowance", None)
    if allowance is None:
        return timeout
    left = allowance.left()
    if left <= 0:
        raise overdue("the call took longer than its size allows")
    return left if timeout is None else min(timeout, left)


def _moved(count: int) -> None:
    allowance: Allowance | None = getattr(_CALL, "allowance", None)
    if allowance is not None:
        allowance.moved += count


class _Stream(httpcore2.NetworkStream):
    """A connection whose reads and writes end with the call; see `httpcore2.NetworkStream`."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, _within(timeout, httpcore2.ReadTimeout))
        _moved(len(data))
        return data

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        while view:
            part = view[:LEAST_RATE]
            self._inner.write(bytes(part), _within(timeout, httpcore2.WriteTimeout))
            _moved(len(part))
            view = view[len(part) :]

    @override
    def close(self) -> None:
        self._inner.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        within = _within(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, within))

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class BoundedBackend(httpcore2.NetworkBackend):
    """Opens such connections; see `httpcore2.NetworkBackend`."""

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect; Nagle's algorithm is off, because one call is one exchange."""
        within = _within(timeout, httpcore2.ConnectTimeout)
        options = [*(socket_options or ()), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        return _Stream(self._inner.connect_tcp(host, port, within, local_address, options))
