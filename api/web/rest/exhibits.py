"""Exhibits over REST: PUT, HEAD and GET with ranges, by digest."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import Response, StreamingResponse

from api.domain.errors import TooLarge
from api.domain.notation import Count
from api.domain.notation import Digest as StoredDigest
from api.ports.policy import Action
from api.services.desk import exhibits
from api.web import bodies, ranges, uploading
from api.web.answers import Answer
from api.web.deps import Doors, NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.spool import pieces
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/exhibits", tags=["exhibits"])
Digest = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]
_BINARY = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}

_RANGE_HEADERS = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string"},
    }
    for name, text in {
        "Range": "One range of bytes (RFC 9110 §14); another unit, or several ranges, are ignored.",
        "If-Range": "The `ETag` that the range is of; with another one the whole is answered.",
    }.items()
]


@dataclass(frozen=True, slots=True)
class StoredExhibit:
    """An exhibit that is stored: its SHA-256 and its bytes."""

    digest: StoredDigest
    size: Count


@router.route_for(
    "PUT",
    "/{digest}",
    Action.EXHIBIT_WRITE,
    status_code=201,
    operation_id="store_exhibit",
    response_description="It is stored.",
    openapi_extra={"requestBody": {"required": True, **_BINARY}},
)
async def put(
    digest: Digest, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[StoredExhibit]:
    """Store an exhibit's bytes under their SHA-256; the same bytes may be sent again.

    One that breaks off keeps nothing; `/api/v1/uploads` goes on after a break.
    """
    doors: Doors = request.app.state.doors
    size = bodies.stated_length(request) if "content-length" in request.headers else None
    if (size or 0) > doors.exhibit_limit:
        raise TooLarge("exhibit.too-large", "This is over the node's limit for one exhibit.")
    await run(exhibits.allow_exhibit, node, caller, digest)
    await uploading.apart(doors.spool.check_room, size or 0)
    with doors.spool.unnamed() as file:
        await uploading.receive(request, file, doors.exhibit_limit)
        chunks = pieces(file)
        stored = await uploading.apart(exhibits.store_exhibit, node, caller, digest, size, chunks)
    return Answer(StoredExhibit(stored.digest, stored.size), 201)


@router.route_for(
    "HEAD",
    "/{digest}",
    Action.EXHIBIT_READ,
    operation_id="head_exhibit",
    responses={200: {"description": "It is here."}},
)
async def head(digest: Digest, node: NodeOf, caller: OfficerOf) -> Response:
    """Say whether an exhibit is held, and its size."""
    stored = await run(exhibits.open_exhibit, node, caller, digest)
    return Response(headers=_headers(digest) | {"content-length": str(stored.size)})


@router.route_for(
    "GET",
    "/{digest}",
    Action.EXHIBIT_READ,
    operation_id="read_exhibit",
    openapi_extra={"parameters": _RANGE_HEADERS},
    responses={
        200: {"description": "The bytes.", **_BINARY},
        206: {"description": "A range of the bytes.", **_BINARY},
    },
)
async def get(digest: Digest, request: Request, node: NodeOf, caller: OfficerOf) -> Response:
    """Read an exhibit or a range of it; downloads only, never shown inline."""
    stored = await run(exhibits.open_exhibit, node, caller, digest)
    span = ranges.span_of(request.headers, stored.size, _tag(digest))
    headers = _headers(digest) | {"content-length": str(span.end - span.start)}
    if span.partial:
        headers["content-range"] = span.content_range
    stream = await run(node.store.read, digest, span.start, span.end)
    return StreamingResponse(
        stream,
        status_code=206 if span.partial else 200,
        headers=headers,
        media_type="application/octet-stream",
    )


def _tag(digest: str) -> str:
    return f'"{digest}"'


def _headers(digest: str) -> dict[str, str]:
    return {
        "accept-ranges": "bytes",
        "etag": _tag(digest),
        "content-disposition": f'attachment; filename="{digest[7:]}"',
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private, no-store",
    }
