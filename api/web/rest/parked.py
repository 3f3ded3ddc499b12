"""Statements of partners that cannot be decided here, over REST, for those who run and audit."""

from dataclasses import asdict
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from api.ports.policy import Action
from api.services.road import undecidable
from api.services.road.undecidable import Settling
from api.web import bodies
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1", tags=["peers"])
_QUIET = {"cache-control": "no-store"}


class SettlingBody(BaseModel):
    """What an administrator has done with a parked statement."""

    model_config = ConfigDict(extra="forbid")

    settling: Literal["retry", "refuse"]


@router.route_for("GET", "/parked", Action.NODE_STATUS, operation_id="list_parked")
async def parked(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List statements that wait here without a disposition, by partner, and why each waits."""
    rows = await run(undecidable.waiting, node, caller)
    items: list[dict[str, Any]] = [
        {name: value for name, value in asdict(row).items() if value is not None} for row in rows
    ]
    return JSONResponse({"items": items}, headers=_QUIET)


@router.route_for(
    "POST",
    "/parked/{ministry}/{statement}",
    Action.STREAM_RULE,
    body=SettlingBody,
    operation_id="settle_parked",
)
async def settle(
    ministry: str, statement: str, request: Request, node: NodeOf, caller: OfficerOf
) -> JSONResponse:
    """Try a parked statement again, once what failed is mended, or refuse it."""
    content = await bodies.model_body(request, SettlingBody)
    settled = await run(
        undecidable.settle, node, caller, ministry, statement, Settling(content.settling)
    )
    return JSONResponse({"statement": statement, "settled": settled}, headers=_QUIET)
