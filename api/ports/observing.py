"""Contract of those who watch a node work: counters, traces, the context of log lines.

An observer sees that a piece of work was done, how long it took and how it ended; never what it was
about. Rules for every implementation:

* **No content.** A piece carries a route template, a job's name, a partner's id, a stable code. It
  has no member for a path, a query string, an object's id, a title, a name, a reason or a token.
* **No influence.** Observing raises nothing, waits for nobody and changes no outcome; an exception
  of the work passes through untouched.
* **Thread safe.** Doors and jobs run in many threads; a piece belongs to one of them.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol


class PieceKind(StrEnum):
    """What kind of work a piece is."""

    REQUEST = "request"
    JOB = "job"
    PEER_CALL = "peer-call"


IDLE: Final = "idle"
"""Outcome of a job that looked and found nothing to do."""


@dataclass(slots=True)
class Piece:
    """One piece of work; whoever does it fills in what becomes known on the way.

    Attributes:
        kind: request, job or call to a partner.
        name: route template, job, or first segment of the partner's path.
        method: HTTP method of a request or call.
        peer: ministry id of the partner concerned.
        request: id of the request, as the caller was given it.
        outcome: HTTP status of a request; ``worked``, ``idle``, ``waits`` or ``failed`` of a job;
            HTTP status or code of a call. Empty while it goes on.
        code: stable code of the refusal, if it ended in one.
    """

    kind: PieceKind
    name: str
    method: str = ""
    peer: str = ""
    request: str = ""
    outcome: str = ""
    code: str = ""


class Observer(Protocol):
    """Watches; the module docstring is part of this contract."""

    def observe(self, piece: Piece) -> AbstractContextManager[None]:
        """Watch one piece of work from entering to leaving; its members are read on leaving."""
        ...

    def committed(self, acts: Sequence[tuple[str, str]]) -> None:
        """Note ``(act, outcome)`` of events that were just committed."""
        ...

    def refused(self, door: str, code: str) -> None:
        """Note that a caller whom nobody knows was refused at a door."""
        ...


class Unobserved:
    """Watches nothing; for tests and commands."""

    def observe(self, piece: Piece) -> AbstractContextManager[None]:
        """Return a context that does nothing."""
        del piece
        return nullcontext()

    def committed(self, acts: Sequence[tuple[str, str]]) -> None:
        """Do nothing."""

    def refused(self, door: str, code: str) -> None:
        """Do nothing."""


UNOBSERVED: Final = Unobserved()
