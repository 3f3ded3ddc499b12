"""What one partner may ask of a node in a time, so that one's haste is nobody else's wait.

Owns the arithmetic of allowances that refill (token buckets). They bound rates and never what is
kept (PROTOCOL §9): who is told to wait loses nothing. Held in memory; each process has its own.
"""

import math
import threading
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Quotas:
    """The allowances of all partners.

    Attributes:
        rates: what each allowance is.
    """

    rates: dict[Allowance, Rate] = field(default_factory=lambda: dict(RATES))
    _left: dict[tuple[str, Allowance], tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

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
        wait = math.ceil((wanted - left) * rate.seconds / rate.amount)
        raise TooMany(
            "peer.quota", "You ask more than your share; ask again later.", retry_after=max(1, wait)
        )
