"""The auditor's own work over REST (samples, review notes), and erasure by two administrators."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.domain.changes import Change
from api.domain.notation import Count, Digest, Nullable
from api.domain.notation import RecordId as OfficerId
from api.ports.policy import Action
from api.records.audit import ErasureOrder, Note, Sample
from api.services.audit import audit_notes, audit_samples, erasure
from api.services.audit.audit_samples import MOST, OpenedSample
from api.services.audit.auditing import EventView
from api.services.audit.erasure import Gaps
from api.web import answers, bodies
from api.web.answers import Answer, Created, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/audit", tags=["audit"])
RecordId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
ErasureId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", alias="erasure")]
Leaf = Annotated[int, Field(ge=0, lt=1 << 53)]


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


@dataclass(frozen=True, slots=True)
class SampleWithEvents(Sample):
    """A sample with the events it holds, those that are still here."""

    events: tuple[EventView, ...]

    @classmethod
    def of(cls, opened: OpenedSample) -> "SampleWithEvents":
        """Return the view of an opened sample."""
        one = opened.sample
        return cls(
            id=one.id,
            officer=one.officer,
            name=one.name,
            rule=one.rule,
            size=one.size,
            root=one.root,
            entries=one.entries,
            saved_at=one.saved_at,
            events=opened.events,
        )


@dataclass(frozen=True, slots=True)
class NoteView:
    """A review note; its id is the digest of its document in canonical form.

    Attributes:
        id: by which the log names it.
        officer: officer record of the auditor.
        document: what the auditor said, of which entry or sample.
        endorsement: the auditor's signature; null where the node recorded their word.
    """

    id: Digest
    officer: OfficerId
    document: Mapping[str, Any]
    endorsement: Nullable[Mapping[str, Any]]

    @classmethod
    def of(cls, note: Note) -> "NoteView":
        """Return the view of a note."""
        return cls(note.id, note.officer, note.document, note.endorsement)


LostRange = TypedDict("LostRange", {"from": Count, "to": Count})
"""Entries that were lost and recovered without their events: the first, and the one after."""


@dataclass(frozen=True, slots=True)
class GapsView:
    """What is missing from the log.

    Attributes:
        erased: under which orders.
        lost: entries that were recovered without their events: the first, and the one after.
    """

    erased: tuple[ErasureOrder, ...]
    lost: tuple[LostRange, ...]

    @classmethod
    def of(cls, found: Gaps) -> "GapsView":
        """Return the view of gaps."""
        return cls(found.erased, tuple({"from": first, "to": end} for first, end in found.lost))


@router.route_for(
    "POST",
    "/samples",
    Action.AUDIT_SAMPLE,
    status_code=201,
    body=NewSample,
    operation_id="save_sample",
    response_description="The sample.",
)
async def save_sample(request: Request, node: NodeOf, caller: OfficerOf) -> Created[Sample]:
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
    return Created(saved, place)


@router.route_for(
    "GET",
    "/samples",
    Action.AUDIT_LIST,
    operation_id="list_samples",
    response_description="Saved samples.",
)
async def samples(node: NodeOf, caller: OfficerOf) -> Answer[Page[Sample]]:
    """List saved samples, newest first."""
    return answers.page(await run(audit_samples.listed, node, caller))


@router.route_for(
    "GET",
    "/samples/{sample}",
    Action.AUDIT_LIST,
    operation_id="read_sample",
    response_description="The sample with its events.",
)
async def sample(sample: RecordId, node: NodeOf, caller: OfficerOf) -> Answer[SampleWithEvents]:
    """Return a sample with the events it holds."""
    return Answer(SampleWithEvents.of(await run(audit_samples.read, node, caller, sample)))


@router.route_for(
    "POST",
    "/notes",
    Action.AUDIT_NOTE,
    status_code=201,
    body=NewNote,
    operation_id="write_note",
    response_description="The note.",
)
async def write_note(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[NoteView]:
    """Keep a review note, signed with the auditor's own key or on the node's word."""
    content = await bodies.model_body(request, NewNote)
    new = audit_notes.NewNote(
        content.verdict, content.text, content.leaf, content.sample, content.endorsement
    )
    return Answer(NoteView.of(await run(audit_notes.write, node, caller, new)), 201)


@router.route_for(
    "GET",
    "/notes",
    Action.AUDIT_LIST,
    operation_id="list_notes",
    response_description="Review notes.",
)
async def notes(
    node: NodeOf,
    caller: OfficerOf,
    leaf: Annotated[int | None, Query(ge=0, lt=1 << 53)] = None,
    sample: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
) -> Answer[Page[NoteView]]:
    """List review notes, newest first: all, or those about an entry or a sample."""
    found = await run(audit_notes.listed, node, caller, leaf=leaf, sample=sample)
    return answers.page([NoteView.of(one) for one in found])


@router.route_for(
    "GET",
    "/gaps",
    Action.AUDIT_LIST,
    operation_id="list_gaps",
    response_description="What is missing, and on whose word.",
)
async def gaps(node: NodeOf, caller: OfficerOf) -> Answer[GapsView]:
    """Return what was erased from the log under which order, and what was lost and recovered."""
    return Answer(GapsView.of(await run(erasure.gaps, node, caller)))


@router.route_for(
    "GET",
    "/erasures",
    Action.AUDIT_ERASE_PROPOSE,
    operation_id="list_erasures",
    response_description="All orders.",
)
async def erasures(node: NodeOf, caller: OfficerOf) -> Answer[Page[ErasureOrder]]:
    """List orders to erase, newest first."""
    return answers.page(await run(erasure.listed, node, caller))


@router.route_for(
    "POST",
    "/erasures",
    Action.AUDIT_ERASE_PROPOSE,
    status_code=201,
    body=NewOrder,
    operation_id="propose_erasure",
    response_description="The order.",
)
async def propose(request: Request, node: NodeOf, caller: OfficerOf) -> Answer[ErasureOrder]:
    """Enter a legal order to erase an event's body or an exhibit."""
    content = await bodies.model_body(request, NewOrder)
    order = erasure.NewOrder(content.kind, content.target, content.authority, content.reference)
    return Answer(await run(erasure.propose, node, caller, order), 201)


@router.route_for(
    "GET",
    "/erasures/{erasure}/preview",
    Action.CHANGE_PREVIEW,
    operation_id="preview_erasure",
    response_description="What would be approved, in words.",
)
async def preview_erasure(node: NodeOf, caller: OfficerOf, erasure_id: ErasureId) -> Answer[Change]:
    """Show what would be erased, on whose word; without this look nobody approves."""
    return Answer(await run(erasure.preview_erasure, node, caller, erasure_id))


@router.route_for(
    "POST",
    "/erasures/{erasure}/approve",
    Action.AUDIT_ERASE_APPROVE,
    operation_id="approve_erasure",
    response_description="The order.",
)
async def approve(node: NodeOf, caller: OfficerOf, erasure_id: ErasureId) -> Answer[ErasureOrder]:
    """Carry an order out, as the second administrator."""
    return Answer(await run(erasure.approve, node, caller, erasure_id))


@router.route_for(
    "POST",
    "/erasures/{erasure}/reject",
    Action.AUDIT_ERASE_APPROVE,
    operation_id="reject_erasure",
    response_description="The order.",
)
async def reject(node: NodeOf, caller: OfficerOf, erasure_id: ErasureId) -> Answer[ErasureOrder]:
    """Reject an order, as the second administrator."""
    return Answer(await run(erasure.reject, node, caller, erasure_id))
