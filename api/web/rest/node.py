"""Peers, node status and the stop switch over REST."""

from dataclasses import dataclass
from typing import Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from api.domain.changes import Change
from api.ports.policy import Action
from api.services.operations import status
from api.services.operations.status import Status
from api.services.road import epochs, peering
from api.services.road.epochs import EndedEpoch, ProposedEpoch
from api.services.road.peering import PeerView
from api.web import answers, bodies
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1", tags=["node"])


class Switch(BaseModel):
    """The stop switch's position."""

    model_config = ConfigDict(extra="forbid")

    position: Literal["on", "off"]


@dataclass(frozen=True, slots=True)
class WithdrawnEpoch:
    """A proposed epoch that was given up."""

    ministry: str
    withdrawn: bool = True


@router.route_for(
    "GET",
    "/peers",
    Action.PEER_LIST,
    operation_id="list_peers",
    response_description="The other members.",
)
async def peers(node: NodeOf, caller: OfficerOf) -> Answer[Page[PeerView]]:
    """List the other members: address, streams, what they cosigned, what they hold."""
    return answers.page(await run(peering.listed, node, caller))


@router.route_for(
    "POST",
    "/peers/{member}/epoch",
    Action.STREAM_EPOCH_PROPOSE,
    status_code=201,
    operation_id="propose_epoch",
    response_description="What the second administrator approves.",
)
async def propose_epoch(member: str, node: NodeOf, caller: OfficerOf) -> Answer[ProposedEpoch]:
    """Propose a new epoch of the stream to a partner, from where the old one ends there."""
    found = await run(epochs.propose, node, caller, member)
    return Answer(found.view, 201)


@router.route_for(
    "POST",
    "/peers/{member}/epoch/withdraw",
    Action.STREAM_EPOCH_PROPOSE,
    operation_id="withdraw_epoch",
    response_description="It is given up.",
)
async def withdraw_epoch(member: str, node: NodeOf, caller: OfficerOf) -> Answer[WithdrawnEpoch]:
    """Give a proposed epoch up."""
    await run(epochs.withdraw, node, caller, member)
    return Answer(WithdrawnEpoch(member))


@router.route_for(
    "GET",
    "/peers/{member}/epoch/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_epoch",
    response_description="What would be approved, in words.",
)
async def preview_epoch(member: str, node: NodeOf, caller: OfficerOf) -> Answer[Change]:
    """Show where the old epoch would end; without this look nobody approves."""
    return Answer(await run(epochs.preview_epoch, node, caller, member))


@router.route_for(
    "POST",
    "/peers/{member}/epoch/approve",
    Action.STREAM_EPOCH_APPROVE,
    operation_id="approve_epoch",
    response_description="The end of the old epoch.",
)
async def approve_epoch(member: str, node: NodeOf, caller: OfficerOf) -> Answer[EndedEpoch]:
    """Open the proposed epoch as the second administrator."""
    change = await run(epochs.approve, node, caller, member)
    return Answer(EndedEpoch(member, change.ended, change.seq, change.digest))


@router.route_for(
    "GET",
    "/node/status",
    Action.NODE_STATUS,
    operation_id="read_status",
    response_description="Figures of one moment.",
)
async def read_status(node: NodeOf, caller: OfficerOf) -> Answer[Status]:
    """Say how the node is doing."""
    return Answer(await run(status.status, node, caller))


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
