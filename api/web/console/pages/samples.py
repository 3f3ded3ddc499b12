"""Samples and notes of auditors: drawing entries by a rule that anybody can repeat, and reviewing.

Owns their pages. A note written here is the officer's word as the node records it; with an own key
one writes on the command line.
"""

import re
from typing import Any, Final

from api.domain.errors import ComityError
from api.domain.events import Act
from api.ports.policy import Action
from api.services.audit import audit_notes, audit_samples
from api.services.audit.audit_samples import NewSample, Rule
from api.web.console import act_labels, reading
from api.web.console.page import AUDITOR, Answer, Moved, Page, View, Visit
from api.web.console.words import mark

_AUDITORS: Final = frozenset({AUDITOR})
_HOME: Final = "/audit/samples"
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_ACTS: Final = tuple(sorted(Act))
_WRONG: Final = 422


def index(visit: Visit) -> Answer:
    """List the samples, and the notes that were written."""
    members = {
        "samples": audit_samples.listed(visit.node, visit.caller),
        "notes": audit_notes.listed(visit.node, visit.caller)[:100],
    }
    return View("samples.html", members)


def ask_new(visit: Visit) -> Answer:
    """Ask how entries are drawn."""
    return _form(visit, [])


def _form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    names = ("name", "count", "seed", "start", "end")
    typed = {name: visit.form.one(name) for name in names}
    members = {
        "typed": typed,
        "groups": list(act_labels.grouped(_ACTS)),
        "chosen": visit.form.every("acts"),
        "faults": faults,
    }
    return View("sample_new.html", members, status)


def draw(visit: Visit) -> Answer:
    """Draw a sample and keep it."""
    form = visit.form
    faults: list[dict[str, Any]] = []
    if not form.one("name"):
        faults.append({"field": "name", "text": mark("Give the sample a name.")})
    if not form.one("seed"):
        faults.append({"field": "seed", "text": mark("Write a text of your own to draw by.")})
    faults += [
        {"field": name, "text": mark("Write a whole number.")}
        for name, needed in (("count", True), ("start", False), ("end", False))
        if (form.one(name) or needed) and not _NUMBER.fullmatch(form.one(name))
    ]
    if faults:
        return _form(visit, faults, _WRONG)
    rule = Rule(
        count=int(form.one("count")),
        seed=form.one("seed"),
        start=int(form.one("start") or 0),
        end=int(form.one("end")) if form.one("end") else None,
        acts=tuple(form.every("acts")),
    )
    try:
        made = audit_samples.save(visit.node, visit.caller, NewSample(form.one("name"), rule))
    except ComityError as error:
        return _form(visit, [reading.refused(error)], _WRONG)
    return Moved(visit.to(f"{_HOME}/{made.id}"))


def show(visit: Visit) -> Answer:
    """Show a sample with its entries and notes."""
    return _sample(visit, [])


def _sample(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    found = audit_samples.read(visit.node, visit.caller, visit.parts["sample"])
    members = {
        "sample": found.sample,
        "events": found.events,
        "notes": audit_notes.listed(visit.node, visit.caller, sample=found.sample.id),
        **note_members(visit, faults),
    }
    return View("sample.html", members, status)


def note_members(visit: Visit, faults: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the form for a note shows."""
    return {
        "verdicts": audit_notes.VERDICTS,
        "typed": {"verdict": visit.form.one("verdict"), "text": visit.form.one("text")},
        "faults": faults,
    }


def write(visit: Visit) -> Answer:
    """Write a note on a sample."""
    sample = visit.parts["sample"]
    faults = wrote(visit, sample=sample)
    return _sample(visit, faults, _WRONG) if faults else Moved(visit.to(visit.path))


def wrote(
    visit: Visit, *, leaf: int | None = None, sample: str | None = None
) -> list[dict[str, Any]]:
    """Write the note of a form; returns its faults, none once it is kept."""
    form = visit.form
    faults: list[dict[str, Any]] = []
    if form.one("verdict") not in audit_notes.VERDICTS:
        faults.append({"field": "verdict", "text": mark("Choose one.")})
    if not form.one("text"):
        faults.append({"field": "text", "text": mark("Write the note.")})
    if faults:
        return faults
    note = audit_notes.NewNote(form.one("verdict"), form.one("text"), leaf, sample)
    try:
        audit_notes.write(visit.node, visit.caller, note)
    except ComityError as error:
        return [reading.refused(error)]
    return []


PAGES: Final = (
    Page("samples", _HOME, _AUDITORS, Action.AUDIT_LIST, index),
    Page("sample_new", f"{_HOME}/new", _AUDITORS, Action.AUDIT_SAMPLE, ask_new, draw),
    Page("sample", f"{_HOME}/{{sample}}", _AUDITORS, Action.AUDIT_LIST, show, write),
)
