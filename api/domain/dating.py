"""What a receiver makes of the dates that partners write into statements (PROTOCOL §9, *Dates*).

Owns the two limits and the instant at which consents are judged. Reads no clock: a statement is
compared with its receipt, and with the times that heads of its issuer's log bear or were seen at.
Delay alone never refuses.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from api.domain.decisions import ALLOWED, Decision, refuse
from api.wire.encoding import parse_instant

AHEAD: Final = timedelta(minutes=15)
"""How much later than its receipt a statement may be dated."""

BEHIND: Final = timedelta(minutes=30)
"""How much earlier than the head before its leaf a statement may be dated."""


@dataclass(frozen=True, slots=True)
class Times:
    """What one item is dated against; instants in the protocol's text form.

    Attributes:
        received_at: when the message was stored, by this node's clock.
        head_at: the time in the ML-DSA-44 signature of the issuer's log on the largest head seen
            here that is too small for the item's leaf; None if none was seen.
        seen_at: when a numbered message of the issuer last brought such a head; None if none did.
    """

    received_at: str
    head_at: str | None = None
    seen_at: str | None = None


def not_ahead(issued_at: str, received_at: str) -> Decision:
    """Whether a statement is dated at most 15 minutes after its receipt."""
    if parse_instant(issued_at) > parse_instant(received_at) + AHEAD:
        return refuse("statement.dated-ahead", "It is dated after its receipt; set the clock.")
    return ALLOWED


def may_be_dated(issued_at: str, times: Times) -> Decision:
    """Whether a statement's date fits its receipt and its place in its issuer's log.

    Returns:
        Allowed, or a refusal: `statement.dated-ahead` or `statement.dated-back`.
    """
    if times.head_at is not None:
        earliest = parse_instant(times.head_at) - BEHIND
        if parse_instant(issued_at) < earliest:
            return refuse(
                "statement.dated-back",
                "It is dated long before the log's head that its leaf comes after.",
            )
    return not_ahead(issued_at, times.received_at)


def consents_judged_at(issued_at: str, times: Times) -> str:
    """The instant at which a consent must hold for a release: what its issuer cannot date back."""
    if times.seen_at is None:
        return times.received_at
    return max(issued_at, times.seen_at)
