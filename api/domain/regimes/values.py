"""Legal regimes as data: the values, and the words they are written in.

Owns what is known of a regime and how surely. Reads no document (`regime_form.py` does) and gives
no advice (`regimes.py` does). Every statement about the law is a `Fact` that says how it is known;
none is legal advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SUBJECT_KINDS: Final = frozenset({"person", "entity", "vessel"})
INSTANTS: Final = ("made", "registered", "in-force", "published", "announced")

CONDUCT: Final = frozenset(
    {
        "killing",
        "torture",
        "forced-labour",
        "arbitrary-detention",
        "religious-persecution",
        "other-gross-violation",
        "bribery",
        "misappropriation",
        "other-corruption",
    }
)
CORRUPTION: Final = frozenset({"bribery", "misappropriation", "other-corruption"})
"""Kinds of conduct that are corruption; the rest of `CONDUCT` are human-rights violations."""

INVOLVEMENT: Final = frozenset(
    {
        "responsible",
        "leader-or-official",
        "support",
        "owned-or-acting-for",
        "associate-or-family",
        "agent-of-state",
        "conceals",
        "profits",
        "fails-to-prosecute",
        "attempt",
    }
)
CLOCK_EVENTS: Final = frozenset(
    {
        "designated",
        "urgent-designated",
        "urgent-renewed",
        "made",
        "ceased",
        "review-requested",
        "review-decided",
        "identity-certificate-requested",
        "identity-certificate-decided",
        "expenses-certificate-requested",
        "expenses-certificate-decided",
        "tabled",
        "reported",
        "revoked",
    }
)


class Basis(StrEnum):
    """How a fact about the law is known, strongest first."""

    VERIFIED_PRIMARY = "verified_primary"
    VERIFIED_SECONDARY = "verified_secondary"
    GENERAL_KNOWLEDGE = "general_knowledge"


class RegimeError(ValueError):
    """A regime's document is not in the expected form; the message says where."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence about the law with its basis.

    Attributes:
        text: The fact in words.
        basis: How it is known.
        sources: Where it was read; may be empty for general knowledge only.
        note: A reservation, or empty.
    """

    text: str
    basis: Basis
    sources: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """One legal reason for listing.

    Attributes:
        id: Such as `uk-ghr.torture`.
        label: In words.
        conduct: Kinds of conduct it covers.
        involvement: The subject's part in the conduct.
        subject_kinds: Kinds of subject it can be used against.
        victims: A class of victims it requires, in words, or empty.
        fact: Where it comes from.
    """

    id: str
    label: str
    conduct: frozenset[str]
    involvement: str
    subject_kinds: frozenset[str]
    victims: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another regime of the same jurisdiction, and the conduct its grounds cover."""

    regime: str
    conduct: frozenset[str]


@dataclass(frozen=True, slots=True)
class UrgentRoute:
    """A statutory way to follow another country's listing before the own threshold is met."""

    name: str
    follows: frozenset[str]
    fact: Fact


@dataclass(frozen=True, slots=True)
class ClockRule:
    """A period the law sets.

    Attributes:
        id: Such as `uk-ghr.urgent-56`.
        name: In words.
        starts: Event that starts it.
        days: Calendar days after the day of that event, or None where it is not counted in
            calendar days; then `text` says how.
        text: The period in words.
        stops: Events that end it.
        fact: Where it comes from.
    """

    id: str
    name: str
    starts: str
    days: int | None
    text: str
    stops: frozenset[str]
    fact: Fact


@dataclass(frozen=True, slots=True)
class Regime:
    """One regime.

    Attributes:
        id: Such as `UK-GHR`.
        jurisdiction: Such as `UK`.
        name: Title of the instruments.
        subject_kinds: Kinds of subject that can be listed, with `subject_kinds_fact`.
        grounds: Legal reasons, by id.
        threshold: The finding that has to be made, in the law's words.
        decision_maker: Who lists.
        reasons: What is published of the reasons; `reasons_required` if a listing needs them.
        takes_effect: When a listing bites; `binding_instant` is the one of `INSTANTS` that counts.
        zone: IANA time zone of its dates.
        nationality: Who is excluded or required by nationality or residence;
            `excludes_nationals_of` names the country (ISO 3166-1) whose own people are outside,
            `bound_to_state` says that a subject must be in or of the foreign state in question.
        alternatives: Regimes of the same jurisdiction to offer instead.
        urgent: The urgent route, or None.
        clocks: Periods the law sets.
        required_fields: Members a designation under it must carry.
        facts: Further facts by name (measures, review, parliament, ownership, disclosure, ...).
    """

    id: str
    jurisdiction: str
    name: str
    subject_kinds: frozenset[str]
    subject_kinds_fact: Fact
    grounds: Mapping[str, Ground]
    threshold: Fact
    decision_maker: Fact
    reasons: Fact
    reasons_required: bool
    takes_effect: Fact
    binding_instant: str
    zone: str
    nationality: Fact
    excludes_nationals_of: str
    bound_to_state: bool
    alternatives: tuple[Alternative, ...]
    urgent: UrgentRoute | None
    clocks: tuple[ClockRule, ...]
    required_fields: tuple[str, ...]
    facts: Mapping[str, Fact]
