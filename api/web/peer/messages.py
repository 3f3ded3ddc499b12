"""The one door for partners' nodes: ``POST /peer/messages``."""

from functools import partial

from fastapi import Request
from fastapi.responses import Response

from api.services.road import first_look, receiving
from api.web import bodies
from api.web.deps import NodeOf
from api.web.routing import SIGNED_MESSAGE, ActionRouter
from api.web.use_case_threads import run_for_strangers
from api.wire.limits import MESSAGE

router = ActionRouter(tags=["peer"])
_SCHEMA = {"application/json": {"schema": {"type": "object", "required": ["message", "evidence"]}}}


@router.route_for(
    "POST",
    "/peer/messages",
    SIGNED_MESSAGE,
    operation_id="deliver_message",
    openapi_extra={"requestBody": {"required": True, "content": _SCHEMA}},
    responses={200: {"description": "A receipt, or the answer to a kind that takes no number."}},
)
async def deliver(request: Request, node: NodeOf) -> Response:
    """Take one signed message from a partner's node."""
    look = bodies.FirstLook(first_look.TAIL, partial(first_look.sender_of, node))
    body = await bodies.raw_body(request, MESSAGE, first_look=look)
    request_id = request.state.request_id
    answer = await run_for_strangers(receiving.accept, node, body, request=request_id)
    return Response(answer.body, media_type=answer.media_type)
