"""Saying something in a mirror request, from the acknowledgement to the closure.

Owns one form for each kind. What is said becomes a draft with the same checks as anywhere; kinds
that need no second officer are sealed at once, and the form says so.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from api.domain.drafts import DraftState
from api.domain.errors import ComityError
from api.domain.threads.facts import Phase
from api.domain.threads.state import in_order
from api.ports.policy import Action
from api.records.threads import Wanted
from api.services.desk import mirroring, package_lines
from api.services.desk.mirroring import ThreadView
from api.web.console import law_choices, reading, request_parts
from api.web.console.forms import Form
from api.web.console.page import ANALYST, DESK, Answer, Moved, Page, Target, View, Visit
from api.web.console.pages import request_forms
from api.web.console.words import mark
from api.wire.errors import WireError

_DUPLICATE: Final = "duplicate-of"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FINDINGS: Final = ("mirror", "mirror-differently", "decline", "defer", _DUPLICATE)
_MOST: Final = 100
_OF_DESIGNATIONS: Final = frozenset({"effect", "amendment"})
Faults = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Move:
    """One kind of statement.

    Attributes:
        type: statement type.
        template: its form.
        read: makes the body of a form, or says what is wrong with it.
        roles: who prepares it.
        at_once: it leaves without a second officer.
    """

    type: str
    template: str
    read: Callable[[Form, Visit], tuple[dict[str, Any], Faults]]
    roles: frozenset[str]
    at_once: bool = False


def _missing(form: Form, wanted: Mapping[str, str]) -> Faults:
    return [{"field": name, "text": text} for name, text in wanted.items() if not form.one(name)]


def _end_of_day(text: str, field: str, faults: Faults) -> str:
    """Return the last instant of a day in UTC."""
    if not _DAY.fullmatch(text):
        faults.append({"field": field, "text": mark("Write the day as 2027-01-31.")})
    return f"{text}T23:59:59.000Z"


def _acknowledgement(form: Form, _visit: Visit) -> tuple[dict[str, Any], Faults]:
    faults: Faults = []
    body: dict[str, Any] = {}
    if form.one("expected_by"):
        body["expected_by"] = _end_of_day(form.one("expected_by"), "expected_by", faults)
    if form.one("note"):
        body["note"] = form.one("note")
    return body, faults


def _question(form: Form, visit: Visit) -> tuple[dict[str, Any], Faults]:
    faults = _missing(form, {"text": mark("Write the question.")})
    view = _view(visit)
    number = 1 + len(view.state.questions)
    body: dict[str, Any] = {"question": f"q{number}", "text": form.one("text")}
    if form.every("subjects"):
        body["subjects"] = form.every("subjects")
    return body, faults


def _answer(form: Form, _visit: Visit) -> tuple[dict[str, Any], Faults]:
    faults = _missing(
        form,
        {
            "question": mark("Choose the question that you answer."),
            "text": mark("Write the answer."),
        },
    )
    return {"question": form.one("question"), "text": form.one("text")}, faults


def _finding(form: Form, _visit: Visit) -> tuple[dict[str, Any], Faults]:
    faults = _missing(
        form,
        {
            "subject": mark("Choose the subject."),
            "finding": mark("Choose a finding."),
            "reasons": mark("Give the reasons that the requester may read."),
        },
    )
    body: dict[str, Any] = {
        "subject": form.one("subject"),
        "finding": form.one("finding"),
        "reasons": {"releasable": form.one("reasons")},
        "relies_on": [reading.full(one) for one in form.every("relies_on")],
    }
    if form.one("finding") in {"mirror", "mirror-differently"}:
        faults += _missing(form, {"regime": mark("Choose the regime under which you would list.")})
    if form.one("regime"):
        body["regime"] = form.one("regime")
    if form.one("ground"):
        body["ground"] = form.one("ground")
    if form.one("finding") == "defer":
        body["until"] = _end_of_day(form.one("until"), "until", faults)
    if form.one("finding") == _DUPLICATE:
        text = mark("Choose the subject of the earlier request.")
        faults += _missing(form, {"duplicate_of": text})
        thread, _, key = form.one("duplicate_of").partition("#")
        body["duplicate_of"] = {"thread": thread, "key": key}
    return body, faults


def _reason(form: Form, _visit: Visit) -> tuple[dict[str, Any], Faults]:
    return {"reason": form.one("reason")}, _missing(form, {"reason": mark("Say why.")})


def _effect(form: Form, _visit: Visit) -> tuple[dict[str, Any], Faults]:
    faults = _missing(
        form,
        {
            "subject": mark("Choose the subject."),
            "designation": mark("Choose the designation that followed."),
        },
    )
    return {"subject": form.one("subject"), "designation": form.one("designation")}, faults


_IN_AMENDMENT: Final = frozenset(
    {"note", "add", "designations", "regimes", "remove", "evidence", "respond_by"}
)
"""Members that the form of an amendment asks."""


def _amendment(_form: Form, visit: Visit) -> tuple[dict[str, Any], Faults]:
    return amendment_in(visit, {})


def amendment_in(visit: Visit, before: Mapping[str, Any]) -> tuple[dict[str, Any], Faults]:
    """Return what the form says of an amendment; what it does not ask is ``before``'s."""
    form = visit.form
    faults = _missing(form, {"note": mark("Say what changes, and why.")})
    body = {name: before[name] for name in before if name not in _IN_AMENDMENT}
    body |= {"note": form.one("note"), **_added(visit, form.every("add"), before)}
    if form.every("remove"):
        body["remove"] = form.every("remove")
    if form.every("evidence"):
        body["evidence"] = request_parts.evidence_in(form)
    if form.one("respond_by"):
        body["respond_by"] = _end_of_day(form.one("respond_by"), "respond_by", faults)
    return body, faults


