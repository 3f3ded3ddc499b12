"""The node's own log: integrates committed events into the tree and signs its heads.

Owns the order of events and the one place where a head is made. A head is signed only over leaf
hashes derived again from the stored event bytes, and is stored in the same transaction as the tiles
it commits to: no head leaves this process that the store cannot reproduce.

The steps of :func:`integrate`:

1. Read the newest head and the committed events that have no place yet, in order of insertion.
2. Derive each leaf entry from the stored bytes and salts; hash; compute the new tiles and root.
3. Sign the head (no write lock is held).
4. In one transaction: check that the lease is still ours and the tree has not grown, then write
   places, bundles, tiles and the head. A crash before the commit leaves the old tree; after it,
   the new one. Nobody has to repair anything.
5. Remember the head outside the database, then let it be served (``services/log/remembering.py``,
   which also refuses step 3 over a database that went back in time).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import Conflict, Unavailable
from api.domain.events import Act
from api.ports.signer import Signer
from api.records import heads, log, log_places, node_state
from api.records.log_rows import Lease, SignedHead, StoredEvent, Unsequenced
from api.records.unit_of_work import Unit
from api.services.log import log_keys, remembering
from api.services.log.own_tiles import GrowingTiles, StoredTiles
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint, format_checkpoint
from api.tlog.merkle import EMPTY_ROOT, leaf_hash
from api.tlog.note import KeyKind, SignatureLine, VerifierKey, format_note, signed_message
from api.tlog.proofs import consistency_proof, inclusion_proofs, root_at
from api.tlog.tiles import TILE_WIDTH, decode_bundle, encode_bundle, tiles_for_append
from api.wire.digests import digest_bytes
from api.wire.encoding import format_instant
from api.wire.leaf import (
    LeafOpening,
    event_commitment,
    leaf_entry,
    parse_leaf_entry,
    statement_commitment,
)
from api.wire.membership import Member

BATCH = 2048
_LEASE = "sequencer"
_LEASE_SECONDS = 15
RENEWED_SECONDS: Final = _LEASE_SECONDS / 2
"""Seconds after which whoever holds the lease renews it."""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head of this node's log: size, root (32 bytes) and the note's bytes."""

    size: int
    root: bytes
    note: bytes


def entry_of(event: StoredEvent | Unsequenced) -> bytes:
    """Return the leaf entry of an event that is still there, derived from its stored bytes."""
    if event.salt_e is None or event.body is None:
        raise TypeError("the event is gone; its leaf entry is in the bundle")
    event_part = event_commitment(event.salt_e, event.body)
    salt_s = event.salt_s
    digest = event.envelope_digest
    statement_part = (
        salt_s if digest is None else statement_commitment(salt_s, digest_bytes(digest))
    )
    return leaf_entry(event_part, statement_part)


def opening_of(connection: Connection, event: StoredEvent) -> LeafOpening:
    """Return what lets a partner rebuild a leaf; where the event is gone, the bundle still tells.

    Args:
        connection: open for reading.
        event: a row of ``events`` that has its place in the log.

    Raises:
        Unavailable: ``log.bundle-missing``.
    """
    salt_s = event.salt_s
    if event.body is not None and event.salt_e is not None:
        return LeafOpening(event_commitment(event.salt_e, event.body), salt_s)
    n, at = divmod(event.place, TILE_WIDTH)
    stored = log.bundle(connection, n)
    if stored is None:
        raise Unavailable("log.bundle-missing", "A bundle of the log is missing; run audit fsck.")
    return LeafOpening(parse_leaf_entry(decode_bundle(stored)[at]).e, salt_s)


def newest(node: Node) -> Head:
    """Return the newest head; size 0 without a note before the first event is integrated."""
    row = node.db.read(log.newest_head)
    return _head(row)


def _head(row: SignedHead | None) -> Head:
    if row is None:
        return Head(0, EMPTY_ROOT, b"")
    return Head(row.size, row.root_hash, row.note)


