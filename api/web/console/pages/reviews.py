"""Closing a review of a decision, and taking note of what a partner sent."""

from typing import Any, Final
from urllib.parse import urlencode

from api.domain.errors import ComityError, NotFound
from api.domain.tasks import ABOUT_MANY, Notice
from api.ports.policy import Action
from api.services.desk import tasks
from api.services.desk.identity import LIST
from api.services.desk.tasks import Closing, TaskView
from api.web.console import reading
from api.web.console.page import DESK, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark

_OUTCOMES: Final = ("kept", "decided-again")
_NOTED: Final = "noted"


def ask(visit: Visit) -> Answer:
    """Ask how the review ends."""
    return _asked(visit, [])


def _asked(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    task = _task(visit)
    place = task.within or task.about
    members = {
        "task": task,
        "outcomes": _OUTCOMES,
        "notice": task.kind == "notice",
        "where": _where_listed(visit, task) or reading.href_of(visit, place.kind, place.id),
        "target": Target(visit.to(visit.path), task.id),
        "typed": visit.form,
        "faults": faults,
    }
    return View("review_close.html", members, status)


def _where_listed(visit: Visit, task: TaskView) -> str:
    """Return where a notice of a published list is read; empty for other tasks.

    Of a programme that is its coverage, of an entry all that is known about its subject.
    """
    if task.about.kind != LIST:
        return ""
    if task.key not in {*ABOUT_MANY, Notice.PROGRAMME_CHANGED}:
        return f"{visit.to('/subjects/page')}?{urlencode({'ref': f'{LIST}:{task.about.id}'})}"
    asked = {
        "programme": task.about.id.partition(":")[2],
        "jurisdiction": visit.node.me.jurisdiction,
    }
    return f"{visit.to('/coverage/programme')}?{urlencode(asked)}"


def _task(visit: Visit) -> TaskView:
    """Return the review.

    Raises:
        NotFound: ``task.unknown``: it is closed, or not for this officer.
    """
    found = tasks.find_mine(visit.node, visit.caller, visit.parts["task"])
    if not found.closable:
        raise NotFound("task.unknown", "There is no such review here.")
    return found


def close(visit: Visit) -> Answer:
    """Close it with the officer's words."""
    task, form = _task(visit), visit.form
    outcome = _NOTED if task.kind == "notice" else form.one("outcome")
    faults = []
    if outcome not in {*_OUTCOMES, _NOTED}:
        text = mark("Say whether the decision stands or was taken again.")
        faults.append({"field": "outcome", "text": text})
    if outcome != _NOTED and not form.one("reason"):
        faults.append({"field": "reason", "text": mark("Say why.")})
    if faults:
        return _asked(visit, faults, 422)
    try:
        tasks.close(visit.node, visit.caller, task.id, Closing(outcome, form.one("reason")))
    except NotFound:
        raise
    except ComityError as error:
        return _asked(visit, [reading.refused(error)], 409)
    return Moved(visit.to("/"))


PAGES: Final = (Page("review_close", "/reviews/{task}/close", DESK, Action.TASK_CLOSE, ask, close),)
