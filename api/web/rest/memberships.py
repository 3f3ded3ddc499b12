"""Changes of the federation's membership over REST."""

from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.changes import Change
from api.ports.policy import Action
from api.services.desk import members as use_cases
from api.services.desk.members import MembershipChangeView
from api.web import answers, bodies
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run
from api.wire.encoding import b64u_decode

router = ActionRouter(prefix="/api/v1/memberships", tags=["node"])
Digest = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]


class NewMembership(BaseModel):
    """The bytes of a membership file, base64url."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$")]


@router.route_for(
    "GET",
    "",
    Action.OFFICER_LIST,
    operation_id="list_memberships",
    response_description="All, newest first.",
)
async def changes(node: NodeOf, caller: OfficerOf) -> Answer[Page[MembershipChangeView]]:
    """List the memberships that were proposed here, newest first."""
    found = await run(use_cases.changes, node, caller)
    return answers.page(found)


@router.route_for(
    "POST",
    "",
    Action.MEMBERSHIP_PROPOSE,
    status_code=201,
    body=NewMembership,
    operation_id="propose_membership",
    response_description="It awaits another administrator.",
)
async def propose(
    request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[MembershipChangeView]:
    """Propose a new membership; another administrator approves."""
    content = await bodies.model_body(request, NewMembership)
    made = await run(use_cases.propose, node, caller, b64u_decode(content.file))
    return Answer(made, 201)


@router.route_for(
    "GET",
    "/{digest}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_membership",
    response_description="What would be approved, in words.",
)
async def preview_membership(digest: Digest, node: NodeOf, caller: OfficerOf) -> Answer[Change]:
    """Show what a proposed membership changes; without this look nobody approves."""
    return Answer(await run(use_cases.preview_membership, node, caller, digest))


@router.route_for(
    "POST",
    "/{digest}/approve",
    Action.MEMBERSHIP_APPROVE,
    operation_id="approve_membership",
    response_description="It counts from the next start.",
)
async def approve(digest: Digest, node: NodeOf, caller: OfficerOf) -> Answer[MembershipChangeView]:
    """Approve a membership as the second administrator; it counts from the next start with it."""
    return Answer(await run(use_cases.approve, node, caller, digest))
