"""Officers, suspensions, role grants and ``me`` over REST; keys are in ``rest/keys.py``."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.ports.policy import Action
from api.records.officers import Grant
from api.services.desk import grants, officer_keys, officers, suspending
from api.services.desk.officers import OfficerView
from api.web import bodies
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.rest.views import members
from api.web.routing import ActionRouter, run

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


@router.route_for("GET", "/me", Action.ME_READ, operation_id="read_me")
async def me(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Say who the caller is here: person, roles, keys."""
    keys = await run(officer_keys.own_keys, node, caller)
    return JSONResponse(
        {
            "ministry": node.ministry,
            "officer": caller.person,
            "name": caller.name,
            "iss": caller.iss,
            "sub": caller.sub,
            "roles": sorted(caller.principal.roles),
            "active": caller.principal.active,
            "keys": [members(key) for key in keys],
        },
        headers={"cache-control": "no-store"},
    )


@router.route_for("GET", "/officers", Action.OFFICER_LIST, operation_id="list_officers")
async def listed(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Return the register of officers with accounts, grants and keys."""
    register = await run(officers.register, node, caller)
    people = [
        {
            **members(entry.officer),
            "identities": [{"iss": each.iss, "sub": each.sub} for each in entry.identities],
            "grants": [members(each) for each in entry.grants],
            "keys": [members(each) for each in entry.keys],
        }
        for entry in register
    ]
    return JSONResponse({"items": people}, headers={"cache-control": "no-store"})


@router.route_for("GET", "/officers/{officer_id}", Action.OFFICER_READ, operation_id="read_officer")
async def read(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Return one officer, with the suspension that stands."""
    return _answer(await run(officers.read_officer, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers",
    Action.OFFICER_PROPOSE,
    status_code=201,
    body=NewOfficer,
    operation_id="propose_officer",
)
async def propose(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Propose a person; another administrator approves."""
    content = await bodies.model_body(request, NewOfficer)
    person = officers.NewOfficer(
        content.name,
        [(each.iss, each.sub) for each in content.identities],
        content.expires_at,
        content.outside,
    )
    return _answer(await run(officers.propose_officer, node, caller, person), 201)


@router.route_for(
    "GET",
    "/officers/{officer_id}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_officer",
)
async def preview_officer(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Show who is proposed; without this look nobody approves."""
    return views.answer(await run(officers.preview_officer, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/approve",
    Action.OFFICER_APPROVE,
    operation_id="approve_officer",
)
async def approve(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Approve a proposed person."""
    return _answer(await run(officers.approve_officer, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/suspend",
    Action.OFFICER_SUSPEND,
    operation_id="suspend_officer",
)
async def suspend(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Suspend an officer at once, for 24 hours unless another administrator confirms."""
    return _answer(await run(suspending.suspend, node, caller, officer_id))


@router.route_for(
    "GET",
    "/officers/{officer_id}/suspension/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_suspension",
)
async def preview_suspension(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Show the suspension that waits for confirmation; without this look nobody confirms."""
    return views.answer(await run(suspending.preview_suspension, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/suspension/confirm",
    Action.OFFICER_SUSPEND_CONFIRM,
    operation_id="confirm_suspension",
)
async def confirm(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Confirm a suspension as the second administrator: two must then take it back."""
    return _answer(await run(suspending.confirm, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/reinstatement",
    Action.OFFICER_REINSTATE_PROPOSE,
    operation_id="propose_reinstatement",
)
async def reinstate(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Propose to take a suspension back; another administrator approves."""
    return _answer(await run(suspending.propose_reinstatement, node, caller, officer_id))


@router.route_for(
    "GET",
    "/officers/{officer_id}/reinstatement/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_reinstatement",
)
async def preview_reinstatement(
    officer_id: RecordId, node: NodeOf, caller: OfficerOf
) -> JSONResponse:
    """Show whose suspension would end; without this look nobody approves."""
    return views.answer(await run(suspending.preview_reinstatement, node, caller, officer_id))


@router.route_for(
    "POST",
    "/officers/{officer_id}/reinstatement/approve",
    Action.OFFICER_REINSTATE_APPROVE,
    operation_id="approve_reinstatement",
)
async def approve_reinstatement(
    officer_id: RecordId, node: NodeOf, caller: OfficerOf
) -> JSONResponse:
    """Take a suspension back as the second administrator."""
    return _answer(await run(suspending.approve_reinstatement, node, caller, officer_id))


@router.route_for("GET", "/role-grants", Action.GRANT_LIST, operation_id="list_grants")
async def all_grants(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List all role grants."""
    found = await run(officers.all_grants, node, caller)
    items = [members(grant) for grant in found]
    return JSONResponse({"items": items}, headers={"cache-control": "no-store"})


@router.route_for(
    "POST",
    "/role-grants",
    Action.GRANT_PROPOSE,
    status_code=201,
    body=NewGrant,
    operation_id="propose_grant",
)
async def propose_grant(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Propose a role grant; another administrator approves."""
    content = await bodies.model_body(request, NewGrant)
    made = await run(grants.propose_grant, node, caller, content.officer, content.role, content.sub)
    return _answer(made, 201)


@router.route_for(
    "GET", "/role-grants/{grant_id}/preview", Action.CHANGE_PREVIEW, operation_id="preview_grant"
)
async def preview_grant(grant_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Show which role is proposed for whom; without this look nobody approves."""
    return views.answer(await run(grants.preview_grant, node, caller, grant_id))


@router.route_for(
    "POST", "/role-grants/{grant_id}/approve", Action.GRANT_APPROVE, operation_id="approve_grant"
)
async def approve_grant(grant_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Approve a role grant that another administrator proposed."""
    return _answer(await run(grants.approve_grant, node, caller, grant_id))


@router.route_for(
    "POST", "/role-grants/{grant_id}/revoke", Action.GRANT_REVOKE, operation_id="revoke_grant"
)
async def revoke_grant(grant_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Take a role away at once."""
    return _answer(await run(grants.revoke_grant, node, caller, grant_id))


def _answer(found: OfficerView | Grant, status: int = 200) -> JSONResponse:
    content: dict[str, Any] = members(found)
    if isinstance(found, OfficerView) and found.suspension is not None:
        suspension = asdict(found.suspension)
        content["suspension"] = {k: v for k, v in suspension.items() if v is not None}
    return JSONResponse(content, status, headers={"cache-control": "no-store"})
