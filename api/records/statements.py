"""Statements as they were signed: the envelope bytes, kept verbatim, and what finds them.

Owns the table ``statements``. Bytes are never updated: a statement is immutable. What may change is
how it *stands* here:

* ``judged``: this ministry's own, or it arrived as an item and was decided (applied, or refused and
  remembered);
* ``brought``: it came beside another statement and counts only for what that one's effect made of
  it (PROTOCOL §9, *What comes along*);
* ``dropped``: it was brought, then refused when it arrived as an item; it counts for nothing.

Whoever asks what was said and decided reads judged ones only; :func:`by_id` returns any.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    select,
)

from api.records.metadata import METADATA, RECORDED, added
from api.records.rows import every, first, keyed
from api.records.unit_of_work import Unit
from api.wire.statements import Statement

STATEMENTS = Table(
    "statements",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("issued_at", Text, nullable=False),
    Column("thread", Text),
    Column("seq", Integer),
    Column("about", Text),
    Column("envelope", LargeBinary, nullable=False),
    Column("envelope_digest", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("stored_at", Text, nullable=False),
    Column("standing", Text, nullable=False, info=added("judged")),
    Column("restates", Text, info=added(None)),
    Column("leaf_index", BigInteger, info=added(None)),
    Column("leaf_e", LargeBinary, info=added(None)),
    Column("leaf_salt", LargeBinary, info=added(None)),
    Column("nonce", Text, info=added(None)),
    Index("ix_statements_restates", "restates"),
    Index("ix_statements_type_stored", "type", "stored_at", "id"),
    Index("ix_statements_about", "about", "type"),
    Index("ix_statements_issuer_nonce", "issuer", "nonce"),
    Index("uq_statements_thread_issuer_seq", "thread", "issuer", "seq", unique=True),
    info=RECORDED,
)


class StatementStanding(StrEnum):
    """How a stored statement counts here; see the module."""

    JUDGED = "judged"
    BROUGHT = "brought"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a statement is told to stand in its issuer's log: index, ``e`` and ``salt_s``."""

    index: int
    e: bytes
    salt_s: bytes


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """A statement as it lies here.

    Attributes:
        id: digest of its payload.
        type: with its version.
        issuer: the ministry that signed it.
        issued_at: as it says.
        thread: the thread it belongs to; its own id where it opens one.
        seq: its issuer's number there.
        about: id of the object it concerns, for look-ups.
        envelope: the signed bytes.
        envelope_digest: of ``envelope``.
        origin: ``own`` or the ministry that sent it.
        stored_at: when it was stored.
        standing: how it counts here.
        restates: the statement whose place it takes.
        leaf_index: where its issuer's log has it, as it was told; own ones' events tell.
        leaf_e: the event's commitment in that leaf.
        leaf_salt: salt of the statement's commitment in that leaf.
        nonce: as in its payload; ``None`` where it came before nonces were kept.
    """

    id: str
    type: str
    issuer: str
    issued_at: str
    thread: str | None
    seq: int | None
    about: str | None
    envelope: bytes
    envelope_digest: str
    origin: str
    stored_at: str
    standing: StatementStanding
    restates: str | None
    leaf_index: int | None
    leaf_e: bytes | None
    leaf_salt: bytes | None
    nonce: str | None

    @property
    def leaf(self) -> Leaf | None:
        """Where its issuer's log has it, as it was told; ``None`` where nobody told."""
        if self.leaf_index is None or self.leaf_e is None or self.leaf_salt is None:
            return None
        return Leaf(self.leaf_index, self.leaf_e, self.leaf_salt)


# Built once: every statement that is issued or arrives asks it several times.
_BY_ID = select(STATEMENTS).where(STATEMENTS.c.id == bindparam("wanted"))


def by_id(connection: Connection, statement_id: str) -> StoredStatement | None:
    """Return the row of one statement, however it stands here."""
    return first(connection, _BY_ID, StoredStatement, {"wanted": statement_id})


