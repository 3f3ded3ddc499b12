"""What is recorded and asked about a subject under a regime, and what is suggested in answer.

Owns the values and the table of parts that can stand for one another; the judgement is in
`assessment.py`, the checks in `checks.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias

from api.domain.regimes.values import (
    CONDUCT,
    INSTANTS,
    INVOLVEMENT,
    SUBJECT_KINDS,
    Basis,
    RegimeError,
)

Weight: TypeAlias = Literal["bar", "gap", "advice"]

COUNTERPARTS: Final[Mapping[str, frozenset[str]]] = {
    "leader-or-official": frozenset({"responsible", "owned-or-acting-for", "agent-of-state"}),
    "owned-or-acting-for": frozenset(
        {"associate-or-family", "agent-of-state", "leader-or-official"}
    ),
    "agent-of-state": frozenset({"owned-or-acting-for", "leader-or-official"}),
    "associate-or-family": frozenset({"owned-or-acting-for"}),
    "support": frozenset({"responsible"}),
    "attempt": frozenset({"responsible"}),
}
"""Parts in the conduct under which a case may be argued anew where its own part is no ground."""


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """One fact of a case as an officer recorded it.

    Attributes:
        conduct: A word of `CONDUCT`.
        part: A word of `INVOLVEMENT`.
        victims_defended_rights: Whether the victims exposed illegality or defended rights; None
            where nobody has recorded it.
        state: ISO 3166-1 code of the foreign state whose situation it is, or empty.
    """

    conduct: str
    part: str
    victims_defended_rights: bool | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class SubjectCase:
    """A subject and the facts recorded about it.

    Attributes:
        kind: `person`, `entity` or `vessel`.
        facts: What was recorded.
        countries: Nationalities and residences, ISO 3166-1 alpha-2.
    """

    kind: str
    facts: tuple[RecordedFact, ...] = ()
    countries: frozenset[str] = frozenset()


def victims_of(facts: Sequence[RecordedFact]) -> bool | None:
    """Tell whether victims exposed illegality or defended rights; None where it is not recorded."""
    said = {fact.victims_defended_rights for fact in facts}
    if True in said:
        return True
    return None if None in said or not said else False


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked about one subject.

    Attributes:
        subject_kind: `person`, `entity` or `vessel`.
        conduct: Words of `regime_values.CONDUCT` that the evidence shows.
        involvement: Words of `regime_values.INVOLVEMENT`.
        victims_defended_rights: Whether the evidence shows victims who exposed illegality or
            defended rights; None if nobody has looked.
        countries: Nationalities and residences, ISO 3166-1 alpha-2.
        state: The foreign state whose situation it is, or empty.
        releasable_sources: Releasable open sources for the ground; None if nobody has counted.
        listed_by: Jurisdictions that have listed the subject.
        partner_provision: The partner's provision relied on, or empty.
        partner_threshold: The finding the partner made, in its own words, or empty.
        instants: Names of the instants the designation carries.
        facts: What is recorded, one by one; if nothing is given, every conduct counts as done in
            every part.
    """

    subject_kind: str
    conduct: frozenset[str] = frozenset()
    involvement: frozenset[str] = frozenset({"responsible"})
    victims_defended_rights: bool | None = None
    countries: frozenset[str] = frozenset()
    state: str = ""
    releasable_sources: int | None = None
    listed_by: frozenset[str] = frozenset()
    partner_provision: str = ""
    partner_threshold: str = ""
    instants: frozenset[str] | None = None
    facts: tuple[RecordedFact, ...] = ()

    @property
    def subject(self) -> SubjectCase:
        """The subject and the facts, as they are judged."""
        facts = self.facts or tuple(
            RecordedFact(conduct, part, self.victims_defended_rights, self.state)
            for conduct in sorted(self.conduct)
            for part in sorted(self.involvement)
        )
        return SubjectCase(self.subject_kind, facts, self.countries)

    def __post_init__(self) -> None:
        """Refuse words outside the lists, which would silently match no ground.

        Raises:
            RegimeError: A word is not in its list.
        """
        asked: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
            ("kind", frozenset({self.subject_kind}), SUBJECT_KINDS),
            ("conduct", self.conduct, CONDUCT),
            ("part", self.involvement, INVOLVEMENT),
            ("instant", self.instants or frozenset(), frozenset(INSTANTS)),
        )
        faults = [
            _unknown(which, word, known)
            for which, words, known in asked
            for word in sorted(words - known)
        ]
        if faults:
            raise RegimeError(" ".join(faults))


def _unknown(which: str, word: str, known: frozenset[str]) -> str:
    """Say which word is in no list, which one is nearest, and what there is."""
    near = get_close_matches(word, sorted(known), n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"There is no {which} {word}.{meant} Known: {', '.join(sorted(known))}."


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing an officer should weigh.

    Attributes:
        code: Stable, such as `regime.subject-kind`.
        sentence: In words.
        weight: `bar` (the law read here leaves no way), `gap` (something is missing or must be
            argued anew) or `advice`.
        basis: How the law behind it is known.
        sources: Where it was read.
        offers: Regimes to consider instead.
    """

    code: str
    sentence: str
    weight: Weight
    basis: Basis
    sources: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
