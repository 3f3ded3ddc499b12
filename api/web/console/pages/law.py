"""Law: the regimes as they are recorded here, assessing a subject, and the diary of a designation.

Owns their pages. What is shown is a reading aid with its sources; an officer of the ministry whose
law it is decides.
"""

from datetime import date
from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.domain.regimes import values
from api.domain.regimes.assessment import assess
from api.domain.regimes.cases import RecordedFact, SubjectCase
from api.domain.regimes.values import Bilingual, Regime
from api.ports.policy import Action
from api.services.desk import designations, diary, regime_editions
from api.web.console import reading
from api.web.console.page import (
    ADMINISTRATOR,
    AUDITOR,
    DESK,
    EVERYONE,
    Answer,
    Moved,
    Page,
    View,
    Visit,
)
from api.web.console.pages import regime_editions as edition_pages
from api.web.console.words import mark

_READERS: Final = DESK | {AUDITOR}
_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_HOME: Final = "/law"
_VICTIMS: Final = {"yes": True, "no": False}
_WRONG: Final = 422


def index(visit: Visit) -> Answer:
    """List the regimes, each with its edition in force."""
    held = {one.id: one for one in regime_editions.regimes_in_force(visit.node, visit.caller)}
    members = {
        "regimes": [visit.node.regimes[id_] for id_ in held],
        "held": held,
        "reader": bool(visit.caller.roles & _READERS),
        "watcher": bool(visit.caller.roles & _WATCHERS),
        "say": _text_picker(visit),
    }
    return View("law.html", members)


def _text_picker(visit: Visit) -> Any:
    """Return what picks a text's language: its French where there is one, marked if it is not."""

    def chosen(text: Bilingual | None) -> tuple[str, str]:
        if text is None:
            return "", visit.language
        if visit.language == "fr" and text.fr:
            return text.fr, "fr"
        return text.en, "en"

    return chosen


def _regime(visit: Visit) -> Regime:
    found = visit.node.regimes.get(visit.parts["regime"])
    if found is None:
        raise NotFound("regime.unknown", "There is no such regime here.")
    return found


def show(visit: Visit) -> Answer:
    """Show one regime: who can be listed, grounds with provisions, periods, sources, editions."""
    found = _regime(visit)
    held = regime_editions.regimes_in_force(visit.node, visit.caller)
    watcher = bool(visit.caller.roles & _WATCHERS)
    members = {
        "regime": found,
        "held": next(one for one in held if one.id == found.id),
        "editions": None,
        "who": edition_pages.names(visit) if watcher else {},
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "say": _text_picker(visit),
    }
    if watcher:
        known = regime_editions.proposed_editions(visit.node, visit.caller)
        members["editions"] = [one for one in known if one.regime == found.id]
    return View("regime.html", members)


def ask_assess(visit: Visit) -> Answer:
    """Assess a subject by the facts that the address names, under every regime."""
    query = visit.query
    typed = {name: query.get(name, "") for name in ("kind", "conduct", "part", "victims", "state")}
    known = {
        "kind": sorted(values.SUBJECT_KINDS),
        "conduct": sorted(values.CONDUCT),
        "part": sorted(values.INVOLVEMENT),
    }
    faults: list[dict[str, Any]] = []
    found = []
    if query:
        faults = [
            {"field": name, "text": mark("Choose one.")}
            for name, words in known.items()
            if typed[name] not in words
        ]
    if query and not faults:
        state = typed["state"].strip().upper()[:2]
        fact = RecordedFact(typed["conduct"], typed["part"], _VICTIMS.get(typed["victims"]), state)
        case = SubjectCase(typed["kind"], (fact,), frozenset({state} if state else ()))
        regimes = visit.node.regimes
        found = [(regimes[id_], assess(regimes[id_], case)) for id_ in sorted(regimes)]
    members = {
        "typed": typed,
        "known": known,
        "found": found,
        "faults": faults,
        "say": _text_picker(visit),
    }
    return View("assess.html", members)


def _designation(visit: Visit) -> Any:
    id_ = reading.full(visit.parts["designation"])
    return designations.read(visit.node, visit.caller, id_)


def show_diary(visit: Visit) -> Answer:
    """Show the diary of a designation and its periods of law."""
    return _diary(visit, [])


def _diary(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    found = _designation(visit)
    regime = visit.node.regimes.get(found.regime)
    rules = () if regime is None else regime.clocks
    events = sorted({event for rule in rules for event in (rule.starts, *rule.stops)})
    members = {
        "designation": found,
        "own": found.issuer == visit.node.ministry,
        "desk": bool(visit.caller.roles & DESK),
        "events": events,
        "typed": {name: visit.form.one(name) for name in ("event", "day", "note")},
        "faults": faults,
        "say": _text_picker(visit),
    }
    return View("diary.html", members, status)


def record(visit: Visit) -> Answer:
    """Record what happened in law."""
    form = visit.form
    try:
        day = date.fromisoformat(form.one("day"))
    except ValueError:
        return _diary(
            visit, [{"field": "day", "text": mark("Write the day as 2027-01-31.")}], _WRONG
        )
    new = diary.NewEntry(form.one("event"), day, form.one("note"))
    id_ = reading.full(visit.parts["designation"])
    try:
        diary.record_event(visit.node, visit.caller, id_, new)
    except ComityError as error:
        return _diary(visit, [reading.refused(error)], _WRONG)
    return Moved(visit.to(visit.path))


PAGES: Final = (
    Page("law", _HOME, EVERYONE, Action.REGIME_LIST, index),
    Page("assess", f"{_HOME}/assess", _READERS, Action.ME_READ, ask_assess),
    Page("regime", f"{_HOME}/{{regime}}", EVERYONE, Action.REGIME_LIST, show),
    Page(
        "diary",
        "/designations/{designation}/diary",
        _READERS,
        Action.DESIGNATION_READ,
        show_diary,
        record,
    ),
)
