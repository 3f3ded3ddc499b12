"""Event rows: is each what its leaf commits to, and do its columns say what its body says.

Owns the table ``events`` of the check and feeds the journal with the change sets.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select

from api.records import audit, log, log_places
from api.records.log_rows import StoredEvent
from api.services.audit.fsck.reading import stored_rows
from api.services.audit.fsck.scope import Scope
from api.tlog.merkle import leaf_hash
from api.wire.digests import digest_bytes
from api.wire.errors import WireError
from api.wire.leaf import (
    event_commitment,
    leaf_entry,
    parse_leaf_entry,
    statement_commitment,
)

_EVENTS: Final = log.EVENTS.name


@dataclass(frozen=True, slots=True)
class Leaves:
    """What bundle and tiles say about consecutive leaves.

    Attributes:
        start: index of the first.
        width: how many.
        hashes: their leaf hashes; empty where neither bundle nor tile can be read.
        entries: their leaf entries, an empty one where a leaf is known by its hash alone; empty
            where the bundle cannot be read or is not what the tree commits to.
    """

    start: int
    width: int
    hashes: list[bytes]
    entries: list[bytes]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Leaves whose event may be missing.

    Attributes:
        erased: by leaf index, the digest of the change set of an event erased under an order.
        lost: ranges ``(first, end)`` that were recovered without their events.
    """

    erased: Mapping[int, str]
    lost: tuple[tuple[int, int], ...]

    def covers(self, index: int) -> bool:
        """Tell whether a leaf may have been recovered without its event."""
        return within(self.lost, index)


def within(ranges: Iterable[tuple[int, int]], index: int | None) -> bool:
    """Tell whether a leaf lies in one of these ranges ``(first, end)``; no leaf lies in none."""
    return index is not None and any(first <= index < end for first, end in ranges)


def known_gaps(scope: Scope) -> Gaps:
    """Return the gaps that recorded orders and recoveries account for."""
    return Gaps(audit.erased_leaves(scope.connection), audit.lost_ranges(scope.connection))


def read_range(scope: Scope, first: int, until: int) -> dict[int, StoredEvent]:
    """Return the events ``[first, until)`` by leaf index."""
    place = log.EVENTS.c.leaf_index
    query = select(log.EVENTS).where(place >= first, place < until)
    found: dict[int, StoredEvent] = {}
    for row in stored_rows(scope, log.EVENTS, StoredEvent, query):
        index = row.place
        if index in found:
            detail = "Another event is at this place of the log."
            scope.findings.add("fsck.event", _EVENTS, [row.seq], detail, index=index)
        found.setdefault(index, row)
    return found


def check_events(
    scope: Scope, stored: Mapping[int, StoredEvent], gaps: Gaps, leaves: Leaves
) -> list[bytes]:
    """Check the events of one tile and replay their change sets.

    Returns:
        The leaf hashes to build the tree from.
    """
    found: list[bytes] = []
    for at, index in enumerate(range(leaves.start, leaves.start + leaves.width)):
        truth = leaves.hashes[at] if leaves.hashes else None
        row = stored.get(index)
        if row is None:
            detail = "No event is at this place of the log."
            scope.findings.add("fsck.event-missing", _EVENTS, [index + 1], detail, index=index)
            scope.journal.broken = True
            found.append(truth or b"")
            continue
        if row.body is None and (index in gaps.erased or gaps.covers(index)):
            entry = leaves.entries[at] if leaves.entries else None
            _judge_gap(scope, row, gaps.erased.get(index), entry)
            found.append(truth or b"")
            continue
        derived = _leaf(row)
        _judge_event(scope, row, fits=truth in {None, derived})
        found.append(truth or derived or b"")
    return [] if b"" in found else found


def _leaf(row: StoredEvent) -> bytes | None:
    """Return the leaf hash that an event row gives; ``None`` without a body."""
    if row.body is None or row.salt_e is None:
        return None
    try:
        commitment = event_commitment(row.salt_e, row.body)
        return leaf_hash(leaf_entry(commitment, _statement_half(row)))
    except WireError:
        return b""


