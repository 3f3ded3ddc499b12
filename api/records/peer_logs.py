"""What this node remembers of its partners' logs: the head it cosigned last, and the leaf hashes.

Owns the tables ``peer_logs`` and ``peer_tiles``. Both follow from signed notes and change without
an event (decision record 0019).
"""

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, Text, select
from sqlalchemy.engine import RowMapping

from api.records.metadata import DERIVED, METADATA

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


def peer_log(connection: Connection, peer: str) -> RowMapping | None:
    """Return what this node last cosigned of a peer's log."""
    query = select(PEER_LOGS).where(PEER_LOGS.c.peer == peer)
    return connection.execute(query).mappings().one_or_none()


def peer_logs(connection: Connection) -> list[RowMapping]:
    """Return what this node last cosigned of every peer's log."""
    return list(connection.execute(select(PEER_LOGS).order_by(PEER_LOGS.c.peer)).mappings())


def peer_tile(connection: Connection, peer: str, level: int, n: int) -> bytes:
    """Return a stored tile of a peer's log, full or partial (empty if none)."""
    query = select(PEER_TILES.c.data).where(
        PEER_TILES.c.peer == peer, PEER_TILES.c.level == level, PEER_TILES.c.n == n
    )
    return bytes(connection.execute(query).scalar_one_or_none() or b"")
