"""The audit log at rest: events, bundles of leaf entries, tiles of hashes, heads, leases.

Owns the tables ``events``, ``log_bundles``, ``log_tiles``, ``log_heads``, ``cosignatures`` and
``leases``. Events are inserted by ``services/recording.py`` only and integrated by
``services/log/checkpoints.py`` only.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Insert,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from api.records import rows
from api.records.collected import InsertForm
from api.records.log_rows import Cosignature, Lease, SignedHead, StoredEvent, Unsequenced
from api.records.metadata import DERIVED, METADATA, VOLATILE
from api.records.node_state import RESTORING, restoring_refusal
from api.records.unit_of_work import Unit

_COUNTER = BigInteger().with_variant(Integer, "sqlite")

EVENTS = Table(
    "events",
    METADATA,
    # Order of insertion; on PostgreSQL it may have gaps. The order that counts is leaf_index.
    Column("seq", _COUNTER, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("time", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("body", LargeBinary),
    Column("salt_e", LargeBinary),
    Column("statement", Text),
    Column("envelope_digest", Text),
    Column("salt_s", LargeBinary, nullable=False),
    Column("touched", Text),
    Column("leaf_index", BigInteger),
    Index("ix_events_object", "object_kind", "object_id"),
    Index("ix_events_statement", "statement"),
    Index("ix_events_leaf", "leaf_index", unique=True),
    info=DERIVED,
)
Index(
    "ix_events_unsequenced",
    EVENTS.c.seq,
    sqlite_where=EVENTS.c.leaf_index.is_(None),
    postgresql_where=EVENTS.c.leaf_index.is_(None),
)

BUNDLES = Table(
    "log_bundles",
    METADATA,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("width", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    info=DERIVED,
)

TILES = Table(
    "log_tiles",
    METADATA,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    info=DERIVED,
)

HEADS = Table(
    "log_heads",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
    Column("note", LargeBinary, nullable=False),
    # Written by records/heads.py: the head before this one, and the digests of the cosignatures.
    Column("previous", Text),
    Column("cosigned", Text),
    # Whether it was remembered outside the database; until then nobody is shown it.
    Column("served", Boolean, nullable=False, server_default=true()),
    info=DERIVED,
)

COSIGNATURES = Table(
    "cosignatures",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    # A line has 3 kB with ML-DSA-44, more than PostgreSQL takes into an index: its digest names it.
    Column("digest", Text, primary_key=True),
    Column("line", Text, nullable=False),
    Column("cosigner", Text, nullable=False),
    Index("ix_cosignatures_cosigner", "cosigner", "size"),
    info=DERIVED,
)

LEASES = Table(
    "leases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Text, nullable=False),
    info=VOLATILE,
)


# Asked at every turn of the sequencer and for every message: built once.
_UNSEQUENCED = (
    select(
        EVENTS.c.seq,
        EVENTS.c.body,
        EVENTS.c.salt_e,
        EVENTS.c.salt_s,
        EVENTS.c.envelope_digest,
        EVENTS.c.act,
    )
    .where(EVENTS.c.leaf_index.is_(None))
    .order_by(EVENTS.c.seq)
    .limit(bindparam("most", type_=Integer))
)
_NEWEST_SIGNED = select(HEADS).order_by(HEADS.c.size.desc()).limit(1)
_NEWEST_HEAD = select(HEADS).where(HEADS.c.served).order_by(HEADS.c.size.desc()).limit(1)
_LAST_COSIGNED = select(func.max(COSIGNATURES.c.size)).where(
    COSIGNATURES.c.cosigner == bindparam("by")
)
_LAST_LEAF_BUT = (
    select(EVENTS.c.leaf_index)
    .where(EVENTS.c.leaf_index.is_not(None), EVENTS.c.act != bindparam("other"))
    .order_by(EVENTS.c.leaf_index.desc())
    .limit(1)
)
_TILE = select(TILES.c.data).where(TILES.c.level == bindparam("at"), TILES.c.n == bindparam("of"))
_BUNDLE = select(BUNDLES.c.data).where(BUNDLES.c.n == bindparam("of"))
_LEASE = select(LEASES).where(LEASES.c.name == bindparam("of"))
_OF_STATEMENTS = (
    select(EVENTS)
    .where(
        EVENTS.c.statement.in_(bindparam("wanted", expanding=True)),
        EVENTS.c.envelope_digest.is_not(None),
    )
    .order_by(EVENTS.c.seq.desc())
)


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of a derived table, replacing those with the same primary key."""
    if rows:
        connection.execute(_upsert(table, connection.dialect.name), list(rows))


