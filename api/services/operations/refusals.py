"""Callers whom nobody knows, refused at a door: counted in memory, recorded once a minute.

Owns that aggregation (DESIGN §4): a flood of failed sign-ins must not become a flood of events, and
must not be invisible either. One event ``access.refused`` for each door and minute in which there
were any, with the count, about the object ``door``. Refusals of known callers are events of their
own, written by ``authorising``.

What a process had counted when it was killed is lost, at most one minute of counts; a graceful stop
records them.
"""

import threading
from collections import Counter
from typing import Final

from api.domain.events import Act, Subject
from api.services import recording
from api.services.node import Node

EVERY: Final = 60.0
"""Seconds between two events of one door."""

SEVERAL: Final = "access.several-reasons"
"""Code of an event that counts refusals with different codes."""

# The peers' doors know their callers by signatures. Whoever is refused before these verified is
# nobody: what cannot be read, what names no member, what another signed, what came too slowly.
_UNKNOWN_SENDER: Final = frozenset(
    {
        "message.audience",
        "message.kind",
        "message.malformed",
        "message.request",
        "message.sender",
        "message.sequence",
        "media.unsupported",
        "submission.malformed",
        "submission.origin",
        "submission.signature",
    }
)
_UNAUTHENTIC: Final = ("body.", "encoding.", "envelope.", "json.", "key.", "signature.")


def refuses_a_stranger(code: str) -> bool:
    """Tell whether this code of a door for signed messages refuses a caller whom nobody knows."""
    return code in _UNKNOWN_SENDER or code.startswith(_UNAUTHENTIC)


class AnonymousRefusals:
    """The counts of one process since its last event."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {}

    def note(self, door: str, code: str) -> None:
        """Count one refusal at a door (``rest``, ``peer``, ``log``); takes no time."""
        with self._lock:
            self._counts.setdefault(door, Counter())[code] += 1

    def record(self, node: Node) -> bool:
        """Write one event for each door with refusals since the last call.

        Returns:
            False: there is nothing to go on with at once.

        Raises:
            Unavailable, Full: nothing was written; the counts are kept for the next call.
        """
        with self._lock:
            taken, self._counts = self._counts, {}
        for door in sorted(taken):
            try:
                _write_refusals(node, door, taken[door])
            except BaseException:
                self._give_back(taken)
                raise
            del taken[door]
        return False

    def _give_back(self, taken: dict[str, Counter[str]]) -> None:
        with self._lock:
            for door, counts in taken.items():
                self._counts.setdefault(door, Counter()).update(counts)


def _write_refusals(node: Node, door: str, counts: Counter[str]) -> None:
    entry = recording.Entry(
        act=Act.ACCESS_REFUSED,
        subject=Subject("door", door),
        origin=door,
        outcome="refused",
        code=next(iter(counts)) if len(counts) == 1 else SEVERAL,
        count=counts.total(),
    )
    node.db.write(lambda unit: recording.record(node, unit, entry))
