"""Grows a restored log back to the largest head that partners hold, from leaf hashes alone.

Owns the first part of recovery: which head is the one to continue from, where its leaf hashes come
from, and what stands in the place of events whose bodies are gone. Nothing is signed here: the head
to continue from is one this node signed before, given back by a witness.

What stands at a lost leaf:

* an event of the backup that had no place yet, if its leaf hash is the one: it gets its place back;
* the leaf entry, if a partner holds the message that delivered the statement (it tells ``e`` and
  ``salt_s``): the event's body is gone, the statement's inclusion can still be proven;
* otherwise an empty entry in the bundle: the leaf is known by its hash alone.

In the last two cases a row without body marks the gap; ``log.recovered`` records the range.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from api.domain.errors import ComityError, Conflict, Unavailable
from api.domain.events import Act, Subject
from api.domain.log_trust import open_head_of, witness_verifiers
from api.records import heads, log, log_places
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.log import checkpoints, guard
from api.services.log.log_client import RemoteTiles, seen_head
from api.services.log.own_tiles import GrowingTiles, StoredTiles
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint
from api.tlog.errors import LogError
from api.tlog.merkle import leaf_hash
from api.tlog.note import format_note
from api.tlog.proofs import root_at
from api.tlog.tiles import tiles_for_append

_NO_SALT = b""


@dataclass(frozen=True, slots=True)
class Held:
    """A head of this node's log as one member holds it, with that member's cosignature lines."""

    member: str
    head: Checkpoint
    note: bytes
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownLeaf:
    """What a partner's copy of a message tells about a lost leaf.

    Attributes:
        entry: the leaf entry.
        statement: id of the statement it concerns.
        envelope_digest: digest of that statement's envelope.
        salt_s: 32 bytes.
    """

    entry: bytes
    statement: str
    envelope_digest: str
    salt_s: bytes


@dataclass(frozen=True, slots=True)
class Regrown:
    """What came back: sizes before and after, and what stands at the leaves between."""

    before: int
    size: int
    matched: int = 0
    stated: int = 0
    bare: int = 0


@dataclass(slots=True)
class _Plan:
    """What one transaction writes."""

    old: int
    held: Held
    tiles: list[tuple[int, int, bytes]]
    entries: list[bytes] = field(default_factory=list)
    matched: dict[int, int] = field(default_factory=dict)
    rows: list[dict[str, object]] = field(default_factory=list)


def heads_held(node: Node, members: Sequence[str]) -> list[Held]:
    """Return the largest head of this node's log that each member holds, the largest first.

    Members that cannot be reached are passed over: the caller knows who must answer.
    """
    found = []
    for member in members:
        try:
            note = seen_head(node, member, node.ministry)
            if note is not None:
                found.append(_held(node, member, note))
        except (ComityError, LogError):
            continue
    return sorted(found, key=lambda held: -held.head.size)


def _held(node: Node, member: str, note: bytes) -> Held:
    head = guard.own_head(node, note)
    witnesses = witness_verifiers(node.membership.member(member))
    opened = open_head_of(node.me, note, witnesses)
    own = format_note(opened.note.text, [signed.line for signed in opened.log_signatures])
    lines = tuple(signed.line.format().removesuffix("\n") for signed in opened.cosignatures)
    return Held(member, head, own, lines)


def regrow(node: Node, held: Sequence[Held], known: Mapping[int, KnownLeaf]) -> Regrown:
    """Bring the log to the largest of these heads, in one transaction.

    Args:
        node: this node, with a database for recovery.
        held: what the members hold, the largest first.
        known: what is known about leaves, by index.

    Raises:
        Conflict: ``recover.other-history``: a head that this node signed is not of one history
            with the others or with the backup. Nothing is repaired: this needs people.
        Unavailable: ``recover.tiles-short``: nobody has the leaf hashes of the largest head.
    """
    before = checkpoints.newest(node).size
    inside = [each for each in held if each.head.size <= before]
    node.db.read(lambda connection: _require_inside(connection, inside, []))
    beyond = [each for each in held if each.head.size > before]
    if not beyond:
        node.db.write(lambda unit: _keep_cosignatures(unit, inside))
        return Regrown(before, before)
    leaves = _leaves(node, beyond, before)
    plan = node.db.read(lambda connection: _plan(connection, before, beyond[0], leaves, known))
    node.db.read(lambda connection: _require_inside(connection, beyond[1:], plan.tiles))
    node.db.write(lambda unit: _write(node, unit, plan, [*inside, *reversed(beyond)]))
    bare = sum(1 for entry in plan.entries if not entry)
    matched = len(plan.matched)
    stated = len(plan.entries) - bare - matched
    return Regrown(before, beyond[0].head.size, matched, stated, bare)


def _require_inside(
    connection: Connection, held: Sequence[Held], fresh: Sequence[tuple[int, int, bytes]]
) -> None:
    tiles = GrowingTiles(StoredTiles(connection), fresh)
    for each in held:
        if root_at(each.head.size, tiles) != each.head.root:
            raise Conflict(
                "recover.other-history",
                "A head that this node signed does not fit the others: two histories were signed.",
                member=each.member,
                size=each.head.size,
            )


def _leaves(node: Node, beyond: Sequence[Held], before: int) -> list[bytes]:
    """Return the leaf hashes from the backup's end to the largest head, from whoever has them."""
    largest = beyond[0].head

    def fits(leaves: list[bytes], connection: Connection) -> bool:
        fresh = tiles_for_append(before, leaves, StoredTiles(connection))
        return root_at(largest.size, GrowingTiles(StoredTiles(connection), fresh)) == largest.root

    for each in beyond:
        if each.head.size < largest.size:
            continue
        try:
            source = RemoteTiles(node, each.member, node.ministry)
            leaves = source.leaf_hashes(before, largest.size)
            if node.db.read(partial(fits, leaves)):
                return leaves
        except (ComityError, LogError):
            continue
    raise Unavailable(
        "recover.tiles-short",
        "No member has the leaf hashes of the largest head that it holds; nothing was changed.",
        size=largest.size,
    )


