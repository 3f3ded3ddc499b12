"""Designating, amending and delisting: forms whose content becomes a draft.

Owns the pages. A designation begins from an endorsed proposal, or from a finding in a request, with
what they say filled in; or from nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from api.domain.errors import ComityError
from api.ports.policy import Action
from api.services.desk import designations, mirroring, proposals
from api.services.statements.draft_form import DraftView
from api.web.console import (
    body_words,
    case_fact_parts,
    described,
    designation_parts,
    law_choices,
    reading,
)
from api.web.console.page import DESK, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark
from api.wire.errors import WireError
from api.wire.types import AMENDMENT, DELISTING, DESIGNATION

Faults = list[dict[str, Any]]
_MOST: Final = 200
_GROUPS: Final = frozenset({"subject", "instants", "changes"})


def ask_new(visit: Visit) -> Answer:
    """Ask for everything that a designation says."""
    others = [one.id for one in visit.node.membership.members if one.id != visit.node.ministry]
    return new_form(visit, _beginning(visit), others, [])


def _beginning(visit: Visit) -> Mapping[str, Any]:
    """Return what is known already: of a proposal's subject, or of a request's."""
    if visit.query.get("proposal"):
        return _of_proposal(visit, visit.query["proposal"], visit.query.get("subject", ""))
    if visit.query.get("request"):
        return _of_request(visit, visit.query["request"], visit.query.get("subject", ""))
    return {}


def _of_proposal(visit: Visit, id_: str, key: str) -> Mapping[str, Any]:
    view = proposals.read(visit.node, visit.caller, id_)
    subjects = [one for one in view.body.get("subjects", []) if one.get("key") == key]
    subject = subjects[0] if subjects else next(iter(view.body.get("subjects", [])), {})
    return {
        "subject": subject,
        "regime": view.regime,
        "grounds": [one["ground"] for one in view.body.get("grounds", [])],
        "measures": view.body.get("measures", []),
        "reasons": {"releasable": view.body.get("reasons", {}).get("releasable", "")},
        "proposal": view.id,
    }


def _of_request(visit: Visit, thread: str, key: str) -> Mapping[str, Any]:
    view = mirroring.read(visit.node, visit.caller, reading.full(thread))
    state = view.state.subjects.get(key)
    known: dict[str, Any] = {"subject": view.described.get(key, {})}
    if state is None or state.finding is None:
        return known
    finding = state.finding
    known |= {"regime": finding.regime or "", "grounds": [finding.ground] * bool(finding.ground)}
    if state.designation is not None:
        theirs = designations.read(visit.node, visit.caller, state.designation)
        known["mirrors"] = [{"jurisdiction": theirs.jurisdiction, "designation": theirs.id}]
    return known


def new_form(
    visit: Visit,
    body: Mapping[str, Any],
    to: list[str],
    faults: Faults,
    status: int = 200,
    target: Target | None = None,
) -> Answer:
    """Show the form of a designation, filled with a body."""
    regimes = law_choices.of_home(visit)
    others = [one.id for one in visit.node.membership.members if one.id != visit.node.ministry]
    theirs = _designations(visit, home=False)
    members = {
        "target": target or Target(visit.to("/designations/new", **visit.query)),
        "typed": designation_parts.shown(body),
        "case_facts": case_fact_parts.lines(body, {}),
        "fact_choices": case_fact_parts.CHOICES,
        "schemas": described.SCHEMAS,
        "regimes": law_choices.options(visit, regimes),
        "grounds": law_choices.grounds(visit, regimes),
        "measures": law_choices.MEASURES,
        "instants": designation_parts.INSTANTS,
        "others": others,
        "to_chosen": to,
        "theirs": [(f"{one.jurisdiction} {one.id}", one) for one in theirs],
        "faults": faults,
        "revising": target is not None,
    }
    return View("designation_new.html", members, status)


def _designations(visit: Visit, *, home: bool) -> list[designations.DesignationSummary]:
    found = designations.designations_page(visit.node, visit.caller, limit=_MOST)
    own = visit.node.me.jurisdiction
    return [one for one in found if not one.ended_on and (one.jurisdiction == own) is home]


def faults_of(type_: str, body: Mapping[str, Any]) -> Faults:
    """Return the faults of a designation's body at the fields of its form."""
    found = body_words.faults_in(type_, body, groups=_GROUPS)
    # All dates are read in one zone.
    zones = [one for one in found if one["field"].endswith("_zone")]
    others = [one for one in found if one not in zones]
    return [*others, *({**one, "field": "zone"} for one in zones[:1])]


