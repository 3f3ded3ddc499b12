"""The strict reading of the law's JSON documents: regimes, sitting calendars, known cases.

Owns the form of those files (`policies/regimes`, `policies/calendars`, `policies/subjects`). Reads
no file: it takes decoded JSON. Judges nothing of the law.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from api.domain.regimes.cases import RecordedFact, SubjectCase
from api.domain.regimes.clocks import SittingCalendar
from api.domain.regimes.values import (
    CLOCK_EVENTS,
    CONDUCT,
    INSTANTS,
    INVOLVEMENT,
    SUBJECT_KINDS,
    Alternative,
    Basis,
    Bilingual,
    ClockRule,
    Fact,
    Ground,
    Provision,
    Regime,
    RegimeError,
    Regulation,
    RegulationClass,
    UrgentRoute,
)

_T = TypeVar("_T")
_D = TypeVar("_D")
_YEARS: Final = range(1900, 3000)
_MOST_DAYS: Final = 3660
"""Ten years: no period of these laws is longer."""


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A subject of a public case with its facts.

    Attributes:
        id: Such as `chen-quanguo`.
        name: As the list publishes it.
        list_reference: Its id on that list.
        case: Kind, countries and recorded facts.
    """

    id: str
    name: str
    list_reference: str
    case: SubjectCase


