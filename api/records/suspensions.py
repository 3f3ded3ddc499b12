"""Suspensions: who may not act for now, on whose word, and who took it back.

Owns the table ``suspensions``. What one administrator imposed ends by itself; what another one
confirmed stands until two lift it. The rules are in ``domain/suspensions.py``.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Index, Table, Text, bindparam, select

from api.domain.notation import Instant, RecordId
from api.records.metadata import METADATA, RECORDED

SUSPENSIONS = Table(
    "suspensions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("imposed_by", Text, nullable=False),
    Column("imposed_at", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_at", Text),
    Column("lift_proposed_by", Text),
    Column("lift_proposed_at", Text),
    Column("lifted_by", Text),
    Column("lifted_at", Text),
    Index("ix_suspensions_officer", "officer", "imposed_at"),
    info=RECORDED,
)

IN_FORCE: ColumnElement[bool] = SUSPENSIONS.c.lifted_at.is_(None) & (
    SUSPENSIONS.c.confirmed_at.is_not(None) | (SUSPENSIONS.c.ends_at > bindparam("now"))
)
"""Whether a suspension keeps its officer from acting at the instant ``now`` (RFC 3339 UTC)."""


@dataclass(frozen=True, slots=True)
class SuspensionRow:
    """One row of ``suspensions``.

    Attributes:
        id: 32 hex digits.
        officer: who is suspended.
        imposed_by: officer record of the administrator.
        imposed_at: RFC 3339 UTC.
        ends_at: when it ends unless another administrator confirms it.
        confirmed_by: the second administrator.
        confirmed_at: when.
        lift_proposed_by: first of the two who take it back.
        lift_proposed_at: when.
        lifted_by: second of them, or ``operator`` for the break-glass command.
        lifted_at: when.
    """

    id: RecordId
    officer: RecordId
    imposed_by: str
    imposed_at: Instant
    ends_at: Instant
    confirmed_by: str | None = None
    confirmed_at: Instant | None = None
    lift_proposed_by: str | None = None
    lift_proposed_at: Instant | None = None
    lifted_by: str | None = None
    lifted_at: Instant | None = None


def of_officer(connection: Connection, officer: str) -> list[SuspensionRow]:
    """Return an officer's suspensions, newest first."""
    query = select(SUSPENSIONS).where(SUSPENSIONS.c.officer == officer)
    return _rows(connection, query)


def unlifted(connection: Connection) -> list[SuspensionRow]:
    """Return all suspensions that nobody took back, in force or ended by themselves."""
    return _rows(connection, select(SUSPENSIONS).where(SUSPENSIONS.c.lifted_at.is_(None)))


def _rows(connection: Connection, query: Any) -> list[SuspensionRow]:
    ordered = query.order_by(SUSPENSIONS.c.imposed_at.desc(), SUSPENSIONS.c.id)
    return [SuspensionRow(**row) for row in connection.execute(ordered).mappings()]
