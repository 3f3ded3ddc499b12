"""Designations and proposals: index columns beside the statements, and the proposals kept at home.

Owns the tables ``designations``, ``proposals`` and ``proposal_versions``. A designation's content
stays in its statements; a proposal is the ministry's own paper until its releasable part is shared.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, and_, or_, select
from sqlalchemy.engine import RowMapping

from api.records.metadata import METADATA, RECORDED, added
from api.records.statements import STATEMENTS, Standing

DESIGNATIONS = Table(
    "designations",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("regime", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("list_reference", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("ended_on", Text),
    Column("amendments", Integer, nullable=False),
    Column("proposal", Text),
    Column("known_to", Text, nullable=False),
    Column("stored_at", Text, nullable=False),
    Column("told_by", Text, info=added(None)),
    Index("ix_designations_page", "stored_at", "id"),
    Index("ix_designations_jurisdiction", "jurisdiction", "stored_at", "id"),
    Index("ix_designations_proposal", "proposal"),
    info=RECORDED,
)

PROPOSALS = Table(
    "proposals",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("ministry", Text, nullable=False),
    Column("regime", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("authors", Text, nullable=False),
    Column("endorsed_by", Text),
    Column("reason", Text),
    Column("statement", Text),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Index("ix_proposals_page", "created_at", "id"),
    Index("ix_proposals_state", "state", "created_at", "id"),
    info=RECORDED,
)

PROPOSAL_VERSIONS = Table(
    "proposal_versions",
    METADATA,
    Column("proposal", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Text, nullable=False),
    info=RECORDED,
)


def by_id(connection: Connection, designation_id: str) -> RowMapping | None:
    """Return one designation's row."""
    query = select(DESIGNATIONS).where(DESIGNATIONS.c.id == designation_id)
    return connection.execute(query).mappings().one_or_none()


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, RowMapping]:
    """Return rows by id; unknown ids are absent from the answer."""
    if not ids:
        return {}
    query = select(DESIGNATIONS).where(DESIGNATIONS.c.id.in_(ids))
    return {row["id"]: row for row in connection.execute(query).mappings()}


def page(
    connection: Connection,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    jurisdiction: str | None = None,
) -> list[RowMapping]:
    """Return designations, last stored first, after the ``(stored_at, id)`` given."""
    table = DESIGNATIONS
    query = select(table).order_by(table.c.stored_at.desc(), table.c.id.desc()).limit(limit)
    if before is not None:
        at, last = before
        query = query.where(
            or_(table.c.stored_at < at, and_(table.c.stored_at == at, table.c.id < last))
        )
    if jurisdiction is not None:
        query = query.where(table.c.jurisdiction == jurisdiction)
    return list(connection.execute(query).mappings())


def statements_of(connection: Connection, designation_id: str | None = None) -> list[RowMapping]:
    """Return the statements that make a designation, or all designations, oldest first.

    Those that came along are among them, those that were dropped are not.
    """
    kinds = ("designation/1", "designation-amendment/1", "delisting/1")
    query = select(STATEMENTS).where(
        STATEMENTS.c.type.in_(kinds), STATEMENTS.c.standing != Standing.DROPPED
    )
    if designation_id is not None:
        query = query.where(
            or_(STATEMENTS.c.id == designation_id, STATEMENTS.c.about == designation_id)
        )
    query = query.order_by(STATEMENTS.c.stored_at, STATEMENTS.c.id)
    return list(connection.execute(query).mappings())


def proposal(connection: Connection, proposal_id: str) -> RowMapping | None:
    """Return one proposal."""
    query = select(PROPOSALS).where(PROPOSALS.c.id == proposal_id)
    return connection.execute(query).mappings().one_or_none()


def proposal_page(
    connection: Connection,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    state: str | None = None,
) -> list[RowMapping]:
    """Return proposals newest first, after the ``(created_at, id)`` given."""
    table = PROPOSALS
    query = select(table).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)
    if before is not None:
        at, last = before
        query = query.where(
            or_(table.c.created_at < at, and_(table.c.created_at == at, table.c.id < last))
        )
    if state is not None:
        query = query.where(table.c.state == state)
    return list(connection.execute(query).mappings())


def versions(connection: Connection, proposal_id: str) -> list[RowMapping]:
    """Return a proposal's versions, oldest first."""
    query = select(PROPOSAL_VERSIONS).where(PROPOSAL_VERSIONS.c.proposal == proposal_id)
    return list(connection.execute(query.order_by(PROPOSAL_VERSIONS.c.version)).mappings())


def version_row(row: dict[str, Any], author: str) -> dict[str, Any]:
    """Return the ``proposal_versions`` row that goes with a proposal row."""
    return {
        "proposal": row["id"],
        "version": row["version"],
        "author": author,
        "digest": row["digest"],
        "body": row["body"],
        "at": row["updated_at"],
    }