class _Reader:
    """Reads one JSON object strictly: every member is taken once, none is left over."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise RegimeError(f"{where} must be an object.")
        self._members = dict(value)
        self.where = where

    def take(self, name: str, read: Callable[[Any, str], _T]) -> _T:
        if name not in self._members:
            raise RegimeError(f"{self.where} has no {name}.")
        return read(self._members.pop(name), f"{self.where}.{name}")

    def take_or(self, name: str, read: Callable[[Any, str], _T], default: _D) -> _T | _D:
        return self.take(name, read) if name in self._members else default

    def done(self) -> None:
        if self._members:
            raise RegimeError(f"{self.where} has unknown members {sorted(self._members)}.")


def parse(document: Any) -> Regime:
    """Read one regime from its decoded JSON document.

    Raises:
        RegimeError: A member is missing, unknown, of the wrong type, or outside its list of words.
    """
    reader = _Reader(document, "regime")
    identity = reader.take("id", _text)
    reader.where = identity
    kinds = reader.take("subject_kinds", _words(SUBJECT_KINDS))
    grounds = reader.take("grounds", _list(_ground))
    if len({ground.id for ground in grounds}) != len(grounds) or not grounds:
        raise RegimeError(f"{identity}.grounds must be several, each with an id of its own.")
    regime = Regime(
        id=identity,
        edition=reader.take("edition", _day),
        jurisdiction=reader.take("jurisdiction", _text),
        name=reader.take("name", _both),
        scope=reader.take("scope", _provision),
        subject_kinds=kinds,
        subject_kinds_fact=reader.take("subject_kinds_fact", _fact),
        subject_kinds_provision=reader.take_or("subject_kinds_provision", _provision, None),
        regulations=reader.take_or("regulations", _list(_regulation), ()),
        grounds={ground.id: ground for ground in grounds},
        threshold=reader.take("threshold", _fact),
        decision_maker=reader.take("decision_maker", _fact),
        reasons=reader.take("reasons", _fact),
        reasons_required=reader.take("reasons_required", _flag),
        takes_effect=reader.take("takes_effect", _fact),
        binding_instant=reader.take("binding_instant", _word(frozenset(INSTANTS))),
        zone=reader.take("zone", _text),
        nationality=reader.take("nationality", _fact),
        excludes_nationals_of=reader.take_or("excludes_nationals_of", _text, ""),
        bound_to_state=reader.take_or("bound_to_state", _flag, default=False),
        alternatives=reader.take_or("alternatives", _list(_alternative), ()),
        urgent=reader.take_or("urgent", _urgent, None),
        clocks=reader.take("clocks", _list(_clock)),
        required_fields=reader.take("required_fields", _list(_text)),
        facts=reader.take("facts", _facts_in_form),
    )
    reader.done()
    if any(not ground.subject_kinds <= kinds for ground in grounds):
        raise RegimeError(f"{identity}: a ground reaches a kind of subject the regime does not.")
    named = {one.ground for each in regime.regulations for one in each.classes if one.ground}
    if named - set(regime.grounds):
        raise RegimeError(f"{identity}: a regulation has a class for a ground that there is not.")
    return regime


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RegimeError(f"{where} must be a text.")
    return value


def _day(value: Any, where: str) -> str:
    text = _text(value, where)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise RegimeError(f"{where} must be a day such as 2026-11-28.") from error
    if day.year not in _YEARS:
        raise RegimeError(f"{where} must be a day of the years 1900 to 2999.")
    return text


def _both(value: Any, where: str) -> Bilingual:
    reader = _Reader(value, where)
    both = Bilingual(reader.take("en", _text), reader.take("fr", _text))
    reader.done()
    return both


def _quoted(value: Any, where: str) -> Bilingual:
    """Read words of law: French where the source has it."""
    reader = _Reader(value, where)
    both = Bilingual(reader.take("en", _text), reader.take_or("fr", _text, ""))
    reader.done()
    return both


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise RegimeError(f"{where} must be true or false.")
    return value


def _days(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RegimeError(f"{where} must be a number of days.")
    if value > _MOST_DAYS:
        raise RegimeError(f"{where} must be at most {_MOST_DAYS} days.")
    return value


def _list(read: Callable[[Any, str], _T]) -> Callable[[Any, str], tuple[_T, ...]]:
    def read_list(value: Any, where: str) -> tuple[_T, ...]:
        if not isinstance(value, list):
            raise RegimeError(f"{where} must be a list.")
        return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))

    return read_list


def _word(known: frozenset[str]) -> Callable[[Any, str], str]:
    def read_word(value: Any, where: str) -> str:
        word = _text(value, where)
        if word not in known:
            raise RegimeError(f"{where} must be one of {sorted(known)}.")
        return word

    return read_word


def _words(known: frozenset[str]) -> Callable[[Any, str], frozenset[str]]:
    return lambda value, where: frozenset(_list(_word(known))(value, where))


def _fact(value: Any, where: str) -> Fact:
    reader = _Reader(value, where)
    basis = Basis(reader.take("basis", _word(frozenset(Basis))))
    fact = Fact(
        text=reader.take("text", _text),
        basis=basis,
        sources=reader.take_or("sources", _list(_text), ()),
        note=reader.take_or("note", _text, ""),
    )
    reader.done()
    if basis is not Basis.GENERAL_KNOWLEDGE and not fact.sources:
        raise RegimeError(f"{where} is called verified and names no source.")
    return fact


def _facts_in_form(value: Any, where: str) -> Mapping[str, Fact]:
    if not isinstance(value, Mapping):
        raise RegimeError(f"{where} must be an object.")
    return {name: _fact(fact, f"{where}.{name}") for name, fact in value.items()}


def _ground(value: Any, where: str) -> Ground:
    reader = _Reader(value, where)
    ground = Ground(
        id=reader.take("id", _text),
        label=reader.take("label", _both),
        provision=reader.take("provision", _provision),
        conduct=reader.take("conduct", _words(CONDUCT)),
        involvement=reader.take("involvement", _word(INVOLVEMENT)),
        subject_kinds=reader.take("subject_kinds", _words(SUBJECT_KINDS)),
        victims=reader.take_or("victims", _text, ""),
        fact=reader.take("fact", _fact),
    )
    reader.done()
    return ground


def _provision_of(reader: _Reader) -> Provision:
    basis = Basis(reader.take("basis", _word(frozenset(Basis))))
    provision = Provision(
        citation=reader.take("citation", _both),
        text=reader.take_or("text", _quoted, None),
        basis=basis,
        sources=reader.take_or("sources", _list(_text), ()),
        in_force_from=reader.take_or("in_force_from", _day, ""),
    )
    if basis is not Basis.GENERAL_KNOWLEDGE and not provision.sources:
        raise RegimeError(f"{reader.where} is called verified and names no source.")
    if provision.text is not None and basis is not Basis.VERIFIED_PRIMARY:
        raise RegimeError(f"{reader.where} quotes words that were not read in the law itself.")
    return provision


def _provision(value: Any, where: str) -> Provision:
    reader = _Reader(value, where)
    provision = _provision_of(reader)
    reader.done()
    return provision


def _class(value: Any, where: str) -> RegulationClass:
    reader = _Reader(value, where)
    ground = reader.take_or("ground", _text, "")
    provision = _provision_of(reader)
    reader.done()
    return RegulationClass(provision, ground)


def _regulation(value: Any, where: str) -> Regulation:
    reader = _Reader(value, where)
    regulation = Regulation(
        id=reader.take("id", _text),
        title=reader.take("title", _quoted),
        state=reader.take_or("state", _text, ""),
        in_force_from=reader.take("in_force_from", _day),
        consolidated_to=reader.take("consolidated_to", _day),
        bound_to_state=reader.take("bound_to_state", _flag),
        classes=reader.take("classes", _list(_class)),
    )
    reader.done()
    return regulation


def _alternative(value: Any, where: str) -> Alternative:
    reader = _Reader(value, where)
    alternative = Alternative(
        regime=reader.take("regime", _text),
        conduct=reader.take("conduct", _words(CONDUCT)),
    )
    reader.done()
    return alternative


def _urgent(value: Any, where: str) -> UrgentRoute | None:
    reader = _Reader(value, where)
    route = UrgentRoute(
        name=reader.take("name", _text),
        follows=frozenset(reader.take("follows", _list(_text))),
        fact=reader.take("fact", _fact),
    )
    reader.done()
    return route


def _clock(value: Any, where: str) -> ClockRule:
    reader = _Reader(value, where)
    rule = ClockRule(
        id=reader.take("id", _text),
        name=reader.take("name", _both),
        starts=reader.take("starts", _word(CLOCK_EVENTS)),
        days=reader.take_or("days", _days, None),
        sitting_days=reader.take_or("sitting_days", _days, None),
        houses=reader.take_or("houses", _list(_text), ()),
        lapses=reader.take_or("lapses", _flag, default=False),
        warn_days=reader.take_or("warn_days", _days, 14),
        text=reader.take("text", _both),
        stops=reader.take("stops", _words(CLOCK_EVENTS)),
        fact=reader.take("fact", _fact),
    )
    reader.done()
    if (rule.days is None) == (rule.sitting_days is None):
        raise RegimeError(f"{where} counts either calendar days or sitting days.")
    if (rule.sitting_days is None) != (not rule.houses):
        raise RegimeError(f"{where} names houses exactly where it counts sitting days.")
    return rule


def parse_calendar(document: Any) -> SittingCalendar:
    """Read the sitting days of one house.

    Raises:
        RegimeError: A member is missing, unknown or malformed, or the days are not in order.
    """
    reader = _Reader(document, "calendar")
    house = reader.take("house", _text)
    days = tuple(date.fromisoformat(day) for day in reader.take("days", _list(_day)))
    known_to = reader.take_or("known_to", _day, "")
    reader.take("source", _text)
    reader.done()
    if list(days) != sorted(set(days)):
        raise RegimeError(f"{house}: give each sitting day once, in order.")
    return SittingCalendar(house, days, date.fromisoformat(known_to) if known_to else None)


def parse_cases(document: Any) -> tuple[KnownCase, ...]:
    """Read a list of public subjects with the facts that their sources give.

    Raises:
        RegimeError: A member is missing, unknown, or outside its list of words.
    """
    reader = _Reader(document, "subjects")
    reader.take("id", _text)
    reader.take("title", _both)
    reader.take("sources", _list(_text))
    found = reader.take("subjects", _list(_known_case))
    reader.done()
    return found


def _known_case(value: Any, where: str) -> KnownCase:
    reader = _Reader(value, where)
    known = KnownCase(
        id=reader.take("id", _text),
        name=reader.take("name", _text),
        list_reference=reader.take("list_reference", _text),
        case=SubjectCase(
            kind=reader.take("kind", _word(SUBJECT_KINDS)),
            countries=frozenset(reader.take("countries", _list(_text))),
            facts=reader.take("facts", _list(_recorded)),
        ),
    )
    reader.done()
    return known


def _recorded(value: Any, where: str) -> RecordedFact:
    reader = _Reader(value, where)
    fact = RecordedFact(
        conduct=reader.take("conduct", _word(CONDUCT)),
        part=reader.take("part", _word(INVOLVEMENT)),
        victims_defended_rights=reader.take_or("victims_defended_rights", _flag, None),
        state=reader.take_or("state", _text, ""),
    )
    reader.take_or("note", _text, "")
    reader.done()
    return fact
