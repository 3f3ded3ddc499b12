"""Facts about the node as a whole and proof of others' misbehaviour.

Owns the tables ``node_state`` (one row a fact: pinned membership, stop switch, restore mode) and
``misbehaviour`` (transferable proofs, kept for good).
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    Select,
    Table,
    Text,
    bindparam,
    exists,
    func,
    select,
)

from api.domain.errors import Unavailable
from api.records import rows
from api.records.metadata import METADATA, RECORDED
from api.records.unit_of_work import Unit

NODE_STATE = Table(
    "node_state",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Text, nullable=False),
    info=RECORDED,
)

MISBEHAVIOUR = Table(
    "misbehaviour",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("peer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("found_at", Text, nullable=False),
    Column("ruling", Text),
    Column("ruled_by", Text),
    info=RECORDED,
)

# A head that its log signed and this node refused, without a proof (yet) that it contradicts.
REFUSED_HEAD = "refused-head"
STATEMENT_EQUIVOCATION = "statement-equivocation"
INCONSISTENT_HEADS = "inconsistent-heads"
UPHELD = "uphold"

RESTORE = "restore"
EPOCH_CHANGE = "epoch-change:"
"""Begins the name of the fact that an epoch to a ministry was proposed; the ministry follows."""
WAIVER = "restore-waiver:"
"""Begins the name of the fact that a member's answer is, or is to be, waived."""
TAIL = "restore-tail"
"""Name of the fact that the end of the log is, or is to be, given up."""
OPEN = "done"
# True while the node was restored and may not write yet; part of the statement that adds an event.
RESTORING = exists().where(NODE_STATE.c.name == RESTORE, NODE_STATE.c.value != OPEN)
_RESTORING = select(RESTORING)
# Asked at every turn of every job: built once.
_EVERYTHING = select(NODE_STATE.c.name, NODE_STATE.c.value)
_REFUSED_HEADS = select(MISBEHAVIOUR).where(
    MISBEHAVIOUR.c.kind == REFUSED_HEAD, MISBEHAVIOUR.c.ruling.is_(None)
)
_VALUE = select(NODE_STATE.c.value).where(NODE_STATE.c.name == bindparam("name"))


def restoring_refusal() -> Unavailable:
    """Return the refusal of everything that a restored node may not do yet."""
    return Unavailable(
        "node.restoring",
        "This node was restored from a backup and is read-only until its partners have answered.",
    )


def restoring(connection: Connection) -> bool:
    """Tell whether this node was restored and still waits for its partners' answers."""
    return bool(connection.execute(_RESTORING).scalar_one())


def value(connection: Connection, name: str) -> str | None:
    """Return one fact."""
    return connection.execute(_VALUE, {"name": name}).scalar_one_or_none()


def since(connection: Connection, name: str) -> str:
    """Return when one fact was written (empty if it was not)."""
    query = select(NODE_STATE.c.at).where(NODE_STATE.c.name == name)
    return connection.execute(query).scalar_one_or_none() or ""


def put(unit: Unit, name: str, text: str, at: str) -> None:
    """Write one fact; the caller records the event."""
    if unit.update(NODE_STATE, {"name": name}, {"value": text, "at": at}) is None:
        unit.insert(NODE_STATE, {"name": name, "value": text, "at": at})


def everything(connection: Connection) -> dict[str, str]:
    """Return all facts by name."""
    rows = connection.execute(_EVERYTHING)
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """A proof against a partner, or a head of its log that was refused and not judged yet.

    Attributes:
        id: digest of ``proof``.
        peer: the accused ministry.
        kind: a ``wire.misbehaviour.MisbehaviourKind``, or ``REFUSED_HEAD``.
        proof: the transferable proof; of a refused head, the note.
        found_at: instant.
        ruling: what an administrator ruled, or the node found of a refused head; ``None`` before.
        ruled_by: officer id, or ``node``.
    """

    id: str
    peer: str
    kind: str
    proof: bytes
    found_at: str
    ruling: str | None
    ruled_by: str | None


def misbehaviour(connection: Connection) -> list[Misbehaviour]:
    """Return kept proofs, oldest first."""
    return _kept(connection, select(MISBEHAVIOUR))


def _kept(connection: Connection, query: Select[Any]) -> list[Misbehaviour]:
    ordered = query.order_by(MISBEHAVIOUR.c.found_at, MISBEHAVIOUR.c.id)
    return rows.every(connection, ordered, Misbehaviour)


def awaiting_ruling(connection: Connection) -> int:
    """Return how many kept proofs nobody has ruled on."""
    query = select(func.count()).where(
        MISBEHAVIOUR.c.kind != REFUSED_HEAD, MISBEHAVIOUR.c.ruling.is_(None)
    )
    return int(connection.execute(query).scalar_one())


def misbehaviour_by_id(connection: Connection, proof_id: str) -> Misbehaviour | None:
    """Return one kept proof."""
    found = _kept(connection, select(MISBEHAVIOUR).where(MISBEHAVIOUR.c.id == proof_id))
    return found[0] if found else None


def head_proofs(connection: Connection, peer: str) -> list[Misbehaviour]:
    """Return the proofs against a ministry that consist of two heads, oldest first."""
    query = select(MISBEHAVIOUR).where(
        MISBEHAVIOUR.c.peer == peer, MISBEHAVIOUR.c.kind == INCONSISTENT_HEADS
    )
    return _kept(connection, query)


def refused_heads(connection: Connection, peer: str = "") -> list[Misbehaviour]:
    """Return refused heads that are neither proven contradictory nor consistent, oldest first.

    Args:
        connection: open for reading.
        peer: only heads of this ministry's log.
    """
    query = _REFUSED_HEADS.where(MISBEHAVIOUR.c.peer == peer) if peer else _REFUSED_HEADS
    return _kept(connection, query)


def accused(connection: Connection, peer: str) -> bool:
    """Tell whether a proof against a ministry awaits a ruling or was upheld.

    Two statements with one number concern their thread alone: the stream and the log go on.
    """
    standing = exists().where(
        MISBEHAVIOUR.c.peer == peer,
        MISBEHAVIOUR.c.kind.not_in((REFUSED_HEAD, STATEMENT_EQUIVOCATION)),
        MISBEHAVIOUR.c.ruling.is_(None) | (MISBEHAVIOUR.c.ruling == UPHELD),
    )
    return bool(connection.execute(select(standing)).scalar_one())
