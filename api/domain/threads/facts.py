"""The facts of a mirror thread, each stamped with the statement that made it.

Owns the form of subjects, findings, effects, questions and terms inside a thread. Must not decide
what is legal (`mirroring`) nor how facts make a state (`thread_state`).

A stamp holds the number that the issuer gave a statement and how far the issuer had seen the other
party. That is enough to ask afterwards what any statement could have known, so the order in which
statements arrived never enters.
"""

from dataclasses import dataclass
from enum import StrEnum

from api.wire.types import Side

__all__ = ["Side"]


class Phase(StrEnum):
    """Where a thread or one subject of it stands."""

    VOID = "void"
    AWAITING = "awaiting"
    OPEN = "open"
    FOUND = "found"
    EFFECTED = "effected"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which statement made a fact.

    Args:
        seq: its number in its issuer's sequence.
        id: its id.
        seen: the highest number of the counterpart that its issuer had seen; 0 for none.
    """

    seq: int
    id: str
    seen: int = 0

    def crosses(self, other: "Stamp") -> bool:
        """Whether neither of two statements of opposite parties had seen the other."""
        return self.seen < other.seq and other.seen < self.seq

    def to_json(self) -> dict[str, object]:
        """Number and id; how far it had seen is part of the statement behind the id."""
        return {"seq": self.seq, "id": self.id}


@dataclass(frozen=True, slots=True)
class Finding:
    """One decision on one subject.

    Args:
        stamp: the statement.
        kind: `mirror`, `mirror-differently`, `decline`, `defer` or `duplicate-of`.
        regime: the regime under which the addressee would list.
        ground: the ground under that regime.
        until: instant to which a deferral is put off.
        duplicate_of: thread and key already being dealt with.
        relies_on: packages on which the finding rests.
    """

    stamp: Stamp
    kind: str
    regime: str | None = None
    ground: str | None = None
    until: str | None = None
    duplicate_of: tuple[str, str] | None = None
    relies_on: tuple[str, ...] = ()

    @property
    def mirrors(self) -> bool:
        """Whether a designation is to follow."""
        return self.kind in ("mirror", "mirror-differently")

    def to_json(self) -> dict[str, object]:
        """The finding without members that say nothing."""
        members: dict[str, object] = {
            **self.stamp.to_json(),
            "finding": self.kind,
            "relies_on": list(self.relies_on),
        }
        if self.duplicate_of is not None:
            members["duplicate_of"] = list(self.duplicate_of)
        optional = {"regime": self.regime, "ground": self.ground, "until": self.until}
        members.update({name: value for name, value in optional.items() if value is not None})
        return members


@dataclass(frozen=True, slots=True)
class Effect:
    """A designation that followed, and the finding that stood when it was stated."""

    stamp: Stamp
    designation: str
    under: str

    def to_json(self) -> dict[str, object]:
        """The effect."""
        return {**self.stamp.to_json(), "designation": self.designation, "under": self.under}


@dataclass(frozen=True, slots=True)
class SubjectState:
    """One subject of a thread.

    Args:
        key: `s1` and so on.
        added: the opener or amendment that brought it.
        names: its names as given, for display and for the requester's own check.
        designation: the requester's designation that is to be mirrored.
        suggested: the regime that the requester suggested.
        withdrawn: the withdrawal or amendment that took it back.
        findings: all findings in order; the last one stands.
        effects: all effects in order.
    """

    key: str
    added: Stamp
    names: tuple[str, ...] = ()
    designation: str | None = None
    suggested: str | None = None
    withdrawn: Stamp | None = None
    findings: tuple[Finding, ...] = ()
    effects: tuple[Effect, ...] = ()

    @property
    def finding(self) -> Finding | None:
        """The finding that stands."""
        return self.findings[-1] if self.findings else None

    @property
    def phase(self) -> Phase:
        """Effected, found or withdrawn; else awaiting. What was done outlives a withdrawal."""
        if self.effects:
            return Phase.EFFECTED
        if self.withdrawn is not None and not self.crossed:
            return Phase.WITHDRAWN
        if self.findings:
            return Phase.FOUND
        return Phase.AWAITING if self.withdrawn is None else Phase.WITHDRAWN

    @property
    def crossed(self) -> tuple[str, ...]:
        """Ids of findings and effects that crossed this subject's withdrawal: all of them stand."""
        if self.withdrawn is None:
            return ()
        found = [finding.stamp for finding in self.findings]
        stamps = [*found, *(effect.stamp for effect in self.effects)]
        return tuple(stamp.id for stamp in stamps if stamp.crosses(self.withdrawn))

    def to_json(self) -> dict[str, object]:
        """The subject as both parties must see it; names are left to the statements."""
        members: dict[str, object] = {
            "key": self.key,
            "added": self.added.to_json(),
            "phase": self.phase.value,
            "findings": [finding.to_json() for finding in self.findings],
            "effects": [effect.to_json() for effect in self.effects],
            "crossed": list(self.crossed),
        }
        if self.withdrawn is not None:
            members["withdrawn"] = self.withdrawn.to_json()
        optional = {"designation": self.designation, "suggested": self.suggested}
        members.update({name: value for name, value in optional.items() if value is not None})
        return members


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the addressee with the answers so far."""

    key: str
    stamp: Stamp
    subjects: tuple[str, ...] = ()
    answers: tuple[Stamp, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The question without its text."""
        return {
            **self.stamp.to_json(),
            "key": self.key,
            "subjects": list(self.subjects),
            "answers": [answer.to_json() for answer in self.answers],
        }


@dataclass(frozen=True, slots=True)
class Inert:
    """A statement that has its number but no effect: voided, or not a legal move."""

    side: Side
    stamp: Stamp
    code: str

    def to_json(self) -> dict[str, object]:
        """The statement and why it has no effect."""
        return {**self.stamp.to_json(), "side": self.side.value, "code": self.code}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the requester asks for beyond the subjects, as amended."""

    respond_by: str
    release_at: str | None = None
    continues: str | None = None
    evidence: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, object]:
        """The terms; evidence as pairs of release and package."""
        members: dict[str, object] = {
            "respond_by": self.respond_by,
            "evidence": [list(pair) for pair in self.evidence],
        }
        optional = {"release_at": self.release_at, "continues": self.continues}
        members.update({name: value for name, value in optional.items() if value is not None})
        return members
