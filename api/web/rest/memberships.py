"""Changes of the federation's membership over REST."""

from typing import Annotated

from fastapi import Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.ports.policy import Action
from api.services.desk import members as use_cases
from api.web import bodies
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.routing import ActionRouter, run
from api.wire.encoding import b64u_decode

router = ActionRouter(prefix="/api/v1/memberships", tags=["node"])
Digest = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]


class NewMembership(BaseModel):
    """The bytes of a membership file, base64url."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$")]


@router.route_for("GET", "", Action.OFFICER_LIST, operation_id="list_memberships")
async def changes(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List the memberships that were proposed here, newest first."""
    found = await run(use_cases.changes, node, caller)
    return views.page([views.members(change) for change in found], None)


@router.route_for(
    "POST",
    "",
    Action.MEMBERSHIP_PROPOSE,
    status_code=201,
    body=NewMembership,
    operation_id="propose_membership",
)
async def propose(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Propose a new membership; another administrator approves."""
    content = await bodies.model_body(request, NewMembership)
    made = await run(use_cases.propose, node, caller, b64u_decode(content.file))
    return JSONResponse(views.members(made), 201)


@router.route_for(
    "GET", "/{digest}/preview", Action.CHANGE_PREVIEW, operation_id="preview_membership"
)
async def preview_membership(digest: Digest, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Show what a proposed membership changes; without this look nobody approves."""
    return views.answer(await run(use_cases.preview_membership, node, caller, digest))


@router.route_for(
    "POST", "/{digest}/approve", Action.MEMBERSHIP_APPROVE, operation_id="approve_membership"
)
async def approve(digest: Digest, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Approve a membership as the second administrator; it counts from the next start with it."""
    return JSONResponse(views.members(await run(use_cases.approve, node, caller, digest)))