@functools.cache
def _upsert(table: Table, dialect: str) -> Insert:
    statement = (sqlite_insert if dialect == "sqlite" else postgresql_insert)(table)
    keys = [column.name for column in table.primary_key.columns]
    rest = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


_EVENT_NAMES = tuple(column.name for column in EVENTS.columns if column.name != "seq")
_ALWAYS = InsertForm(EVENTS, _EVENT_NAMES)
_UNLESS_RESTORING = InsertForm(EVENTS, _EVENT_NAMES, lambda _row: ~RESTORING, restoring_refusal)


def add_event(unit: Unit, row: Mapping[str, Any], *, always: bool = False) -> None:
    """Insert one event; its place in the log is decided later, by the sequencer.

    A unit that may not record now fails with ``node.restoring`` at its commit or before.

    Args:
        unit: the unit that changes the rows.
        row: the event's columns but ``seq``.
        always: insert also while the node is restored and read-only.
    """
    unit.insert_as(_ALWAYS if always else _UNLESS_RESTORING, row)


def unsequenced(connection: Connection, limit: int) -> list[Unsequenced]:
    """Return committed events that are not in the tree yet, in order of insertion."""
    return rows.every(connection, _UNSEQUENCED, Unsequenced, {"most": limit})


def count_unsequenced(connection: Connection) -> int:
    """Return how many events wait for the sequencer."""
    query = select(func.count()).select_from(EVENTS).where(EVENTS.c.leaf_index.is_(None))
    return connection.execute(query).scalar_one()


def count_beyond(connection: Connection, size: int) -> int:
    """Return how many committed events no head of ``size`` leaves covers.

    Leaves under a head that is committed and not yet shown count as much as events without a leaf.
    """
    leaves = select(func.count()).select_from(EVENTS).where(EVENTS.c.leaf_index >= size)
    return connection.execute(leaves).scalar_one() + count_unsequenced(connection)


def newest_signed(connection: Connection) -> SignedHead | None:
    """Return the largest head this node has signed; for the sequencer, not to be shown."""
    return rows.first(connection, _NEWEST_SIGNED, SignedHead)


def newest_head(connection: Connection) -> SignedHead | None:
    """Return the largest head that may be shown: remembered outside the database."""
    return rows.first(connection, _NEWEST_HEAD, SignedHead)


def any_served(connection: Connection) -> bool:
    """Tell whether any head was ever shown."""
    return (
        connection.execute(select(HEADS.c.size).where(HEADS.c.served).limit(1)).first() is not None
    )


def head_at(connection: Connection, size: int) -> SignedHead | None:
    """Return the head of exactly this size."""
    return rows.first(connection, select(HEADS).where(HEADS.c.size == size), SignedHead)


def head_towards(connection: Connection, old: int, step: int) -> SignedHead | None:
    """Return the largest shown head of at most ``step`` leaves beyond ``old``, else the next."""
    beyond = select(HEADS).where(HEADS.c.size > old, HEADS.c.served)
    near = beyond.where(HEADS.c.size <= old + step).order_by(HEADS.c.size.desc()).limit(1)
    following = beyond.order_by(HEADS.c.size).limit(1)
    found = rows.first(connection, near, SignedHead)
    return found or rows.first(connection, following, SignedHead)


def head_between(connection: Connection, least: int, most: int) -> bool:
    """Tell whether a head of a size from ``least`` to ``most`` was signed."""
    shown = HEADS.c.size.between(least, most) & HEADS.c.served
    query = select(HEADS.c.size).where(shown).limit(1)
    return connection.execute(query).first() is not None


def cosignatures_at(connection: Connection, size: int) -> list[Cosignature]:
    """Return the partners' cosignatures of the head of this size."""
    query = select(COSIGNATURES).where(COSIGNATURES.c.size == size).order_by(COSIGNATURES.c.line)
    return rows.every(connection, query, Cosignature)