def judged(connection: Connection, statement_id: str) -> StoredStatement | None:
    """Return the row of a statement that is this ministry's own or was judged here."""
    row = by_id(connection, statement_id)
    return row if row is not None and row.standing is StatementStanding.JUDGED else None


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, StoredStatement]:
    """Return rows by id; absent ids are absent from the answer."""
    if not ids:
        return {}
    query = select(STATEMENTS).where(STATEMENTS.c.id.in_(ids))
    return {row.id: row for row in every(connection, query, StoredStatement)}


def about(connection: Connection, object_id: str, *types: str) -> list[StoredStatement]:
    """Return the judged statements about an object, oldest first, of some types (all if none)."""
    query = select(STATEMENTS).where(
        STATEMENTS.c.about == object_id, STATEMENTS.c.standing == StatementStanding.JUDGED
    )
    if types:
        query = query.where(STATEMENTS.c.type.in_(types))
    query = query.order_by(STATEMENTS.c.stored_at, STATEMENTS.c.id)
    return every(connection, query, StoredStatement)


def in_thread(connection: Connection, thread: str) -> list[StoredStatement]:
    """Return a thread's judged statements by issuer and number."""
    query = (
        select(STATEMENTS)
        .where(STATEMENTS.c.thread == thread, STATEMENTS.c.standing == StatementStanding.JUDGED)
        .order_by(STATEMENTS.c.issuer, STATEMENTS.c.seq)
    )
    return every(connection, query, StoredStatement)


def restating(connection: Connection, statement_id: str) -> list[StoredStatement]:
    """Return the judged statements that say they take the place of this one, oldest first."""
    query = (
        select(STATEMENTS)
        .where(
            STATEMENTS.c.restates == statement_id, STATEMENTS.c.standing == StatementStanding.JUDGED
        )
        .order_by(STATEMENTS.c.stored_at, STATEMENTS.c.id)
    )
    return every(connection, query, StoredStatement)


def with_nonces(
    connection: Connection, nonces: Iterable[tuple[str, str]]
) -> set[tuple[str, str, str]]:
    """Return the statements that count here and have one of these nonces.

    Args:
        connection: open for reading.
        nonces: issuers, each with a nonce as in the payload, b64u.

    Returns:
        Issuer, nonce and id of each.
    """
    wanted = sorted(set(nonces))
    if not wanted:
        return set()
    query = select(STATEMENTS.c.issuer, STATEMENTS.c.nonce, STATEMENTS.c.id).where(
        keyed((STATEMENTS.c.issuer, STATEMENTS.c.nonce), wanted),
        STATEMENTS.c.standing != StatementStanding.DROPPED,
    )
    return {(issuer, nonce, id_) for issuer, nonce, id_ in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Filed:
    """How a statement comes to be stored.

    Attributes:
        envelope: the signed bytes.
        digest: their digest.
        origin: ``own`` or the ministry that sent it.
        about: id of the object it concerns, for look-ups.
        at: when it was stored.
        leaf: as it was told; for own statements the events tell.
        standing: how it counts here.
    """

    envelope: bytes
    digest: str
    origin: str
    about: str | None
    at: str
    leaf: Leaf | None = None
    standing: StatementStanding = StatementStanding.JUDGED


def row_of(statement: Statement, stored: Filed) -> dict[str, Any]:
    """Return the row of a parsed statement."""
    restates = statement.body.get("restates")
    leaf = stored.leaf
    return {
        "id": statement.id,
        "type": statement.type,
        "issuer": statement.issuer,
        "issued_at": statement.issued_at,
        "thread": statement.thread_id,
        "seq": statement.seq,
        "about": stored.about,
        "envelope": stored.envelope,
        "envelope_digest": stored.digest,
        "origin": stored.origin,
        "stored_at": stored.at,
        "standing": stored.standing.value,
        "restates": restates if isinstance(restates, str) else None,
        "leaf_index": leaf.index if leaf is not None else None,
        "leaf_e": leaf.e if leaf is not None else None,
        "leaf_salt": leaf.salt_s if leaf is not None else None,
        "nonce": statement.nonce,
    }


def store(unit: Unit, statement: Statement, stored: Filed) -> None:
    """Store a statement that is new here: the one way in.

    Raises:
        Taken: it is here already, or its number in its thread is taken.
    """
    unit.insert(STATEMENTS, row_of(statement, stored))
