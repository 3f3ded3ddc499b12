"""Regimes over REST: what this node reads of the law; editions that two administrators decide."""

from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.changes import Change
from api.ports.policy import Action
from api.services.desk import regime_editions
from api.services.desk.regime_editions import RegimeEditionView, RegimeInForce
from api.web import answers, bodies
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run
from api.wire.encoding import b64u_decode

router = ActionRouter(prefix="/api/v1/regimes", tags=["regimes"])
EditionOf = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
RegimeId = Annotated[str, Path(pattern="^[A-Z]{2,8}-[A-Z0-9-]{1,40}$")]


class NewRegimeEdition(BaseModel):
    """The whole document of an edition, base64url."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$", max_length=699_052)]


@router.route_for(
    "GET",
    "",
    Action.REGIME_LIST,
    operation_id="list_regimes",
    response_description="Each regime with the edition in force.",
)
async def in_force(node: NodeOf, caller: OfficerOf) -> Answer[Page[RegimeInForce]]:
    """List what this node reads of the law: each regime with its edition in force."""
    return answers.page(await run(regime_editions.regimes_in_force, node, caller))


@router.route_for(
    "GET",
    "/editions",
    Action.OFFICER_LIST,
    operation_id="list_regime_editions",
    response_description="All, newest first.",
)
async def proposed_editions(node: NodeOf, caller: OfficerOf) -> Answer[Page[RegimeEditionView]]:
    """List the editions that were proposed here."""
    return answers.page(await run(regime_editions.proposed_editions, node, caller))


@router.route_for(
    "POST",
    "/editions",
    Action.REGIME_PROPOSE,
    status_code=201,
    body=NewRegimeEdition,
    operation_id="propose_regime_edition",
    response_description="It awaits another administrator.",
)
async def propose(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[RegimeEditionView]:
    """Propose an edition of a regime's data; another administrator approves."""
    content = await bodies.model_body(request, NewRegimeEdition)
    made = await run(regime_editions.propose, node, caller, b64u_decode(content.file))
    return Answer(made, 201)


@router.route_for(
    "GET",
    "/editions/{regime_edition}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_regime_edition",
    response_description="What would be approved, in words.",
)
async def preview(regime_edition: EditionOf, node: NodeOf, caller: OfficerOf) -> Answer[Change]:
    """Show what an edition changes, member by member; without this look nobody approves."""
    return Answer(await run(regime_editions.preview_regime, node, caller, regime_edition))


@router.route_for(
    "POST",
    "/editions/{regime_edition}/approve",
    Action.REGIME_APPROVE,
    operation_id="approve_regime_edition",
    response_description="It is in force.",
)
async def approve(
    regime_edition: EditionOf, node: NodeOf, caller: OfficerOf
) -> Answer[RegimeEditionView]:
    """Approve an edition as the second administrator; it is in force from then on."""
    return Answer(await run(regime_editions.approve, node, caller, regime_edition))


@router.route_for(
    "GET",
    "/{regime}",
    Action.REGIME_LIST,
    operation_id="read_regime",
    response_description="The document in force.",
)
async def document(regime: RegimeId, node: NodeOf, caller: OfficerOf) -> Answer[dict[str, Any]]:
    """Read the document of a regime that is in force, to change it and propose it again."""
    return Answer(dict(await run(regime_editions.document_of, node, caller, regime)))
