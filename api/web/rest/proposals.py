"""Proposals over REST: write, submit, endorse, return, lapse, share."""

from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.designations import ProposalState
from api.ports.policy import Action
from api.services.desk import proposals
from api.services.desk.proposals import ProposalSummary, ProposalView
from api.services.statements.draft_form import DraftView
from api.web import answers, bodies, cursors
from api.web.answers import Answer, Created, Page
from api.web.deps import NodeOf
from api.web.preconditions import IfMatch
from api.web.principals import OfficerOf
from api.web.rest.drafted import drafted
from api.web.rest.reasons import Reason
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/proposals", tags=["proposals"])
ProposalId = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]


class NewProposal(BaseModel):
    """A proposal's content, as ``designation-proposal/1`` has it."""

    model_config = ConfigDict(extra="forbid")

    body: dict[str, Any]


class Endorsement(BaseModel):
    """The digest of the version that was read."""

    model_config = ConfigDict(extra="forbid")

    digest: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]


class Recipients(BaseModel):
    """With whom the releasable part is shared."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[list[str], Field(min_length=1, max_length=64)]
    endorsement: dict[str, Any] | None = None


@router.route_for(
    "POST",
    "",
    Action.DRAFT_CREATE,
    status_code=201,
    body=NewProposal,
    operation_id="create_proposal",
    response_description="The proposal that was made.",
)
async def create(request: Request, node: NodeOf, caller: OfficerOf) -> Created[ProposalView]:
    """Write a proposal; it stays a draft until it is submitted."""
    content = await bodies.model_body(request, NewProposal)
    made = await run(proposals.create, node, caller, content.body)
    return Created(made, f"/api/v1/proposals/{made.id}")


@router.route_for(
    "GET",
    "",
    Action.PROPOSAL_LIST,
    operation_id="list_proposals",
    response_description="One page of proposals.",
)
async def list_proposals(
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    state: ProposalState | None = None,
) -> Answer[Page[ProposalSummary]]:
    """List proposals, newest first: this ministry's own, and what partners shared."""
    place = cursors.read(node, caller, f"proposals:{state}", cursor)
    before = (str(place[0]), str(place[1])) if place else None
    rows = await run(
        proposals.proposals_page, node, caller, limit=limit + 1, before=before, state=state
    )
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.make(node, caller, f"proposals:{state}", [last.created_at, last.id])
    return answers.page(rows[:limit], following)


@router.route_for(
    "GET",
    "/{proposal_id}",
    Action.PROPOSAL_READ,
    operation_id="read_proposal",
    response_description="The proposal.",
)
async def read(proposal_id: ProposalId, node: NodeOf, caller: OfficerOf) -> Answer[ProposalView]:
    """Read a proposal with its history; the ETag goes into If-Match of a change."""
    return Answer(await run(proposals.read, node, caller, proposal_id))


@router.route_for(
    "PUT",
    "/{proposal_id}",
    Action.DRAFT_EDIT,
    body=NewProposal,
    operation_id="replace_proposal",
    response_description="The proposal.",
)
async def replace(
    proposal_id: ProposalId, request: Request, node: NodeOf, caller: OfficerOf, tag: IfMatch
) -> Answer[ProposalView]:
    """Write the next version; whoever writes one never endorses the proposal."""
    content = await bodies.model_body(request, NewProposal)
    made = await run(proposals.replace, node, caller, proposal_id, tag, content.body)
    return Answer(made)


@router.route_for(
    "POST",
    "/{proposal_id}/submit",
    Action.DRAFT_EDIT,
    operation_id="submit_proposal",
    response_description="The proposal.",
)
async def submit(
    proposal_id: ProposalId, node: NodeOf, caller: OfficerOf, tag: IfMatch
) -> Answer[ProposalView]:
    """Put the proposal before the reviewers."""
    return Answer(await run(proposals.submit, node, caller, proposal_id, tag))


@router.route_for(
    "POST",
    "/{proposal_id}/endorse",
    Action.PROPOSAL_ENDORSE,
    body=Endorsement,
    operation_id="endorse_proposal",
    response_description="The proposal.",
)
async def endorse(
    proposal_id: ProposalId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[ProposalView]:
    """Endorse the version whose digest was read."""
    content = await bodies.model_body(request, Endorsement)
    return Answer(await run(proposals.endorse, node, caller, proposal_id, content.digest))


@router.route_for(
    "POST",
    "/{proposal_id}/return",
    Action.PROPOSAL_RETURN,
    body=Reason,
    operation_id="return_proposal",
    response_description="The proposal.",
)
async def give_back(
    proposal_id: ProposalId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[ProposalView]:
    """Return the proposal to its authors with a reason."""
    content = await bodies.model_body(request, Reason)
    return Answer(await run(proposals.give_back, node, caller, proposal_id, content.reason))


@router.route_for(
    "POST",
    "/{proposal_id}/lapse",
    Action.PROPOSAL_LAPSE,
    body=Reason,
    operation_id="lapse_proposal",
    response_description="The proposal.",
)
async def lapse(
    proposal_id: ProposalId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[ProposalView]:
    """Let the proposal lapse."""
    content = await bodies.model_body(request, Reason)
    return Answer(await run(proposals.lapse, node, caller, proposal_id, content.reason))


@router.route_for(
    "POST",
    "/{proposal_id}/share",
    Action.DRAFT_CREATE,
    status_code=201,
    body=Recipients,
    operation_id="share_proposal",
    response_description="The draft that was made.",
)
async def share(
    proposal_id: ProposalId, request: Request, node: NodeOf, caller: OfficerOf
) -> Created[DraftView]:
    """Draft the statement that shares the releasable part with partners."""
    content = await bodies.model_body(request, Recipients)
    draft = await run(proposals.share, node, caller, proposal_id, content.to, content.endorsement)
    return drafted(draft)
