"""Delegation during absence, as pure rules.

Owns when a lent role is in force and what it adds to an officer's standing. Delegation never thins
out the four eyes: whoever acts in another's place answers for both. Recusals stand in the policies.
Must not look at a clock or a database: instants (UTC) and registers come in as values. The same
limits stand in `policies/guardrails.cedar`; a test holds the two together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.four_eyes import DESK, conflicting

LONGEST: Final = timedelta(days=92)
"""Longest period of one delegation; a longer absence needs a grant by two administrators."""

LENDABLE_ACTS: Final = frozenset(
    {
        "draft.approve",
        "draft.confirm",
        "draft.create",
        "draft.discard",
        "draft.edit",
        "draft.return",
        "draft.send",
        "exhibit.write",
        "package.return",
        "package.submit",
        "proposal.endorse",
        "proposal.lapse",
        "proposal.return",
        "verdict.record",
    }
)
"""Acts that can be done in another's place. Reading needs a role of one's own or comes with it."""

_READING: Final = frozenset(
    {
        "draft.list",
        "draft.preview",
        "draft.read",
        "exhibit.read",
        "mirror.list",
        "mirror.read",
        "package.fetch",
        "package.holders",
        "package.list",
        "package.read",
        "proposal.list",
        "proposal.read",
        "subject.search",
        "task.list",
    }
)


@dataclass(frozen=True, slots=True)
class Delegation:
    """One role lent by one officer to another for a period.

    Attributes:
        id: Local id.
        delegator: Person who lends.
        delegate: Person who acts.
        role: The role lent.
        acts: Acts it is lent for, from `LENDABLE_ACTS`.
        starts: First instant in force.
        ends: First instant no longer in force.
        proposer: Person who proposed it.
        approved_by: Person who approved it, or empty while it waits.
        ended_at: Instant it was ended early, or None.
    """

    id: str
    delegator: str
    delegate: str
    role: str
    acts: frozenset[str]
    starts: datetime
    ends: datetime
    proposer: str
    approved_by: str = ""
    ended_at: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """Whether it is approved, begun, and neither over nor ended."""
        ended = self.ended_at is not None and self.ended_at <= now
        return bool(self.approved_by) and self.starts <= now < self.ends and not ended


@dataclass(frozen=True, slots=True)
class ActingStanding:
    """What an officer brings to one act; see `in_place_of`.

    Attributes:
        person: The officer.
        roles: Roles granted, and those lent for this act.
        acting_for: The person in whose place the officer stands; empty when acting in own right.
    """

    person: str
    roles: frozenset[str]
    acting_for: frozenset[str] = frozenset()


def may_propose(
    delegation: Delegation, granted: Mapping[str, frozenset[str]], now: datetime
) -> Decision:
    """Decide whether a delegation can be set up.

    Args:
        delegation: As proposed.
        granted: Roles granted to each active person; lent roles are not in it, so that what is
            borrowed cannot be lent on.
        now: The present instant.
    """
    lender = granted.get(delegation.delegator, frozenset())
    borrower = granted.get(delegation.delegate)
    checks = (
        (
            delegation.delegator != delegation.delegate,
            "delegation.to-self",
            "A role is lent to another person.",
        ),
        (
            delegation.role in DESK,
            "delegation.role",
            "Only the roles of analyst and reviewer can be lent.",
        ),
        (
            delegation.role in lender,
            "delegation.not-held",
            "Nobody lends a role that was not granted to them.",
        ),
        (
            borrower is not None,
            "delegation.unknown-officer",
            "The delegate is not an active officer.",
        ),
        (
            not conflicting((borrower or frozenset()) | {delegation.role}),
            "policy.separation-of-duties",
            "The delegate holds a role that must stay apart from the one lent.",
        ),
        (
            bool(delegation.acts) and delegation.acts <= LENDABLE_ACTS,
            "delegation.acts",
            "Name the acts it is lent for, from those that can be.",
        ),
        (
            delegation.starts < delegation.ends and now < delegation.ends,
            "delegation.period",
            "The period must end after it starts, and lie ahead.",
        ),
        (
            delegation.ends - delegation.starts <= LONGEST,
            "delegation.too-long",
            f"A delegation lasts {LONGEST.days} days at most; a longer absence needs a grant.",
        ),
    )
    return next((refuse(code, reason) for holds, code, reason in checks if not holds), ALLOWED)


def may_approve(delegation: Delegation, approver: str, now: datetime) -> Decision:
    """Decide whether this person can approve the delegation: someone in no way part of it."""
    if delegation.approved_by or delegation.ended_at is not None:
        return refuse("delegation.decided", "This delegation is already approved or ended.")
    if approver in {delegation.proposer, delegation.delegator, delegation.delegate}:
        return refuse(
            "policy.own-delegation", "It is approved by someone who is in no way part of it."
        )
    if delegation.ends <= now:
        return refuse("delegation.period", "The period is over.")
    return ALLOWED


def in_place_of(
    lender: str,
    person: str,
    action: str,
    granted: Mapping[str, frozenset[str]],
    delegations: Iterable[Delegation],
    now: datetime,
) -> ActingStanding | None:
    """Work out with what standing a person does one act in another's place.

    A lent role counts only while its lender still holds it, and never beside a role it must stay
    apart from. Reading comes with every delegation in force, since nobody can decide unseen.

    Args:
        lender: In whose place.
        person: Who acts.
        action: The act, as in `api.ports.policy.Action`.
        granted: Roles granted to each active person.
        delegations: Any delegations; those of others are passed over.
        now: The present instant.

    Returns:
        The standing, or None if no delegation covers this act now.
    """
    own = granted.get(person)
    if own is None:
        return None
    lent = {
        delegation.role
        for delegation in delegations
        if delegation.delegator == lender
        and delegation.delegate == person
        and delegation.in_force(now)
        and action in delegation.acts | _READING
    }
    roles = own | (lent & granted.get(lender, frozenset()) & DESK)
    if roles.isdisjoint(lent) or conflicting(roles):
        return None
    return ActingStanding(person, roles, frozenset({lender}))