def _judge_event(scope: Scope, row: StoredEvent, *, fits: bool) -> None:
    """Check one row that has its event, and replay it."""
    event = _parsed(row.body)
    fault = next(_faults(scope, row, event), None)
    if fault is None and not fits:
        fault = "The event is not the one that its leaf commits to."
    _report(scope, row, fault)
    _replay(scope, row, event.get("state"))


def _judge_gap(scope: Scope, row: StoredEvent, erased: str | None, entry: bytes | None) -> None:
    """Check a row whose event was erased (its change set stays) or lost (nothing is left)."""
    index = row.place
    blank = log_places.lost_event(index) if erased is None else audit.blank_event(index)
    fault = None
    if any(getattr(row, name) != value for name, value in blank.items()):
        fault = "Something of a missing event is left or was put back."
    elif entry is not None and not _opens(row, entry):
        fault = "The statement is not the one that the leaf commits to."
    _report(scope, row, fault)
    scope.gaps["lost" if erased is None else "erased"] += 1
    if erased is not None:
        _replay(scope, row, erased)


def _opens(row: StoredEvent, entry: bytes) -> bool:
    """Tell whether the statement's half of a row without event is its leaf entry's."""
    if not entry:
        return (row.statement, row.envelope_digest, row.salt_s) == (None, None, b"")
    try:
        return _statement_half(row) == parse_leaf_entry(entry).s
    except WireError:
        return False


def _statement_half(row: StoredEvent) -> bytes:
    salt, named = row.salt_s, row.envelope_digest
    known: bytes = salt if named is None else statement_commitment(salt, digest_bytes(named))
    return known


def _report(scope: Scope, row: StoredEvent, fault: str | None) -> None:
    index, seq = row.leaf_index, row.seq
    if fault is not None:
        scope.findings.add("fsck.event", _EVENTS, [seq], fault, index=index)
    if index is not None and seq != index + 1:
        detail = "The event's number is not the one of its place."
        scope.findings.add("fsck.event", _EVENTS, [seq], detail, index=index)
        scope.findings.add("fsck.event", _EVENTS, [index + 1], detail, index=index)


def _parsed(body: Any) -> dict[str, Any]:
    try:
        value = json.loads(body or b"")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _faults(scope: Scope, row: StoredEvent, event: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a row's columns, given its body."""
    if row.body is None:
        yield "The event's body is gone without an order to erase it."
        return
    if not event or event.get("ministry") != scope.me.id:
        yield "The event's body is no event of this ministry."
        return
    actor, subject = event.get("actor", {}), event.get("object", {})
    stated = {
        "id": event.get("id"),
        "time": event.get("time"),
        "act": event.get("act"),
        "object_kind": subject.get("kind"),
        "object_id": subject.get("id"),
        "actor": f"{actor.get('kind', '')}:{actor.get('iss', '')}:{actor.get('sub', '')}",
        "outcome": event.get("outcome"),
    }
    for name, value in stated.items():
        if getattr(row, name) != value:
            yield f"The column {name} does not say what the event's body says."
    if (row.statement is None) is not (row.envelope_digest is None):
        yield "The row names a statement without its envelope, or the other way round."


def _replay(scope: Scope, row: StoredEvent, state: str | None) -> None:
    index = row.leaf_index
    touched = row.touched
    if touched is None or f"sha256:{sha256(touched.encode()).hexdigest()}" != state:
        detail = "The event's change set is not the one that its body commits to."
        scope.findings.add("fsck.event", _EVENTS, [row.seq], detail, index=index)
        scope.journal.broken = True
        return
    scope.journal.apply(touched, index)


def check_waiting(scope: Scope) -> None:
    """Check and replay the events that have no place in the log yet."""
    query = select(log.EVENTS).where(log.EVENTS.c.leaf_index.is_(None)).order_by(log.EVENTS.c.seq)
    for row in stored_rows(scope, log.EVENTS, StoredEvent, query):
        scope.gaps["waiting"] += 1
        _judge_event(scope, row, fits=_leaf(row) != b"")