def designate(visit: Visit) -> Answer:
    """Draft the designation; another officer approves it."""
    body = designation_parts.designation_in(visit.form, visit.node.me.jurisdiction)
    to = visit.form.every("to")
    if case_fact_parts.MORE in visit.form.fields:
        return new_form(visit, body, to, [])
    faults = faults_of(DESIGNATION, body)
    if not to:
        faults.append({"field": "to", "text": mark("Choose at least one ministry that is told.")})
    if faults:
        return new_form(visit, body, to, faults, 422)
    return _drafted(
        visit,
        lambda: designations.designate(visit.node, visit.caller, to, body),
        lambda fault: new_form(visit, body, to, [fault], 422),
    )


def _drafted(
    visit: Visit,
    make: Callable[[], DraftView],
    again: Callable[[dict[str, Any]], Answer],
) -> Answer:
    try:
        draft = make()
    except (ComityError, WireError) as error:
        return again(reading.refused(error))
    return Moved(visit.to(f"/drafts/{draft.id}"))


def change_form(
    visit: Visit,
    kind: str,
    body: Mapping[str, Any],
    faults: Faults,
    status: int = 200,
    target: Target | None = None,
) -> Answer:
    """Show the form of a change to one designation, filled with a body."""
    view = designations.read(visit.node, visit.caller, reading.full(visit.parts["designation"]))
    regime = body.get("changes", {}).get("regime", view.regime)
    regimes = [one for one in law_choices.of_home(visit) if one.id == regime]
    members = {
        "view": view,
        "kind": kind,
        "target": target or Target(visit.to(f"/designations/{view.id[7:]}/{kind}")),
        "typed": designation_parts.shown(body),
        "grounds": law_choices.grounds(visit, regimes),
        "measures": law_choices.MEASURES,
        "instants": designation_parts.INSTANTS,
        "faults": faults,
        "ours": view.issuer == visit.node.ministry and not view.ended_on,
    }
    return View(f"designation_{kind}.html", members, status)


def change_in(
    visit: Visit, kind: str, before: Mapping[str, Any] = designation_parts.EMPTY
) -> tuple[dict[str, Any], Faults]:
    """Return what the form says of a change, with its faults."""
    type_, read = CHANGES[kind]
    body = read(visit.form, before)
    id_ = reading.full(visit.parts["designation"])
    return body, faults_of(type_, {**body, "designation": id_})


def _ask(kind: str) -> Callable[[Visit], Answer]:
    return lambda visit: change_form(visit, kind, {}, [])


def _change(kind: str) -> Callable[[Visit], Answer]:
    def change(visit: Visit) -> Answer:
        body, faults = change_in(visit, kind)
        if faults:
            return change_form(visit, kind, body, faults, 422)
        id_ = reading.full(visit.parts["designation"])
        return _drafted(
            visit,
            lambda: designations.change(visit.node, visit.caller, id_, CHANGES[kind][0], body),
            lambda fault: change_form(visit, kind, body, [fault], 422),
        )

    return change


CHANGES: Final = {
    "amend": (AMENDMENT, designation_parts.amendment_in),
    "delist": (DELISTING, designation_parts.delisting_in),
}
"""What changes a designation: its statement type, and how its form is read."""


_ONE: Final = "/designations/{designation}"
_ACT: Final = Action.DRAFT_CREATE
PAGES: Final = (
    Page("designation_new", "/designations/new", DESK, _ACT, ask_new, designate),
    Page("designation_amend", f"{_ONE}/amend", DESK, _ACT, _ask("amend"), _change("amend")),
    Page("designation_delist", f"{_ONE}/delist", DESK, _ACT, _ask("delist"), _change("delist")),
)
