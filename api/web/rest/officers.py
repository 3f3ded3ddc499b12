"""Officers, role grants, signing keys and ``me`` over REST."""

from typing import Annotated, Any, Literal

from fastapi import Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.ports.policy import Action
from api.services.authorising import authorise, collection
from api.services.desk import officers
from api.web import bodies
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest.views import plain
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1", tags=["officers"])
RecordId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Kid = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{43}$")]
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


class NewKey(BaseModel):
    """The caller's own public signing key."""

    model_config = ConfigDict(extra="forbid")

    form: Literal["jws", "webauthn"]
    jwk: dict[str, str]


@router.route_for("GET", "/me", Action.ME_READ, operation_id="read_me")
async def me(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Say who the caller is here: person, roles, keys."""
    await run(authorise, node, caller, Action.ME_READ, collection("me"))
    keys = await run(officers.own_keys, node, caller)
    return JSONResponse(
        {
            "ministry": node.ministry,
            "officer": caller.person,
            "name": caller.name,
            "iss": caller.iss,
            "sub": caller.sub,
            "roles": sorted(caller.principal.roles),
            "active": caller.principal.active,
            "keys": [plain(row) for row in keys],
        },
        headers={"cache-control": "no-store"},
    )


@router.route_for("GET", "/officers", Action.OFFICER_LIST, operation_id="list_officers")
async def listed(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Return the register of officers with accounts, grants and keys."""
    register = await run(officers.register, node, caller)
    people = [
        {
            **plain(row),
            "identities": [
                {"iss": each["iss"], "sub": each["sub"]} for each in register.identities[row["id"]]
            ],
            "grants": [plain(each) for each in register.grants if each["officer"] == row["id"]],
            "keys": [plain(each) for each in register.keys if each["officer"] == row["id"]],
        }
        for row in register.officers
    ]
    return JSONResponse({"items": people}, headers={"cache-control": "no-store"})


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
    return _made(await run(officers.propose_officer, node, caller, person))


@router.route_for(
    "POST",
    "/officers/{officer_id}/approve",
    Action.OFFICER_APPROVE,
    operation_id="approve_officer",
)
async def approve(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Approve a proposed person."""
    return JSONResponse(plain(await run(officers.approve_officer, node, caller, officer_id)))


@router.route_for(
    "POST",
    "/officers/{officer_id}/suspend",
    Action.OFFICER_SUSPEND,
    operation_id="suspend_officer",
)
async def suspend(officer_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Suspend an officer at once."""
    return JSONResponse(plain(await run(officers.suspend, node, caller, officer_id)))


@router.route_for("GET", "/role-grants", Action.GRANT_LIST, operation_id="list_grants")
async def grants(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List all role grants."""
    register = await run(officers.register, node, caller)
    return JSONResponse({"items": [plain(row) for row in register.grants]})


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
    return _made(
        await run(officers.propose_grant, node, caller, content.officer, content.role, content.sub)
    )


@router.route_for(
    "POST", "/role-grants/{grant_id}/approve", Action.GRANT_APPROVE, operation_id="approve_grant"
)
async def approve_grant(grant_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Approve a role grant that another administrator proposed."""
    return JSONResponse(plain(await run(officers.approve_grant, node, caller, grant_id)))


@router.route_for(
    "POST", "/role-grants/{grant_id}/revoke", Action.GRANT_REVOKE, operation_id="revoke_grant"
)
async def revoke_grant(grant_id: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Take a role away at once."""
    return JSONResponse(plain(await run(officers.revoke_grant, node, caller, grant_id)))


@router.route_for(
    "POST", "/keys", Action.KEY_REQUEST, status_code=201, body=NewKey, operation_id="request_key"
)
async def request_key(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Ask for one's own signing key to be enrolled."""
    content = await bodies.model_body(request, NewKey)
    return _made(await run(officers.request_key, node, caller, content.form, content.jwk))


@router.route_for("POST", "/keys/{kid}/propose", Action.KEY_PROPOSE, operation_id="propose_key")
async def propose_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Vouch for a requested key as the first administrator."""
    return JSONResponse(plain(await run(officers.propose_key, node, caller, kid)))


@router.route_for("POST", "/keys/{kid}/approve", Action.KEY_APPROVE, operation_id="approve_key")
async def approve_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Approve a key as the second administrator."""
    return JSONResponse(plain(await run(officers.approve_key, node, caller, kid)))


@router.route_for("POST", "/keys/{kid}/revoke", Action.KEY_REVOKE, operation_id="revoke_key")
async def revoke_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Stop accepting a key at once."""
    return JSONResponse(plain(await run(officers.revoke_key, node, caller, kid)))


def _made(row: Any) -> JSONResponse:
    return JSONResponse(plain(row), status_code=201)
