"""Suspending an officer and taking them back, as pure rules.

Owns who may suspend whom for how long. Taking power away must not wait for a second person, and
must not let one person empty the ministry: what one administrator imposes ends after 24 hours
unless another one confirms it, and the same administrator does it to the same person once in
seven days. Taking back takes two. Must not look at a clock or a database: instants (UTC) and the
officer's suspensions come in as values. Who may ask at all is decided by the policies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from api.domain.decisions import ALLOWED, Decision, refuse

ALONE: Final = timedelta(hours=24)
"""How long one administrator's word keeps an officer from acting."""

AGAIN: Final = timedelta(days=7)
"""How long the same administrator must wait to do it to the same person again without a second,
and how long a suspension can be confirmed."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """One suspension of one officer.

    Attributes:
        id: its id.
        imposed_by: person who imposed it.
        imposed_at: since when.
        ends_at: when it ends unless confirmed.
        confirmed: whether a second administrator confirmed it.
        lift_proposed_by: person who proposed to take it back; empty if nobody did.
        lifted: whether it was taken back.
    """

    id: str
    imposed_by: str
    imposed_at: datetime
    ends_at: datetime
    confirmed: bool = False
    lift_proposed_by: str = ""
    lifted: bool = False

    def in_force(self, now: datetime) -> bool:
        """Whether it keeps the officer from acting."""
        return not self.lifted and (self.confirmed or now < self.ends_at)


def may_impose(known: Sequence[Suspension], administrator: str, now: datetime) -> Decision:
    """Decide whether this administrator may suspend the officer alone.

    Args:
        known: all suspensions of that officer.
        administrator: person who asks.
        now: the present instant.
    """
    if any(each.in_force(now) for each in known):
        return refuse("suspension.stands", "This officer is suspended already.")
    lately = (
        each
        for each in known
        if each.imposed_by == administrator and not each.confirmed and now - each.imposed_at < AGAIN
    )
    if any(lately):
        return refuse(
            "suspension.again",
            "One administrator alone suspends the same person once in seven days: have another "
            "administrator confirm the suspension, or suspend.",
        )
    return ALLOWED


def to_confirm(known: Sequence[Suspension], now: datetime) -> Suspension | None:
    """Return the suspension that a second administrator can confirm: also one that has ended."""
    open_ = [
        each
        for each in known
        if not each.lifted and not each.confirmed and now - each.imposed_at < AGAIN
    ]
    return max(open_, key=lambda each: each.imposed_at, default=None)


def to_lift(known: Sequence[Suspension], now: datetime) -> Suspension | None:
    """Return the suspension in force, which two administrators can take back."""
    return next((each for each in known if each.in_force(now)), None)
