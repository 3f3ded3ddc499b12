"""Statements as they were signed: the envelope bytes, kept verbatim, and what finds them.

Owns the table ``statements``. Rows are never updated: a statement is immutable.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
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
from sqlalchemy.engine import RowMapping

from api.records.metadata import METADATA, RECORDED

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
    Index("ix_statements_type_stored", "type", "stored_at", "id"),
    Index("ix_statements_about", "about", "type"),
    Index("uq_statements_thread_issuer_seq", "thread", "issuer", "seq", unique=True),
    info=RECORDED,
)


# Built once: every statement that is issued or arrives asks it several times.
_BY_ID = select(STATEMENTS).where(STATEMENTS.c.id == bindparam("wanted"))


def by_id(connection: Connection, statement_id: str) -> RowMapping | None:
    """Return the row of one statement."""
    return connection.execute(_BY_ID, {"wanted": statement_id}).mappings().one_or_none()


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, RowMapping]:
    """Return rows by id; absent ids are absent from the answer."""
    if not ids:
        return {}
    query = select(STATEMENTS).where(STATEMENTS.c.id.in_(ids))
    return {row["id"]: row for row in connection.execute(query).mappings()}


def about(connection: Connection, object_id: str, *types: str) -> list[RowMapping]:
    """Return the statements about an object, oldest first, of the given types (all if none)."""
    query = select(STATEMENTS).where(STATEMENTS.c.about == object_id)
    if types:
        query = query.where(STATEMENTS.c.type.in_(types))
    query = query.order_by(STATEMENTS.c.stored_at, STATEMENTS.c.id)
    return list(connection.execute(query).mappings())


def in_thread(connection: Connection, thread: str) -> list[RowMapping]:
    """Return a thread's statements by issuer and number."""
    query = (
        select(STATEMENTS)
        .where(STATEMENTS.c.thread == thread)
        .order_by(STATEMENTS.c.issuer, STATEMENTS.c.seq)
    )
    return list(connection.execute(query).mappings())


def values(
    statement: Any,
    envelope: bytes,
    envelope_digest: str,
    *,
    origin: str,
    about: str | None,
    at: str,
) -> dict[str, Any]:
    """Return the row of a parsed statement.

    Args:
        statement: ``api.wire.statements.Statement``.
        envelope: the signed bytes.
        envelope_digest: their digest.
        origin: ``own`` or the ministry that sent it.
        about: id of the object it concerns, for look-ups.
        at: when it was stored.
    """
    return {
        "id": statement.id,
        "type": statement.type,
        "issuer": statement.issuer,
        "issued_at": statement.issued_at,
        "thread": statement.id
        if statement.seq == 1 and statement.thread is None
        else statement.thread,
        "seq": statement.seq,
        "about": about,
        "envelope": envelope,
        "envelope_digest": envelope_digest,
        "origin": origin,
        "stored_at": at,
    }
