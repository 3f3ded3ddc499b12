"""Delegations and recusals over REST."""

from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.changes import Change
from api.domain.errors import Invalid
from api.ports.policy import Action
from api.records.delegations import DelegationRow
from api.records.officers import Recusal
from api.services.desk import delegating, recusing
from api.services.desk.delegating import Proposed
from api.services.desk.recusing import Aside
from api.web import answers, bodies
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run
from api.wire.encoding import parse_instant
from api.wire.errors import WireError

router = ActionRouter(prefix="/api/v1", tags=["delegations"])
_OFFICER = "^[0-9a-f]{32}$"
_OBJECT = "^(sha256:[0-9a-f]{64}|[0-9a-f]{32})$"
DelegationId = Annotated[str, Path(pattern=_OFFICER)]
Reason = Annotated[str, Field(min_length=1, max_length=4000)]


class NewDelegation(BaseModel):
    """A role lent for an absence; without ``delegator`` it is the caller's own."""

    model_config = ConfigDict(extra="forbid")

    delegator: Annotated[str | None, Field(pattern=_OFFICER)] = None
    delegate: Annotated[str, Field(pattern=_OFFICER)]
    role: Annotated[str, Field(pattern="^[a-z]{1,20}$")]
    acts: Annotated[list[str] | None, Field(max_length=50)] = None
    starts: Annotated[str, Field(max_length=30)]
    ends: Annotated[str, Field(max_length=30)]
    reason: Reason


class NewRecusal(BaseModel):
    """A conflict of interest; without ``officer`` it is the caller's own."""

    model_config = ConfigDict(extra="forbid")

    officer: Annotated[str | None, Field(pattern=_OFFICER)] = None
    object: Annotated[str, Field(pattern=_OBJECT)]
    reason: Reason


class Lifting(BaseModel):
    """Whose recusal from what has passed."""

    model_config = ConfigDict(extra="forbid")

    officer: Annotated[str, Field(pattern=_OFFICER)]
    object: Annotated[str, Field(pattern=_OBJECT)]


@router.route_for(
    "POST",
    "/delegations",
    Action.DELEGATION_PROPOSE,
    status_code=201,
    body=NewDelegation,
    operation_id="propose_delegation",
    response_description="The delegation, awaiting approval.",
)
async def propose(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[DelegationRow]:
    """Propose to lend a role for an absence; somebody who is no part of it approves."""
    content = await bodies.model_body(request, NewDelegation)
    proposed = Proposed(
        delegator=content.delegator or "",
        delegate=content.delegate,
        role=content.role,
        acts=content.acts or [],
        starts=_instant(content.starts),
        ends=_instant(content.ends),
        reason=content.reason,
    )
    return Answer(await run(delegating.propose, node, caller, proposed), 201)


@router.route_for(
    "GET",
    "/delegations",
    Action.DELEGATION_LIST,
    operation_id="list_delegations",
    response_description="Delegations.",
)
async def listed(node: NodeOf, caller: OfficerOf) -> Answer[Page[DelegationRow]]:
    """List delegations: all for administrators and auditors, one's own for others."""
    return answers.page(await run(delegating.listed, node, caller))


@router.route_for(
    "GET",
    "/delegations/{delegation_id}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_delegation",
    response_description="What would be approved, in words.",
)
async def preview_delegation(
    delegation_id: DelegationId, node: NodeOf, caller: OfficerOf
) -> Answer[Change]:
    """Show who would act for whom; without this look nobody approves."""
    return Answer(await run(delegating.preview_delegation, node, caller, delegation_id))


@router.route_for(
    "POST",
    "/delegations/{delegation_id}/approve",
    Action.DELEGATION_APPROVE,
    operation_id="approve_delegation",
    response_description="The delegation.",
)
async def approve(
    delegation_id: DelegationId, node: NodeOf, caller: OfficerOf
) -> Answer[DelegationRow]:
    """Approve a delegation."""
    return Answer(await run(delegating.approve, node, caller, delegation_id))


@router.route_for(
    "POST",
    "/delegations/{delegation_id}/end",
    Action.DELEGATION_END,
    operation_id="end_delegation",
    response_description="The delegation.",
)
async def end(
    delegation_id: DelegationId, node: NodeOf, caller: OfficerOf
) -> Answer[DelegationRow]:
    """End a delegation at once."""
    return Answer(await run(delegating.end, node, caller, delegation_id))


@router.route_for(
    "POST",
    "/recusals",
    Action.RECUSAL_RECORD,
    status_code=201,
    body=NewRecusal,
    operation_id="record_recusal",
    response_description="The recusal.",
)
async def recuse(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[Recusal]:
    """Record a conflict of interest: the officer neither sees the object nor acts on it."""
    content = await bodies.model_body(request, NewRecusal)
    aside = Aside(content.officer or "", content.object, content.reason)
    return Answer(await run(recusing.recuse, node, caller, aside), 201)


@router.route_for(
    "POST",
    "/recusals/lift",
    Action.RECUSAL_LIFT,
    body=Lifting,
    operation_id="lift_recusal",
    response_description="The recusal.",
)
async def lift(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[Recusal]:
    """Lift a recusal that has passed."""
    content = await bodies.model_body(request, Lifting)
    return Answer(await run(recusing.lift, node, caller, content.officer, content.object))


@router.route_for(
    "GET",
    "/recusals",
    Action.RECUSAL_LIST,
    operation_id="list_recusals",
    response_description="Recusals that stand.",
)
async def recusals(
    node: NodeOf,
    caller: OfficerOf,
    object: Annotated[str | None, Query(pattern=_OBJECT)] = None,  # noqa: A002 - the API's word
) -> Answer[Page[Recusal]]:
    """List the recusals that stand, of one object or of all."""
    return answers.page(await run(recusing.recusals, node, caller, object))


def _instant(text: str) -> Any:
    try:
        return parse_instant(text)
    except WireError:
        raise Invalid("delegation.instant", "Write instants as 2026-11-23T17:25:39.123Z.") from None
