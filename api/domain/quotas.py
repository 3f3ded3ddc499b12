"""What one partner may ask of a node in a time, so that one's haste is nobody else's wait.

Owns the arithmetic of allowances that refill (token buckets), held in memory, each process its own;
and which bytes a partner may move in a day (UTC), counted in the database
(``services/road/traffic.py``). Both bound rates and never what is kept (PROTOCOL §9): who waits
loses nothing.
"""

import math
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from api.domain.errors import TooMany

_ROUNDING: Final = 1e-6


class Allowance(StrEnum):
    """What is counted, for each partner apart."""

    MESSAGES = "messages"
    BYTES = "bytes"
    EVENTS = "events"
    SUBMISSIONS = "submissions"


class Share(StrEnum):
    """Bytes that are counted by the day, for each partner apart."""

    MESSAGES = "messages"
    EXHIBITS_OUT = "exhibits-out"
    EXHIBITS_IN = "exhibits-in"


@dataclass(frozen=True, slots=True)
class Rate:
    """An allowance: ``amount`` in ``seconds``, all of it at once if it was saved up."""

    amount: float
    seconds: float


RATES: Final = {
    Allowance.MESSAGES: Rate(6_000, 60),
    Allowance.BYTES: Rate(1 << 30, 60),
    Allowance.EVENTS: Rate(10_000, 3600),
    Allowance.SUBMISSIONS: Rate(120, 60),
}
"""Far above what an honest partner sends, far below what wears a node out."""

DAILY: Final = {
    Share.MESSAGES: 64 << 30,
    Share.EXHIBITS_OUT: 1 << 40,
    Share.EXHIBITS_IN: 1 << 40,
}
"""Bytes a day; the defaults of the settings."""


def day_of(now: datetime) -> str:
    """Return the day of an instant (UTC), ``YYYY-MM-DD``."""
    return now.astimezone(UTC).date().isoformat()


def seconds_left(now: datetime) -> int:
    """Return the seconds until the next day (UTC) begins, at least one."""
    at = now.astimezone(UTC)
    midnight = datetime.combine(at.date() + timedelta(days=1), time(), UTC)
    return max(1, math.ceil((midnight - at).total_seconds()))


def too_many(wait: int) -> TooMany:
    """Return the refusal of what is more than a partner's share.

    Args:
        wait: seconds after which trying again can help.
    """
    return TooMany(
        "peer.quota", "You ask more than your share; ask again later.", retry_after=max(1, wait)
    )


@dataclass(slots=True)
class Quotas:
    """The allowances of all partners.

    Attributes:
        rates: what each allowance is.
        daily: bytes a day of each share.
    """

    rates: dict[Allowance, Rate] = field(default_factory=lambda: dict(RATES))
    daily: dict[Share, int] = field(default_factory=lambda: dict(DAILY))
    _left: dict[tuple[str, Allowance], tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def take(self, peer: str, what: Allowance, now: float, amount: float = 1) -> None:
        """Use some of a partner's allowance.

        Args:
            peer: the ministry.
            what: which allowance.
            now: seconds on the node's clock.
            amount: how much; more than the whole allowance counts as all of it.

        Raises:
            TooMany: ``peer.quota``.
        """
        rate = self.rates[what]
        wanted = min(amount, rate.amount)
        with self._lock:
            left, at = self._left.get((peer, what), (rate.amount, now))
            refilled = left + max(0.0, now - at) * rate.amount / rate.seconds
            left = min(rate.amount, refilled)
            if left >= wanted - _ROUNDING:
                self._left[peer, what] = (left - wanted, now)
                return
            self._left[peer, what] = (left, now)
        raise too_many(math.ceil((wanted - left) * rate.seconds / rate.amount))
