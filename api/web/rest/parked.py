"""Statements of partners that cannot be decided here, over REST, for those who run and audit."""

from dataclasses import dataclass
from typing import Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from api.ports.policy import Action
from api.services.road import undecidable
from api.services.road.undecidable import Settling, Waiting
from api.web import answers, bodies
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1", tags=["peers"])


class SettlingBody(BaseModel):
    """What an administrator has done with a parked statement."""

    model_config = ConfigDict(extra="forbid")

    settling: Literal["retry", "refuse"]


@dataclass(frozen=True, slots=True)
class Settled:
    """A parked statement, and whether it was found and settled."""

    statement: str
    settled: bool


@router.route_for(
    "GET",
    "/parked",
    Action.NODE_STATUS,
    operation_id="list_parked",
    response_description="What waits.",
)
async def parked(node: NodeOf, caller: OfficerOf) -> Answer[Page[Waiting]]:
    """List statements that wait here without a disposition, by partner, and why each waits."""
    return answers.page(await run(undecidable.waiting, node, caller))


@router.route_for(
    "POST",
    "/parked/{ministry}/{statement}",
    Action.STREAM_RULE,
    body=SettlingBody,
    operation_id="settle_parked",
    response_description="Whether it was settled.",
)
async def settle(
    ministry: str, statement: str, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[Settled]:
    """Try a parked statement again, once what failed is mended, or refuse it."""
    content = await bodies.model_body(request, SettlingBody)
    settled = await run(
        undecidable.settle, node, caller, ministry, statement, Settling(content.settling)
    )
    return Answer(Settled(statement, settled))
