"""Officers, the identities that are theirs, their roles and their signing keys.

Owns the tables ``officers``, ``officer_identities``, ``role_grants``, ``officer_keys`` and
``recusals``. An officer record is one human being: every (iss, sub) of that person points at it, so
two accounts never make four eyes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, Table, Text, bindparam, select
from sqlalchemy.engine import RowMapping

from api.records.metadata import METADATA, RECORDED

OFFICERS = Table(
    "officers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("outside", Text),
    Column("proposed_by", Text),
    info=RECORDED,
)

IDENTITIES = Table(
    "officer_identities",
    METADATA,
    Column("iss", Text, primary_key=True),
    Column("sub", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Index("ix_officer_identities_officer", "officer"),
    info=RECORDED,
)

GRANTS = Table(
    "role_grants",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
    Column("sub", Text),
    Index("ix_role_grants_officer", "officer", "state"),
    info=RECORDED,
)

OFFICER_KEYS = Table(
    "officer_keys",
    METADATA,
    Column("kid", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("jwk", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
    Index("ix_officer_keys_officer", "officer", "state"),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the node knows of the person behind an (iss, sub): roles come from active grants."""

    officer: str
    name: str
    state: str
    expires_at: str | None
    outside: bool
    roles: frozenset[str]
    kids: frozenset[str]


# Built once: every call of every officer asks these three.
_PERSON = (
    select(OFFICERS)
    .join(IDENTITIES, IDENTITIES.c.officer == OFFICERS.c.id)
    .where(IDENTITIES.c.iss == bindparam("iss"), IDENTITIES.c.sub == bindparam("sub"))
)
_ROLES = select(GRANTS.c.role).where(
    GRANTS.c.officer == bindparam("officer"),
    GRANTS.c.state == "active",
    # A grant may be tied to one account of the person.
    GRANTS.c.sub.is_(None) | (GRANTS.c.sub == bindparam("sub")),
)
_KIDS = select(OFFICER_KEYS.c.kid).where(
    OFFICER_KEYS.c.officer == bindparam("officer"), OFFICER_KEYS.c.state == "active"
)


def standing(connection: Connection, iss: str, sub: str) -> Standing | None:
    """Return the standing of the person who signed in, or ``None`` if unknown here."""
    person = connection.execute(_PERSON, {"iss": iss, "sub": sub}).mappings().one_or_none()
    if person is None:
        return None
    roles = connection.execute(_ROLES, {"officer": person["id"], "sub": sub}).scalars()
    kids = connection.execute(_KIDS, {"officer": person["id"]}).scalars()
    return Standing(
        officer=person["id"],
        name=person["name"],
        state=person["state"],
        expires_at=person["expires_at"],
        outside=person["outside"] is not None,
        roles=frozenset(roles),
        kids=frozenset(kids),
    )


def by_id(connection: Connection, officer_id: str) -> RowMapping | None:
    """Return one officer."""
    return (
        connection.execute(select(OFFICERS).where(OFFICERS.c.id == officer_id))
        .mappings()
        .one_or_none()
    )


def everyone(connection: Connection) -> list[RowMapping]:
    """Return all officers by name."""
    query = select(OFFICERS).order_by(OFFICERS.c.name, OFFICERS.c.id)
    return list(connection.execute(query).mappings())


def identities_of(connection: Connection, officer_id: str) -> list[RowMapping]:
    """Return the accounts of one officer."""
    query = select(IDENTITIES).where(IDENTITIES.c.officer == officer_id)
    return list(connection.execute(query.order_by(IDENTITIES.c.iss, IDENTITIES.c.sub)).mappings())


def grants(connection: Connection, officer_id: str | None = None) -> list[RowMapping]:
    """Return role grants, newest last, of one officer or of all."""
    query = select(GRANTS).order_by(GRANTS.c.proposed_at, GRANTS.c.id)
    if officer_id is not None:
        query = query.where(GRANTS.c.officer == officer_id)
    return list(connection.execute(query).mappings())


def grant_by_id(connection: Connection, grant_id: str) -> RowMapping | None:
    """Return one role grant."""
    query = select(GRANTS).where(GRANTS.c.id == grant_id)
    return connection.execute(query).mappings().one_or_none()


def roles_held(connection: Connection, officer_id: str) -> frozenset[str]:
    """Return the roles a person holds through any account."""
    query = select(GRANTS.c.role).where(GRANTS.c.officer == officer_id, GRANTS.c.state == "active")
    return frozenset(connection.execute(query).scalars())


def roles_offered(connection: Connection, officer_id: str) -> frozenset[str]:
    """Return the roles a person holds or has been offered."""
    query = select(GRANTS.c.role).where(
        GRANTS.c.officer == officer_id, GRANTS.c.state.in_(("active", "proposed"))
    )
    return frozenset(connection.execute(query).scalars())


def keys(connection: Connection, officer_id: str | None = None) -> list[RowMapping]:
    """Return signing keys of one officer or of all."""
    query = select(OFFICER_KEYS).order_by(OFFICER_KEYS.c.proposed_at, OFFICER_KEYS.c.kid)
    if officer_id is not None:
        query = query.where(OFFICER_KEYS.c.officer == officer_id)
    return list(connection.execute(query).mappings())


def key_by_kid(connection: Connection, kid: str) -> RowMapping | None:
    """Return one signing key."""
    query = select(OFFICER_KEYS).where(OFFICER_KEYS.c.kid == kid)
    return connection.execute(query).mappings().one_or_none()


RECUSALS = Table(
    "recusals",
    METADATA,
    Column("officer", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("ix_recusals_object", "object"),
    info=RECORDED,
)


def names(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the names of officers by record id; unknown ids are absent."""
    if not ids:
        return {}
    query = select(OFFICERS.c.id, OFFICERS.c.name).where(OFFICERS.c.id.in_(ids))
    return {row.id: row.name for row in connection.execute(query)}
