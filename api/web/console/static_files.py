"""The console's static files: style, script, font, icon.

Owns their addresses, which hold a part of each file's digest, so that browsers may keep them for
good. ``python -m docs.assets`` makes them; ``static/assets.json`` says from what.
"""

import functools
import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from api.domain.errors import NotFound
from api.web.routing import PUBLIC, ActionRouter

FOLDER: Final = Path(__file__).resolve().parent / "static"
PREFIX: Final = "/console/static"
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
_PACKED: Final = frozenset({"css", "js", "svg"})

router = ActionRouter(prefix=PREFIX, include_in_schema=False, route_class=APIRoute)


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    packed: bytes | None
    media_type: str


@functools.cache
def _files() -> dict[str, _File]:
    """Return what may be served, by name; nothing else in the folder can be asked for."""
    found = {}
    for entry in json.loads((FOLDER / "assets.json").read_bytes())["files"].values():
        name = str(entry["file"])
        ending = name.rpartition(".")[2]
        body = (FOLDER / name).read_bytes()
        packed = gzip.compress(body, mtime=0) if ending in _PACKED else None
        found[name] = _File(body, packed, _TYPES[ending])
    return found


@functools.cache
def address(name: str) -> str:
    """Return the address of a static file by its plain name, such as ``console.css``."""
    entries = json.loads((FOLDER / "assets.json").read_bytes())["files"]
    return f"{PREFIX}/{entries[name]['file']}"


@router.route_for("GET", "/{name}", PUBLIC, operation_id="console_static")
async def static(name: str, request: Request) -> Response:
    """Serve one file; its name changes whenever its content does."""
    file = _files().get(name)
    if file is None:
        raise NotFound("route.unknown", "There is nothing at this address.")
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    body = file.body
    if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = file.packed, "gzip"
    return Response(body, media_type=file.media_type, headers=headers)