def sign_head(signer: Signer, me: Member, head: Checkpoint, timestamp: int) -> bytes:
    """Return the note of a head, signed Ed25519 and ML-DSA-44 by this node's log keys.

    Args:
        signer: holds the keys of purposes ``log`` and ``log-pq``.
        me: this ministry's entry in the membership.
        head: origin, size and root.
        timestamp: POSIX seconds for the ML-DSA-44 signature.
    """
    text = format_checkpoint(head)
    lines = [
        signature_line(signer, key, text, timestamp)
        for key in log_keys.own_keys(signer, me, witness=False)
    ]
    return format_note(text, lines)


def signature_line(
    signer: Signer, key: log_keys.NamedKey, text: str, timestamp: int
) -> SignatureLine:
    """Return one signature line over a checkpoint's text by one of this node's keys."""
    verifier: VerifierKey = key.verifier
    time = timestamp if verifier.kind is not KeyKind.ED25519 else None
    message = signed_message(verifier.kind, verifier.name, time, text)
    return verifier.line(signer.sign(key.kid, message), time)


def integrate(node: Node, holder: str) -> int:
    """Put waiting events into the tree and sign the new head; returns how many.

    Args:
        node: this node.
        holder: name of this process, for the lease.

    Raises:
        Conflict: ``log.not-leader``: another process holds the lease.
        Unavailable: ``node.restoring``: the node was found restored meanwhile.
    """
    # Should another process write from here on, the tree has grown when this one does.
    plan = node.db.read(_plan)
    fence = _hold(node, holder, plan.lease)
    if not plan.events:
        if plan.unserved:
            remembering.serve_newest(node)
        return 0
    if not remembering.check(node):
        return 0
    old, size = plan.old, plan.old.size + len(plan.events)
    root = node.db.read(
        lambda connection: root_at(size, GrowingTiles(StoredTiles(connection), plan.fresh))
    )
    timestamp = int(node.clock.now().timestamp())
    note = sign_head(node.signer, node.me, Checkpoint(node.me.origin, size, root), timestamp)

    def write(unit: Unit) -> None:
        # Whoever takes the lease over waits until this tree is written, or this one finds it taken.
        unit.lock(_LEASE)
        lease = log.lease(unit.connection, _LEASE)
        newest_row = log.newest_signed(unit.connection)
        grown = (newest_row.size if newest_row is not None else 0) != old.size
        if lease is None or lease.holder != holder or lease.fence != fence or grown:
            raise Conflict("log.not-leader", "Another process integrates this log.")
        if node_state.restoring(unit.connection):
            raise node_state.restoring_refusal()
        log_places.place(unit.connection, [event.seq for event in plan.events], old.size)
        log.upsert(unit.connection, log.BUNDLES, plan.bundles)
        log.upsert(
            unit.connection,
            log.TILES,
            [{"level": level, "n": n, "data": data} for level, n, data in plan.fresh],
        )
        heads.put_head(unit.connection, size, root.hex(), note, served=False)

    node.db.write(write)
    remembering.serve_newest(node)
    return len(plan.events)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one look at the database says of the next batch.

    Attributes:
        lease: of the sequencer, whoever holds it.
        unserved: the newest head is signed and not shown yet.
        old: the newest head.
        events: those of the batch, in their order.
        fresh: tiles to write: level, number, bytes.
        bundles: rows to write.
    """

    lease: Lease | None
    unserved: bool
    old: Head
    events: list[Unsequenced]
    fresh: list[tuple[int, int, bytes]]
    bundles: list[dict[str, object]]


def _plan(connection: Connection) -> _Plan:
    newest = log.newest_signed(connection)
    old = _head(newest)
    # A restored node may have forgotten heads it signed: it signs none until it knows.
    waits = node_state.restoring(connection)
    events = [] if waits else log.unsequenced(connection, BATCH)
    entries = [entry_of(event) for event in events]
    hashes = [leaf_hash(entry) for entry in entries]
    return _Plan(
        lease=log.lease(connection, _LEASE),
        unserved=newest is not None and not newest.served,
        old=old,
        events=events,
        fresh=tiles_for_append(old.size, hashes, StoredTiles(connection)),
        bundles=bundle_rows(connection, old.size, entries),
    )


def bundle_rows(
    connection: Connection, old_size: int, entries: Sequence[bytes]
) -> list[dict[str, object]]:
    """Return the bundle rows to write: the last partial one continued, then new ones."""
    if not entries:
        return []
    first, width = divmod(old_size, TILE_WIDTH)
    kept: list[bytes] = []
    if width:
        stored = log.bundle(connection, first)
        if stored is None:
            raise Unavailable(
                "log.bundle-missing", "A bundle of the log is missing; run audit fsck."
            )
        kept = decode_bundle(stored, width)
    every = [*kept, *entries]
    return [
        {
            "n": first + at // TILE_WIDTH,
            "width": len(every[at : at + TILE_WIDTH]),
            "data": encode_bundle(every[at : at + TILE_WIDTH]),
        }
        for at in range(0, len(every), TILE_WIDTH)
    ]


def _hold(node: Node, holder: str, row: Lease | None) -> int:
    """Take or keep the sequencer's lease, as it was read; returns the fencing token."""
    now = node.clock.now()
    fresh_until = format_instant(now + timedelta(seconds=_LEASE_SECONDS))
    half = format_instant(now + timedelta(seconds=RENEWED_SECONDS))
    if row is not None and row.holder == holder and row.until > half:
        return row.fence

    def take(unit: Unit) -> int:
        unit.lock(_LEASE)
        held = log.lease(unit.connection, _LEASE)
        if held is None:
            unit.insert(
                log.LEASES, {"name": _LEASE, "holder": holder, "fence": 1, "until": fresh_until}
            )
            return 1
        if held.holder != holder and held.until > format_instant(now):
            raise Conflict("log.not-leader", "Another process integrates this log.")
        fence = held.fence + int(held.holder != holder)
        taken = unit.update(
            log.LEASES,
            {"name": _LEASE},
            {"holder": holder, "fence": fence, "until": fresh_until},
            expect={"fence": held.fence, "holder": held.holder},
        )
        if taken is None:
            raise Conflict("log.not-leader", "Another process integrates this log.")
        return fence

    return node.db.write(take)


