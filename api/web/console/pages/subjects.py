"""Subjects: looking for a name in everything the officer may read; coverage of listed subjects."""

from typing import Any, Final

from api.domain.errors import Invalid
from api.ports.policy import Action
from api.services.desk import coverage, subjects
from api.services.desk.subjects import Candidate
from api.web.console import reading
from api.web.console.page import AUDITOR, DESK, Answer, Page, View, Visit

_MOST: Final = 50


def search(visit: Visit) -> Answer:
    """Look for a name."""
    text = visit.query.get("q", "").strip()
    members: dict[str, Any] = {"q": text, "found": [], "verdicts": [], "faults": []}
    if text:
        try:
            found = subjects.search(visit.node, visit.caller, text, limit=_MOST)
            members["found"] = [_candidate(visit, one) for one in found.candidates]
            members["verdicts"] = list(found.verdicts)
        except Invalid as error:
            members["faults"] = [reading.refused(error)]
    return View("subjects.html", members)


def _candidate(visit: Visit, one: Candidate) -> dict[str, Any]:
    return {
        "row": one,
        "score": round(one.score * 100),
        "href": reading.href_of(visit, one.kind, one.object),
    }


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


PAGES: Final = (
    Page("subjects", "/subjects", DESK, Action.SUBJECT_SEARCH, search),
    Page("coverage", "/coverage", DESK | {AUDITOR}, Action.COVERAGE_READ, board),
)
