"""A recalled package at a holder: saying that the recall was read, and answering what was done."""

from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.desk import evidence, recalls
from api.services.statements import drafting
from api.web.console import reading
from api.web.console.page import ANALYST, DESK, Answer, Moved, Page, View, Visit
from api.web.console.words import mark
from api.wire.errors import WireError
from api.wire.statements import Content

_ANSWERS: Final = ("stopped", "returned", "destroyed", "kept")
_TYPE: Final = "recall-answer/1"


def ask_read(visit: Visit) -> Answer:
    """Show the recall alone."""
    return _page(visit, "recall_read.html", [])


def acknowledge(visit: Visit) -> Answer:
    """Record that the officer has read the recall; the content then opens to them."""
    id_ = reading.full(visit.parts["package"])
    recalls.acknowledge(visit.node, visit.caller, id_)
    return Moved(reading.href_of(visit, "package", id_))


def ask_answer(visit: Visit) -> Answer:
    """Ask what this ministry did with its copy."""
    return _page(visit, "recall_answer.html", [])


def answer_recall(visit: Visit) -> Answer:
    """Draft the answer to the originator; a reviewer approves it."""
    form = visit.form
    faults: list[dict[str, Any]] = []
    if form.one("answer") not in _ANSWERS:
        faults.append({"field": "answer", "text": mark("Say what you did.")})
    if form.one("answer") == "kept" and not form.one("reason"):
        faults.append({"field": "reason", "text": mark("Say why it is kept.")})
    if faults:
        return _page(visit, "recall_answer.html", faults, 422)
    view = evidence.read(visit.node, visit.caller, reading.full(visit.parts["package"]))
    if view.recall is None:
        return Moved(reading.href_of(visit, "package", view.id))
    body: dict[str, Any] = {"recall": view.recall.statement, "answer": form.one("answer")}
    if form.one("reason"):
        body["reason"] = form.one("reason")
    try:
        content = Content(_TYPE, (view.originator,), body)
        draft = drafting.create(visit.node, visit.caller, content)
    except (ComityError, WireError) as error:
        return _page(visit, "recall_answer.html", [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft.id}"))


def _page(visit: Visit, template: str, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    view = evidence.read(visit.node, visit.caller, reading.full(visit.parts["package"]))
    members = {"view": view, "faults": faults, "answers": _ANSWERS, "typed": visit.form}
    return View(template, members, status)


_ONE: Final = "/packages/{package}"
PAGES: Final = (
    Page("recall_read", f"{_ONE}/recall-read", DESK, Action.PACKAGE_READ, ask_read, acknowledge),
    Page(
        "recall_answer",
        f"{_ONE}/recall-answer",
        frozenset({ANALYST}),
        Action.DRAFT_CREATE,
        ask_answer,
        answer_recall,
    ),
)