def substantive_size(connection: Connection) -> int:
    """Return the index of the last leaf that is no anchor, plus 1 (PROTOCOL §6, §7)."""
    return log.last_leaf_but(connection, Act.ANCHOR_RECORDED.value) + 1


def prove_inclusion(connection: Connection, index: int, size: int) -> list[bytes]:
    """Return the inclusion path of a leaf in the tree of ``size`` leaves."""
    return prove_inclusions(connection, [index], size)[0]


def prove_inclusions(
    connection: Connection, indexes: Sequence[int], size: int
) -> list[list[bytes]]:
    """Return the inclusion paths of several leaves in the tree of ``size`` leaves."""
    return inclusion_proofs(indexes, size, StoredTiles(connection))


def prove_consistency(connection: Connection, old: int, new: int) -> list[bytes]:
    """Return the consistency path between two sizes (empty when either is trivial)."""
    return consistency_proof(old, new, StoredTiles(connection)) if 0 < old < new else []


def leaf_hashes(connection: Connection, first: int, until: int) -> list[bytes]:
    """Return the leaf hashes with ``first <= index < until``, read from level-0 tiles."""
    hashes: list[bytes] = []
    for n in range(first // TILE_WIDTH, -(-until // TILE_WIDTH)):
        data = log.tile(connection, 0, n) or b""
        low, high = max(first - n * TILE_WIDTH, 0), min(until - n * TILE_WIDTH, TILE_WIDTH)
        hashes += [data[32 * at : 32 * at + 32] for at in range(low, high)]
    return hashes
