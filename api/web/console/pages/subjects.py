"""Subjects: looking for a name, all that is known about one, coverage of listed subjects."""

from typing import Any, Final

from api.domain.errors import Invalid, NotFound
from api.ports.policy import Action
from api.services.desk import coverage, list_coverage, subject_lines, subject_pages, subjects
from api.services.desk.identity import LIST, entry_place
from api.services.desk.subject_pages import Card, SubjectPage
from api.services.desk.subjects import Candidate
from api.web.console import reading
from api.web.console.page import ANALYST, AUDITOR, DESK, Answer, Page, View, Visit

_MOST: Final = 50
_LONGEST: Final = 500


def search(visit: Visit) -> Answer:
    """Look for a name."""
    text = visit.query.get("q", "").strip()
    members: dict[str, Any] = {"q": text, "found": None, "faults": []}
    if text:
        try:
            found = subjects.search(visit.node, visit.caller, text, limit=_MOST)
            hrefs = [_href(visit, one) for one in found.candidates]
            members["found"] = found
            members["candidates"] = list(zip(found.candidates, hrefs, strict=True))
            told = {ref for one in found.verdicts for ref in (one.one, one.other)}
            members["known_names"] = subject_lines.first_names(visit.node, visit.caller, told)
        except Invalid as error:
            members["faults"] = [reading.refused(error)]
    return View("subjects.html", members)


def _href(visit: Visit, one: Candidate) -> str:
    if one.kind == LIST:
        return visit.to(f"/lists/{one.object}/newest/entry", id=one.key or "")
    return reading.href_of(visit, one.kind, one.object)


def subject(visit: Visit) -> Answer:
    """Show one description with all that is known about its subject."""
    ref = visit.query.get("ref", "")[:_LONGEST]
    found = subject_pages.subject_page(visit.node, visit.caller, ref)
    members = {
        "page": found,
        "where": _where(visit, ref),
        "beside": _beside(found),
        "analyst": ANALYST in visit.caller.roles,
        "watches": [
            one
            for one in subject_lines.watch_lines(visit.node, visit.caller)
            if one.watch.ref == ref
        ],
    }
    return View("subject.html", members)


def _beside(page: SubjectPage) -> list[Card]:
    """Return the description and those that may be of the same subject; none where it is alone."""
    others = [one.card for one in page.candidates if one.outcome != "not-same"]
    return [page.card, *others] if others else []


def _where(visit: Visit, ref: str) -> str:
    """Return the address of the page of what holds a description."""
    listed = entry_place(ref)
    if listed is not None:
        return visit.to(f"/lists/{listed[0]}/newest/entry", id=listed[1])
    kind, _, rest = ref.partition(":")
    return reading.href_of(visit, kind, rest.partition("#")[0])


def board(visit: Visit) -> Answer:
    """Show every listed subject against every jurisdiction on a day."""
    day = visit.query.get("as_of", "").strip()
    faults: list[dict[str, Any]] = []
    try:
        found = coverage.board(visit.node, visit.caller, day or None)
    except Invalid as error:
        faults = [reading.refused(error)]
        found = coverage.board(visit.node, visit.caller, None)
    return View("coverage.html", {"board": found, "as_of": day, "faults": faults})


def programme(visit: Visit) -> Answer:
    """Show how far one jurisdiction's lists follow a programme of another's, with the lag."""
    node = visit.node
    homes = sorted({member.jurisdiction for member in node.membership.members})
    asked = visit.query.get("programme", "").strip()
    home = visit.query.get("jurisdiction", "") or homes[0]
    members: dict[str, Any] = {
        "jurisdictions": homes,
        "asked": asked,
        "home": home,
        "found": None,
        "faults": [],
    }
    if asked:
        try:
            members["found"] = list_coverage.by_programme(node, visit.caller, asked, home)
        except (Invalid, NotFound) as error:
            members["faults"] = [reading.refused(error)]
    return View("programme.html", members)


PAGES: Final = (
    Page("subjects", "/subjects", DESK, Action.SUBJECT_SEARCH, search),
    Page("subject", "/subjects/page", DESK, Action.SUBJECT_SEARCH, subject),
    Page("coverage", "/coverage", DESK | {AUDITOR}, Action.COVERAGE_READ, board),
    Page("programme", "/coverage/programme", DESK | {AUDITOR}, Action.COVERAGE_READ, programme),
)
