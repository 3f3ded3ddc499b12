"""Designations and proposals: index columns beside the statements, and the proposals kept at home.

Owns the tables ``designations``, ``proposals`` and ``proposal_versions``. A designation's content
stays in its statements; a proposal is the ministry's own paper until its releasable part is shared.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, and_, or_, select

from api.domain.designations import ProposalState
from api.records.metadata import METADATA, RECORDED, added
from api.records.rows import Kept, every, first
from api.records.statements import STATEMENTS, StatementStanding, StoredStatement

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


def _names(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


@dataclass(frozen=True, slots=True)
class Designation:
    """One designation as it stands; its content is in its statements.

    Attributes:
        id: of its statement.
        issuer: ministry that stated it.
        jurisdiction: whose list it is on.
        regime: under which regime.
        name: the subject's first name.
        list_reference: its reference on the published list.
        since: first day in force.
        ended_on: day of its delisting.
        amendments: how many were stored.
        proposal: the proposal that it followed from.
        known_to: ministries that were given it.
        stored_at: when it was stored here.
        told_by: the ministry that told of it, if not its issuer; then it may be incomplete.
    """

    id: str
    issuer: str
    jurisdiction: str
    regime: str
    name: str
    list_reference: str
    since: str
    ended_on: str | None
    amendments: int
    proposal: str | None
    known_to: Annotated[frozenset[str], Kept(_names)]
    stored_at: str
    told_by: str | None

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in lists: when it was stored, and its id."""
        return self.stored_at, self.id


@dataclass(frozen=True, slots=True)
class Proposal:
    """The reasoned case for a listing.

    Attributes:
        id: digest of its first version with a nonce; a partner's has its statement's id.
        ministry: whose proposal it is.
        regime: under which regime.
        title: the subject's first name.
        state: where it stands.
        version: from 1.
        digest: of the present version's canonical body: what an endorser has seen.
        body: the present version, as ``designation-proposal/1`` has it.
        authors: officer records of everyone who wrote a version.
        endorsed_by: officer record.
        reason: why it was returned or lapsed.
        statement: the statement that shared it.
        created_at: when the first version was written, or it came.
        updated_at: when it last changed.
    """

    id: str
    ministry: str
    regime: str
    title: str
    state: ProposalState
    version: int
    digest: str
    body: Annotated[Mapping[str, Any], Kept(json.loads)]
    authors: Annotated[frozenset[str], Kept(_names)]
    endorsed_by: str | None
    reason: str | None
    statement: str | None
    created_at: str
    updated_at: str

    @property
    def tag(self) -> str:
        """Entity tag of the present version and state."""
        return f"{self.version}-{self.state.value}-{self.digest[7:23]}"

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in lists: when it was written first, or came, and its id."""
        return self.created_at, self.id


@dataclass(frozen=True, slots=True)
class ProposalVersion:
    """One version of a proposal; ``author`` is an officer record, ``body`` JSON."""

    proposal: str
    version: int
    author: str
    digest: str
    body: str
    at: str


def by_id(connection: Connection, designation_id: str) -> Designation | None:
    """Return one designation's row."""
    query = select(DESIGNATIONS).where(DESIGNATIONS.c.id == designation_id)
    return first(connection, query, Designation)


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, Designation]:
    """Return rows by id; unknown ids are absent from the answer."""
    if not ids:
        return {}
    query = select(DESIGNATIONS).where(DESIGNATIONS.c.id.in_(ids))
    return {row.id: row for row in every(connection, query, Designation)}


def everything(connection: Connection) -> list[Designation]:
    """Return every designation known here."""
    return every(connection, select(DESIGNATIONS), Designation)


def page(
    connection: Connection,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    jurisdiction: str | None = None,
) -> list[Designation]:
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
    return every(connection, query, Designation)


def statements_of(
    connection: Connection, designation_id: str | None = None
) -> list[StoredStatement]:
    """Return the statements that make a designation, or all designations, oldest first.

    Those that came along are among them, those that were dropped are not.
    """
    kinds = ("designation/1", "designation-amendment/1", "delisting/1")
    query = select(STATEMENTS).where(
        STATEMENTS.c.type.in_(kinds), STATEMENTS.c.standing != StatementStanding.DROPPED
    )
    if designation_id is not None:
        query = query.where(
            or_(STATEMENTS.c.id == designation_id, STATEMENTS.c.about == designation_id)
        )
    query = query.order_by(STATEMENTS.c.stored_at, STATEMENTS.c.id)
    return every(connection, query, StoredStatement)


def proposal(connection: Connection, proposal_id: str) -> Proposal | None:
    """Return one proposal."""
    query = select(PROPOSALS).where(PROPOSALS.c.id == proposal_id)
    return first(connection, query, Proposal)


def proposals_by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, Proposal]:
    """Return proposals by id; unknown ids are absent from the answer."""
    if not ids:
        return {}
    query = select(PROPOSALS).where(PROPOSALS.c.id.in_(ids))
    return {one.id: one for one in every(connection, query, Proposal)}


def proposals_waiting(
    connection: Connection, ministry: str, limit: int, after: str | None
) -> list[Proposal]:
    """Return a ministry's proposals that wait for an endorsement or their authors, by id."""
    waiting = (ProposalState.SUBMITTED.value, ProposalState.RETURNED.value)
    query = select(PROPOSALS).where(
        PROPOSALS.c.ministry == ministry, PROPOSALS.c.state.in_(waiting)
    )
    if after is not None:
        query = query.where(PROPOSALS.c.id > after)
    return every(connection, query.order_by(PROPOSALS.c.id).limit(limit), Proposal)


def proposal_page(
    connection: Connection,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    state: str | None = None,
) -> list[Proposal]:
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
    return every(connection, query, Proposal)


def versions(connection: Connection, proposal_id: str) -> list[ProposalVersion]:
    """Return a proposal's versions, oldest first."""
    query = select(PROPOSAL_VERSIONS).where(PROPOSAL_VERSIONS.c.proposal == proposal_id)
    return every(connection, query.order_by(PROPOSAL_VERSIONS.c.version), ProposalVersion)


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
