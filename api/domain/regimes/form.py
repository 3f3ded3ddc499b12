"""The strict reading of a regime's JSON document, `policies/regimes/<ID>.json`.

Owns the form of those files. Reads no file: it takes decoded JSON. Judges nothing of the law.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from api.domain.regimes.values import (
    CLOCK_EVENTS,
    CONDUCT,
    INSTANTS,
    INVOLVEMENT,
    SUBJECT_KINDS,
    Alternative,
    Basis,
    ClockRule,
    Fact,
    Ground,
    Regime,
    RegimeError,
    UrgentRoute,
)

_T = TypeVar("_T")


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

    def take_or(self, name: str, read: Callable[[Any, str], _T], default: _T) -> _T:
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
        jurisdiction=reader.take("jurisdiction", _text),
        name=reader.take("name", _text),
        subject_kinds=kinds,
        subject_kinds_fact=reader.take("subject_kinds_fact", _fact),
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
        facts=reader.take("facts", _facts),
    )
    reader.done()
    if any(not ground.subject_kinds <= kinds for ground in grounds):
        raise RegimeError(f"{identity}: a ground reaches a kind of subject the regime does not.")
    return regime


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RegimeError(f"{where} must be a text.")
    return value


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise RegimeError(f"{where} must be true or false.")
    return value


def _days(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RegimeError(f"{where} must be a number of days.")
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


def _facts(value: Any, where: str) -> Mapping[str, Fact]:
    if not isinstance(value, Mapping):
        raise RegimeError(f"{where} must be an object.")
    return {name: _fact(fact, f"{where}.{name}") for name, fact in value.items()}


def _ground(value: Any, where: str) -> Ground:
    reader = _Reader(value, where)
    ground = Ground(
        id=reader.take("id", _text),
        label=reader.take("label", _text),
        conduct=reader.take("conduct", _words(CONDUCT)),
        involvement=reader.take("involvement", _word(INVOLVEMENT)),
        subject_kinds=reader.take("subject_kinds", _words(SUBJECT_KINDS)),
        victims=reader.take_or("victims", _text, ""),
        fact=reader.take("fact", _fact),
    )
    reader.done()
    return ground


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
        name=reader.take("name", _text),
        starts=reader.take("starts", _word(CLOCK_EVENTS)),
        days=reader.take_or("days", _days, None),
        text=reader.take("text", _text),
        stops=reader.take("stops", _words(CLOCK_EVENTS)),
        fact=reader.take("fact", _fact),
    )
    reader.done()
    return rule
