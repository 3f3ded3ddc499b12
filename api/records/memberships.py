"""Memberships that administrators of this node proposed and approved, and those it ran with.

Owns the table ``membership_changes``; which one is confirmed is a fact in ``node_state``. So are
the files of those that it ran with: what is stored may need their keys after a member left.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Table, Text, select

from api.records import node_state
from api.records.metadata import METADATA, RECORDED
from api.records.unit_of_work import Unit
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.errors import WireError
from api.wire.membership import Membership, parse_membership

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

_FILE: Final = "membership-file:"
"""Begins the name of the fact that holds a membership's file, base64url; its digest follows."""


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


def keep_file(unit: Unit, membership: Membership, at: str) -> None:
    """Keep the file of a membership that the node runs with."""
    name = _FILE + membership.digest
    if node_state.value(unit.connection, name) is None:
        node_state.put(unit, name, b64u_encode(membership.raw), at)


def former(connection: Connection, membership: Membership) -> Iterator[Membership]:
    """Yield the memberships before one, newest first, as far as they are kept.

    Each names the digest of the file before it, so a row that was changed is none of them.
    """
    digest = membership.previous
    while digest is not None:
        text = node_state.value(connection, _FILE + digest)
        try:
            found = parse_membership(b64u_decode(text)) if text is not None else None
        except WireError:
            found = None
        if found is None or found.digest != digest:
            return
        yield found
        digest = found.previous


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
