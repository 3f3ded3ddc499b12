"""The auditor's own work over REST (samples, review notes), and erasure by two administrators."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.ports.policy import Action
from api.records.audit import Note
from api.services.audit import audit_notes, audit_samples, erasure
from api.services.audit.audit_samples import MOST
from api.web import bodies
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.rest import views
from api.web.rest.views import members
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1/audit", tags=["audit"])
RecordId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
ErasureId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", alias="erasure")]
Leaf = Annotated[int, Field(ge=0, lt=1 << 53)]
_NO_STORE = {"cache-control": "no-store"}


class NewRule(BaseModel):
    """How entries are drawn; anyone with the same log draws the same ones."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    count: Annotated[int, Field(ge=1, le=MOST)]
    seed: Annotated[str, Field(min_length=1, max_length=200)]
    start: Annotated[Leaf, Field(alias="from")] = 0
    end: Annotated[Leaf | None, Field(alias="to")] = None
    acts: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)] = []


class NewSample(BaseModel):
    """A sample: a rule by which it is drawn, or the entries themselves."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    rule: NewRule | None = None
    entries: Annotated[list[Leaf], Field(max_length=MOST)] = []


class NewNote(BaseModel):
    """A review note about one entry or one sample."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["in-order", "question", "finding"]
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    leaf: Leaf | None = None
    sample: Annotated[str | None, Field(pattern="^[0-9a-f]{32}$")] = None
    endorsement: dict[str, Any] | None = None


class NewOrder(BaseModel):
    """An order to erase, as a court or statute gave it."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["event", "exhibit"]
    target: Annotated[str, Field(pattern="^([0-9]{1,15}|sha256:[0-9a-f]{64})$")]
    authority: Annotated[str, Field(min_length=1, max_length=1000)]
    reference: Annotated[str, Field(min_length=1, max_length=200)]


@router.route_for(
    "POST",
    "/samples",
    Action.AUDIT_SAMPLE,
    status_code=201,
    body=NewSample,
    operation_id="save_sample",
)
async def save_sample(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Draw a sample from the newest witnessed head, or list its entries, and keep it."""
    content = await bodies.model_body(request, NewSample)
    rule = content.rule
    new = audit_samples.NewSample(
        content.name,
        None
        if rule is None
        else audit_samples.Rule(rule.count, rule.seed, rule.start, rule.end, tuple(rule.acts)),
        tuple(content.entries),
    )
    saved = await run(audit_samples.save, node, caller, new)
    place = f"/api/v1/audit/samples/{saved.id}"
    return JSONResponse(members(saved), status_code=201, headers={"location": place})


@router.route_for("GET", "/samples", Action.AUDIT_LIST, operation_id="list_samples")
async def samples(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List saved samples, newest first."""
    found = await run(audit_samples.listed, node, caller)
    return JSONResponse({"items": [members(one) for one in found]}, headers=_NO_STORE)


@router.route_for("GET", "/samples/{sample}", Action.AUDIT_LIST, operation_id="read_sample")
async def sample(sample: RecordId, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Return a sample with the events it holds."""
    found = await run(audit_samples.read, node, caller, sample)
    content = members(found.sample) | {"events": [asdict(one) for one in found.events]}
    return JSONResponse(content, headers=_NO_STORE)


@router.route_for(
    "POST", "/notes", Action.AUDIT_NOTE, status_code=201, body=NewNote, operation_id="write_note"
)
async def write_note(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Keep a review note, signed with the auditor's own key or on the node's word."""
    content = await bodies.model_body(request, NewNote)
    new = audit_notes.NewNote(
        content.verdict, content.text, content.leaf, content.sample, content.endorsement
    )
    written = await run(audit_notes.write, node, caller, new)
    return JSONResponse(_note(written), status_code=201)


def _note(note: Note) -> dict[str, Any]:
    signed = {"document": note.document, "endorsement": note.endorsement}
    return {"id": note.id, "officer": note.officer, **signed}


@router.route_for("GET", "/notes", Action.AUDIT_LIST, operation_id="list_notes")
async def notes(
    node: NodeOf,
    caller: OfficerOf,
    leaf: Annotated[int | None, Query(ge=0, lt=1 << 53)] = None,
    sample: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
) -> JSONResponse:
    """List review notes, newest first: all, or those about an entry or a sample."""
    found = await run(audit_notes.listed, node, caller, leaf=leaf, sample=sample)
    return JSONResponse({"items": [_note(one) for one in found]}, headers=_NO_STORE)


@router.route_for("GET", "/gaps", Action.AUDIT_LIST, operation_id="list_gaps")
async def gaps(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Return what was erased from the log under which order, and what was lost and recovered."""
    found = await run(erasure.gaps, node, caller)
    erased = [members(order) for order in found.erased]
    lost = [{"from": first, "to": end} for first, end in found.lost]
    return JSONResponse({"erased": erased, "lost": lost}, headers=_NO_STORE)


@router.route_for("GET", "/erasures", Action.AUDIT_ERASE_PROPOSE, operation_id="list_erasures")
async def erasures(node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """List orders to erase, newest first."""
    rows = await run(erasure.listed, node, caller)
    return JSONResponse({"items": [members(row) for row in rows]}, headers=_NO_STORE)


@router.route_for(
    "POST",
    "/erasures",
    Action.AUDIT_ERASE_PROPOSE,
    status_code=201,
    body=NewOrder,
    operation_id="propose_erasure",
)
async def propose(request: Request, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Enter a legal order to erase an event's body or an exhibit."""
    content = await bodies.model_body(request, NewOrder)
    order = erasure.NewOrder(content.kind, content.target, content.authority, content.reference)
    row = await run(erasure.propose, node, caller, order)
    return JSONResponse(members(row), status_code=201)


@router.route_for(
    "GET",
    "/erasures/{erasure}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_erasure",
)
async def preview_erasure(node: NodeOf, caller: OfficerOf, erasure_id: ErasureId) -> JSONResponse:
    """Show what would be erased, on whose word; without this look nobody approves."""
    return views.answer(await run(erasure.preview_erasure, node, caller, erasure_id))


@router.route_for(
    "POST",
    "/erasures/{erasure}/approve",
    Action.AUDIT_ERASE_APPROVE,
    operation_id="approve_erasure",
)
async def approve(node: NodeOf, caller: OfficerOf, erasure_id: ErasureId) -> JSONResponse:
    """Carry an order out, as the second administrator."""
    return JSONResponse(members(await run(erasure.approve, node, caller, erasure_id)))


@router.route_for(
    "POST",
    "/erasures/{erasure}/reject",
    Action.AUDIT_ERASE_APPROVE,
    operation_id="reject_erasure",
)
async def reject(node: NodeOf, caller: OfficerOf, erasure_id: ErasureId) -> JSONResponse:
    """Reject an order, as the second administrator."""
    return JSONResponse(members(await run(erasure.reject, node, caller, erasure_id)))
