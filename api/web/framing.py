"""What happens below HTTP's semantics: framing that cannot be read, slow heads, and closing.

Owns the server's protocol class and nothing above it. Four differences from uvicorn's own:

* a malformed request gets a problem document like every other refusal, not a line of text;
* a head (request line and fields) that is not whole after a few seconds ends the connection with
  408, also where a byte comes now and then;
* a connection that is closed while the caller still sends is first shut for writing and read for a
  moment longer, so that the caller sees the answer instead of a reset (RFC 9112 section 9.6);
* an answer's date is that of its request's first byte, so that no clock ticks while nobody calls.
"""

import asyncio
import json
import logging
import time
from asyncio.events import TimerHandle
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from api.adapters.system import SystemEntropy
from api.web.problems import PROBLEM, members_of

_log = logging.getLogger("comity.access")

HEAD_SECONDS: Final = 10.0
"""Longest time from a connection, or a request's first byte, to the end of its head."""

LINGER_SECONDS: Final = 2.0
"""How long a closed connection is still read."""


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode("ascii")


class _Lingering:
    """A transport that waits a moment for the caller's end before it closes.

    Args:
        transport: the real one.
        protocol: whose connection it is; asked whether a body is still coming.
    """

    def __init__(self, transport: asyncio.Transport, protocol: "ProblemProtocol") -> None:
        self._transport = transport
        self._protocol = protocol
        self._closing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Tell whether nothing more will be written."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Close, after a moment if the caller is still sending."""
        if self.is_closing():
            return
        if not (self._protocol.body_is_coming and self._transport.can_write_eof()):
            self._transport.close()
            return
        self._closing = True
        self._transport.write_eof()
        self._transport.resume_reading()
        self._protocol.loop.call_later(LINGER_SECONDS, self._transport.close)


class ProblemProtocol(HttpToolsProtocol):
    """See the module docstring."""

    _head_timer: TimerHandle | None = None

    @property
    def body_is_coming(self) -> bool:
        """Whether a request has begun and its body is not whole."""
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)
        return cycle is not None and cycle.more_body

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(_Lingering(transport, self))  # type: ignore[arg-type]
        self._wait_for_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        cycle: RequestResponseCycle | None = getattr(self, "cycle", None)
        between = cycle is None or cycle.response_complete
        if between and self._head_timer is None and self.timeout_keep_alive_task is None:
            # Bytes that begin no request ended the wait for one.
            self._wait_for_head()

    @override
    def eof_received(self) -> None:
        if self.transport.is_closing():
            self.transport.abort()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.server_state.default_headers = [(b"date", _date(int(time.time())))]
        if self._head_timer is None:
            self._wait_for_head()

    @override
    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the form of all refusals."""
        del msg
        self._refuse(400, "http.malformed", "Send a well-formed HTTP/1.1 request.")

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(408, "http.too-slow", "Send the head of the request faster.")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        request = SystemEntropy().identifier()
        _log.info("no request", extra={"request": request, "status": status, "code": code})
        body = json.dumps(members_of(status, code, detail, request)).encode()
        fields = {
            "content-type": PROBLEM,
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "connection": "close",
            "x-content-type-options": "nosniff",
            "x-request-id": request,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.transport.write(STATUS_LINE[status] + head.encode("ascii") + b"\r\n" + body)
        self.transport.close()