def _plan(
    connection: Connection,
    before: int,
    held: Held,
    leaves: list[bytes],
    known: Mapping[int, KnownLeaf],
) -> _Plan:
    tiles = tiles_for_append(before, leaves, StoredTiles(connection))
    if root_at(held.head.size, GrowingTiles(StoredTiles(connection), tiles)) != held.head.root:
        raise Conflict(
            "recover.other-history",
            "The backup is not of the history that partners hold.",
            member=held.member,
            size=held.head.size,
        )
    plan = _Plan(before, held, tiles)
    waiting = {
        leaf_hash(checkpoints.entry_of(event)): event
        for event in log.unsequenced(connection, len(leaves) + checkpoints.BATCH)
    }
    for index, leaf in enumerate(leaves, before):
        event, told = waiting.get(leaf), known.get(index)
        if event is not None:
            plan.matched[index] = event.seq
            plan.entries.append(checkpoints.entry_of(event))
        elif told is not None and leaf_hash(told.entry) == leaf:
            plan.entries.append(told.entry)
            plan.rows.append(_lost_row(index, told))
        else:
            plan.entries.append(b"")
            plan.rows.append(_lost_row(index, None))
    return plan


def _lost_row(index: int, told: KnownLeaf | None) -> dict[str, object]:
    return {
        **log_places.lost_event(index),
        "statement": None if told is None else told.statement,
        "envelope_digest": None if told is None else told.envelope_digest,
        "salt_s": _NO_SALT if told is None else told.salt_s,
    }


def _write(node: Node, unit: Unit, plan: _Plan, held: Sequence[Held]) -> None:
    """Store everything at once: a crash before the commit leaves the backup as it was."""
    connection = unit.connection
    newest = log.newest_signed(connection)
    if (newest.size if newest is not None else 0) != plan.old:
        raise Conflict("recover.moved", "The log changed meanwhile; run it again.")
    log_places.make_room(connection, plan.held.head.size, plan.matched)
    log_places.add_lost(connection, plan.rows)
    log.upsert(connection, log.BUNDLES, checkpoints.bundle_rows(connection, plan.old, plan.entries))
    rows = [{"level": level, "n": n, "data": data} for level, n, data in plan.tiles]
    log.upsert(connection, log.TILES, rows)
    for each in held:
        if each.head.size > plan.old and log.head_at(connection, each.head.size) is None:
            heads.put_head(connection, each.head.size, each.head.root.hex(), each.note)
    _keep_cosignatures(unit, held)
    entry = recording.Entry(
        act=Act.LOG_RECOVERED,
        subject=Subject("log", f"{plan.old}:{plan.held.head.size}"),
        origin="operator",
    )
    recording.record(node, unit, entry)


def _keep_cosignatures(unit: Unit, held: Sequence[Held]) -> None:
    rows = [
        {"size": each.head.size, "line": line, "cosigner": each.member}
        for each in held
        if log.head_at(unit.connection, each.head.size) is not None
        for line in each.lines
    ]
    heads.add_cosignatures(unit.connection, rows)
