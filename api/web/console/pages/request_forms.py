"""Asking a ministry to mirror designations: the form of a new request, filled from what is here.

Owns the page. Only designations of this ministry that stand, and packages that it released, can be
chosen: what is asked for and what is shown with it is always something the partner can check.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.desk import designations, mirroring, package_lines
from api.services.desk.designations import DesignationSummary
from api.web.console import (
    body_words,
    case_fact_parts,
    law_choices,
    reading,
    request_parts,
)
from api.web.console.page import ANALYST, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark
from api.wire.errors import WireError

Faults = list[dict[str, Any]]
_MOST: Final = 200
_TYPE: Final = "mirror-request/1"


@dataclass(frozen=True, slots=True)
class Given:
    """A package that was released to a ministry and can be shown with a request.

    Attributes:
        value: release and package, as the form carries them.
        title: of the package.
        recipient: who got it.
    """

    value: str
    title: str
    recipient: str


def ask(visit: Visit) -> Answer:
    """Ask for everything that a request says."""
    chosen = visit.query.get("designation", "")
    body = {"designations": {"s1": chosen}} if chosen else {}
    return form(visit, body, visit.query.get("to", ""), [])


def form(
    visit: Visit,
    body: Mapping[str, Any],
    to: str,
    faults: Faults,
    status: int = 200,
    target: Target | None = None,
) -> Answer:
    """Show the form of a request, filled with a body."""
    others = [one for one in visit.node.membership.members if one.id != visit.node.ministry]
    members = {
        "target": target or Target(visit.to("/mirror-requests/new")),
        "typed": request_parts.shown(body),
        "case_facts": case_fact_parts.lines(body, body.get("designations", {})),
        "fact_choices": case_fact_parts.CHOICES,
        "to_chosen": to,
        "others": [{"value": one.id, "text": f"{one.name} ({one.jurisdiction})"} for one in others],
        "designations": standing(visit),
        "given": list(given(visit)),
        "regimes": law_choices.options(visit, law_choices.of_others(visit)),
        "faults": faults,
        "revising": target is not None,
    }
    return View("mirror_request_new.html", members, status)


def standing(visit: Visit) -> list[DesignationSummary]:
    """Return this ministry's designations that stand."""
    found = designations.designations_page(
        visit.node, visit.caller, limit=_MOST, jurisdiction=visit.node.me.jurisdiction
    )
    return [one for one in found if not one.ended_on and one.issuer == visit.node.ministry]


def given(visit: Visit) -> Iterator[Given]:
    """Return the packages that this ministry released, once for each ministry that got one."""
    for one in package_lines.given(visit.node, visit.caller, _MOST):
        yield Given(f"{one.release} {one.package}", one.title, one.recipient)


def described(visit: Visit, chosen: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the subjects of designations, as these describe them now."""
    found: dict[str, Mapping[str, Any]] = {}
    for id_ in chosen:
        view = designations.read(visit.node, visit.caller, id_)
        found[view.id] = view.standing.get("subject", {})
    return found


def read(visit: Visit, to: str) -> tuple[dict[str, Any], Faults]:
    """Return the body that the form says, with its faults."""
    form_ = visit.form
    faults: Faults = []
    if not form_.every("designations"):
        fault = {"field": "designations", "text": mark("Choose at least one designation.")}
        faults.append(fault)
    if not to:
        faults.append({"field": "to", "text": mark("Choose the ministry that you ask.")})
    try:
        body = request_parts.request_in(form_, described(visit, form_.every("designations")))
    except ComityError as error:
        return {}, [*faults, reading.refused(error)]
    if case_fact_parts.MORE in form_.fields:
        return body, []
    faults += case_fact_parts.unchosen(body)
    missing = {"subjects"} if faults else set()
    found = body_words.faults_in(_TYPE, body)
    return body, [*faults, *(one for one in found if one["field"] not in missing)]


def send(visit: Visit) -> Answer:
    """Draft the request; a reviewer approves it."""
    to = visit.form.one("to")
    body, faults = read(visit, to)
    if faults:
        return form(visit, body, to, faults, 422)
    if case_fact_parts.MORE in visit.form.fields:
        return form(visit, body, to, [])
    try:
        draft = mirroring.request(visit.node, visit.caller, to, body)
    except (ComityError, WireError) as error:
        return form(visit, body, to, [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft.id}"))


PAGES: Final = (
    Page(
        "mirror_request_new",
        "/mirror-requests/new",
        frozenset({ANALYST}),
        Action.DRAFT_CREATE,
        ask,
        send,
    ),
)
