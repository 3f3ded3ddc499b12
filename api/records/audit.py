"""What auditors and the keepers of the log store: exports, samples, notes, orders to erase.

Owns the tables ``audit_exports``, ``audit_samples``, ``review_notes`` and ``erasure_orders``, and
what a row of ``events`` holds once its event is gone. Owns no event (``records/log.py`` does).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from sqlalchemy import BigInteger, Column, Connection, Index, Row, Table, Text, select

from api.domain.notation import Count, Digest, Instant, RecordId
from api.records.log import EVENTS
from api.records.log_rows import StoredEvent
from api.records.metadata import METADATA, RECORDED
from api.records.rows import Kept, every, first, keyed

EXPORTS = Table(
    "audit_exports",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("officer", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Index("ix_audit_exports_made_at", "made_at", "id"),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class MadeExport:
    """An export that was asked for.

    Attributes:
        id: random.
        digest: of the parameters; the event names it.
        officer: record of who asked.
        parameters: what was asked for: ``purpose``, ``from``, ``to``, ``filter``.
        made_at: when.
    """

    id: RecordId
    digest: Digest
    officer: RecordId
    parameters: Annotated[Mapping[str, Any], Kept(json.loads)]
    made_at: Instant


def exports(connection: Connection, most: int) -> list[MadeExport]:
    """Return the newest exports."""
    newest = select(EXPORTS).order_by(EXPORTS.c.made_at.desc(), EXPORTS.c.id.desc()).limit(most)
    return every(connection, newest, MadeExport)


# A sample is drawn from a fixed tree by a stated rule, so that another auditor draws the same one.
SAMPLES = Table(
    "audit_samples",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", Text, nullable=False),
    Column("entries", Text, nullable=False),
    Column("saved_at", Text, nullable=False),
    Index("ix_audit_samples_saved_at", "saved_at", "id"),
    info=RECORDED,
)

NOTES = Table(
    "review_notes",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("sample", Text),
    Column("leaf", BigInteger),
    Column("document", Text, nullable=False),
    Column("endorsement", Text),
    Column("written_at", Text, nullable=False),
    Index("ix_review_notes_leaf", "leaf"),
    Index("ix_review_notes_written_at", "written_at", "id"),
    info=RECORDED,
)

ERASURES = Table(
    "erasure_orders",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("change_set", Text),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
    Index("ix_erasure_orders_target", "kind", "target"),
    info=RECORDED,
)
_RANGE: Final = re.compile(r"([0-9]{1,16}):([0-9]{1,16})")
_ERASED: Final = "erased-"
EVENT, EXHIBIT = "event", "exhibit"
PROPOSED, CARRIED_OUT, REJECTED = "proposed", "carried-out", "rejected"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(json.loads(text))


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that an auditor saved.

    Attributes:
        id: random.
        officer: record of who saved it.
        name: as they call it.
        rule: how its entries were chosen: ``{kind: listed}`` or ``{kind: drawn, …}``.
        size: of the witnessed head it is drawn from.
        root: hex, of that head.
        entries: leaf indexes, upwards.
        saved_at: when.
    """

    id: RecordId
    officer: RecordId
    name: str
    rule: Annotated[Mapping[str, Any], Kept(json.loads)]
    size: Count
    root: str
    entries: Annotated[tuple[int, ...], Kept(_numbers)]
    saved_at: Instant


@dataclass(frozen=True, slots=True)
class Note:
    """A review note.

    Attributes:
        id: digest of the document.
        officer: record of who wrote it.
        sample: id of the sample it is about, or
        leaf: the entry it is about.
        document: what was signed and what the node adds (docs/decisions/0018).
        endorsement: the auditor's signature; ``None`` where the node has their word.
        written_at: when.
    """

    id: str
    officer: str
    sample: str | None
    leaf: int | None
    document: Annotated[Mapping[str, Any], Kept(json.loads)]
    endorsement: Annotated[Mapping[str, Any] | None, Kept(json.loads)]
    written_at: str


