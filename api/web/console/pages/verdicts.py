"""Whether two descriptions are of one subject: an officer's verdict, and all that were given."""

from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.desk import subject_lines, subjects
from api.services.desk.subjects import Judgement
from api.web.console import listing, reading
from api.web.console.page import DESK, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark

_OUTCOMES: Final = ("same", "not-same", "unsure")
_LONGEST: Final = 400


def ask(visit: Visit) -> Answer:
    """Ask for the verdict on two descriptions."""
    one, other = (visit.query.get(name, "")[:_LONGEST] for name in ("one", "other"))
    return _asked(visit, one, other, [])


def _asked(
    visit: Visit, one: str, other: str, faults: list[dict[str, Any]], status: int = 200
) -> Answer:
    members = {
        "one": one,
        "other": other,
        "names": {
            ref: visit.query.get(f"{which}_name", "")[:_LONGEST]
            for which, ref in (("one", one), ("other", other))
        },
        "outcomes": _OUTCOMES,
        "typed": visit.form,
        "target": Target(visit.to("/subjects/verdict")),
        "faults": faults,
    }
    return View("verdict.html", members, status)


def record(visit: Visit) -> Answer:
    """Record it; an earlier verdict on the same two is replaced."""
    form = visit.form
    one, other = form.one("one"), form.one("other")
    faults = [
        {"field": name, "text": text}
        for name, text in (
            ("one", mark("Name the first description.")),
            ("other", mark("Name the second description.")),
            ("outcome", mark("Say whether they are of one subject.")),
            ("reason", mark("Say how you know.")),
        )
        if not form.one(name)
    ]
    if faults:
        return _asked(visit, one, other, faults, 422)
    try:
        judgement = Judgement(one, other, form.one("outcome"), form.one("reason"))
        subjects.record_verdict(visit.node, visit.caller, judgement)
    except ComityError as error:
        return _asked(visit, one, other, [reading.refused(error)], 422)
    return Moved(visit.to("/subjects/verdicts"))


def index(visit: Visit) -> Answer:
    """Show what ministries told each other, and what officers here decided for themselves."""
    found = listing.page_of(
        visit,
        "verdicts",
        lambda size, at: subject_lines.verdict_lines(
            visit.node, visit.caller, limit=size, before=at
        ),
        lambda one: (one.verdict.at, one.verdict.id),
    )
    shared = subject_lines.shared_lines(visit.node, visit.caller)
    return View("verdicts.html", {"page": found, "shared": shared, "query": visit.query})


PAGES: Final = (
    Page("verdict", "/subjects/verdict", DESK, Action.VERDICT_RECORD, ask, record),
    Page("verdicts", "/subjects/verdicts", DESK, Action.SUBJECT_SEARCH, index),
)
