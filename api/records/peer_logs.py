"""What this node remembers of its partners' logs: the head it cosigned last, and the leaf hashes.

Owns the tables ``peer_logs`` and ``peer_tiles``, which follow from signed notes and change without
an event (decision record 0019), and ``submitted_heads``: heads that a log offered by
``add-checkpoint`` and whose leaf hashes the watch job has yet to fetch. One for each log.
"""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    select,
)

from api.records import rows
from api.records.metadata import DERIVED, METADATA, VOLATILE

# What this node has cosigned of each peer's log. Not an event (PROTOCOL §6): the note carries both
# signatures, and the size and root columns repeat what it says.
PEER_LOGS = Table(
    "peer_logs",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", Text, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("cosignatures", LargeBinary, nullable=False),
    Column("substantive", BigInteger, nullable=False),
    Column("seal", LargeBinary),
    info=DERIVED,
)


# The hash tiles of each peer's log: stored up to a head before that head is cosigned.
PEER_TILES = Table(
    "peer_tiles",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    info=DERIVED,
)

SUBMITTED = Table(
    "submitted_heads",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("at", Text, nullable=False),
    info=VOLATILE,
)


@dataclass(frozen=True, slots=True)
class PeerLog:
    """The newest head of a partner's log that this node cosigned.

    Attributes:
        peer: whose log.
        size: leaves.
        root: hex.
        note: the head with its log's signatures.
        cosignatures: this node's lines, one in a line, without the last line feed.
        substantive: the log's substantive size, as stated and as far as seen.
        seal: this node's witness key over all of these.
    """

    peer: str
    size: int
    root: str
    note: bytes
    cosignatures: bytes
    substantive: int
    seal: bytes | None

    @property
    def root_hash(self) -> bytes:
        """The root, 32 bytes."""
        return bytes.fromhex(self.root)


@dataclass(frozen=True, slots=True)
class PeerTile:
    """Some hashes of one level of a partner's tree: 32 bytes each."""

    peer: str
    level: int
    n: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Submitted:
    """A head that waits for its leaf hashes.

    Attributes:
        peer: whose log.
        size: leaves.
        note: the head with its log's signatures.
        at: instant of the submission.
    """

    peer: str
    size: int
    note: bytes
    at: str


# Asked in every round of looking at partners, or for every statement of theirs: built once.
_SUBMITTED = select(SUBMITTED).where(SUBMITTED.c.peer == bindparam("of"))
_PEER_TILE = select(PEER_TILES.c.data).where(
    PEER_TILES.c.peer == bindparam("of"),
    PEER_TILES.c.level == bindparam("at"),
    PEER_TILES.c.n == bindparam("number"),
)
_PEER_LOGS = select(PEER_LOGS).order_by(PEER_LOGS.c.peer)


def submitted(connection: Connection, peer: str) -> Submitted | None:
    """Return the head of a log that waits for its leaf hashes."""
    return rows.first(connection, _SUBMITTED, Submitted, {"of": peer})


def peer_log(connection: Connection, peer: str) -> PeerLog | None:
    """Return what this node last cosigned of a peer's log."""
    query = select(PEER_LOGS).where(PEER_LOGS.c.peer == peer)
    return rows.first(connection, query, PeerLog)


def peer_logs(connection: Connection) -> list[PeerLog]:
    """Return what this node last cosigned of every peer's log."""
    return rows.every(connection, _PEER_LOGS, PeerLog)


def peer_tile(connection: Connection, peer: str, level: int, n: int) -> bytes:
    """Return a stored tile of a peer's log, full or partial (empty if none)."""
    found = connection.execute(_PEER_TILE, {"of": peer, "at": level, "number": n})
    return bytes(found.scalar_one_or_none() or b"")
