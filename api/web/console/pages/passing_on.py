"""Passing a package on: asking its originator, consenting, and the release that follows.

Owns their pages. Each makes a draft that another officer approves; the statements' own rules say
who may ask whom, and what a consent covers.
"""

from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.desk import evidence, passing_on
from api.services.desk.passing_on import OnwardView
from api.services.statements import drafting
from api.web.console import marking_parts, reading, request_parts
from api.web.console.page import ANALYST, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark
from api.wire.errors import WireError
from api.wire.statements import Content
from api.wire.types import ONWARD_CONSENT, ONWARD_REQUEST

Faults = list[dict[str, Any]]
_ONLY_ANALYSTS: Final = frozenset({ANALYST})
_WRONG: Final = 422


def _package(visit: Visit) -> str:
    return reading.full(visit.parts["package"])


def _onward(visit: Visit) -> OnwardView:
    request = reading.full(visit.parts["request"])
    return passing_on.request_of(visit.node, visit.caller, _package(visit), request)


def _draw(
    visit: Visit, template: str, members: dict[str, Any], faults: Faults, status: int
) -> Answer:
    shared = {
        "row": evidence.read(visit.node, visit.caller, _package(visit)),
        "target": Target(visit.to(visit.path)),
        "tlp": marking_parts.LEVELS,
        "faults": faults,
    }
    return View(template, shared | members, status)


def _drafted(visit: Visit, content: Content) -> Answer:
    draft = drafting.create(visit.node, visit.caller, content)
    return Moved(visit.to(f"/drafts/{draft.id}"))


def ask_request(visit: Visit) -> Answer:
    """Ask to whom a partner's package shall be passed on, and what for."""
    return _request_form(visit, [])


def _request_form(visit: Visit, faults: Faults, status: int = 200) -> Answer:
    view = evidence.read(visit.node, visit.caller, _package(visit))
    others = [
        {"value": one.id, "text": f"{one.name} ({one.jurisdiction})"}
        for one in visit.node.membership.members
        if one.id not in {visit.node.ministry, view.originator}
    ]
    members = {
        "others": others,
        "own": view.originator == visit.node.ministry,
        "typed": visit.form,
    }
    return _draw(visit, "onward_request.html", members, faults, status)


def request(visit: Visit) -> Answer:
    """Draft the request to the originator."""
    form = visit.form
    needed = (
        ("recipient", mark("Choose the ministry that gets the package.")),
        ("purpose", mark("Say what it is to be passed on for.")),
    )
    faults: Faults = [{"field": name, "text": text} for name, text in needed if not form.one(name)]
    if faults:
        return _request_form(visit, faults, _WRONG)
    view = evidence.read(visit.node, visit.caller, _package(visit))
    body = {name: form.one(name) for name in ("recipient", "purpose")} | {"package": view.id}
    try:
        return _drafted(visit, Content(ONWARD_REQUEST, (view.originator,), body))
    except (ComityError, WireError) as error:
        return _request_form(visit, [reading.refused(error)], _WRONG)


def ask_consent(visit: Visit) -> Answer:
    """Show what a holder asks, and ask under which marking it may."""
    return _consent_form(visit, [])


def _consent_form(visit: Visit, faults: Faults, status: int = 200) -> Answer:
    onward = _onward(visit)
    members = {
        "onward": onward,
        "ours": onward.originator == visit.node.ministry,
        "typed": marking_parts.typed(visit.form) | {"until": visit.form.one("until")},
    }
    return _draw(visit, "onward_consent.html", members, faults, status)


def consent(visit: Visit) -> Answer:
    """Draft the consent."""
    form, onward = visit.form, _onward(visit)
    faults = marking_parts.unmarked(form)
    body: dict[str, Any] = {
        "request": onward.id,
        "package": _package(visit),
        "recipient": onward.recipient,
        "marking": marking_parts.marking_in(form, onward.recipient),
    }
    if form.one("until"):
        body["until"] = request_parts.end_of_day(form.one("until"))
        if body["until"] == form.one("until"):
            faults.append({"field": "until", "text": mark("Write the day as 2027-01-31.")})
    if faults:
        return _consent_form(visit, faults, _WRONG)
    try:
        return _drafted(visit, Content(ONWARD_CONSENT, (onward.asker,), body))
    except (ComityError, WireError) as error:
        return _consent_form(visit, [reading.refused(error)], _WRONG)


def ask_onward_release(visit: Visit) -> Answer:
    """Show what the originator consented to, and ask for the law that lets us disclose it."""
    return _onward_release_form(visit, [])


def _onward_release_form(visit: Visit, faults: Faults, status: int = 200) -> Answer:
    onward = _onward(visit)
    before = onward.consent.marking if onward.consent is not None else None
    members = {
        "onward": onward,
        "ours": onward.asker == visit.node.ministry and onward.consent is not None,
        "typed": marking_parts.typed(visit.form, before)
        | {"legal_basis": visit.form.one("legal_basis")},
    }
    return _draw(visit, "onward_release.html", members, faults, status)


def onward_release(visit: Visit) -> Answer:
    """Draft the release under the consent."""
    form, onward = visit.form, _onward(visit)
    faults = marking_parts.unmarked(form)
    if not form.one("legal_basis"):
        text = mark("Say which law lets you disclose it.")
        faults.append({"field": "legal_basis", "text": text})
    if faults or onward.consent is None:
        return _onward_release_form(visit, faults, _WRONG)
    content = {
        "recipient": onward.recipient,
        "marking": marking_parts.marking_in(form, onward.recipient),
        "legal_basis": form.one("legal_basis"),
        "originator": onward.originator,
        "consent": onward.consent.id,
    }
    try:
        draft = evidence.release(visit.node, visit.caller, _package(visit), content)
    except (ComityError, WireError) as error:
        return _onward_release_form(visit, [reading.refused(error)], _WRONG)
    return Moved(visit.to(f"/drafts/{draft.id}"))


_HOME: Final = "/packages/{package}/onward"
PAGES: Final = (
    Page(
        "onward_request",
        f"{_HOME}/new",
        _ONLY_ANALYSTS,
        Action.DRAFT_CREATE,
        ask_request,
        request,
    ),
    Page(
        "onward_consent",
        f"{_HOME}/{{request}}/consent",
        _ONLY_ANALYSTS,
        Action.DRAFT_CREATE,
        ask_consent,
        consent,
    ),
    Page(
        "onward_release",
        f"{_HOME}/{{request}}/release",
        _ONLY_ANALYSTS,
        Action.DRAFT_CREATE,
        ask_onward_release,
        onward_release,
    ),
)