def sizes_cosigned_by(connection: Connection, count: int, limit: int) -> list[int]:
    """Return the newest sizes of heads that at least ``count`` partners have cosigned."""
    if count == 0:
        query = select(HEADS.c.size).where(HEADS.c.served)
        query = query.order_by(HEADS.c.size.desc()).limit(limit)
    else:
        query = (
            select(COSIGNATURES.c.size)
            .group_by(COSIGNATURES.c.size)
            .having(func.count(func.distinct(COSIGNATURES.c.cosigner)) >= count)
            .order_by(COSIGNATURES.c.size.desc())
            .limit(limit)
        )
    return list(connection.execute(query).scalars())


def oldest_beyond(connection: Connection, size: int) -> str:
    """Return the time of the oldest event that is no leaf below ``size`` (empty if none)."""
    first_leaf = (
        select(EVENTS.c.time)
        .where(EVENTS.c.leaf_index >= size)
        .order_by(EVENTS.c.leaf_index)
        .limit(1)
    )
    first_waiting = (
        select(EVENTS.c.time).where(EVENTS.c.leaf_index.is_(None)).order_by(EVENTS.c.seq).limit(1)
    )
    found = [connection.execute(query).scalar() for query in (first_leaf, first_waiting)]
    return min((time for time in found if time), default="")


def last_cosigned(connection: Connection, cosigner: str) -> int:
    """Return the largest size this partner has cosigned (0 if none)."""
    return connection.execute(_LAST_COSIGNED, {"by": cosigner}).scalar() or 0


def last_leaf_but(connection: Connection, act: str) -> int:
    """Return the largest leaf index of an event with another act (-1 if none)."""
    found = connection.execute(_LAST_LEAF_BUT, {"other": act}).scalar_one_or_none()
    return -1 if found is None else int(found)


def tile(connection: Connection, level: int, n: int) -> bytes | None:
    """Return a stored tile, full or partial."""
    data = connection.execute(_TILE, {"at": level, "of": n}).scalar_one_or_none()
    return None if data is None else bytes(data)


def bundle(connection: Connection, n: int) -> bytes | None:
    """Return a stored bundle of leaf entries, full or partial."""
    data = connection.execute(_BUNDLE, {"of": n}).scalar_one_or_none()
    return None if data is None else bytes(data)


def events_page(
    connection: Connection,
    *,
    limit: int,
    before: int | None = None,
    act: str | None = None,
    object_id: str | None = None,
) -> list[StoredEvent]:
    """Return events newest first, with insertion number below ``before``."""
    query = select(EVENTS).order_by(EVENTS.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(EVENTS.c.seq < before)
    if act is not None:
        query = query.where(EVENTS.c.act == act)
    if object_id is not None:
        query = query.where(EVENTS.c.object_id == object_id)
    return rows.every(connection, query, StoredEvent)


def event_of_statement(connection: Connection, statement_id: str) -> StoredEvent | None:
    """Return the first event that commits to this statement's envelope."""
    return events_of_statements(connection, [statement_id]).get(statement_id)


def events_of_statements(
    connection: Connection, statement_ids: Sequence[str]
) -> dict[str, StoredEvent]:
    """Return for each statement the first event that commits to its envelope."""
    if not statement_ids:
        return {}
    found = rows.every(connection, _OF_STATEMENTS, StoredEvent, {"wanted": list(statement_ids)})
    return {row.statement or "": row for row in found}


def lease(connection: Connection, name: str) -> Lease | None:
    """Return a lease."""
    return rows.first(connection, _LEASE, Lease, {"of": name})


def received_exhibits(connection: Connection, digests: Sequence[str]) -> dict[str, str]:
    """Return the exhibits that a partner sent before any officer stored them, with the partner."""
    if not digests:
        return {}
    query = select(EVENTS.c.object_id, EVENTS.c.act, EVENTS.c.actor).where(
        EVENTS.c.object_kind == "exhibit",
        EVENTS.c.object_id.in_(digests),
        EVENTS.c.act.in_(("exhibit.received", "exhibit.stored")),
        EVENTS.c.outcome == "done",
    )
    first: dict[str, tuple[str, str]] = {}
    for digest, act, actor in connection.execute(query.order_by(EVENTS.c.seq)):
        first.setdefault(digest, (act, str(actor).rpartition(":")[2]))
    return {digest: peer for digest, (act, peer) in first.items() if act == "exhibit.received"}
