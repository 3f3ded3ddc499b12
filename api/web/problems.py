"""The one table from refusals to RFC 9457 problem documents; HTTP statuses appear only here.

Owns the shape of every error answer. Never echoes input, exception text or secrets; whatever is not
a refusal is logged with its trace and answered as ``internal`` without detail.
"""

import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.domain import errors
from api.tlog.errors import LogError
from api.web.languages import REGIONAL, french, preferred
from api.wire.errors import WireError

_log = logging.getLogger(__name__)
PROBLEM = "application/problem+json"
TYPE_BASE = "urn:comity:problem:"

_STATUS: tuple[tuple[type[errors.ComityError], int], ...] = (
    (errors.NotSignedIn, 401),
    (errors.Refused, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
    (errors.Invalid, 422),
    (errors.TooMany, 429),
    (errors.Full, 507),
    (errors.Unavailable, 503),
)
_BY_CODE = {
    "body.too-slow": 408,
    "upload.busy": 423,
    "upload.version": 412,
    "precondition.missing": 428,
    "precondition.failed": 412,
    "stream.buffer-full": 503,
    "json.too-large": 413,
    "exhibit.range": 416,
    "media.unsupported": 415,
    "issuer.unavailable": 503,
    "query.malformed": 400,
}
MEANINGS = {
    400: "The request cannot be read, or what it carries is not in its canonical form.",
    401: "No access token, or one that is not meant for this node.",
    403: "The policy says no; `policies` names what decided.",
    404: "There is no such thing, or the caller may not know that there is.",
    405: "Nothing answers to this method here.",
    408: "The body came too slowly.",
    409: "The act contradicts the present state.",
    412: "It changed since it was read: `If-Match` names another version.",
    413: "Over a published limit.",
    415: "Another media type is needed.",
    416: "The range does not lie inside the exhibit.",
    422: "The content breaks a rule of its own; `errors` says where, never with which value.",
    423: "Another request is sending bytes of this upload.",
    428: "A change needs `If-Match`.",
    429: "Too much at once from one caller; `Retry-After` says when to try again.",
    500: "A defect; nothing was changed.",
    503: "Something this act needs cannot be reached now; `Retry-After` says when to try again.",
    507: "No room is left; nothing was stored.",
}
"""What each status of a refusal means to a client, for the reference."""

_TITLES = {
    400: "The request cannot be read",
    401: "Sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Too slow",
    409: "Conflict with the present state",
    412: "It changed meanwhile",
    413: "Too large",
    415: "Media type not supported",
    416: "Range not available",
    422: "The content is not acceptable",
    423: "In use",
    428: "Precondition required",
    429: "Too many at once",
    500: "Internal error",
    503: "Not available now",
    507: "No room left",
}
STATUSES = tuple(
    sorted({status for _, status in _STATUS} | set(_BY_CODE.values()) | {400, 405, 500})
)
_PRECONDITION_FAILED = 412
_RANGE = 416


def status_of(error: errors.ComityError | WireError | LogError) -> int:
    """Return the HTTP status of a refusal."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if isinstance(error, WireError | LogError):
        return 400
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def members_of(status: int, code: str, detail: str, request_id: str) -> dict[str, Any]:
    """Return the members that every problem document has."""
    return {
        "type": f"{TYPE_BASE}{code}",
        "title": _TITLES.get(status, "Problem"),
        "status": status,
        "code": code,
        "detail": detail,
        "instance": f"urn:comity:request:{request_id}",
    }


def in_french(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a problem document that people read, in French where it has them.

    Codes, and what came from elsewhere, stay as they are.
    """
    told = {name: french(str(members[name])) for name in ("title", "detail")}
    return {name: text for name, text in told.items() if text is not None}


def problem(
    request: Request, status: int, code: str, detail: str, extra: Mapping[str, Any] | None = None
) -> Response:
    """Return a problem document."""
    request_id = getattr(request.state, "request_id", "")
    # For the request's log line, counters and span.
    request.state.code = code
    members = members_of(status, code, detail, request_id) | dict(extra or {})
    headers = {"cache-control": "no-store", "vary": "accept-language"}
    if preferred(request.headers.get("accept-language", "")) == "fr":
        members |= in_french(members)
        headers["content-language"] = REGIONAL["fr"]
    if status == 401:  # noqa: PLR2004
        headers["www-authenticate"] = 'Bearer error="invalid_token"'
    if status in {423, 503, 507}:
        headers["retry-after"] = "5"
    return JSONResponse(members, status_code=status, media_type=PROBLEM, headers=headers)


def answer(request: Request, error: Exception) -> Response:
    """Return the answer to any exception that reached a door."""
    if isinstance(error, errors.ComityError | WireError | LogError):
        extra: dict[str, Any] = {}
        if isinstance(error, errors.ComityError):
            extra.update(error.details)
        if isinstance(error, errors.Refused):
            extra["policies"] = list(error.policies)
        status = status_of(error)
        if isinstance(error, errors.Stale) and "if-match" in request.headers:
            # The act was to depend on what the caller had read, and that moved (RFC 9110 §13.1.1).
            status = _PRECONDITION_FAILED
        answer = problem(request, status, error.code, error.message, extra)
        if isinstance(error, errors.TooMany):
            answer.headers["retry-after"] = str(error.retry_after)
        if status == _RANGE and "size" in extra:
            answer.headers["content-range"] = f"bytes */{extra['size']}"
        return answer
    _log.error(
        "unexpected error",
        exc_info=error,
        extra={"route": getattr(request.scope.get("route"), "path", "none")},
    )
    return problem(
        request,
        500,
        "internal",
        "Something went wrong here; nothing was changed. Give the administrators this instance.",
    )
