"""Exhibits over REST: PUT, HEAD and GET with ranges, by digest."""

import queue
import threading
from collections.abc import Iterator
from typing import Annotated

import anyio.to_thread
from fastapi import Path, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from api.ports.policy import Action
from api.ports.store import Stored
from api.services.desk import evidence
from api.web import ranges
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1/exhibits", tags=["exhibits"])
Digest = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]
_BINARY = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}
_AHEAD = 16


class _Upload:
    """Hands a request's chunks to the thread that stores them; holds at most a few of them."""

    def __init__(self) -> None:
        self._chunks: queue.Queue[bytes | Exception | None] = queue.Queue(maxsize=_AHEAD)
        self._gone = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := self._chunks.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def feed(self, request: Request) -> None:
        """Read the request to its end; an aborted upload ends in an error on the other side."""
        try:
            async for chunk in request.stream():
                if chunk:
                    await self._put(chunk)
        except Exception as error:  # noqa: BLE001 - raised again where the chunks are read
            await self._put(error)
        else:
            await self._put(None)

    async def _put(self, item: bytes | Exception | None) -> None:
        while not self._gone.is_set():
            try:
                self._chunks.put_nowait(item)
            except queue.Full:
                await anyio.sleep(0.002)
            else:
                return

    def abandon(self) -> None:
        """Say that nobody reads any more."""
        self._gone.set()


@router.route_for(
    "PUT",
    "/{digest}",
    Action.EXHIBIT_WRITE,
    status_code=201,
    operation_id="store_exhibit",
    openapi_extra={"requestBody": {"required": True, **_BINARY}},
)
async def put(digest: Digest, request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Store an exhibit's bytes under their SHA-256; the same bytes may be sent again."""
    stated = request.headers.get("content-length", "")
    upload = _Upload()
    stored: Stored | Exception
    # A refusal is carried out of the task group as a value: inside, it would become a group.
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(upload.feed, request)
        try:
            stored = await run(
                evidence.store_exhibit,
                node,
                caller,
                digest,
                int(stated) if stated.isdigit() else None,
                iter(upload),
            )
        except Exception as refusal:  # noqa: BLE001 - raised again below
            stored = refusal
        upload.abandon()
        tasks.cancel_scope.cancel()
    if isinstance(stored, Exception):
        raise stored
    return JSONResponse({"digest": stored.digest, "size": stored.size}, status_code=201)


@router.route_for(
    "HEAD",
    "/{digest}",
    Action.EXHIBIT_READ,
    operation_id="head_exhibit",
    responses={200: {"description": "It is here."}},
)
async def head(digest: Digest, node: NodeOf, caller: OfficerOf) -> Response:
    """Say whether an exhibit is held, and its size."""
    stored = await run(evidence.open_exhibit, node, caller, digest)
    return Response(headers=_headers(digest) | {"content-length": str(stored.size)})


@router.route_for(
    "GET",
    "/{digest}",
    Action.EXHIBIT_READ,
    operation_id="read_exhibit",
    responses={
        200: {"description": "The bytes.", **_BINARY},
        206: {"description": "A range of the bytes.", **_BINARY},
    },
)
async def get(digest: Digest, request: Request, node: NodeOf, caller: OfficerOf) -> Response:
    """Read an exhibit or a range of it; downloads only, never shown inline."""
    stored = await run(evidence.open_exhibit, node, caller, digest)
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
