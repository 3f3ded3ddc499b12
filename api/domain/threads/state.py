"""What a mirror thread amounts to: the value that both nodes must compute alike.

Owns the form of a thread's state and its digest. Must not decide what is legal (`mirroring`) nor
read sequences (`threads`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from api.domain.threads.facts import Inert, Phase, Question, Side, Stamp, SubjectState, Terms
from api.wire.canonical import canonical
from api.wire.digests import digest

_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class ThreadState:
    """A thread as far as its statements were folded.

    Args:
        id: the opener's id.
        requester: ministry that asks.
        addressee: ministry that is asked.
        heads: last statement folded, by side.
        terms: deadline, release time, evidence.
        subjects: by key, in order of keys.
        questions: by key, in order of keys.
        amendments: amendments that had effect.
        withdrawals: withdrawals that had effect.
        withdrawn: the withdrawal of the whole request.
        acknowledgements: acknowledgements with the time by which findings are expected.
        closure: the closure.
        inert: statements without effect, by side and number.
        void: whether the opener itself was refused.
        seen: how far each side has truthfully said that it saw the other; never in the digest.
        waiting: ids that could not be folded yet because something before them is missing; never
            part of the digest.
    """

    id: str
    requester: str
    addressee: str
    heads: Mapping[Side, Stamp]
    terms: Terms
    subjects: Mapping[str, SubjectState]
    questions: Mapping[str, Question] = field(default_factory=dict)
    amendments: tuple[Stamp, ...] = ()
    withdrawals: tuple[Stamp, ...] = ()
    withdrawn: Stamp | None = None
    acknowledgements: tuple[tuple[Stamp, str | None], ...] = ()
    closure: Stamp | None = None
    inert: tuple[Inert, ...] = ()
    void: bool = False
    seen: Mapping[Side, int] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()

    @property
    def phase(self) -> Phase:
        """Void, closed, withdrawn as a whole, or open."""
        if self.void:
            return Phase.VOID
        if self.closure is not None:
            return Phase.CLOSED
        return Phase.OPEN if self.withdrawn is None else Phase.WITHDRAWN

    @property
    def crossings(self) -> tuple[str, ...]:
        """Ids of the requester's statements that crossed the closure: they stand, unanswered."""
        if self.closure is None:
            return ()
        answers = [answer for question in self.questions.values() for answer in question.answers]
        moves = sorted([*self.amendments, *self.withdrawals, *answers], key=lambda move: move.seq)
        return tuple(move.id for move in moves if move.crosses(self.closure))

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """Questions without an answer."""
        asked = (self.questions[key] for key in in_order(self.questions))
        return tuple(question for question in asked if not question.answers)

    def party(self, side: Side) -> str:
        """The ministry on one side."""
        return self.requester if side is Side.REQUESTER else self.addressee

    def side(self, ministry: str) -> Side | None:
        """The side of a ministry, or None if it is no party."""
        sides = {self.requester: Side.REQUESTER, self.addressee: Side.ADDRESSEE}
        return sides.get(ministry)

    def undecided(self) -> Iterator[SubjectState]:
        """Subjects that still wait for a finding."""
        listed = (self.subjects[key] for key in in_order(self.subjects))
        return (one for one in listed if one.phase is Phase.AWAITING)

    def to_json(self) -> dict[str, object]:
        """The state that both parties must agree on: references and decisions, no prose."""
        heads = {side.value: head.to_json() for side, head in self.heads.items()}
        members: dict[str, object] = {
            "thread": self.id,
            "requester": self.requester,
            "addressee": self.addressee,
            "phase": self.phase.value,
            "heads": heads,
            "terms": self.terms.to_json(),
            "subjects": [self.subjects[key].to_json() for key in in_order(self.subjects)],
            "questions": [self.questions[key].to_json() for key in in_order(self.questions)],
            "amendments": [stamp.to_json() for stamp in self.amendments],
            "withdrawals": [stamp.to_json() for stamp in self.withdrawals],
            "acknowledgements": [stamp.to_json() for stamp, _ in self.acknowledgements],
            "inert": [one.to_json() for one in sorted(self.inert, key=_by_side_and_number)],
            "crossings": list(self.crossings),
        }
        if self.withdrawn is not None:
            members["withdrawn"] = self.withdrawn.to_json()
        if self.closure is not None:
            members["closure"] = self.closure.to_json()
        return members


def in_order(keys: Mapping[str, object]) -> list[str]:
    """Keys such as `s2` and `s10` in the order of their numbers."""
    return sorted(keys, key=lambda key: int("".join(_NUMBER.findall(key)) or "0"))


def state_digest(state: ThreadState) -> str:
    """The digest (`sha256:…`) of a state's canonical form; equal at both ends at equal heads."""
    return digest(canonical(state.to_json()))


def _by_side_and_number(one: Inert) -> tuple[str, int]:
    return (one.side.value, one.stamp.seq)
