"""Roles lent during an absence.

Owns the table ``delegations``; recusals stand beside the officers in ``records/officers.py``.
"""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, Table, Text, exists, or_, select

from api.domain.notation import Instant, RecordId, Words
from api.records.metadata import METADATA, RECORDED
from api.records.officers import (
    GRANTS,
    OFFICERS,
    RECUSALS,
    GrantState,
    OfficerState,
    Recusal,
    RecusalState,
)
from api.records.suspensions import IN_FORCE, SUSPENSIONS

DELEGATIONS = Table(
    "delegations",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("delegator", Text, nullable=False),
    Column("delegate", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("acts", Text, nullable=False),
    Column("starts", Text, nullable=False),
    Column("ends", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("approved_by", Text),
    Column("approved_at", Text),
    Column("ended_by", Text),
    Column("ended_at", Text),
    Index("ix_delegations_delegate", "delegate", "delegator"),
    Index("ix_delegations_delegator", "delegator"),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class DelegationRow:
    """One row of ``delegations``.

    Attributes:
        id: 32 hex digits.
        delegator: officer record of the person who lends.
        delegate: officer record of the person who acts.
        role: the role that is lent.
        acts: acts it is lent for, separated by spaces.
        starts: first instant in force, RFC 3339 UTC.
        ends: first instant no longer in force.
        reason: in words; stays here.
        proposer: who proposed it.
        proposed_at: when.
        approved_by: who approved it; ``None`` while it waits.
        approved_at: when.
        ended_by: who ended it early.
        ended_at: when.
    """

    id: RecordId
    delegator: RecordId
    delegate: RecordId
    role: str
    acts: Words
    starts: Instant
    ends: Instant
    reason: str
    proposer: str
    proposed_at: Instant
    approved_by: str | None = None
    approved_at: Instant | None = None
    ended_by: str | None = None
    ended_at: Instant | None = None


def by_id(connection: Connection, delegation_id: str) -> DelegationRow | None:
    """Return one delegation."""
    query = select(DELEGATIONS).where(DELEGATIONS.c.id == delegation_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else DelegationRow(**row)


def everything(connection: Connection, person: str | None = None) -> list[DelegationRow]:
    """Return delegations, newest first, of everyone or those that a person is part of."""
    table = DELEGATIONS
    query = select(table).order_by(table.c.proposed_at.desc(), table.c.id)
    if person is not None:
        query = query.where(or_(table.c.delegator == person, table.c.delegate == person))
    return [DelegationRow(**row) for row in connection.execute(query).mappings()]


def between(connection: Connection, delegator: str, delegate: str) -> list[DelegationRow]:
    """Return the approved delegations from one person to another that were not ended."""
    table = DELEGATIONS
    query = select(table).where(
        table.c.delegator == delegator,
        table.c.delegate == delegate,
        table.c.approved_by.is_not(None),
        table.c.ended_at.is_(None),
    )
    return [DelegationRow(**row) for row in connection.execute(query).mappings()]


def granted(connection: Connection, now: str, *persons: str) -> dict[str, frozenset[str]]:
    """Return the roles granted to each of these persons who may act; lent roles are not in it."""
    query = (
        select(OFFICERS.c.id, GRANTS.c.role)
        .join(GRANTS, GRANTS.c.officer == OFFICERS.c.id)
        .where(
            OFFICERS.c.id.in_(persons),
            OFFICERS.c.state == OfficerState.ACTIVE.value,
            GRANTS.c.state == GrantState.ACTIVE.value,
            ~exists().where(SUSPENSIONS.c.officer == OFFICERS.c.id, IN_FORCE),
        )
    )
    found: dict[str, frozenset[str]] = {}
    for person, role in connection.execute(query, {"now": now}):
        found[person] = found.get(person, frozenset()) | {role}
    return found


def recusals(connection: Connection, object_id: str | None = None) -> list[Recusal]:
    """Return recusals that stand, newest first, of one object or of all."""
    query = select(RECUSALS).where(RECUSALS.c.state == RecusalState.ACTIVE.value)
    if object_id is not None:
        query = query.where(RECUSALS.c.object == object_id)
    rows = connection.execute(query.order_by(RECUSALS.c.at.desc(), RECUSALS.c.officer)).mappings()
    return [Recusal(**row) for row in rows]


def recused_everywhere(connection: Connection) -> dict[str, frozenset[str]]:
    """Return the officers who stand aside, by object; a ministry has few of them at a time."""
    query = select(RECUSALS.c.object, RECUSALS.c.officer).where(
        RECUSALS.c.state == RecusalState.ACTIVE.value
    )
    found: dict[str, frozenset[str]] = {}
    for object_id, officer in connection.execute(query):
        found[object_id] = found.get(object_id, frozenset()) | {officer}
    return found


def recusal(connection: Connection, officer: str, object_id: str) -> Recusal | None:
    """Return one officer's recusal from one object, standing or lifted."""
    query = select(RECUSALS).where(RECUSALS.c.officer == officer, RECUSALS.c.object == object_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Recusal(**row)
