"""Legal regimes as data: the values, and the words they are written in.

Owns what is known of a regime and how surely. Reads no document (`form.py` does) and gives no
advice (`advice.py` does). Every statement about the law is a `Fact` that says how it is known;
none is legal advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from typing_extensions import override

from api.wire.payloads.law import CONDUCT, INVOLVEMENT

__all__ = [
    "CLOCK_EVENTS",
    "CONDUCT",
    "CORRUPTION",
    "INSTANTS",
    "INVOLVEMENT",
    "SUBJECT_KINDS",
    "Alternative",
    "Basis",
    "Bilingual",
    "ClockRule",
    "Fact",
    "Ground",
    "Provision",
    "Regime",
    "RegimeError",
    "Regulation",
    "RegulationClass",
    "UrgentRoute",
]

SUBJECT_KINDS: Final = frozenset({"person", "entity", "vessel"})
INSTANTS: Final = ("made", "registered", "in-force", "published", "announced")

CORRUPTION: Final = frozenset({"bribery", "misappropriation", "other-corruption"})
"""Kinds of conduct that are corruption; the rest of `CONDUCT` are human-rights violations."""

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
class Bilingual:
    """One text in English and French; `fr` is empty where no French text is held."""

    en: str
    fr: str = ""

    @override
    def __str__(self) -> str:
        """Return the English text."""
        return self.en

    def get(self, language: str) -> str:
        """Return the text in `en` or `fr`, and the English one where there is no French."""
        return self.fr if language == "fr" and self.fr else self.en


@dataclass(frozen=True, slots=True)
class Provision:
    """A provision of law that can be quoted.

    Attributes:
        citation: Where it stands, such as `S.C. 2017, c. 21, s. 4(2)(a)`.
        text: Its words, or None where this data does not hold them.
        basis: How the citation and the words are known.
        sources: Where they were read, with the date of the consolidation.
        in_force_from: ISO date from which the words are in force, or empty where not recorded.
    """

    citation: Bilingual
    text: Bilingual | None
    basis: Basis
    sources: tuple[str, ...] = ()
    in_force_from: str = ""


@dataclass(frozen=True, slots=True)
class RegulationClass:
    """One class of persons that a country regulation can list.

    Attributes:
        provision: The paragraph that names the class.
        ground: Id of the regime's ground that it is, or empty where the regime has none for it.
    """

    provision: Provision
    ground: str = ""


@dataclass(frozen=True, slots=True)
class Regulation:
    """One country regulation made under a regime's Act.

    Attributes:
        id: Such as `SOR/2021-49`.
        title: Its title.
        state: ISO 3166-1 code of the foreign state, or empty where it names none.
        in_force_from: ISO date.
        consolidated_to: ISO date to which the text read here is current.
        bound_to_state: Whether a listed person must be in or of that state.
        classes: Whom it can list, in its own order.
    """

    id: str
    title: Bilingual
    state: str
    in_force_from: str
    consolidated_to: str
    bound_to_state: bool
    classes: tuple[RegulationClass, ...]

    def provision_of(self, ground: str) -> Provision | None:
        """Return the first paragraph that carries a ground, or None."""
        return next((one.provision for one in self.classes if one.ground == ground), None)


@dataclass(frozen=True, slots=True)
class Ground:
    """One legal reason for listing.

    Attributes:
        id: Such as `uk-ghr.torture`.
        label: In words.
        provision: Where the law says so.
        conduct: Kinds of conduct it covers.
        involvement: The subject's part in the conduct.
        subject_kinds: Kinds of subject it can be used against.
        victims: A class of victims it requires, in words, or empty.
        fact: Where it comes from.
    """

    id: str
    label: Bilingual
    provision: Provision
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
        name: What has to happen, in words.
        starts: Event that starts it.
        days: Calendar days after the day of that event, or None where it is not counted in
            calendar days.
        sitting_days: Sitting days of each house after the day of that event, or None.
        houses: Calendars by which sitting days are counted; the first to run out counts.
        lapses: Whether the act itself ends when the period runs out unmet.
        warn_days: Days before the last day on which it is shown as near.
        text: The period in words.
        stops: Events that end it.
        fact: Where it comes from.
    """

    id: str
    name: Bilingual
    starts: str
    days: int | None
    sitting_days: int | None
    houses: tuple[str, ...]
    lapses: bool
    warn_days: int
    text: Bilingual
    stops: frozenset[str]
    fact: Fact


@dataclass(frozen=True, slots=True)
class Regime:
    """One regime.

    Attributes:
        id: Such as `UK-GHR`.
        edition: ISO date of this edition of the data; statements name it.
        jurisdiction: Such as `UK`.
        name: Title of the instruments.
        scope: The provision that bounds the regime's conduct.
        subject_kinds: Kinds of subject that can be listed, with `subject_kinds_fact`;
            `subject_kinds_provision` is the definition that excludes the others, if one does.
        regulations: Country regulations, where a listing is made by one of them.
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
    edition: str
    jurisdiction: str
    name: Bilingual
    scope: Provision
    subject_kinds: frozenset[str]
    subject_kinds_fact: Fact
    subject_kinds_provision: Provision | None
    regulations: tuple[Regulation, ...]
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

    def regulation_for(self, state: str) -> Regulation | None:
        """Return the country regulation for a state, or None."""
        return next((one for one in self.regulations if state and one.state == state), None)
