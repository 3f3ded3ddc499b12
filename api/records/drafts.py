"""Drafts, their versions and the one approval each may get.

Owns the tables ``drafts``, ``draft_versions`` and ``approvals``. ``approvals`` has one row a draft:
its primary key is the last of the three locks that keep four eyes (policy, compare-and-set,
constraint).
"""

from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, and_, func, or_, select
from sqlalchemy.engine import RowMapping

from api.records.metadata import METADATA, RECORDED

DRAFTS = Table(
    "drafts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("to", Text, nullable=False),
    Column("thread", Text),
    Column("about", Text),
    Column("body", Text, nullable=False),
    Column("prepared", Text, nullable=False),
    Column("endorsement", Text),
    Column("preparer", Text, nullable=False),
    Column("authors", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("confirm_by", Text),
    Column("confirmed_by", Text),
    Column("return_reason", Text),
    Column("statement", Text),
    Index("ix_drafts_state", "state", "created_at", "id"),
    Index("ix_drafts_about", "about"),
    Index("ix_drafts_thread", "thread"),
    Index("ix_drafts_confirm", "confirm_by", "confirmed_by"),
    info=RECORDED,
)

DRAFT_VERSIONS = Table(
    "draft_versions",
    METADATA,
    Column("draft", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("author", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Text, nullable=False),
    info=RECORDED,
)

APPROVALS = Table(
    "approvals",
    METADATA,
    Column("draft", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("approver", Text, nullable=False),
    Column("statement", Text, nullable=False, unique=True),
    Column("at", Text, nullable=False),
    info=RECORDED,
)


def by_id(connection: Connection, draft_id: str) -> RowMapping | None:
    """Return one draft."""
    query = select(DRAFTS).where(DRAFTS.c.id == draft_id)
    return connection.execute(query).mappings().one_or_none()


def about(connection: Connection, object_id: str) -> list[RowMapping]:
    """Return the drafts about an object, newest first."""
    query = select(DRAFTS).where(DRAFTS.c.about == object_id)
    return list(connection.execute(query.order_by(DRAFTS.c.created_at.desc())).mappings())


def versions(connection: Connection, draft_id: str) -> list[RowMapping]:
    """Return a draft's versions, oldest first."""
    query = (
        select(DRAFT_VERSIONS)
        .where(DRAFT_VERSIONS.c.draft == draft_id)
        .order_by(DRAFT_VERSIONS.c.version)
    )
    return list(connection.execute(query).mappings())


def page(
    connection: Connection,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    state: str | None = None,
    type_: str | None = None,
) -> list[RowMapping]:
    """Return drafts newest first, after the ``(created_at, id)`` given."""
    query = select(DRAFTS).order_by(DRAFTS.c.created_at.desc(), DRAFTS.c.id.desc()).limit(limit)
    if before is not None:
        at, last = before
        query = query.where(
            or_(DRAFTS.c.created_at < at, and_(DRAFTS.c.created_at == at, DRAFTS.c.id < last))
        )
    if state is not None:
        query = query.where(DRAFTS.c.state == state)
    if type_ is not None:
        query = query.where(DRAFTS.c.type == type_)
    return list(connection.execute(query).mappings())


def unconfirmed(connection: Connection, until: str) -> list[RowMapping]:
    """Return sealed drafts whose second look is overdue at ``until``."""
    query = select(DRAFTS).where(
        DRAFTS.c.confirm_by.is_not(None),
        DRAFTS.c.confirmed_by.is_(None),
        DRAFTS.c.confirm_by <= until,
    )
    return list(connection.execute(query).mappings())


def pending(
    connection: Connection, *, limit: int, after: tuple[str, str] | None = None
) -> list[RowMapping]:
    """Return drafts that wait for somebody, by the time of their confirmation (``~`` for none).

    Args:
        connection: open connection.
        limit: at most so many.
        after: ``(time, id)`` of the last one before.
    """
    due = func.coalesce(DRAFTS.c.confirm_by, "~")
    waiting = or_(
        DRAFTS.c.state.in_(("drafted", "returned")),
        and_(
            DRAFTS.c.confirm_by.is_not(None),
            DRAFTS.c.confirmed_by.is_(None),
            DRAFTS.c.state == "sealed",
        ),
    )
    query = select(DRAFTS).where(waiting)
    if after is not None:
        at, last = after
        query = query.where(or_(due > at, and_(due == at, DRAFTS.c.id > last)))
    return list(connection.execute(query.order_by(due, DRAFTS.c.id).limit(limit)).mappings())


def version_row(row: dict[str, Any], author: str) -> dict[str, Any]:
    """Return the ``draft_versions`` row that goes with a draft row."""
    return {
        "draft": row["id"],
        "version": row["version"],
        "author": author,
        "digest": row["digest"],
        "body": row["body"],
        "at": row["updated_at"],
    }
