"""The log over GET (C2SP tlog-tiles, and tlog-witness monitoring), for members only.

Owns who asks: another member's node by its peer token, or an officer by an access token. What lies
at each address is ``services/log/log_door.py``'s.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from api.ports.policy import Action
from api.services.authorising import Caller, peer_caller
from api.services.log import log_door, peer_tokens
from api.web.calling import identify
from api.web.deps import Doors, NodeOf
from api.web.principals import bearer
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/log", tags=["log"])

_NOTE = {200: {"content": {"text/plain": {}}, "description": "A signed note (C2SP)."}}
_TILE = {200: {"content": {"application/octet-stream": {}}, "description": "Concatenated bytes."}}


@dataclass(frozen=True, slots=True)
class _Reader:
    """A reader who will be identified in the worker thread (``use_case_threads.run`` resolves it).

    Attributes:
        doors: what the doors share.
        path: of the request; a peer token is made for one.
        request_id: of the request.
        peer_token: of a member's node, else ``None``.
        access_token: of an officer, else empty.
    """

    doors: Doors
    path: str
    request_id: str
    peer_token: str | None
    access_token: str

    def resolve(self) -> Caller:
        """Return the caller; to be called in a worker thread."""
        if self.peer_token is None:
            return identify(self.doors, self.access_token, self.request_id)
        ministry = peer_tokens.verify(self.doors.node, self.peer_token, self.path)
        return peer_caller(self.doors.node, ministry, request=self.request_id)


async def reader(request: Request) -> _Reader:
    """Return the member's node or officer who reads."""
    token = peer_tokens.token_in(request.headers.get("authorization", ""))
    return _Reader(
        request.app.state.doors,
        request.url.path,
        request.state.request_id,
        token,
        bearer(request) if token is None else "",
    )


ReaderOf = Annotated[_Reader, Depends(reader)]


async def _answer_reader(request: Request, node: NodeOf, caller: ReaderOf) -> Response:
    path = request.url.path.partition("/log/")[2]
    served = await run(log_door.answer, node, caller, path)
    headers = {"cache-control": served.cache, "vary": "authorization"}
    return Response(served.body, media_type=served.media_type, headers=headers)


@router.route_for(
    "GET", "/checkpoint", Action.LOG_READ, operation_id="read_checkpoint", responses=_NOTE
)
async def checkpoint(request: Request, node: NodeOf, caller: ReaderOf) -> Response:
    """Return the public head: the newest that enough partners cosigned."""
    return await _answer_reader(request, node, caller)


@router.route_for(
    "GET", "/tile/{tile:path}", Action.LOG_READ, operation_id="read_tile", responses=_TILE
)
async def tile(request: Request, tile: str, node: NodeOf, caller: ReaderOf) -> Response:  # noqa: ARG001
    """Return a hash tile `<L>/<N>[.p/<W>]` or a bundle `entries/<N>[.p/<W>]`."""
    return await _answer_reader(request, node, caller)


@router.route_for(
    "GET",
    "/{origin}/checkpoint",
    Action.LOG_READ,
    operation_id="read_seen_checkpoint",
    responses=_NOTE,
)
async def seen_checkpoint(
    request: Request,
    origin: str,  # noqa: ARG001
    node: NodeOf,
    caller: ReaderOf,
) -> Response:
    """Return the newest head this witness cosigned of the log with this origin's SHA-256."""
    return await _answer_reader(request, node, caller)


@router.route_for(
    "GET",
    "/{origin}/tile/{tile:path}",
    Action.LOG_READ,
    operation_id="read_seen_tile",
    responses=_TILE,
)
async def seen_tile(
    request: Request,
    origin: str,  # noqa: ARG001
    tile: str,  # noqa: ARG001
    node: NodeOf,
    caller: ReaderOf,
) -> Response:
    """Return a hash tile that this witness keeps of that log."""
    return await _answer_reader(request, node, caller)


@router.route_for("GET", "/{origin}/stream", Action.LOG_READ, operation_id="read_own_stream")
async def own_stream(request: Request, origin: str, node: NodeOf, caller: ReaderOf) -> Response:  # noqa: ARG001
    """Return to that log's ministry how far its messages and heads came here."""
    return await _answer_reader(request, node, caller)


@router.route_for("GET", "/{origin}/held", Action.LOG_READ, operation_id="read_held_head")
async def held_head(request: Request, origin: str, node: NodeOf, caller: ReaderOf) -> Response:  # noqa: ARG001
    """Return to that log's ministry, under signature, the largest head of its log held here."""
    return await _answer_reader(request, node, caller)


@router.route_for(
    "GET",
    "/{origin}/messages/{epoch}/{seq}",
    Action.LOG_READ,
    operation_id="read_own_message",
)
async def own_message(
    request: Request,
    origin: str,  # noqa: ARG001
    epoch: str,  # noqa: ARG001
    seq: str,  # noqa: ARG001
    node: NodeOf,
    caller: ReaderOf,
) -> Response:
    """Return to that log's ministry a message it sent, with the receipt it got."""
    return await _answer_reader(request, node, caller)
