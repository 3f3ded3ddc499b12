"""Passkeys: where they may be used, what was said of each, and challenges that wait for an answer.

Owns the tables ``relying_parties`` (web addresses and the id that passkeys are bound to, set by two
administrators), ``passkeys`` (credential and counter of an enrolled passkey, beside its row in
``officer_keys``) and ``key_challenges`` (volatile: a lost one costs one repetition).
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, select

from api.domain.notation import Instant, RecordId, Words
from api.records.metadata import METADATA, RECORDED, VOLATILE

RELYING_PARTIES = Table(
    "relying_parties",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("rp_id", Text, nullable=False),
    Column("origins", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
    info=RECORDED,
)

PASSKEYS = Table(
    "passkeys",
    METADATA,
    Column("kid", Text, primary_key=True),
    Column("credential", Text, nullable=False, unique=True),
    Column("rp_id", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("used_at", Text, nullable=False),
    info=RECORDED,
)

KEY_CHALLENGES = Table(
    "key_challenges",
    METADATA,
    Column("challenge", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Index("ix_key_challenges_expires_at", "expires_at"),
    info=VOLATILE,
)


class RelyingPartyState(StrEnum):
    """Where a relying party stands; at most one is active."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """One row of ``relying_parties`` (WebAuthn Level 3 §4).

    Attributes:
        id: 32 hex digits.
        rp_id: the domain that passkeys are bound to, such as ``comity.example``.
        origins: web addresses at which officers use them, separated by spaces.
        state: proposed, active or replaced.
        proposed_by: officer record of the first administrator.
        proposed_at: RFC 3339 UTC.
        decided_by: the second administrator.
        decided_at: when.
    """

    id: RecordId
    rp_id: str
    origins: Words
    state: RelyingPartyState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None = None
    decided_at: Instant | None = None

    def __post_init__(self) -> None:
        """Refuse a state that is none."""
        object.__setattr__(self, "state", RelyingPartyState(self.state))


@dataclass(frozen=True, slots=True)
class Passkey:
    """One row of ``passkeys``.

    Attributes:
        kid: of the key in ``officer_keys``.
        credential: id of the credential at its authenticator, base64url.
        rp_id: the domain it was made for.
        count: signature counter at the last use; 0 for authenticators that do not count.
        used_at: when it was enrolled or last used, RFC 3339 UTC.
    """

    kid: str
    credential: str
    rp_id: str
    count: int
    used_at: str


@dataclass(frozen=True, slots=True)
class KeyChallenge:
    """One row of ``key_challenges``: what a new key must sign, for whom and until when."""

    challenge: str
    officer: str
    expires_at: str


def active_party(connection: Connection) -> RelyingParty | None:
    """Return the relying party in force."""
    query = select(RELYING_PARTIES).where(RELYING_PARTIES.c.state == RelyingPartyState.ACTIVE.value)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else RelyingParty(**row)


def party_by_id(connection: Connection, party_id: str) -> RelyingParty | None:
    """Return one relying party."""
    query = select(RELYING_PARTIES).where(RELYING_PARTIES.c.id == party_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else RelyingParty(**row)


def parties(connection: Connection) -> list[RelyingParty]:
    """Return all relying parties, newest first."""
    table = RELYING_PARTIES
    query = select(table).order_by(table.c.proposed_at.desc(), table.c.id)
    return [RelyingParty(**row) for row in connection.execute(query).mappings()]


def by_kid(connection: Connection, kid: str) -> Passkey | None:
    """Return one passkey."""
    row = connection.execute(select(PASSKEYS).where(PASSKEYS.c.kid == kid)).mappings()
    found = row.one_or_none()
    return None if found is None else Passkey(**found)


def challenge(connection: Connection, text: str) -> KeyChallenge | None:
    """Return one challenge."""
    query = select(KEY_CHALLENGES).where(KEY_CHALLENGES.c.challenge == text)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else KeyChallenge(**row)


def expired_challenges(connection: Connection, now: str) -> list[str]:
    """Return the challenges that nobody answered in time."""
    query = select(KEY_CHALLENGES.c.challenge).where(KEY_CHALLENGES.c.expires_at <= now)
    return list(connection.execute(query).scalars())
