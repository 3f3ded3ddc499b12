"""``POST /log/add-checkpoint`` (C2SP tlog-witness): a member's log asks this witness to cosign.

Owns the specification's status codes, which differ from the problem table: they are part of that
protocol. Needs no token, because nothing counts but a checkpoint that a member's log has signed.
"""

from typing import Final

from fastapi import Request
from fastapi.responses import Response

from api.domain.errors import ComityError
from api.services.log import add_checkpoint
from api.web import bodies, problems
from api.web.deps import NodeOf
from api.web.routing import SIGNED_MESSAGE, ActionRouter
from api.web.use_case_threads import run_for_strangers

router = ActionRouter(prefix="/log", tags=["log"])

_STATUS: Final = {
    "submission.malformed": 400,
    "submission.origin": 404,
    "submission.signature": 403,
    "log.accused": 403,
    "log.inconsistent": 422,
}
_BODY = {"text/plain": {"schema": {"type": "string"}}}


@router.route_for(
    "POST",
    "/add-checkpoint",
    SIGNED_MESSAGE,
    operation_id="add_checkpoint",
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
    responses={
        200: {"content": {"text/plain": {}}, "description": "Cosignature lines."},
        409: {"content": {"text/x.tlog.size": {}}, "description": "The size last cosigned."},
    },
)
async def submit(request: Request, node: NodeOf) -> Response:
    """Cosign a member's checkpoint that continues what this witness has seen."""
    body = await bodies.raw_body(request, add_checkpoint.LIMIT)
    try:
        request_id = request.state.request_id
        lines = await run_for_strangers(add_checkpoint.accept, node, body, request=request_id)
    except ComityError as error:
        if error.code == "log.size":
            size = f"{error.details['size']}\n"
            # As a header, because the framework would add a charset to a media type of text.
            return Response(size, 409, {"content-type": add_checkpoint.SIZE_TYPE})
        if error.code not in _STATUS:
            return problems.answer(request, error)
        return problems.problem(request, _STATUS[error.code], error.code, error.message)
    return Response(lines, media_type="text/plain; charset=utf-8")


def status_of(error: ComityError) -> int:
    """Return the status that tlog-witness gives to a refusal, else that of the problem table."""
    return _STATUS.get(error.code) or problems.status_of(error)
