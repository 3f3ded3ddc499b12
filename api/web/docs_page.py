"""``GET /docs``: the reference of this interface, as it was rendered when the program was built.

Owns three public addresses and their headers. The page is plain HTML without scripts, and its
policy lets a browser load nothing but this node's own style sheet: no page of a node contacts an
outside host. What lies in ``static/`` is written by ``python -m tools.openapi``.
"""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from api.web.routing import PUBLIC, ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/docs", tags=["public"])
STATIC: Final = Path(__file__).resolve().parent / "static"
_CSP: Final = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
}
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Unchanged since it was read (`If-None-Match`)."}
}


@dataclass(frozen=True, slots=True)
class _File:
    """One finished answer."""

    body: bytes
    media_type: str
    tag: str


@functools.cache
def _file(name: str) -> _File:
    """Return a file's answer, read once for each process."""
    body = (STATIC / name).read_bytes()
    return _File(body, _TYPES[Path(name).suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"')


async def _answer(request: Request, name: str) -> Response:
    file = await run(_file, name)
    headers = {"etag": file.tag, "cache-control": "no-cache", "content-security-policy": _CSP}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)


@router.route_for(
    "GET",
    "",
    PUBLIC,
    operation_id="read_docs",
    response_description="The page.",
    response_class=HTMLResponse,
    responses=_UNCHANGED,
)
async def page(request: Request) -> Response:
    """Read this reference as a page."""
    return await _answer(request, "reference.html")


@router.route_for(
    "GET",
    "/openapi.json",
    PUBLIC,
    operation_id="read_openapi",
    response_description="This document.",
    responses=_UNCHANGED,
)
async def openapi(request: Request) -> Response:
    """Read this reference as an OpenAPI 3.1 document."""
    return await _answer(request, "openapi.json")


@router.route_for(
    "GET",
    "/reference.css",
    PUBLIC,
    operation_id="read_docs_style",
    response_class=Response,
    responses={200: {"description": "The style sheet.", "content": {"text/css": {}}}, **_UNCHANGED},
)
async def style(request: Request) -> Response:
    """Read the style sheet of the reference."""
    return await _answer(request, "reference.css")