def _added(visit: Visit, chosen: list[str], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the subjects of designations under keys that the request never used.

    A draft's own stay as it describes them, also those without a designation, which no form asks.
    """
    said = {str(one["key"]): one for one in before.get("add", ())}
    known = {id_: key for key, id_ in before.get("designations", {}).items()}
    keys = {id_: known[id_] for id_ in chosen if id_ in known}
    unasked = said.keys() - set(known.values())
    found = request_forms.described(visit, [id_ for id_ in chosen if id_ not in known])
    used = (int(key[1:]) for key in {*_view(visit).state.subjects, *said})
    fresh = {id_: f"s{number}" for number, id_ in enumerate(found, 1 + max(used, default=0))}
    kept = {*unasked, *keys.values()}
    added = {
        "add": [
            *(one for key, one in said.items() if key in kept),
            *({**dict(facts), "key": fresh[id_]} for id_, facts in found.items()),
        ],
        "designations": {key: id_ for id_, key in (keys | fresh).items()},
        "regimes": {key: one for key, one in before.get("regimes", {}).items() if key in kept},
    }
    return {name: value for name, value in added.items() if value}


def _withdrawal(form: Form, visit: Visit) -> tuple[dict[str, Any], Faults]:
    body, faults = _reason(form, visit)
    if form.every("subjects"):
        body["subjects"] = form.every("subjects")
    return body, faults


_ONLY_ANALYSTS: Final = frozenset({ANALYST})
MOVES: Final[Mapping[str, _Move]] = {
    "acknowledgement": _Move(
        "mirror-acknowledgement/1",
        "move_acknowledgement.html",
        _acknowledgement,
        _ONLY_ANALYSTS,
        at_once=True,
    ),
    "question": _Move(
        "mirror-question/1", "move_question.html", _question, _ONLY_ANALYSTS, at_once=True
    ),
    "answer": _Move("mirror-answer/1", "move_answer.html", _answer, _ONLY_ANALYSTS),
    "finding": _Move("mirror-finding/1", "move_finding.html", _finding, DESK),
    "effect": _Move("mirror-effect/1", "move_effect.html", _effect, DESK),
    "amendment": _Move("mirror-amendment/1", "move_amendment.html", _amendment, _ONLY_ANALYSTS),
    "closure": _Move("mirror-closure/1", "move_closure.html", _reason, DESK),
    "withdrawal": _Move("mirror-withdrawal/1", "move_withdrawal.html", _withdrawal, _ONLY_ANALYSTS),
}


def typed(kind: str, body: Mapping[str, Any]) -> Form:
    """Return the fields that say a body of a kind, for its form."""
    found: dict[str, list[str]] = {
        name: [value] for name, value in body.items() if isinstance(value, str)
    }
    for name in ("subjects", "relies_on"):
        if isinstance(body.get(name), list):
            found[name] = [one.removeprefix("sha256:") for one in body[name]]
    if kind == "finding":
        found["reasons"] = [body["reasons"]["releasable"]]
        earlier = body.get("duplicate_of")
        found["duplicate_of"] = [f"{earlier['thread']}#{earlier['key']}"] if earlier else []
    if kind == "amendment":
        found["add"] = list(body.get("designations", {}).values())
        found["remove"] = list(body.get("remove", ()))
        found["evidence"] = [
            f"{one['release']} {one['package']}" for one in body.get("evidence", ())
        ]
    for name in ("until", "expected_by", "respond_by"):
        if name in found:
            found[name] = [found[name][0][:10]]
    return Form(found)


def _view(visit: Visit) -> ThreadView:
    return mirroring.read(visit.node, visit.caller, reading.full(visit.parts["thread"]))


def _names(view: ThreadView, kind: str) -> dict[str, str]:
    """Return the subjects of which it can be said; of a withdrawn one only an effect."""
    return {
        key: next(iter(reading.subject_names(view.described.get(key, {}))), key)
        for key in in_order(view.state.subjects)
        if kind == "effect" or view.state.subjects[key].phase is not Phase.WITHDRAWN
    }


def form(
    visit: Visit,
    kind: str,
    faults: Faults,
    status: int = 200,
    target: Target | None = None,
) -> Answer:
    """Show the form of one kind, filled with the visit's form."""
    view = _view(visit)
    move = MOVES[kind]
    subject = visit.form.one("subject") or visit.query.get("subject", "")
    before = request_parts.standing_finding(view, subject) if kind == "finding" else None
    said = visit.form
    if before is not None and not said.fields:
        said = typed(kind, before.body)
    members = {
        "row": view,
        "names": _names(view, kind),
        "questions": [(one.key, _text_of(view, one.stamp.id)) for one in view.state.open_questions],
        "kind": kind,
        "target": target or Target(visit.to(f"/mirror-requests/{visit.parts['thread']}/{kind}")),
        "at_once": move.at_once,
        "findings": _FINDINGS,
        "earlier": list(_earlier(visit, view)) if kind == "finding" else [],
        "regimes": law_choices.options(visit, law_choices.of_home(visit)),
        "grounds": law_choices.grounds(visit, law_choices.of_home(visit)),
        "own_designations": request_forms.standing(visit) if kind in _OF_DESIGNATIONS else [],
        "given": list(request_forms.given(visit)) if kind == "amendment" else [],
        "packages": _packages(visit, view),
        "typed": said,
        "subject": subject,
        "before": before,
        "open": [] if target else [one.key for one in view.state.undecided()],
        "faults": faults,
    }
    return View(move.template, members, status)


def _packages(visit: Visit, view: ThreadView) -> dict[str, str]:
    """Return the titles of the packages that are shown with the request; empty of a hidden one."""
    shown = [package for _, package in view.state.terms.evidence]
    known = package_lines.titles(visit.node, visit.caller, shown)
    return {package: known.get(package, "") for package in shown}


def _earlier(visit: Visit, view: ThreadView) -> Iterator[tuple[str, str]]:
    """Return the subjects of other requests between the same two ministries: value and words."""
    wanted = Wanted(requester=view.requester, addressee=view.addressee)
    for thread in mirroring.threads_page(visit.node, visit.caller, wanted, limit=_MOST):
        if thread.id == view.id:
            continue
        for one in thread.subjects:
            yield f"{thread.id}#{one.key}", f"{one.name} ({thread.title}, {thread.opened_at[:10]})"


def _text_of(view: ThreadView, statement_id: str) -> str:
    said = next(one for one in view.statements if one.id == statement_id)
    return str(said.body.get("text", ""))


def _ask(kind: str) -> Callable[[Visit], Answer]:
    def ask(visit: Visit) -> Answer:
        return form(visit, kind, [])

    return ask


def _also(visit: Visit) -> list[str]:
    """Return the other subjects on which the same is found; a duplicate is of one alone."""
    if visit.form.one("finding") == _DUPLICATE:
        return []
    return [key for key in visit.form.every("also") if key != visit.form.one("subject")]


def _said_again(visit: Visit, body: Mapping[str, Any], others: list[str]) -> Answer:
    """Make the same finding a draft of its own on each other subject.

    What is refused comes back as a form for that subject and those after it: the drafts before it
    are made.
    """
    thread = reading.full(visit.parts["thread"])
    for number, key in enumerate(others):
        try:
            # A form sent twice makes each draft once: every subject has a key of its own.
            once = visit.caller.idempotency_key
            caller = replace(visit.caller, idempotency_key=f"{once}-{key}" if once else once)
            said = {**body, "subject": key}
            mirroring.say(visit.node, caller, thread, MOVES["finding"].type, said)
        except (ComityError, WireError) as error:
            left = {"subject": [key], "also": others[number + 1 :]}
            again = replace(visit, form=Form({**visit.form.fields, **left}))
            return form(again, "finding", [reading.refused(error)], 422)
    return Moved(reading.href_of(visit, "thread", thread))


def _say(kind: str) -> Callable[[Visit], Answer]:
    move = MOVES[kind]

    def say(visit: Visit) -> Answer:
        body, faults = move.read(visit.form, visit)
        if faults:
            return form(visit, kind, faults, 422)
        thread = reading.full(visit.parts["thread"])
        others = _also(visit) if kind == "finding" else []
        try:
            draft = mirroring.say(visit.node, visit.caller, thread, move.type, body)
        except (ComityError, WireError) as error:
            return form(visit, kind, [reading.refused(error)], 422)
        if others:
            return _said_again(visit, body, others)
        if draft.state is DraftState.SEALED:
            return Moved(visit.to(f"/drafts/{draft.id}/done"))
        return Moved(visit.to(f"/drafts/{draft.id}"))

    return say


PAGES: Final = tuple(
    Page(
        f"move_{kind}",
        f"/mirror-requests/{{thread}}/{kind}",
        move.roles,
        Action.DRAFT_CREATE,
        _ask(kind),
        _say(kind),
    )
    for kind, move in MOVES.items()
)
