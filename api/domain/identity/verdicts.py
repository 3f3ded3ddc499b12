"""What several ministries' verdicts on two descriptions come to at one of them.

Owns that decision: a ministry's own verdict prevails, partners' count where they agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass

UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Given:
    """One verdict that stands.

    Attributes:
        id: of the verdict or of its statement.
        ministry: whose it is.
        outcome: ``same``, ``not-same`` or ``unsure``.
        reason: how they know.
        by: who gave it, as far as that is known here.
        at: when (RFC 3339 UTC).
        shared: partners were told.
    """

    id: str
    ministry: str
    outcome: str
    reason: str
    by: str
    at: str
    shared: bool


def settled(given: Iterable[Given], own: str) -> str:
    """Return what counts at a ministry: an outcome, or an empty text where nobody gave one.

    The ministry's own latest verdict counts alone. Without one, partners' verdicts count if all of
    those who are sure say the same; where they contradict each other it is ``unsure``.
    """
    known = sorted(given, key=lambda one: (one.at, one.id))
    mine = [one for one in known if one.ministry == own]
    if mine:
        return mine[-1].outcome
    sure = {one.outcome for one in known} - {UNSURE}
    if len(sure) == 1:
        return sure.pop()
    return UNSURE if known else ""