@dataclass(frozen=True, slots=True)
class ErasureOrder:
    """An order to erase.

    Attributes:
        id: random.
        kind: ``event`` or ``exhibit``.
        target: leaf index or digest.
        authority: court or statute that orders it.
        reference: its file number.
        state: ``proposed``, ``carried-out`` or ``rejected``.
        change_set: digest of the erased event's change set.
        proposed_by: officer record.
        proposed_at: when.
        decided_by: officer record.
        decided_at: when.
    """

    id: RecordId
    kind: Literal["event", "exhibit"]
    target: str
    authority: str
    reference: str
    state: Literal["proposed", "carried-out", "rejected"]
    change_set: Digest | None
    proposed_by: RecordId
    proposed_at: Instant
    decided_by: RecordId | None
    decided_at: Instant | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """What a row of ``events`` says of an event that auditors read.

    Attributes:
        seq: number of the row; follows the order of the log.
        id: of the event; ``erased-`` and its place once it was erased.
        act: what happened; empty once it was erased.
        leaf_index: place in the log; ``None`` while it waits.
        statement: id of the statement it concerns.
        body: the event's canonical bytes; ``None`` where they are gone.
    """

    seq: int
    id: str
    act: str
    leaf_index: int | None
    statement: str | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class EventsWanted:
    """Which events a query is for; empty members ask for all.

    Attributes:
        acts: any of these.
        actors: any of these, as ``kind:iss:sub``.
        outcome: ``done`` or ``refused``.
        object_id: id of what they are about.
        since: first instant, RFC 3339 UTC.
        until: first instant no longer.
    """

    acts: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    outcome: str = ""
    object_id: str = ""
    since: str = ""
    until: str = ""


_AT_ONCE: Final = 1000
_EVENT: Final = (
    EVENTS.c.seq,
    EVENTS.c.id,
    EVENTS.c.act,
    EVENTS.c.leaf_index,
    EVENTS.c.statement,
    EVENTS.c.body,
)


