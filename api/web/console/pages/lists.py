"""Published lists: editions that are held, bringing one in, its entries, what changed between two.

Owns their pages. A list is public: what stands here is the publisher's, with its source.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.domain.lists.changes import EntryOutcome
from api.ports.policy import Action
from api.records.lists import Edition
from api.services.desk import lists
from api.services.desk.identity import entry_ref
from api.services.desk.lists import ImportTerms
from api.web.console import reading
from api.web.console.page import AUDITOR, DESK, Answer, Moved, Page, View, Visit
from api.web.console.words import mark

_READERS: Final = DESK | {AUDITOR}
_HOME: Final = "/lists"
_LENGTH: Final = 50
_CHANGES: Final = 200
_NEWEST: Final = "newest"


def index(visit: Visit) -> Answer:
    """List the editions, newest first within each list."""
    found = lists.editions(visit.node, visit.caller)
    series: dict[str, list[Edition]] = {}
    for one in found:
        series.setdefault(one.series.id, []).insert(0, one)
    return View("lists.html", {"series": series, "desk": bool(visit.caller.roles & DESK)})


def ask_import(visit: Visit) -> Answer:
    """Ask for the file."""
    return _import_form(visit, [])


def _import_form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    names = ("as_of", "source", "partial")
    typed = {name: visit.form.one(name) for name in names}
    return View("list_import.html", {"typed": typed, "faults": faults}, status)


def bring_in(visit: Visit) -> Answer:
    """Read a published list and keep it as an edition."""
    upload = visit.form.upload("file")
    if upload is None or not upload.filename:
        return _import_form(visit, [{"field": "file", "text": mark("Choose a file.")}], 422)
    form = visit.form
    terms = ImportTerms(
        name=Path(upload.filename or "").name[:200],
        as_of=form.one("as_of"),
        source=form.one("source"),
        fetched_at=visit.node.now() if form.one("source") else "",
        partial=form.one("partial") == "yes",
    )
    with tempfile.NamedTemporaryFile(prefix="comity-list-") as file:
        shutil.copyfileobj(upload.file, file)
        file.flush()
        try:
            made = lists.import_list(visit.node, visit.caller, Path(file.name), terms)
        except ComityError as error:
            return _import_form(visit, [reading.refused(error)], 422)
    return Moved(visit.to(f"{_HOME}/editions/{made.edition.id}"))


def edition(visit: Visit) -> Answer:
    """Show an edition with a page of its entries."""
    after = visit.query.get("after", "")[: lists.LONGEST_ID]
    found = lists.edition(
        visit.node, visit.caller, visit.parts["edition"], limit=_LENGTH, after=after
    )
    return View("edition.html", {"page": found, "after": after})


def entry(visit: Visit) -> Answer:
    """Show one entry: its names, and every value of its source."""
    wanted = visit.parts["edition"]
    if wanted == _NEWEST:
        held = lists.editions(visit.node, visit.caller, visit.parts["series"])
        if not held:
            raise NotFound("list.no-edition", "No such edition is held.")
        wanted = held[-1].id
    found = lists.entry(visit.node, visit.caller, wanted, visit.query.get("id", "")[:500])
    members = {
        "found": found,
        "entry": found.entry,
        "ref": entry_ref(found.edition.series.id, found.entry.id),
        "desk": bool(visit.caller.roles & DESK),
    }
    return View("list_entry.html", members)


def changes(visit: Visit) -> Answer:
    """Show what changed between two editions of a list, by default between the last two."""
    series = visit.parts["series"]
    older, newer = visit.query.get("older", ""), visit.query.get("newer", "")
    held = lists.editions(visit.node, visit.caller, series)
    faults: list[dict[str, Any]] = []
    difference = None
    try:
        difference = lists.compare(visit.node, visit.caller, series, older, newer)
    except ComityError as error:
        faults = [reading.refused(error)]
    members = {
        "series": series,
        "held": held[::-1],
        "older": older,
        "newer": newer,
        "difference": difference,
        "outcomes": list(EntryOutcome),
        "most": _CHANGES,
        "faults": faults,
    }
    return View("list_changes.html", members)


PAGES: Final = (
    Page("lists", _HOME, _READERS, Action.LIST_READ, index),
    Page("list_import", f"{_HOME}/new", DESK, Action.LIST_IMPORT, ask_import, bring_in, files=True),
    Page("edition", f"{_HOME}/editions/{{edition}}", _READERS, Action.LIST_READ, edition),
    Page("list_entry", f"{_HOME}/{{series}}/{{edition}}/entry", _READERS, Action.LIST_READ, entry),
    Page("list_changes", f"{_HOME}/{{series}}/changes", _READERS, Action.LIST_READ, changes),
)
