"""Peers, node status and the stop switch over REST."""

from dataclasses import asdict
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from api.ports.policy import Action
from api.services.operations import status
from api.services.road import epochs, peering
from api.web import bodies
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1", tags=["node"])


class Switch(BaseModel):
    """The stop switch's position."""

    model_config = ConfigDict(extra="forbid")

    position: Literal["on", "off"]


@router.route_for("GET", "/peers", Action.PEER_LIST, operation_id="list_peers")
async def peers(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List the other members: address, streams, what they cosigned, what they hold."""
    found: list[dict[str, Any]] = await run(peering.listed, node, caller)
    return JSONResponse({"items": found}, headers={"cache-control": "no-store"})


@router.route_for(
    "POST",
    "/peers/{member}/epoch",
    Action.STREAM_EPOCH_PROPOSE,
    status_code=201,
    operation_id="propose_epoch",
)
async def propose_epoch(member: str, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Propose a new epoch of the stream to a partner, from where the old one ends there."""
    found = await run(epochs.propose, node, caller, member)
    return JSONResponse(found.to_json(), 201)


@router.route_for(
    "POST",
    "/peers/{member}/epoch/withdraw",
    Action.STREAM_EPOCH_PROPOSE,
    operation_id="withdraw_epoch",
)
async def withdraw_epoch(member: str, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Give a proposed epoch up."""
    await run(epochs.withdraw, node, caller, member)
    return JSONResponse({"ministry": member, "withdrawn": True})


@router.route_for(
    "GET",
    "/peers/{member}/epoch/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_epoch",
)
async def preview_epoch(member: str, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Show where the old epoch would end; without this look nobody approves."""
    return views.answer(await run(epochs.preview_epoch, node, caller, member))


@router.route_for(
    "POST",
    "/peers/{member}/epoch/approve",
    Action.STREAM_EPOCH_APPROVE,
    operation_id="approve_epoch",
)
async def approve_epoch(member: str, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Open the proposed epoch as the second administrator."""
    change = await run(epochs.approve, node, caller, member)
    return JSONResponse({"ministry": member, **change.to_json()})


@router.route_for("GET", "/node/status", Action.NODE_STATUS, operation_id="read_status")
async def read_status(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Say how the node is doing."""
    found = await run(status.status, node, caller)
    return JSONResponse(asdict(found), headers={"cache-control": "no-store"})


@router.route_for(
    "POST",
    "/node/stop-switch",
    Action.NODE_STOP,
    status_code=204,
    body=Switch,
    operation_id="set_stop_switch",
)
async def switch(request: Request, node: NodeOf, caller: OfficerOf) -> None:
    """Stop or resume everything that leaves this node."""
    content = await bodies.model_body(request, Switch)
    await run(status.switch, node, caller, content.position)
