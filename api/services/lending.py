"""Acting in another's place: which lent roles a caller brings to one act.

Owns the way from stored delegations to the principal that the policies see. The rules are
in ``domain/delegation.py``; nothing here changes a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from api.domain.delegation import Delegation, in_place_of
from api.ports.policy import Principal
from api.records import delegations
from api.wire.encoding import parse_instant


@dataclass(frozen=True, slots=True)
class Lent:
    """What a caller may do in somebody's place.

    Attributes:
        lender: in whose place.
        delegations: approved ones from that person to the caller.
        granted: roles granted to both, as they stand now.
    """

    lender: str
    delegations: tuple[Delegation, ...]
    granted: Mapping[str, frozenset[str]]

    def roles(self, now: datetime) -> frozenset[str]:
        """Return the roles that are lent now, for whatever acts."""
        held = self.granted.get(self.lender, frozenset())
        return frozenset(one.role for one in self.delegations if one.in_force(now)) & held


def load(connection: Connection, lender: str, person: str, now: str) -> Lent:
    """Return what one person lent another, in force or not."""
    rows = delegations.between(connection, lender, person)
    granted = delegations.granted(connection, now, lender, person)
    return Lent(lender, tuple(from_row(row) for row in rows), granted)


def from_row(row: delegations.DelegationRow) -> Delegation:
    """Return a stored delegation as the rules see it."""
    return Delegation(
        id=row.id,
        delegator=row.delegator,
        delegate=row.delegate,
        role=row.role,
        acts=frozenset(row.acts.split()),
        starts=parse_instant(row.starts),
        ends=parse_instant(row.ends),
        proposer=row.proposer,
        approved_by=row.approved_by or "",
        ended_at=None if row.ended_at is None else parse_instant(row.ended_at),
    )


def principal_for(principal: Principal, lent: Lent, action: str, now: datetime) -> Principal:
    """Return the principal with what is lent for one act; unchanged where nothing covers it.

    Whoever stands in another's place answers for both: a policy that bars the lender bars the
    delegate too.
    """
    standing = in_place_of(
        lent.lender, principal.person, action, lent.granted, lent.delegations, now
    )
    if standing is None:
        return principal
    return replace(principal, roles=standing.roles, acting_for=standing.acting_for)
