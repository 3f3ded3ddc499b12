"""Editions of regime data that two administrators of this node decided on.

Owns the table ``regime_editions``. At most one edition of a regime is in force; without one, that
of the policy directory is.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Connection, LargeBinary, Table, Text, select

from api.domain.notation import Instant, RecordId
from api.records.metadata import METADATA, STANDING
from api.records.rows import every, first

REGIME_EDITIONS = Table(
    "regime_editions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("regime", Text, nullable=False),
    Column("edition", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
    info=STANDING,
)


class RegimeEditionState(StrEnum):
    """Where an edition stands; of each regime at most one is in force."""

    PROPOSED = "proposed"
    IN_FORCE = "in-force"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class RegimeEdition:
    """One row of ``regime_editions``.

    Attributes:
        id: 32 hex digits.
        regime: such as ``CA-SEMA``.
        edition: as the document names it.
        document: its canonical bytes.
        state: proposed, in-force or replaced.
        proposed_by: officer record of the first administrator.
        proposed_at: RFC 3339 UTC.
        decided_by: the second administrator.
        decided_at: when.
    """

    id: RecordId
    regime: str
    edition: str
    document: bytes
    state: RegimeEditionState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None = None
    decided_at: Instant | None = None

    def __post_init__(self) -> None:
        """Refuse a state that is none, and give the bytes one type on both databases."""
        object.__setattr__(self, "state", RegimeEditionState(self.state))
        object.__setattr__(self, "document", bytes(self.document))


def in_force(connection: Connection) -> list[RegimeEdition]:
    """Return the editions in force, by regime."""
    table = REGIME_EDITIONS
    query = select(table).where(table.c.state == RegimeEditionState.IN_FORCE.value)
    return every(connection, query.order_by(table.c.regime), RegimeEdition)


def edition_by_id(connection: Connection, edition_id: str) -> RegimeEdition | None:
    """Return one edition."""
    query = select(REGIME_EDITIONS).where(REGIME_EDITIONS.c.id == edition_id)
    return first(connection, query, RegimeEdition)


def all_editions(connection: Connection) -> list[RegimeEdition]:
    """Return every edition that was proposed here, newest first."""
    table = REGIME_EDITIONS
    query = select(table).order_by(table.c.proposed_at.desc(), table.c.id)
    return every(connection, query, RegimeEdition)
