"""Uploads that go on after a break: tus 1.0 with creation, termination and expiration.

Owns that protocol's headers and statuses (https://tus.io/protocols/resumable-upload). An upload
names the digest that its bytes are to have; when the last of them is here, they are hashed and
stored as the exhibit, or refused and gone. ``PUT /exhibits/{digest}`` does the same in one request
that cannot be continued.
"""

import base64
import binascii
import re
from datetime import timedelta
from email.utils import format_datetime
from typing import Annotated, Final

from fastapi import Path, Request
from fastapi.responses import Response

from api.domain.errors import Conflict, Invalid, TooLarge
from api.ports.policy import Action
from api.services.authorising import Caller
from api.services.desk import exhibits
from api.services.node import Node
from api.web import uploading
from api.web.deps import DoorsOf
from api.web.principals import OfficerOf
from api.web.routing import PUBLIC, ActionRouter
from api.web.spool import KEPT_SECONDS, Spool, Upload, pieces
from api.web.use_case_threads import run
from api.wire.digests import is_digest

router = ActionRouter(prefix="/api/v1/uploads", tags=["exhibits"])
UploadId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]

VERSION: Final = "1.0.0"
MEDIA_TYPE: Final = "application/offset+octet-stream"
_BYTE_COUNT: Final = re.compile("[0-9]{1,15}")
_EXTENSIONS: Final = "creation,termination,expiration"
_BYTES: Final = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}


def _header(name: str, text: str, *, required: bool = True) -> dict[str, object]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": text,
        "schema": {"type": "string"},
    }


_RESUMABLE: Final = _header("Tus-Resumable", "Version of the protocol: `1.0.0`.")


@router.route_for(
    "OPTIONS",
    "",
    PUBLIC,
    status_code=204,
    operation_id="describe_uploads",
    responses={204: {"description": "Version, extensions and largest upload, as headers."}},
)
async def describe(doors: DoorsOf) -> Response:
    """Say which version and extensions of tus are spoken here, and the largest upload."""
    headers = {
        "tus-version": VERSION,
        "tus-extension": _EXTENSIONS,
        "tus-max-size": str(doors.exhibit_limit),
    }
    return _answer(204, headers)


@router.route_for(
    "POST",
    "",
    Action.EXHIBIT_WRITE,
    operation_id="begin_upload",
    keyed=False,
    response_class=Response,
    openapi_extra={
        "parameters": [
            _RESUMABLE,
            _header("Upload-Length", "Bytes of the whole."),
            _header("Upload-Metadata", "`digest` and, in base64, `sha256:<hex>` of the whole."),
        ]
    },
    responses={201: {"description": "`Location` is the upload's address."}},
    status_code=201,
)
async def begin(request: Request, doors: DoorsOf, caller: OfficerOf) -> Response:
    """Announce an exhibit; its bytes follow by PATCH, in as many requests as it takes."""
    _check_version(request)
    upload = Upload(
        doors.node.entropy.identifier(),
        caller.person,
        _announced_digest(request),
        _number(request, "upload-length"),
    )
    if upload.size > doors.exhibit_limit:
        raise TooLarge("exhibit.too-large", "This is over the node's limit for one exhibit.")
    await run(exhibits.allow_exhibit, doors.node, caller, upload.digest)
    await uploading.apart(doors.spool.begin, upload)
    if upload.size == 0:
        await uploading.apart(_store, doors.node, doors.spool, caller, upload)
    place = {"location": f"/api/v1/uploads/{upload.id}", "upload-expires": _expiry(doors.node)}
    return _answer(201, {**place, "upload-offset": "0"})


@router.route_for(
    "HEAD",
    "/{upload_id}",
    Action.EXHIBIT_WRITE,
    operation_id="head_upload",
    openapi_extra={"parameters": [_RESUMABLE]},
    responses={200: {"description": "`Upload-Offset` is where to go on."}},
)
async def head(
    upload_id: UploadId, request: Request, doors: DoorsOf, caller: OfficerOf
) -> Response:
    """Say how many bytes of an upload are here."""
    _check_version(request)
    found = await uploading.apart(doors.spool.find, upload_id, caller.person)
    offset = await uploading.apart(doors.spool.offset, found)
    return _answer(200, {"upload-offset": str(offset), "upload-length": str(found.size)})


