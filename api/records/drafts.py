"""Drafts, their versions and the one approval each may get.

Owns the tables ``drafts``, ``draft_versions`` and ``approvals``. ``approvals`` has one row a draft:
its primary key is the last of the three locks that keep four eyes (policy, compare-and-set,
constraint).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
)

from api.domain.drafts import DraftState
from api.records.metadata import METADATA, RECORDED, added
from api.records.rows import Kept, every, first
from api.wire.envelope import Endorsement
from api.wire.statements import Content, Officer

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
    Column("nonce", Text, info=added(None)),
    Index("ix_drafts_state", "state", "created_at", "id"),
    Index("uq_drafts_nonce", "nonce", unique=True),
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


def _texts(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _author_ids(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


def _officer(text: str) -> Officer:
    return Officer.from_json(json.loads(text))


def _endorsement(text: str) -> Endorsement:
    return Endorsement.from_json(json.loads(text))


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement in the making.

    Attributes:
        id: 32 hex digits.
        type: statement type with its version.
        state: where it stands.
        version: from 1, counted up with each change of content.
        digest: of the bytes that its preparer signs: what an approver has seen.
        nonce: of all its versions and of the statement that it becomes, as b64u; ``None`` where it
            was written before there were nonces.
        to: recipients.
        thread: the mirror request that it belongs to.
        about: the object that it is about, for look-ups.
        body: the statement's body.
        prepared: how the statement will name the preparer.
        endorsement: the preparer's own signature, if there is one.
        preparer: officer record of who wrote this version.
        authors: officer records of everyone who wrote any version.
        created_at: when the first version was written.
        updated_at: when it last changed.
        confirm_by: when a second officer's look at what left at once is due.
        confirmed_by: officer record of who took that look.
        return_reason: why it was returned.
        statement: id of the statement that it became.
    """

    id: str
    type: str
    state: DraftState
    version: int
    digest: str
    to: Annotated[tuple[str, ...], Kept(_texts)]
    thread: str | None
    about: str | None
    body: Annotated[Mapping[str, Any], Kept(json.loads)]
    prepared: Annotated[Officer, Kept(_officer)]
    endorsement: Annotated[Endorsement | None, Kept(_endorsement)]
    preparer: str
    authors: Annotated[frozenset[str], Kept(_author_ids)]
    created_at: str
    updated_at: str
    confirm_by: str | None
    confirmed_by: str | None
    return_reason: str | None
    statement: str | None
    nonce: str | None

    @property
    def content(self) -> Content:
        """What would be signed."""
        return Content(self.type, self.to, self.body, self.thread)

    @property
    def tag(self) -> str:
        """Entity tag of this version."""
        return f"{self.version}-{self.digest[7:23]}"

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in lists: when it was made, and its id."""
        return self.created_at, self.id


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """One version of a draft; ``author`` is an officer record, ``body`` JSON."""

    draft: str
    version: int
    author: str
    digest: str
    body: str
    at: str


@dataclass(frozen=True, slots=True)
class Approval:
    """The one approval of a draft; ``approver`` is an officer record."""

    draft: str
    version: int
    approver: str
    statement: str
    at: str


def by_id(connection: Connection, draft_id: str) -> Draft | None:
    """Return one draft."""
    query = select(DRAFTS).where(DRAFTS.c.id == draft_id)
    return first(connection, query, Draft)


def drafts_by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, Draft]:
    """Return drafts by id; unknown ids are absent from the answer."""
    if not ids:
        return {}
    query = select(DRAFTS).where(DRAFTS.c.id.in_(ids))
    return {one.id: one for one in every(connection, query, Draft)}


def about(connection: Connection, object_id: str) -> list[Draft]:
    """Return the drafts about an object, newest first."""
    query = select(DRAFTS).where(DRAFTS.c.about == object_id)
    return every(connection, query.order_by(DRAFTS.c.created_at.desc()), Draft)


def versions(connection: Connection, draft_id: str) -> list[DraftVersion]:
    """Return a draft's versions, oldest first."""
    query = (
        select(DRAFT_VERSIONS)
        .where(DRAFT_VERSIONS.c.draft == draft_id)
        .order_by(DRAFT_VERSIONS.c.version)
    )
    return every(connection, query, DraftVersion)


def page(
    connection: Connection,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    state: str | None = None,
    type_: str | None = None,
    thread: str | None = None,
) -> list[Draft]:
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
    if thread is not None:
        query = query.where(DRAFTS.c.thread == thread)
    return every(connection, query, Draft)


def unconfirmed(connection: Connection, until: str) -> list[Draft]:
    """Return sealed drafts whose second look is overdue at ``until``."""
    query = select(DRAFTS).where(
        DRAFTS.c.confirm_by.is_not(None),
        DRAFTS.c.confirmed_by.is_(None),
        DRAFTS.c.confirm_by <= until,
    )
    return every(connection, query, Draft)


def pending(
    connection: Connection, *, limit: int, after: tuple[str, str] | None = None
) -> list[Draft]:
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
    return every(connection, query.order_by(due, DRAFTS.c.id).limit(limit), Draft)


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
