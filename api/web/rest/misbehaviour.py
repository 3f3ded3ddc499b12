"""Proofs of misbehaviour and the restore's standing over REST, for those who run and audit."""

from dataclasses import dataclass
from typing import Literal

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from api.domain.changes import Change
from api.domain.notation import Count, Digest, Instant, Nullable
from api.ports.policy import Action
from api.records.node_state import REFUSED_HEAD, Misbehaviour
from api.services.log import giving_up, guard, misbehaviour
from api.services.log.guard import RestoreStanding
from api.services.log.misbehaviour import Ruling
from api.web import answers, bodies
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1", tags=["node"])
_QUIET = {"cache-control": "no-store"}


class RulingBody(BaseModel):
    """What an administrator decides on a proof."""

    model_config = ConfigDict(extra="forbid")

    ruling: Literal["resume", "uphold"]


class WaiverBody(BaseModel):
    """The member whose answer is waived."""

    model_config = ConfigDict(extra="forbid")

    member: str = Field(max_length=64)


@dataclass(frozen=True, slots=True)
class ProofView:
    """A proof against a partner, or a head of its log that was refused.

    Attributes:
        id: digest of the proof.
        ministry: the accused.
        kind: of misbehaviour, or `refused-head`.
        found_at: when it was found here.
        ruling: what an administrator ruled, or the node found; null before.
        size: bytes of the proof.
    """

    id: Digest
    ministry: str
    kind: str
    found_at: Instant
    ruling: Nullable[str]
    size: Count

    @classmethod
    def of(cls, kept: Misbehaviour) -> "ProofView":
        """Return the view of what is kept."""
        return cls(kept.id, kept.peer, kept.kind, kept.found_at, kept.ruling, len(kept.proof))


@router.route_for(
    "GET",
    "/misbehaviour",
    Action.NODE_STATUS,
    operation_id="list_misbehaviour",
    response_description="What is kept.",
)
async def kept_proofs(node: NodeOf, caller: OfficerOf) -> Answer[Page[ProofView]]:
    """List what is kept of partners' misbehaviour, oldest first."""
    rows = await run(misbehaviour.kept_proofs, node, caller)
    return answers.page([ProofView.of(row) for row in rows])


@router.route_for(
    "GET",
    "/misbehaviour/{proof_id}",
    Action.NODE_STATUS,
    operation_id="read_misbehaviour",
    response_description="The proof.",
)
async def read(proof_id: str, node: NodeOf, caller: OfficerOf) -> Response:
    """Return one proof, byte for byte, for anyone to check; or a refused head as a note."""
    kept = await run(misbehaviour.read, node, caller, proof_id)
    is_head = kept.kind == REFUSED_HEAD
    media_type = "text/plain; charset=utf-8" if is_head else "application/json"
    return Response(kept.proof, media_type=media_type, headers=_QUIET)


@router.route_for(
    "POST",
    "/misbehaviour/{proof_id}/ruling",
    Action.STREAM_RULE,
    body=RulingBody,
    operation_id="rule_misbehaviour",
    response_description="The proof with its ruling.",
)
async def rule(
    proof_id: str, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[ProofView]:
    """Record an administrator's ruling: the stream goes on, or stays frozen."""
    content = await bodies.model_body(request, RulingBody)
    row = await run(misbehaviour.rule, node, caller, proof_id, Ruling(content.ruling))
    return Answer(ProofView.of(row))


@router.route_for(
    "POST",
    "/node/restore/waivers",
    Action.RESTORE_WAIVE_PROPOSE,
    body=WaiverBody,
    operation_id="propose_waiver",
    response_description="How far the restore has come.",
)
async def propose_waiver(
    request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[RestoreStanding]:
    """Propose to go on without one member's answer after a restore.

    With this ministry's own id: without the end of its log that no member holds.
    """
    content = await bodies.model_body(request, WaiverBody)
    if content.member == node.ministry:
        found = await run(giving_up.propose, node, caller)
    else:
        found = await run(guard.propose_waiver, node, caller, content.member)
    return Answer(found)


@router.route_for(
    "GET",
    "/node/restore/waivers/{member}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_waiver",
    response_description="What would be approved, in words.",
)
async def preview_waiver(member: str, node: NodeOf, caller: OfficerOf) -> Answer[Change]:
    """Show whose answer would be waived, or what would be given up; nobody approves without."""
    if member == node.ministry:
        return Answer(await run(giving_up.preview_tail, node, caller))
    return Answer(await run(guard.preview_waiver, node, caller, member))


@router.route_for(
    "POST",
    "/node/restore/waivers/{member}/approve",
    Action.RESTORE_WAIVE_APPROVE,
    operation_id="approve_waiver",
    response_description="How far the restore has come.",
)
async def approve_waiver(member: str, node: NodeOf, caller: OfficerOf) -> Answer[RestoreStanding]:
    """Waive a member's answer as the second administrator, or with the own id the lost end."""
    if member == node.ministry:
        found = await run(giving_up.approve, node, caller)
    else:
        found = await run(guard.approve_waiver, node, caller, member)
    return Answer(found)