@router.route_for(
    "PATCH",
    "/{upload_id}",
    Action.EXHIBIT_WRITE,
    status_code=204,
    operation_id="continue_upload",
    openapi_extra={
        "parameters": [_RESUMABLE, _header("Upload-Offset", "Where these bytes begin.")],
        "requestBody": {"required": True, "content": _BYTES},
    },
    responses={204: {"description": "`Upload-Offset` is where to go on; at the end it is stored."}},
)
async def go_on(
    upload_id: UploadId, request: Request, doors: DoorsOf, caller: OfficerOf
) -> Response:
    """Send bytes from the offset that is held; the last of them store the exhibit.

    What arrives before a break is kept. A 409 means another offset: ask for it with HEAD.
    """
    _check_version(request)
    if request.headers.get("content-type", "").strip().lower() != MEDIA_TYPE:
        raise Invalid("media.unsupported", f"Send {MEDIA_TYPE}.")
    found = await uploading.apart(doors.spool.find, upload_id, caller.person)
    await run(exhibits.allow_exhibit, doors.node, caller, found.digest)
    offset = _number(request, "upload-offset")
    if found.stored:
        _same_offset(offset, found.size)
        return _answer(204, {"upload-offset": str(found.size)})
    with doors.spool.appending(found, offset) as file:
        offset += await uploading.receive(request, file, found.size - offset)
        if offset == found.size:
            await uploading.apart(_store, doors.node, doors.spool, caller, found)
    return _answer(204, {"upload-offset": str(offset), "upload-expires": _expiry(doors.node)})


@router.route_for(
    "DELETE",
    "/{upload_id}",
    Action.EXHIBIT_WRITE,
    status_code=204,
    operation_id="remove_upload",
    openapi_extra={"parameters": [_RESUMABLE]},
)
async def remove(
    upload_id: UploadId, request: Request, doors: DoorsOf, caller: OfficerOf
) -> Response:
    """Give up an upload; its bytes are gone, an exhibit that was stored stays."""
    _check_version(request)
    found = await uploading.apart(doors.spool.find, upload_id, caller.person)
    await uploading.apart(doors.spool.remove, found)
    return _answer(204, {})


def _store(node: Node, spool: Spool, caller: Caller, upload: Upload) -> None:
    """Hash and store the whole; wrong bytes are gone, others stay until they could be stored."""
    try:
        with spool.bytes_of(upload) as file:
            exhibits.store_exhibit(node, caller, upload.digest, upload.size, pieces(file))
    except Invalid:
        spool.forget(upload)
        raise
    # A crash before this line: the last PATCH is sent again, without bytes, and stores it again.
    spool.finish(upload)


def _same_offset(sent: int, held: int) -> None:
    if sent != held:
        raise Conflict("upload.offset", "Go on from the offset that is held.", offset=held)


def _check_version(request: Request) -> None:
    if request.headers.get("tus-resumable", "").strip() != VERSION:
        raise Conflict("upload.version", "Send Tus-Resumable: 1.0.0, the one version spoken here.")


def _announced_digest(request: Request) -> str:
    """Return the digest in ``Upload-Metadata``: pairs ``name base64``, separated by commas."""
    for pair in request.headers.get("upload-metadata", "").split(","):
        name, _, value = pair.strip().partition(" ")
        if name == "digest":
            try:
                digest = base64.b64decode(value.strip(), validate=True).decode("ascii")
            except (binascii.Error, UnicodeDecodeError, ValueError):
                break
            if is_digest(digest):
                return digest
    raise Invalid("upload.metadata", "Name the digest, sha256:<hex> in base64, in Upload-Metadata.")


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "").strip()
    if not _BYTE_COUNT.fullmatch(text):
        raise Invalid("upload.header", f"Send {name} as a whole number of bytes.")
    return int(text)


def _expiry(node: Node) -> str:
    return format_datetime(node.clock.now() + timedelta(seconds=KEPT_SECONDS), usegmt=True)


def _answer(status: int, headers: dict[str, str]) -> Response:
    return Response(status_code=status, headers={"tus-resumable": VERSION, **headers})
