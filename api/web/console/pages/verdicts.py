"""Whether two descriptions are of one subject: an officer's verdict, and all that were given."""

from collections.abc import Mapping
from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.ports.policy import Action
from api.services.desk import subject_lines, subjects, telling
from api.services.desk.subjects import Judgement
from api.web.console import listing, reading
from api.web.console.forms import Form
from api.web.console.page import (
    ANALYST,
    DESK,
    Answer,
    Moved,
    Page,
    Revision,
    Target,
    View,
    Visit,
)
from api.web.console.words import mark
from api.wire.errors import WireError

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
    members = {
        "page": found,
        "shared": shared,
        "query": visit.query,
        "analyst": ANALYST in visit.caller.roles,
        "home_ministry": visit.node.ministry,
    }
    return View("verdicts.html", members)


def ask_tell(visit: Visit) -> Answer:
    """Ask for the verdict that partners are told."""
    one, other = (visit.query.get(name, "")[:_LONGEST] for name in ("one", "other"))
    return telling_form(visit, one, other, [])


def telling_form(
    visit: Visit,
    one: str,
    other: str,
    faults: list[dict[str, Any]],
    status: int = 200,
    revision: Revision | None = None,
) -> Answer:
    """Show the form of a verdict that partners are told, or of one that is taken back."""
    typed = visit.form
    if revision is not None and not typed.fields:
        typed = Form({name: [str(revision.body[name])] for name in ("outcome", "reason")})
    members = {
        "one": one,
        "other": other,
        "names": subject_lines.first_names(visit.node, visit.caller, {one, other} - {""}),
        "outcomes": _OUTCOMES,
        "others": _others(visit),
        "typed": typed,
        "revising": revision is not None,
        "taken_back": revision is not None and "withdraws" in revision.body,
        "target": revision.target
        if revision is not None
        else Target(visit.to("/subjects/verdict/tell")),
        "faults": faults,
    }
    return View("verdict_tell.html", members, status)


def _others(visit: Visit) -> list[str]:
    return [one.id for one in visit.node.membership.members if one.id != visit.node.ministry]


def _unsaid(visit: Visit, *names: str) -> list[dict[str, Any]]:
    texts = {
        "outcome": mark("Say whether they are of one subject."),
        "reason": mark("Say how you know."),
        "to": mark("Choose at least one ministry that is told."),
    }
    return [{"field": one, "text": texts[one]} for one in names if not visit.form.one(one)]


def tell(visit: Visit) -> Answer:
    """Draft the verdict; another officer approves it before partners are told."""
    form = visit.form
    one, other = form.one("one"), form.one("other")
    faults = _unsaid(visit, "outcome", "reason", "to")
    if faults:
        return telling_form(visit, one, other, faults, 422)
    try:
        judgement = Judgement(one, other, form.one("outcome"), form.one("reason"))
        draft = telling.tell(visit.node, visit.caller, judgement, form.every("to"))
    except (ComityError, WireError) as error:
        return telling_form(visit, one, other, [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft.id}"))


def told_in(visit: Visit, before: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the next version of a verdict that is told; whom it is of and who is told stays."""
    asked = ("reason",) if "withdraws" in before else ("outcome", "reason")
    return {**before, **{name: visit.form.one(name) for name in asked}}, _unsaid(visit, *asked)


def ask_take_back(visit: Visit) -> Answer:
    """Ask why a verdict that partners were told is taken back."""
    return _taking_back(visit, [])


def _taking_back(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    found = subject_lines.shared_lines(visit.node, visit.caller)
    id_ = reading.full(visit.parts["verdict"])
    line = next((one for one in found if one.verdict.statement == id_), None)
    if line is None:
        raise NotFound("verdict.unknown", "There is no such verdict here.")
    members = {
        "line": line,
        "ours": line.verdict.ministry == visit.node.ministry,
        "others": _others(visit),
        "typed": visit.form,
        "target": Target(visit.to(visit.path)),
        "faults": faults,
    }
    return View("verdict_take_back.html", members, status)


def take_back(visit: Visit) -> Answer:
    """Draft that the ministry takes it back."""
    form = visit.form
    faults = _unsaid(visit, "reason", "to")
    if faults:
        return _taking_back(visit, faults, 422)
    id_ = reading.full(visit.parts["verdict"])
    try:
        draft = telling.take_back(
            visit.node, visit.caller, id_, form.one("reason"), form.every("to")
        )
    except (ComityError, WireError) as error:
        return _taking_back(visit, [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft.id}"))


_ANALYSTS: Final = frozenset({ANALYST})
PAGES: Final = (
    Page("verdict", "/subjects/verdict", DESK, Action.VERDICT_RECORD, ask, record),
    Page(
        "verdict_tell",
        "/subjects/verdict/tell",
        _ANALYSTS,
        Action.DRAFT_CREATE,
        ask_tell,
        tell,
    ),
    Page(
        "verdict_take_back",
        "/subjects/verdicts/{verdict}/take-back",
        _ANALYSTS,
        Action.DRAFT_CREATE,
        ask_take_back,
        take_back,
    ),
    Page("verdicts", "/subjects/verdicts", DESK, Action.SUBJECT_SEARCH, index),
)
