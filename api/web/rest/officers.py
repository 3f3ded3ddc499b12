"""Officers, suspensions, role grants and ``me`` over REST; keys are in ``rest/keys.py``."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.changes import Change
from api.domain.notation import RecordId as OfficerId
from api.ports.policy import Action
from api.records.officers import Grant, OfficerKey
from api.services.desk import grants, officer_keys, officers, suspending
from api.services.desk.officers import OfficerEntry, OfficerView
from api.web import answers, bodies
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1", tags=["officers"])
RecordId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Text = Annotated[str, Field(min_length=1, max_length=255)]


class Identity(BaseModel):
    """One account of a person."""

    model_config = ConfigDict(extra="forbid")

    iss: Text
    sub: Text


class NewOfficer(BaseModel):
    """A person to add, with every account that is theirs."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    identities: Annotated[list[Identity], Field(min_length=1, max_length=10)]
    expires_at: Annotated[
        str | None, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
    ] = None
    outside: bool = False


class NewGrant(BaseModel):
    """A role for a person, or for one account of theirs."""

    model_config = ConfigDict(extra="forbid")

    officer: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    role: Annotated[str, Field(max_length=32)]
    sub: Text | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a person: the sign-in service and the account there."""

    iss: str
    sub: str


@dataclass(frozen=True, slots=True)
class OfficerRecord(OfficerView):
    """An officer with accounts, grants and keys in every state."""

    identities: tuple[Account, ...]
    grants: tuple[Grant, ...]
    keys: tuple[OfficerKey, ...]

    @classmethod
    def of(cls, entry: OfficerEntry) -> "OfficerRecord":
        """Return the view of an entry of the register."""
        one = entry.officer
        return cls(
            id=one.id,
            name=one.name,
            state=one.state,
            created_at=one.created_at,
            expires_at=one.expires_at,
            outside=one.outside,
            proposed_by=one.proposed_by,
            suspension=one.suspension,
            identities=tuple(Account(each.iss, each.sub) for each in entry.identities),
            grants=entry.grants,
            keys=entry.keys,
        )


@dataclass(frozen=True, slots=True)
class Me:
    """Who the caller is here.

    Attributes:
        ministry: this node's.
        officer: officer record.
        name: for people.
        iss: sign-in service of the account.
        sub: the account there.
        roles: held with this account.
        active: whether the record is approved and not suspended.
        keys: the officer's own, in every state.
    """

    ministry: str
    officer: OfficerId
    name: str
    iss: str
    sub: str
    roles: frozenset[str]
    active: bool
    keys: tuple[OfficerKey, ...]


@router.route_for(
    "GET",
    "/me",
    Action.ME_READ,
    operation_id="read_me",
    response_description="Who the caller is here.",
)
async def me(node: NodeOf, caller: OfficerOf) -> Answer[Me]:
    """Say who the caller is here: person, roles, keys."""
    keys = await run(officer_keys.own_keys, node, caller)
    return Answer(
        Me(
            ministry=node.ministry,
            officer=caller.person,
            name=caller.name,
            iss=caller.iss,
            sub=caller.sub,
            roles=frozenset(caller.principal.roles),
            active=caller.principal.active,
            keys=tuple(keys),
        )
    )


@router.route_for(
    "GET",
    "/officers",
    Action.OFFICER_LIST,
    operation_id="list_officers",
    response_description="The register.",
)
async def listed(node: NodeOf, caller: OfficerOf) -> Answer[Page[OfficerRecord]]:
    """Return the register of officers with accounts, grants and keys."""
    register = await run(officers.register, node, caller)
    return answers.page([OfficerRecord.of(entry) for entry in register])


@router.route_for(
    "GET",
    "/officers/{officer_id}",
    Action.OFFICER_READ,
    operation_id="read_officer",
    response_description="The person.",
)
async def read(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[OfficerView]:
    """Return one officer, with the suspension that stands."""
    return Answer(await run(officers.read_officer, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers",
    Action.OFFICER_PROPOSE,
    status_code=201,
    body=NewOfficer,
    operation_id="propose_officer",
    response_description="The person, awaiting another administrator.",
)
async def propose(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[OfficerView]:
    """Propose a person; another administrator approves."""
    content = await bodies.model_body(request, NewOfficer)
    person = officers.NewOfficer(
        content.name,
        [(each.iss, each.sub) for each in content.identities],
        content.expires_at,
        content.outside,
    )
    return Answer(await run(officers.propose_officer, node, caller, person), 201)


@router.route_for(
    "GET",
    "/officers/{officer_id}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_officer",
    response_description="What would be approved, in words.",
)
async def preview_officer(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[Change]:
    """Show who is proposed; without this look nobody approves."""
    return Answer(await run(officers.preview_officer, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/approve",
    Action.OFFICER_APPROVE,
    operation_id="approve_officer",
    response_description="The person, now active.",
)
async def approve(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[OfficerView]:
    """Approve a proposed person."""
    return Answer(await run(officers.approve_officer, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/suspend",
    Action.OFFICER_SUSPEND,
    operation_id="suspend_officer",
    response_description="The person, now suspended.",
)
async def suspend(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[OfficerView]:
    """Suspend an officer at once, for 24 hours unless another administrator confirms."""
    return Answer(await run(suspending.suspend, node, caller, officer_id))


@router.route_for(
    "GET",
    "/officers/{officer_id}/suspension/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_suspension",
    response_description="What would be approved, in words.",
)
async def preview_suspension(
    officer_id: RecordId, node: NodeOf, caller: OfficerOf
) -> Answer[Change]:
    """Show the suspension that waits for confirmation; without this look nobody confirms."""
    return Answer(await run(suspending.preview_suspension, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/suspension/confirm",
    Action.OFFICER_SUSPEND_CONFIRM,
    operation_id="confirm_suspension",
    response_description="The person, suspended until two reinstate.",
)
async def confirm(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[OfficerView]:
    """Confirm a suspension as the second administrator: two must then take it back."""
    return Answer(await run(suspending.confirm, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/reinstatement",
    Action.OFFICER_REINSTATE_PROPOSE,
    operation_id="propose_reinstatement",
    response_description="The person; another administrator decides.",
)
async def reinstate(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[OfficerView]:
    """Propose to take a suspension back; another administrator approves."""
    return Answer(await run(suspending.propose_reinstatement, node, caller, officer_id))


@router.route_for(
    "GET",
    "/officers/{officer_id}/reinstatement/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_reinstatement",
    response_description="What would be approved, in words.",
)
async def preview_reinstatement(
    officer_id: RecordId, node: NodeOf, caller: OfficerOf
) -> Answer[Change]:
    """Show whose suspension would end; without this look nobody approves."""
    return Answer(await run(suspending.preview_reinstatement, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/reinstatement/approve",
    Action.OFFICER_REINSTATE_APPROVE,
    operation_id="approve_reinstatement",
    response_description="The person, now active.",
)
async def approve_reinstatement(
    officer_id: RecordId, node: NodeOf, caller: OfficerOf
) -> Answer[OfficerView]:
    """Take a suspension back as the second administrator."""
    return Answer(await run(suspending.approve_reinstatement, node, caller, officer_id))


@router.route_for(
    "GET",
    "/role-grants",
    Action.GRANT_LIST,
    operation_id="list_grants",
    response_description="All grants.",
)
async def all_grants(node: NodeOf, caller: OfficerOf) -> Answer[Page[Grant]]:
    """List all role grants."""
    return answers.page(await run(officers.all_grants, node, caller))


@router.route_for(
    "POST",
    "/role-grants",
    Action.GRANT_PROPOSE,
    status_code=201,
    body=NewGrant,
    operation_id="propose_grant",
    response_description="The grant, awaiting another administrator.",
)
async def propose_grant(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[Grant]:
    """Propose a role grant; another administrator approves."""
    content = await bodies.model_body(request, NewGrant)
    made = await run(grants.propose_grant, node, caller, content.officer, content.role, content.sub)
    return Answer(made, 201)


@router.route_for(
    "GET",
    "/role-grants/{grant_id}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_grant",
    response_description="What would be approved, in words.",
)
async def preview_grant(grant_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[Change]:
    """Show which role is proposed for whom; without this look nobody approves."""
    return Answer(await run(grants.preview_grant, node, caller, grant_id))


@router.route_for(
    "POST",
    "/role-grants/{grant_id}/approve",
    Action.GRANT_APPROVE,
    operation_id="approve_grant",
    response_description="The grant, now active.",
)
async def approve_grant(grant_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[Grant]:
    """Approve a role grant that another administrator proposed."""
    return Answer(await run(grants.approve_grant, node, caller, grant_id))


@router.route_for(
    "POST",
    "/role-grants/{grant_id}/revoke",
    Action.GRANT_REVOKE,
    operation_id="revoke_grant",
    response_description="The grant, now revoked.",
)
async def revoke_grant(grant_id: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[Grant]:
    """Take a role away at once."""
    return Answer(await run(grants.revoke_grant, node, caller, grant_id))
