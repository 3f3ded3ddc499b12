"""Officers' signing keys, and where passkeys are used, over REST."""

from typing import Annotated, Any, Literal

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.changes import Change
from api.ports.policy import Action
from api.records.officers import OfficerKey
from api.records.passkeys import RelyingParty
from api.services.desk import officer_keys, relying_parties
from api.services.desk.officer_keys import Challenge
from api.web import answers, bodies
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

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


@router.route_for(
    "GET",
    "/keys",
    Action.KEY_LIST,
    operation_id="list_keys",
    response_description="The keys of all officers.",
)
async def all_keys(node: NodeOf, caller: OfficerOf) -> Answer[Page[OfficerKey]]:
    """List the signing keys of all officers."""
    found = await run(officer_keys.all_keys, node, caller)
    return answers.page(found)


@router.route_for(
    "POST",
    "/keys/challenges",
    Action.KEY_REQUEST,
    status_code=201,
    body=NewChallenge,
    keyed=False,
    operation_id="challenge_key",
    response_description="What the new key must sign; `options` for a browser, in form webauthn.",
)
async def challenge(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[Challenge]:
    """Give a challenge that a new key of the caller's must sign within ten minutes."""
    content = await bodies.model_body(request, NewChallenge)
    made = await run(officer_keys.challenge, node, caller, content.form)
    return Answer(made, 201)


@router.route_for(
    "POST",
    "/keys",
    Action.KEY_REQUEST,
    status_code=201,
    body=NewKey,
    operation_id="request_key",
    response_description="The key, awaiting two administrators.",
)
async def request_key(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[OfficerKey]:
    """Ask for one's own signing key to be enrolled, showing that one has it."""
    content = await bodies.model_body(request, NewKey)
    new = officer_keys.NewKey(
        content.form, content.challenge, content.jwk, content.signature, content.credential
    )
    return Answer(await run(officer_keys.request_key, node, caller, new), 201)


@router.route_for(
    "POST",
    "/keys/{kid}/propose",
    Action.KEY_PROPOSE,
    operation_id="propose_key",
    response_description="The key, vouched for by one administrator.",
)
async def propose_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> Answer[OfficerKey]:
    """Vouch for a requested key as the first administrator."""
    return Answer(await run(officer_keys.propose_key, node, caller, kid))


@router.route_for(
    "GET",
    "/keys/{kid}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_key",
    response_description="What would be approved, in words.",
)
async def preview_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> Answer[Change]:
    """Show whose key waits; without this look nobody approves."""
    return Answer(await run(officer_keys.preview_key, node, caller, kid))


@router.route_for(
    "POST",
    "/keys/{kid}/approve",
    Action.KEY_APPROVE,
    operation_id="approve_key",
    response_description="The key, now active.",
)
async def approve_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> Answer[OfficerKey]:
    """Approve a key as the second administrator."""
    return Answer(await run(officer_keys.approve_key, node, caller, kid))


@router.route_for(
    "POST",
    "/keys/{kid}/revoke",
    Action.KEY_REVOKE,
    operation_id="revoke_key",
    response_description="The key, now revoked.",
)
async def revoke_key(kid: Kid, node: NodeOf, caller: OfficerOf) -> Answer[OfficerKey]:
    """Stop accepting a key at once."""
    return Answer(await run(officer_keys.revoke_key, node, caller, kid))


@router.route_for(
    "GET",
    "/relying-parties",
    Action.KEY_LIST,
    operation_id="list_relying_parties",
    response_description="All, newest first.",
)
async def parties(node: NodeOf, caller: OfficerOf) -> Answer[Page[RelyingParty]]:
    """List where passkeys are, were and may be used."""
    found = await run(relying_parties.everything, node, caller)
    return answers.page(found)


@router.route_for(
    "POST",
    "/relying-parties",
    Action.RELYING_PARTY_PROPOSE,
    status_code=201,
    body=NewRelyingParty,
    operation_id="propose_relying_party",
    response_description="It awaits another administrator.",
)
async def propose_party(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[RelyingParty]:
    """Propose where passkeys are used; another administrator approves."""
    content = await bodies.model_body(request, NewRelyingParty)
    made = await run(relying_parties.propose, node, caller, content.rp_id, content.origins)
    return Answer(made, 201)


@router.route_for(
    "GET",
    "/relying-parties/{party_id}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_relying_party",
    response_description="What would be approved, in words.",
)
async def preview_relying_party(
    party_id: PartyId, node: NodeOf, caller: OfficerOf
) -> Answer[Change]:
    """Show where passkeys would be used; without this look nobody approves."""
    return Answer(await run(relying_parties.preview_relying_party, node, caller, party_id))


@router.route_for(
    "POST",
    "/relying-parties/{party_id}/approve",
    Action.RELYING_PARTY_APPROVE,
    operation_id="approve_relying_party",
    response_description="It is in force.",
)
async def approve_party(party_id: PartyId, node: NodeOf, caller: OfficerOf) -> Answer[RelyingParty]:
    """Approve where passkeys are used; what was in force is replaced."""
    return Answer(await run(relying_parties.approve, node, caller, party_id))