def events(
    connection: Connection, wanted: EventsWanted, *, limit: int, before: int | None = None
) -> list[EventRow]:
    """Return events newest first, with a number below ``before``."""
    query = select(*_EVENT).order_by(EVENTS.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(EVENTS.c.seq < before)
    if wanted.acts:
        query = query.where(EVENTS.c.act.in_(wanted.acts))
    if wanted.actors:
        query = query.where(EVENTS.c.actor.in_(wanted.actors))
    for column, value in (
        (EVENTS.c.outcome, wanted.outcome),
        (EVENTS.c.object_id, wanted.object_id),
    ):
        if value:
            query = query.where(column == value)
    if wanted.since:
        query = query.where(EVENTS.c.time >= wanted.since)
    if wanted.until:
        query = query.where(EVENTS.c.time < wanted.until)
    return [_event(row) for row in connection.execute(query)]


def objects_of_acts(
    connection: Connection, acts: Sequence[str], *, since: str, until: str, limit: int
) -> list[tuple[str, str]]:
    """Return kind and id of the objects that had one of these acts last, at most so many events.

    Args:
        connection: open for reading.
        acts: names of acts.
        since: first instant; empty for all.
        until: first instant no longer; empty for all.
        limit: of events, the newest.
    """
    query = select(EVENTS.c.object_kind, EVENTS.c.object_id).where(EVENTS.c.act.in_(acts))
    if since:
        query = query.where(EVENTS.c.time >= since)
    if until:
        query = query.where(EVENTS.c.time < until)
    found = connection.execute(query.order_by(EVENTS.c.seq.desc()).limit(limit))
    return sorted({(kind, id_) for kind, id_ in found})


def events_about(
    connection: Connection, objects: Sequence[tuple[str, str]], acts: Sequence[str]
) -> list[EventRow]:
    """Return the events about these objects with one of these acts, oldest first."""
    found: list[EventRow] = []
    for start in range(0, len(objects), _AT_ONCE):
        some = objects[start : start + _AT_ONCE]
        about = keyed((EVENTS.c.object_kind, EVENTS.c.object_id), some)
        query = select(*_EVENT).where(about, EVENTS.c.act.in_(acts))
        found += map(_event, connection.execute(query))
    return sorted(found, key=lambda one: one.seq)


def event_row(connection: Connection, leaf: int) -> EventRow | None:
    """Return the event at a place of the log, as auditors read it."""
    row = connection.execute(select(*_EVENT).where(EVENTS.c.leaf_index == leaf)).one_or_none()
    return None if row is None else _event(row)


def event_rows(connection: Connection, leaves: Sequence[int]) -> list[EventRow]:
    """Return the events at these places of the log, as auditors read them."""
    query = select(*_EVENT).where(EVENTS.c.leaf_index.in_(leaves)).order_by(EVENTS.c.leaf_index)
    return [_event(row) for row in connection.execute(query)]


def _event(row: Row[*tuple[Any, ...]]) -> EventRow:
    seq, event_id, act, leaf, statement, body = row
    return EventRow(seq, event_id, act, leaf, statement, None if body is None else bytes(body))


def erased_leaves(connection: Connection) -> dict[int, str]:
    """Return by leaf index the digest of the change set of each event that was erased."""
    query = select(ERASURES.c.target, ERASURES.c.change_set).where(
        ERASURES.c.kind == EVENT, ERASURES.c.state == CARRIED_OUT
    )
    return {int(row.target): row.change_set for row in connection.execute(query)}


def lost_ranges(connection: Connection) -> tuple[tuple[int, int], ...]:
    """Return the leaf ranges ``(first, end)`` whose events were lost and recovered without them."""
    query = select(EVENTS.c.object_id).where(EVENTS.c.act == "log.recovered")
    found = [_RANGE.fullmatch(text) for text in connection.execute(query).scalars()]
    return tuple((int(match[1]), int(match[2])) for match in found if match is not None)


def is_erased(event_id: str) -> bool:
    """Tell an event that was erased from one that was lost, by the id its row has since."""
    return event_id.startswith(_ERASED)


def blank_event(index: int) -> dict[str, str | None]:
    """Return what the columns of an erased event hold: nothing of it but its place."""
    return {
        "id": f"{_ERASED}{index}",
        "time": "",
        "act": "",
        "object_kind": "",
        "object_id": "",
        "actor": "",
        "outcome": "",
        "body": None,
        "salt_e": None,
    }


def event_at(connection: Connection, index: int) -> StoredEvent | None:
    """Return the event at a place of the log."""
    query = select(EVENTS).where(EVENTS.c.leaf_index == index)
    return first(connection, query, StoredEvent)


def empty_event(connection: Connection, index: int) -> None:
    """Remove an event from its row; the leaf entry in the bundle and the change set stay.

    Only ``services/audit/erasure.py`` calls this, in the transaction that records the order.
    """
    query = EVENTS.update().where(EVENTS.c.leaf_index == index).values(**blank_event(index))
    connection.execute(query)


def orders(connection: Connection) -> list[ErasureOrder]:
    """Return all orders to erase, newest first."""
    query = select(ERASURES).order_by(ERASURES.c.proposed_at.desc(), ERASURES.c.id.desc())
    return every(connection, query, ErasureOrder)


def order_by_id(connection: Connection, order_id: str) -> ErasureOrder | None:
    """Return one order."""
    query = select(ERASURES).where(ERASURES.c.id == order_id)
    return first(connection, query, ErasureOrder)


def waiting_order(connection: Connection, kind: str, target: str) -> ErasureOrder | None:
    """Return the order about this event or exhibit that waits for a second administrator."""
    query = select(ERASURES).where(
        ERASURES.c.kind == kind, ERASURES.c.target == target, ERASURES.c.state == PROPOSED
    )
    return first(connection, query, ErasureOrder)


def samples(connection: Connection) -> list[Sample]:
    """Return all samples, newest first."""
    query = select(SAMPLES).order_by(SAMPLES.c.saved_at.desc(), SAMPLES.c.id.desc())
    return every(connection, query, Sample)


def sample_by_id(connection: Connection, sample_id: str) -> Sample | None:
    """Return one sample."""
    query = select(SAMPLES).where(SAMPLES.c.id == sample_id)
    return first(connection, query, Sample)


def note_by_id(connection: Connection, note_id: str) -> Note | None:
    """Return one review note."""
    query = select(NOTES).where(NOTES.c.id == note_id)
    return first(connection, query, Note)


def notes(
    connection: Connection, *, leaf: int | None = None, sample: str | None = None
) -> list[Note]:
    """Return review notes, newest first: all, or those about an entry or a sample."""
    query = select(NOTES).order_by(NOTES.c.written_at.desc(), NOTES.c.id.desc())
    if leaf is not None:
        query = query.where(NOTES.c.leaf == leaf)
    if sample is not None:
        query = query.where(NOTES.c.sample == sample)
    return every(connection, query, Note)


def leaves_of_acts(
    connection: Connection, start: int, end: int, acts: Sequence[str]
) -> Iterator[int]:
    """Yield the leaf indexes in ``[start, end)`` of events with one of these acts."""
    place = EVENTS.c.leaf_index
    query = select(place).where(place >= start, place < end, EVENTS.c.act.in_(acts))
    yield from connection.execute(query, execution_options={"yield_per": 1000}).scalars()
