"""Request ids and security headers, as one plain ASGI middleware.

Owns what holds for every request whatever its route. Request ids are this node's: they stand in
signed events, so a caller cannot choose one, nor make two officers share one. The id that a caller
sent stands beside ours in the log line. Plain ASGI because each of Starlette's
function middlewares costs a task and a queue per request.
"""

import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.domain import nul
from api.domain.errors import NotFound
from api.ports.observing import UNOBSERVED, Observer, Piece, PieceKind
from api.ports.system import Entropy
from api.services.operations.refusals import AnonymousRefusals, refuses_a_stranger
from api.web import problems
from api.web.routing import SIGNED_MESSAGE

_log = logging.getLogger("comity.access")
_CALLERS_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # What a route says itself stands; whatever says nothing is not kept anywhere.
    (b"cache-control", b"no-store"),
)
# nginx's number for a caller that left before the answer; it is never sent.
_GONE: Final = "499"
_SIGN_IN: Final = "401"
_DOORS: Final = {"peer": "peer", "log": "log"}
_PROBES: Final = frozenset({"/healthz", "/readyz"})


Refuse: TypeAlias = Callable[[Request, Exception], Awaitable[Response | None]]
"""Answers what was refused before any route; ``None`` for addresses that are not its own."""


class Hardening:
    """Wraps the application.

    Args:
        app: the application.
        entropy: for request ids.
        observer: watches each request.
        refusals: where refused callers whom nobody knows are counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        entropy: Entropy,
        observer: Observer = UNOBSERVED,
        refusals: AnonymousRefusals | None = None,
    ) -> None:
        self._app = app
        self._entropy = entropy
        self._observer = observer
        self._refusals = refusals or AnonymousRefusals()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._entropy.identifier()
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        piece = Piece(PieceKind.REQUEST, "none", method=scope["method"], request=request_id)
        started = time.perf_counter()

        unread = _has_body(scope)

        async def arriving() -> Message:
            nonlocal unread
            message = await receive()
            unread = unread and message.get("more_body", False)
            return message

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                if unread:
                    # Whoever still sends a body that nobody wants may not keep the connection.
                    message.setdefault("headers", []).append((b"connection", b"close"))
                piece.outcome = str(message["status"])
                headers = message.setdefault("headers", [])
                present = {name for name, _ in headers}
                headers.extend(pair for pair in _HEADERS if pair[0] not in present)
                headers.append((b"x-request-id", request_id.encode()))
            await send(message)

        with self._observer.observe(piece):
            try:
                await self._answer(scope, arriving, finish, piece)
            finally:
                for call in state.pop("at_end", ()):
                    call()
                # The template, never the path: paths hold ids of evidence.
                piece.name = getattr(scope.get("route"), "path", "none")
                piece.code = state.get("code", "")
                self._note_stranger(scope, piece)
                _write_line(piece, time.perf_counter() - started, callers_id(scope))

    async def _answer(self, scope: Scope, receive: Receive, send: Send, piece: Piece) -> None:
        """Let the application answer; what it did not foresee becomes a problem document here.

        Starlette would answer such errors outside of this middleware, without id and headers.
        """
        try:
            _require_no_nul(scope)
            await self._app(scope, receive, send)
        except ClientDisconnect:
            piece.outcome = _GONE
        except Exception as error:
            if piece.outcome:
                # The answer had begun: the server can only close the connection.
                raise
            answer = await self._refuse(Request(scope), error)
            await answer(scope, receive, send)

    @staticmethod
    async def _refuse(request: Request, error: Exception) -> Response:
        """Answer as the door does whose address was asked: the console draws a page."""
        draw: Refuse | None = getattr(request.app.state, "draw_refusal", None)
        drawn = await draw(request, error) if draw is not None else None
        return drawn if drawn is not None else problems.answer(request, error)

    def _note_stranger(self, scope: Scope, piece: Piece) -> None:
        """Count the refusal of a caller whom nobody knows; see ``services/refusals``."""
        by_signature = (getattr(scope.get("route"), "openapi_extra", None) or {}).get(
            "x-comity-action"
        ) == SIGNED_MESSAGE and refuses_a_stranger(piece.code)
        if piece.outcome == _SIGN_IN or by_signature:
            door = _DOORS.get(piece.name.split("/")[1] if "/" in piece.name else "", "rest")
            self._refusals.note(door, piece.code)
            self._observer.refused(door, piece.code)


def _require_no_nul(scope: Scope) -> None:
    """Refuse U+0000 in an address before any route reads it: no column of PostgreSQL holds it.

    Raises:
        NotFound: ``route.unknown``: in the path.
        Invalid: ``text.nul``: in the query.
    """
    if "\0" in scope["path"]:
        raise NotFound("route.unknown", "There is nothing at this address.")
    if b"%00" in scope["query_string"] or b"\0" in scope["query_string"]:
        raise nul.refusal()


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def callers_id(scope: Scope) -> str:
    """Return the request id that the caller sent; empty for none, or for one not worth a line."""
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    text = sent.decode("latin-1")
    return text if _CALLERS_ID.fullmatch(text) else ""


def _write_line(piece: Piece, seconds: float, sent_id: str) -> None:
    """Write the request's line; probes that passed are many and say nothing."""
    members: dict[str, object] = {
        "request": piece.request,
        "method": piece.method,
        "route": piece.name,
        "status": int(piece.outcome or 0),
        "milliseconds": round(seconds * 1000, 1),
    }
    if piece.code:
        members["code"] = piece.code
    if sent_id:
        members["caller_request"] = sent_id
    quiet = piece.name in _PROBES and piece.outcome == "200"
    _log.log(logging.DEBUG if quiet else logging.INFO, "request", extra=members)
