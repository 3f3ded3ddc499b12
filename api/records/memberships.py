"""Memberships that administrators of this node proposed and approved, and the one it runs with.

Owns the table ``membership_changes``; which one is confirmed is a fact in ``node_state``.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, Text, select

from api.records import node_state
from api.records.metadata import METADATA, RECORDED

MEMBERSHIP_CHANGES = Table(
    "membership_changes",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("serial", BigInteger, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
    info=RECORDED,
)

FACT: Final = "membership"
"""Name of the fact: the membership that was confirmed last, see `Confirmed`."""


class MembershipState(StrEnum):
    """Where a proposed membership stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """One row of ``membership_changes``.

    Attributes:
        digest: of the file.
        serial: its number.
        file: its bytes.
        state: proposed or approved.
        proposed_by: officer record of the first administrator.
        proposed_at: RFC 3339 UTC.
        decided_by: the second administrator.
        decided_at: when.
    """

    digest: str
    serial: int
    file: bytes
    state: MembershipState
    proposed_by: str
    proposed_at: str
    decided_by: str | None = None
    decided_at: str | None = None

    def __post_init__(self) -> None:
        """Refuse a state that is none, and give the bytes one type on both databases."""
        object.__setattr__(self, "state", MembershipState(self.state))
        object.__setattr__(self, "file", bytes(self.file))


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The membership that this node was confirmed to run with.

    Attributes:
        serial: its number.
        digest: of its file.
        keys: names of the keys by which partners judge what this node sends, when it was taken.
        keys_since: number of the first membership that was taken with these keys.
    """

    serial: int
    digest: str
    keys: tuple[str, ...] = field(default=(), compare=False)
    keys_since: int = field(default=0, compare=False)


def by_digest(connection: Connection, digest: str) -> MembershipChange | None:
    """Return one proposed membership."""
    query = select(MEMBERSHIP_CHANGES).where(MEMBERSHIP_CHANGES.c.digest == digest)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else MembershipChange(**row)


def changes(connection: Connection) -> list[MembershipChange]:
    """Return all proposed memberships, newest first."""
    table = MEMBERSHIP_CHANGES
    query = select(table).order_by(table.c.serial.desc(), table.c.proposed_at.desc())
    return [MembershipChange(**row) for row in connection.execute(query).mappings()]


def confirmed(connection: Connection) -> Confirmed | None:
    """Return the membership confirmed last; ``None`` for a node that never started."""
    text = node_state.value(connection, FACT)
    if text is None:
        return None
    fact = json.loads(text)
    keys = tuple(str(kid) for kid in fact.get("keys", ()))
    return Confirmed(int(fact["serial"]), str(fact["digest"]), keys, int(fact.get("keys_since", 0)))
