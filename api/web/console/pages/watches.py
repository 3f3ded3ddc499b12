"""Watches: what officers are told about when a published list changes; setting and ending one."""

import re
from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.services.desk import lists, subject_lines, watching
from api.services.desk.subject_lines import WatchLine
from api.web.console import decision, reading
from api.web.console.decision import Decision, Fact
from api.web.console.page import DESK, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark

_HOME: Final = "/subjects/watches"
_LONGEST: Final = 500
_WRONG: Final = 422
_PROGRAMME: Final = re.compile(r"programme:([^:]+):(.+)")


def index(visit: Visit) -> Answer:
    """Show what is watched, by whom and why."""
    found = subject_lines.watch_lines(visit.node, visit.caller)
    lines = [{"line": one, "programme": _PROGRAMME.fullmatch(one.watch.ref)} for one in found]
    return View("watches.html", {"watches": lines})


def ask(visit: Visit) -> Answer:
    """Ask what is watched: the description that the address names, or a programme of a list."""
    return _asked(visit, visit.query.get("ref", "")[:_LONGEST], [])


def _asked(visit: Visit, ref: str, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    named = subject_lines.first_names(visit.node, visit.caller, [ref] if ref else [])
    held = lists.editions(visit.node, visit.caller)
    members = {
        "ref": ref,
        "name": named.get(ref, ""),
        "series": sorted({one.series.id for one in held}),
        "typed": visit.form,
        "target": Target(visit.to(f"{_HOME}/new")),
        "faults": faults,
    }
    return View("watch_new.html", members, status)


def record(visit: Visit) -> Answer:
    """Set the watch."""
    form = visit.form
    ref = form.one("ref")
    faults: list[dict[str, Any]] = []
    if not ref and not form.one("programme"):
        text = mark("Write the name of a programme as the list writes it.")
        faults.append({"field": "programme", "text": text})
    if not form.one("reason"):
        faults.append({"field": "reason", "text": mark("Say why it is watched.")})
    if faults:
        return _asked(visit, ref, faults, _WRONG)
    wanted = ref or f"{watching.PROGRAMME}:{form.one('series')}:{form.one('programme')}"
    try:
        watching.watch(visit.node, visit.caller, wanted, form.one("reason"))
    except ComityError as error:
        return _asked(visit, ref, [reading.refused(error)], _WRONG)
    return Moved(visit.to(_HOME))


def _ending(visit: Visit) -> Decision:
    found = subject_lines.watch_lines(visit.node, visit.caller)
    line = next((one for one in found if one.watch.id == visit.parts["watch"]), None)
    if line is None:
        raise NotFound("watch.unknown", "There is no such watch.")
    title, button = mark("End this watch?"), mark("End it")
    lead = mark("Nobody is told any more when a list changes here, unless another watch stands.")
    back = mark("What is watched")
    return Decision(title, button, _HOME, back, _said(line), lead, alarming=True)


def _said(line: WatchLine) -> list[Fact]:
    programme = _PROGRAMME.fullmatch(line.watch.ref)
    about = [Fact(mark("Subject"), line.name or line.watch.ref, "name")]
    if programme is not None:
        about = [Fact(mark("Programme"), programme[2]), Fact(mark("List"), programme[1])]
    return [
        *about,
        Fact(mark("Reason"), line.watch.reason, "name"),
        Fact(mark("Set by"), line.officer, "name"),
        Fact(mark("Set"), line.watch.at, "instant"),
    ]


def ask_end(visit: Visit) -> Answer:
    """Ask before a watch is ended."""
    return decision.ask(visit, _ending(visit))


def end_watch(visit: Visit) -> Answer:
    """End a watch."""
    watch = visit.parts["watch"]
    return decision.carry_out(
        visit, _ending(visit), lambda: watching.end(visit.node, visit.caller, watch), _HOME
    )


PAGES: Final = (
    Page("watches", _HOME, DESK, Action.SUBJECT_SEARCH, index),
    Page("watch_new", f"{_HOME}/new", DESK, Action.SUBJECT_WATCH, ask, record),
    Page("watch_end", f"{_HOME}/{{watch}}/end", DESK, Action.SUBJECT_WATCH, ask_end, end_watch),
)
