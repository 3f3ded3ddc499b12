"""Officers: their identities, roles and signing keys, and what they stand aside from.

Owns the tables ``officers``, ``officer_identities``, ``role_grants``, ``officer_keys`` and
``recusals``. An officer record is one human being: every (iss, sub) of that person points at it, so
two accounts never make four eyes. Whether an officer is suspended is said by
``records/suspensions.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from sqlalchemy import Column, Connection, Index, Table, Text, bindparam, select

from api.domain.notation import Instant, KeyId, RecordId
from api.records.metadata import METADATA, RECORDED, STANDING
from api.records.standing_version import CURRENT
from api.records.suspensions import IN_FORCE, SUSPENSIONS

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
    info=STANDING,
)

IDENTITIES = Table(
    "officer_identities",
    METADATA,
    Column("iss", Text, primary_key=True),
    Column("sub", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Index("ix_officer_identities_officer", "officer"),
    info=STANDING,
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
    info=STANDING,
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
    info=STANDING,
)

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

OUTSIDE: Final = "yes"
"""What the column ``outside`` holds for a person who is not of this ministry."""


class OfficerState(StrEnum):
    """Where an officer's record stands; a suspension is a record of its own."""

    PROPOSED = "proposed"
    ACTIVE = "active"


class GrantState(StrEnum):
    """Where a role grant stands."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    REVOKED = "revoked"


class KeyState(StrEnum):
    """Where a signing key stands: asked for, vouched for by one administrator, approved, gone."""

    REQUESTED = "requested"
    PROPOSED = "proposed"
    ACTIVE = "active"
    REVOKED = "revoked"


class RecusalState(StrEnum):
    """Whether a recusal stands."""

    ACTIVE = "active"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True)
class Officer:
    """One row of ``officers``: a human being.

    Attributes:
        id: 32 hex digits.
        name: for people; never in an event.
        state: proposed or active.
        created_at: when the record was made, RFC 3339 UTC.
        expires_at: end of the account; ``None`` for none.
        outside: ``yes`` for a person who is not of this ministry.
        proposed_by: officer record of the first administrator; ``None`` for the bootstrap.
    """

    id: str
    name: str
    state: OfficerState
    created_at: str
    expires_at: str | None
    outside: str | None
    proposed_by: str | None

    def __post_init__(self) -> None:
        """Refuse a state that is none."""
        object.__setattr__(self, "state", OfficerState(self.state))

    @property
    def from_outside(self) -> bool:
        """Whether this person is not of this ministry."""
        return self.outside is not None


@dataclass(frozen=True, slots=True)
class Identity:
    """One row of ``officer_identities``: an account of an officer at a sign-in service."""

    iss: str
    sub: str
    officer: str


@dataclass(frozen=True, slots=True)
class Grant:
    """One row of ``role_grants``.

    Attributes:
        id: 32 hex digits.
        officer: who gets the role.
        role: name of the role.
        state: proposed, active or revoked.
        proposed_by: officer record of the first administrator, or ``bootstrap``.
        proposed_at: RFC 3339 UTC.
        decided_by: who approved or revoked it.
        decided_at: when.
        sub: the one account that the role is tied to; ``None`` for all of the person's.
    """

    id: RecordId
    officer: RecordId
    role: str
    state: GrantState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None = None
    decided_at: Instant | None = None
    sub: str | None = None

    def __post_init__(self) -> None:
        """Refuse a state that is none."""
        object.__setattr__(self, "state", GrantState(self.state))


@dataclass(frozen=True, slots=True)
class OfficerKey:
    """One row of ``officer_keys``.

    Attributes:
        kid: RFC 7638 thumbprint.
        officer: whose key it is.
        form: ``jws`` or ``webauthn``.
        jwk: the public key, JSON.
        state: requested, proposed, active or revoked.
        proposed_by: who asked, then the administrator who vouched.
        proposed_at: RFC 3339 UTC.
        decided_by: who approved or revoked it.
        decided_at: when.
    """

    kid: KeyId
    officer: RecordId
    form: Literal["jws", "webauthn"]
    jwk: str
    state: KeyState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None = None
    decided_at: Instant | None = None

    def __post_init__(self) -> None:
        """Refuse a state that is none."""
        object.__setattr__(self, "state", KeyState(self.state))


@dataclass(frozen=True, slots=True)
class Recusal:
    """One row of ``recusals``.

    Attributes:
        officer: who stands aside.
        object: id of what they stand aside from.
        state: active or lifted.
        reason: in words; stays here.
        recorded_by: who recorded or lifted it.
        at: when, RFC 3339 UTC.
    """

    officer: RecordId
    object: str
    state: RecusalState
    reason: str
    recorded_by: str
    at: Instant

    def __post_init__(self) -> None:
        """Refuse a state that is none."""
        object.__setattr__(self, "state", RecusalState(self.state))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the node knows of the person behind an (iss, sub): roles come from active grants.

    Attributes:
        officer: officer record id.
        name: for people.
        active: the record is approved and no suspension is in force.
        expires_at: end of the account; ``None`` for none.
        outside: the person is not of this ministry.
        roles: names of the roles held with this account.
        kids: thumbprints of the enrolled keys.
        suspended: a suspension is in force now; it may end by itself, at an hour of its own.
    """

    officer: str
    name: str
    active: bool
    expires_at: str | None
    outside: bool
    roles: frozenset[str]
    kids: frozenset[str]
    suspended: bool = False


