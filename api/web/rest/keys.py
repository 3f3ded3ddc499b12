"""Officers' signing keys, and where passkeys are used, over REST."""

from typing import Annotated, Any, Literal

from fastapi import Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.ports.policy import Action
from api.records.passkeys import RelyingParty
from api.services.desk import officer_keys, relying_parties
from api.web import bodies
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.rest.views import members
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1", tags=["officers"])
Kid = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{43}$")]
PartyId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Base64Url = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,512}$")]
Form = Literal["jws", "webauthn"]


class NewChallenge(BaseModel):
    """The form of the key that is to answer."""

    model_config = ConfigDict(extra="forbid")

    form: Form


class NewKey(BaseModel):
    """The caller's own new key, with its answer to a challenge.

    ``jwk`` and ``signature`` for form ``jws``; ``credential``, the browser's
    RegistrationResponseJSON (WebAuthn Level 3 section 5.1), for form ``webauthn``.
    """

    model_config = ConfigDict(extra="forbid")

    form: Form
    challenge: Base64Url
    jwk: dict[str, str] | None = None
    signature: Base64Url | None = None
    credential: dict[str, Any] | None = None


class NewRelyingParty(BaseModel):
    """Where officers use passkeys: a domain, and addresses on it."""

    model_config = ConfigDict(extra="forbid")

    rp_id: Annotated[str, Field(min_length=1, max_length=253)]
    origins: Annotated[list[str], Field(min_length=1, max_length=8)]


@router.route_for("GET", "/keys", Action.KEY_LIST, operation_id="list_keys")
async def all_keys(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List the signing keys of all officers."""
    found = await run(officer_keys.all_keys, node, caller)
    return views.page([members(key) for key in found], None)


@router.route_for(
    "POST",
    "/keys/challenges",
    Action.KEY_REQUEST,
    status_code=201,
    body=NewChallenge,
    operation_id="challenge_key",
)
async def challenge(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Give a challenge that a new key of the caller's must sign within ten minutes."""
    content = await bodies.model_body(request, NewChallenge)
    made = await run(officer_keys.challenge, node, caller, content.form)
    return JSONResponse(members(made), 201, headers={"cache-control": "no-store"})


@router.route_for(
    "POST", "/keys", Action.KEY_REQUEST, status_code=201, body=NewKey, operation_id="request_key"
)
async def request_key(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Ask for one's own signing key to be enrolled, showing that one has it."""
    content = await bodies.model_body(request, NewKey)
    new = officer_keys.NewKey(
        content.form, content.challenge, content.jwk, content.signature, content.credential
    )
    return JSONResponse(members(await run(officer_keys.request_key, node, caller, new)), 201)


@router.route_for("POST", "/keys/{kid}/propose", Action.KEY_PROPOSE, operation_id="propose_key")
async def propose_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Vouch for a requested key as the first administrator."""
    return JSONResponse(members(await run(officer_keys.propose_key, node, caller, kid)))


@router.route_for("GET", "/keys/{kid}/preview", Action.CHANGE_PREVIEW, operation_id="preview_key")
async def preview_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Show whose key waits; without this look nobody approves."""
    return views.answer(await run(officer_keys.preview_key, node, caller, kid))


@router.route_for("POST", "/keys/{kid}/approve", Action.KEY_APPROVE, operation_id="approve_key")
async def approve_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Approve a key as the second administrator."""
    return JSONResponse(members(await run(officer_keys.approve_key, node, caller, kid)))


@router.route_for("POST", "/keys/{kid}/revoke", Action.KEY_REVOKE, operation_id="revoke_key")
async def revoke_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Stop accepting a key at once."""
    return JSONResponse(members(await run(officer_keys.revoke_key, node, caller, kid)))


@router.route_for("GET", "/relying-parties", Action.KEY_LIST, operation_id="list_relying_parties")
async def parties(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List where passkeys are, were and may be used."""
    found = await run(relying_parties.everything, node, caller)
    return views.page([_party(party) for party in found], None)


@router.route_for(
    "POST",
    "/relying-parties",
    Action.RELYING_PARTY_PROPOSE,
    status_code=201,
    body=NewRelyingParty,
    operation_id="propose_relying_party",
)
async def propose_party(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Propose where passkeys are used; another administrator approves."""
    content = await bodies.model_body(request, NewRelyingParty)
    made = await run(relying_parties.propose, node, caller, content.rp_id, content.origins)
    return JSONResponse(_party(made), 201)


@router.route_for(
    "GET",
    "/relying-parties/{party_id}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_relying_party",
)
async def preview_relying_party(party_id: PartyId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Show where passkeys would be used; without this look nobody approves."""
    return views.answer(await run(relying_parties.preview_relying_party, node, caller, party_id))


@router.route_for(
    "POST",
    "/relying-parties/{party_id}/approve",
    Action.RELYING_PARTY_APPROVE,
    operation_id="approve_relying_party",
)
async def approve_party(party_id: PartyId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Approve where passkeys are used; what was in force is replaced."""
    return JSONResponse(_party(await run(relying_parties.approve, node, caller, party_id)))


def _party(found: RelyingParty) -> dict[str, Any]:
    return members(found) | {"origins": found.origins.split()}
