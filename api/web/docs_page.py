"""``GET /docs``: the reference of this interface, made on this node from the committed document.

Owns three public addresses and their headers. The page is plain HTML without scripts, and its
policy lets a browser load nothing but this node's own style sheet: no page of a node contacts an
outside host. ``static/openapi.json`` is written by ``python -m docs.openapi``.
"""

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from api.web import docs_render
from api.web.routing import PUBLIC, ActionRouter, run

router = ActionRouter(prefix="/docs", tags=["public"])
STATIC: Final = Path(__file__).resolve().parent / "static"
_CSP: Final = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

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
    """Return a page's bytes, made once for each process."""
    if name == "":
        document: dict[str, Any] = json.loads((STATIC / "openapi.json").read_bytes())
        body, media_type = docs_render.page(document).encode(), "text/html; charset=utf-8"
    else:
        body = (STATIC / name).read_bytes()
        media_type = "application/json" if name.endswith(".json") else "text/css; charset=utf-8"
    return _File(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


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
    response_class=HTMLResponse,
    responses=_UNCHANGED,
)
async def page(request: Request) -> Response:
    """Read this reference as a page."""
    return await _answer(request, "")


@router.route_for(
    "GET",
    "/openapi.json",
    PUBLIC,
    operation_id="read_openapi",
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
