"""Audit: events with filters, one entry with its proof, the log's heads and witnesses, exports."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from api.domain.errors import ComityError, Invalid, NotFound
from api.domain.events import Act
from api.ports.policy import Action
from api.services.audit import audit_notes, auditing, entry_proof, erasure
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.services.desk import approved
from api.services.desk.approved import Approved
from api.services.operations import status
from api.services.road import peering
from api.web import cursors
from api.web.console import listing, reading
from api.web.console.page import AUDITOR, Answer, Column, Moved, Page, Sending, View, Visit
from api.web.console.pages import samples
from api.web.console.words import mark

_AUDITORS: Final = frozenset({AUDITOR})
_ACTS: Final = tuple(sorted(Act))
_PAST: Final = 50
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FILTERS: Final = ("act", "actor", "outcome", "object", "since", "until")
_PIECE: Final = 64 * 1024


def events(visit: Visit) -> Answer:
    """List events, newest first, narrowed as the address says."""
    typed = {name: visit.query.get(name, "").strip() for name in _FILTERS}
    asked = asked_in(visit)
    faults: list[dict[str, Any]] = []
    page = Column([], None)
    try:
        page = _events_page(visit, asked, ":".join(typed.values()))
    except Invalid as error:
        faults = [reading.refused(error)]
    members = {
        "page": page,
        "typed": typed,
        "narrowed": urlencode({name: value for name, value in typed.items() if value}),
        "acts": _ACTS,
        "query": visit.query,
        "faults": faults,
    }
    return View("events.html", members)


def asked_in(visit: Visit) -> auditing.Wanted:
    """Return the events that the address asks for."""
    typed = {name: visit.query.get(name, "").strip() for name in _FILTERS}
    return auditing.Wanted(
        act=typed["act"],
        actor=typed["actor"],
        outcome=typed["outcome"],
        object_id=typed["object"],
        since=_instant(typed["since"], "T00:00:00.000Z"),
        until=_instant(typed["until"], "T23:59:59.999Z"),
    )


def _instant(day: str, time: str) -> str:
    return f"{day}{time}" if _DAY.fullmatch(day) else day


def _events_page(visit: Visit, asked: auditing.Wanted, name: str) -> Column:
    listed = f"events:{name}"
    place = cursors.read(visit.node, visit.caller, listed, visit.query.get("cursor") or None)
    before = int(place[0]) if place else None
    found = auditing.events(
        visit.node, visit.caller, asked, limit=listing.LENGTH + 1, before=before
    )
    shown, following = found[: listing.LENGTH], None
    if len(found) > listing.LENGTH:
        cursor = cursors.make(visit.node, visit.caller, listed, [shown[-1].seq])
        following = visit.to(visit.path, **{**visit.query, "cursor": cursor})
    return Column(shown, following)


def approvals(visit: Visit) -> Answer:
    """Show who approved whose draft, after how long, and whether it was looked at first."""
    typed = {name: visit.query.get(name, "").strip() for name in ("since", "until")}
    faults: list[dict[str, Any]] = []
    found: list[Approved] = []
    try:
        found = approvals_in(visit)
    except Invalid as error:
        faults = [reading.refused(error)]
    members = {
        "approvals": found,
        "typed": typed,
        "narrowed": urlencode({name: value for name, value in typed.items() if value}),
        "faults": faults,
    }
    return View("approvals.html", members)


def approvals_in(visit: Visit) -> list[Approved]:
    """Return the approvals of the period in the address, with what they were about.

    Raises:
        Invalid: ``audit.period``.
    """
    since, until = (visit.query.get(name, "").strip() for name in ("since", "until"))
    found = auditing.approvals(
        visit.node,
        visit.caller,
        _instant(since, "T00:00:00.000Z"),
        _instant(until, "T23:59:59.999Z"),
    )
    return approved.in_words(visit.node, visit.caller, found)


def entry(visit: Visit) -> Answer:
    """Show one entry with its proof drawn."""
    text = visit.parts["leaf"]
    if not _NUMBER.fullmatch(text):
        raise NotFound("entry.unknown", "There is no such entry here.")
    return _entry(visit, int(text), [])


def _entry(visit: Visit, leaf: int, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    found = entry_proof.entry_proof(visit.node, visit.caller, leaf)
    members = {
        "proof": found,
        "event": found.view.event,
        "notes": audit_notes.listed(visit.node, visit.caller, leaf=leaf),
        **samples.note_members(visit, faults),
    }
    return View("entry.html", members, status)


def note(visit: Visit) -> Answer:
    """Write a note on one entry."""
    text = visit.parts["leaf"]
    if not _NUMBER.fullmatch(text):
        raise NotFound("entry.unknown", "There is no such entry here.")
    faults = samples.wrote(visit, leaf=int(text))
    return _entry(visit, int(text), faults, 422) if faults else Moved(visit.to(visit.path))


def log(visit: Visit) -> Answer:
    """Show who vouches for the log, and how far."""
    found = status.status(visit.node, visit.caller)
    partners = peering.listed(visit.node, visit.caller, found)
    members = {
        "status": found,
        "partners": partners,
        "origin": visit.node.me.origin,
        "gaps": erasure.gaps(visit.node, visit.caller),
    }
    return View("log.html", members)


def ask_export(visit: Visit) -> Answer:
    """Ask for purpose and period."""
    return _export_form(visit, [])


def _export_form(visit: Visit, faults: list[dict[str, Any]], code: int = 200) -> Answer:
    members = {
        "faults": faults,
        "purpose": visit.form.one("purpose"),
        "since": visit.form.one("since"),
        "until": visit.form.one("until"),
        "past": exporting.past(visit.node, visit.caller, _PAST),
    }
    return View("exports.html", members, code)


def export(visit: Visit) -> Answer:
    """Make the export and send it; that is an event itself."""
    form = visit.form
    faults: list[dict[str, Any]] = []
    if not form.one("purpose"):
        faults.append({"field": "purpose", "text": mark("Say what the export is for.")})
    faults += [
        {"field": name, "text": mark("Write the day as 2027-01-31.")}
        for name in ("since", "until")
        if form.one(name) and not _DAY.fullmatch(form.one(name))
    ]
    if faults:
        return _export_form(visit, faults, 422)
    wanted = Wanted(
        purpose=form.one("purpose"),
        start=f"{form.one('since')}T00:00:00.000Z" if form.one("since") else 0,
        end=f"{form.one('until')}T23:59:59.999Z" if form.one("until") else None,
    )
    try:
        made = exporting.export(visit.node, visit.caller, wanted)
    except ComityError as error:
        return _export_form(visit, [reading.refused(error)], 422)
    return Sending(_pieces(made), made.name, "application/zip", made.size)


def _pieces(made: exporting.Export) -> Iterator[bytes]:
    with made.file as file:
        while piece := file.read(_PIECE):
            yield piece


PAGES: Final = (
    Page("events", "/audit/events", _AUDITORS, Action.AUDIT_LIST, events),
    Page("entry", "/audit/events/{leaf}", _AUDITORS, Action.AUDIT_LIST, entry, note),
    Page("approvals", "/audit/approvals", _AUDITORS, Action.AUDIT_LIST, approvals),
    Page("log", "/audit/log", _AUDITORS, Action.NODE_STATUS, log),
    Page("exports", "/audit/exports", _AUDITORS, Action.AUDIT_EXPORT, ask_export, export),
)