# Built once: every call of every officer asks these three.
_PERSON = (
    select(
        OFFICERS,
        select(SUSPENSIONS.c.id)
        .where(SUSPENSIONS.c.officer == OFFICERS.c.id, IN_FORCE)
        .limit(1)
        .scalar_subquery()
        .label("suspension"),
    )
    .join(IDENTITIES, IDENTITIES.c.officer == OFFICERS.c.id)
    .where(IDENTITIES.c.iss == bindparam("iss"), IDENTITIES.c.sub == bindparam("sub"))
)
_ROLES = select(GRANTS.c.role).where(
    GRANTS.c.officer == bindparam("officer"),
    GRANTS.c.state == GrantState.ACTIVE.value,
    # A grant may be tied to one account of the person.
    GRANTS.c.sub.is_(None) | (GRANTS.c.sub == bindparam("sub")),
)
_KIDS = select(OFFICER_KEYS.c.kid).where(
    OFFICER_KEYS.c.officer == bindparam("officer"),
    OFFICER_KEYS.c.state == KeyState.ACTIVE.value,
)
_BY_ID = select(OFFICERS).where(OFFICERS.c.id == bindparam("id"))
_GRANT_BY_ID = select(GRANTS).where(GRANTS.c.id == bindparam("id"))
_KEY_BY_KID = select(OFFICER_KEYS).where(OFFICER_KEYS.c.kid == bindparam("kid"))


def standing(connection: Connection, iss: str, sub: str, now: str) -> Standing | None:
    """Return the standing of the person who signed in, or ``None`` if unknown here."""
    keys = {"iss": iss, "sub": sub, "now": now}
    person = connection.execute(_PERSON, keys).mappings().one_or_none()
    if person is None:
        return None
    roles = connection.execute(_ROLES, {"officer": person["id"], "sub": sub}).scalars()
    kids = connection.execute(_KIDS, {"officer": person["id"]}).scalars()
    return Standing(
        officer=person["id"],
        name=person["name"],
        active=person["state"] == OfficerState.ACTIVE and person["suspension"] is None,
        expires_at=person["expires_at"],
        outside=person["outside"] is not None,
        roles=frozenset(roles),
        kids=frozenset(kids),
        suspended=person["suspension"] is not None,
    )


def version(connection: Connection) -> int:
    """Return the number that grows with every change of what :func:`standing` reads (0: lost)."""
    return connection.exec_driver_sql(CURRENT).scalar_one_or_none() or 0


def by_id(connection: Connection, officer_id: str) -> Officer | None:
    """Return one officer."""
    row = connection.execute(_BY_ID, {"id": officer_id}).mappings().one_or_none()
    return None if row is None else Officer(**row)


def by_account(connection: Connection, iss: str, sub: str) -> Officer | None:
    """Return the officer whose account this is."""
    query = (
        select(OFFICERS)
        .join(IDENTITIES, IDENTITIES.c.officer == OFFICERS.c.id)
        .where(IDENTITIES.c.iss == iss, IDENTITIES.c.sub == sub)
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Officer(**row)


def everyone(connection: Connection) -> list[Officer]:
    """Return all officers by name."""
    query = select(OFFICERS).order_by(OFFICERS.c.name, OFFICERS.c.id)
    return [Officer(**row) for row in connection.execute(query).mappings()]


def identities(connection: Connection) -> list[Identity]:
    """Return the accounts of all officers."""
    query = select(IDENTITIES).order_by(IDENTITIES.c.iss, IDENTITIES.c.sub)
    return [Identity(**row) for row in connection.execute(query).mappings()]


def grants(connection: Connection, officer_id: str | None = None) -> list[Grant]:
    """Return role grants, newest last, of one officer or of all."""
    query = select(GRANTS).order_by(GRANTS.c.proposed_at, GRANTS.c.id)
    if officer_id is not None:
        query = query.where(GRANTS.c.officer == officer_id)
    return [Grant(**row) for row in connection.execute(query).mappings()]


def grant_by_id(connection: Connection, grant_id: str) -> Grant | None:
    """Return one role grant."""
    row = connection.execute(_GRANT_BY_ID, {"id": grant_id}).mappings().one_or_none()
    return None if row is None else Grant(**row)


def roles_held(connection: Connection, officer_id: str) -> frozenset[str]:
    """Return the roles a person holds through any account."""
    return _roles(connection, officer_id, GrantState.ACTIVE)


def roles_offered(connection: Connection, officer_id: str) -> frozenset[str]:
    """Return the roles a person holds or has been offered."""
    return _roles(connection, officer_id, GrantState.ACTIVE, GrantState.PROPOSED)


def _roles(connection: Connection, officer_id: str, *states: GrantState) -> frozenset[str]:
    query = select(GRANTS.c.role).where(GRANTS.c.officer == officer_id, GRANTS.c.state.in_(states))
    return frozenset(connection.execute(query).scalars())


def able(connection: Connection, role: str, now: str) -> frozenset[str]:
    """Return the officers who can act in a role: approved, not suspended, not past their end."""
    query = (
        select(OFFICERS.c.id)
        .join(GRANTS, GRANTS.c.officer == OFFICERS.c.id)
        .where(
            GRANTS.c.role == role,
            GRANTS.c.state == GrantState.ACTIVE.value,
            OFFICERS.c.state == OfficerState.ACTIVE.value,
            OFFICERS.c.expires_at.is_(None) | (OFFICERS.c.expires_at > now),
            ~select(SUSPENSIONS.c.id)
            .where(SUSPENSIONS.c.officer == OFFICERS.c.id, IN_FORCE)
            .exists(),
        )
    )
    return frozenset(connection.execute(query, {"now": now}).scalars())


def keys(connection: Connection, officer_id: str | None = None) -> list[OfficerKey]:
    """Return signing keys of one officer or of all."""
    query = select(OFFICER_KEYS).order_by(OFFICER_KEYS.c.proposed_at, OFFICER_KEYS.c.kid)
    if officer_id is not None:
        query = query.where(OFFICER_KEYS.c.officer == officer_id)
    return [OfficerKey(**row) for row in connection.execute(query).mappings()]


def key_by_kid(connection: Connection, kid: str) -> OfficerKey | None:
    """Return one signing key."""
    row = connection.execute(_KEY_BY_KID, {"kid": kid}).mappings().one_or_none()
    return None if row is None else OfficerKey(**row)


def names(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the names of officers by record id; unknown ids are absent."""
    if not ids:
        return {}
    query = select(OFFICERS.c.id, OFFICERS.c.name).where(OFFICERS.c.id.in_(ids))
    return {row.id: row.name for row in connection.execute(query)}


def names_by_account(connection: Connection) -> dict[str, str]:
    """Return the names of officers by account, ``iss sub`` as events write it."""
    query = select(IDENTITIES.c.iss, IDENTITIES.c.sub, OFFICERS.c.name).join(
        OFFICERS, OFFICERS.c.id == IDENTITIES.c.officer
    )
    return {f"{row.iss} {row.sub}": row.name for row in connection.execute(query)}
