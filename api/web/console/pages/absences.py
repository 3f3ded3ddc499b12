"""Absences and conflicts of interest: roles lent for a time, and who stands aside from what.

Owns their pages. Who may lend, approve, end, record and lift is the policies'; the register of
names is open to administrators and auditors, so others see and type officers' references.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.domain.errors import ComityError, Invalid, NotFound
from api.ports.policy import Action
from api.records.delegations import DelegationRow
from api.services.desk import delegating, officers, recusing
from api.web.console import decision, reading
from api.web.console.decision import Decision, Fact
from api.web.console.page import (
    ADMINISTRATOR,
    AUDITOR,
    DESK,
    EVERYONE,
    REVIEWER,
    Answer,
    Moved,
    Page,
    View,
    Visit,
)
from api.web.console.words import mark
from api.wire.encoding import parse_instant
from api.wire.errors import WireError

_LENDERS: Final = DESK | {ADMINISTRATOR}
_REVIEWERS: Final = frozenset({REVIEWER})
_WRONG: Final = 422
_HOME: Final = "/people/absences"
_STATEMENT_DIGITS: Final = 64


def index(visit: Visit) -> Answer:
    """Show roles that are lent, and conflicts of interest that stand."""
    caller = visit.caller
    found = delegating.listed(visit.node, caller)
    now = visit.node.now()
    sees_recusals = bool(caller.roles & (DESK | {AUDITOR}))
    members = {
        "delegations": [_line(visit, one, now) for one in found],
        "recusals": recusing.recusals(visit.node, caller) if sees_recusals else [],
        "sees_recusals": sees_recusals,
        "names": _names(visit),
        "lender": bool(caller.roles & _LENDERS),
        "desk": bool(caller.roles & DESK),
        "reviewer": REVIEWER in caller.roles,
        "me": caller.person,
    }
    return View("absences.html", members)


def _names(visit: Visit) -> Mapping[str, str]:
    """Return names of officers by record as far as the officer may know them."""
    known = {visit.caller.person: visit.caller.name}
    if visit.caller.roles & {ADMINISTRATOR, AUDITOR}:
        people = officers.register(visit.node, visit.caller)
        known.update({one.officer.id: one.officer.name for one in people})
    return known


def _line(visit: Visit, one: DelegationRow, now: str) -> dict[str, Any]:
    open_ = one.ended_at is None and one.ends > now
    apart = visit.caller.person not in {one.delegator, one.delegate, one.proposer}
    waits = open_ and one.approved_by is None
    administrator = ADMINISTRATOR in visit.caller.roles
    return {
        "row": one,
        "state": _state(one, now),
        "can_approve": waits and apart and administrator,
        "can_end": open_ and (administrator or one.delegator == visit.caller.person),
    }


def _state(one: DelegationRow, now: str) -> str:
    if one.ended_at is not None:
        return "ended"
    if one.ends <= now:
        return "over"
    if one.approved_by is None:
        return "proposed"
    return "active" if one.starts <= now else "to-come"


def ask_new(visit: Visit) -> Answer:
    """Ask who lends what to whom."""
    return _new_form(visit, [])


def _new_form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    names = ("delegator", "delegate", "role", "starts", "ends", "reason")
    people = sorted(_names(visit).items(), key=lambda one: one[1])
    members = {
        "typed": {name: visit.form.one(name) for name in names},
        "administrator": ADMINISTRATOR in visit.caller.roles,
        "people": people,
        "roles": sorted(DESK),
        "faults": faults,
    }
    return View("absence_new.html", members, status)


def propose(visit: Visit) -> Answer:
    """Propose to lend a role; an administrator who is no part of it approves."""
    form = visit.form
    faults = [
        {"field": name, "text": message} for name, message in _NEEDED.items() if not form.one(name)
    ]
    if not faults:
        try:
            delegating.propose(visit.node, visit.caller, _proposed(visit))
        except (ComityError, WireError) as error:
            faults = [reading.refused(error)]
    return _new_form(visit, faults, _WRONG) if faults else Moved(visit.to(_HOME))


_NEEDED: Final[Mapping[str, str]] = {
    "delegate": mark("Say who acts meanwhile."),
    "role": mark("Choose one."),
    "starts": mark("Write the day as 2027-01-31."),
    "ends": mark("Write the day as 2027-01-31."),
    "reason": mark("Say what the absence is."),
}


def _proposed(visit: Visit) -> delegating.Proposed:
    form = visit.form
    try:
        starts = parse_instant(f"{form.one('starts')}T00:00:00.000Z")
        ends = parse_instant(f"{form.one('ends')}T23:59:59.999Z")
    except WireError:
        raise Invalid("delegation.instant", "Write days as 2027-01-31.") from None
    # What begins today begins now: a period never begins in the past.
    return delegating.Proposed(
        delegator=form.one("delegator"),
        delegate=form.one("delegate"),
        role=form.one("role"),
        acts=(),
        starts=max(starts, visit.node.clock.now()),
        ends=ends,
        reason=form.one("reason"),
    )


def _delegation(visit: Visit) -> Decision:
    wanted, act = visit.parts["delegation"], visit.parts["decision"]
    found = delegating.listed(visit.node, visit.caller)
    row = next((one for one in found if one.id == wanted), None)
    if row is None or act not in {"approve", "end"}:
        raise NotFound("delegation.unknown", "There is no such delegation here.")
    names = _names(visit)
    facts = [
        Fact(mark("Lent by"), names.get(row.delegator, row.delegator), "name"),
        Fact(mark("Lent to"), names.get(row.delegate, row.delegate), "name"),
        Fact(mark("Role"), row.role, "role"),
        Fact(mark("From"), row.starts, "instant"),
        Fact(mark("Until"), row.ends, "instant"),
        Fact(mark("Reason"), row.reason, "name"),
    ]
    back = mark("Absences and conflicts of interest")
    if act == "approve":
        title, button = mark("Approve this delegation?"), mark("Approve")
        lead = mark("Whoever acts for somebody else answers for both: four eyes stay four.")
        return Decision(title, button, _HOME, back, facts, lead)
    title, button = mark("End this delegation?"), mark("End it")
    return Decision(title, button, _HOME, back, facts, alarming=True)


def ask_delegation(visit: Visit) -> Answer:
    """Ask before a delegation is approved or ended."""
    id_ = visit.parts["delegation"]
    approves = visit.parts["decision"] == "approve"

    def look() -> object:
        return delegating.preview_delegation(visit.node, visit.caller, id_)

    return decision.ask(visit, _delegation(visit), look if approves else None)


def decide_delegation(visit: Visit) -> Answer:
    """Approve or end a delegation."""
    act = delegating.approve if visit.parts["decision"] == "approve" else delegating.end
    id_ = visit.parts["delegation"]
    return decision.carry_out(
        visit, _delegation(visit), lambda: act(visit.node, visit.caller, id_), _HOME
    )


def ask_conflict(visit: Visit) -> Answer:
    """Ask what the conflict of interest is with."""
    return _conflict_form(visit, [])


def _conflict_form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    typed = {name: visit.form.one(name) for name in ("object", "officer", "reason")}
    typed["object"] = typed["object"] or visit.query.get("object", "")[:80]
    members = {"typed": typed, "reviewer": REVIEWER in visit.caller.roles, "faults": faults}
    return View("conflict_new.html", members, status)


def record(visit: Visit) -> Answer:
    """Record a conflict of interest."""
    form = visit.form
    faults: list[dict[str, Any]] = []
    if not form.one("object"):
        faults.append({"field": "object", "text": mark("Paste the whole id of the object.")})
    if not form.one("reason"):
        faults.append({"field": "reason", "text": mark("Say what the conflict of interest is.")})
    if not faults:
        aside = recusing.Aside(form.one("officer"), _object(form.one("object")), form.one("reason"))
        try:
            recusing.recuse(visit.node, visit.caller, aside)
        except ComityError as error:
            faults = [reading.refused(error)]
    return _conflict_form(visit, faults, _WRONG) if faults else Moved(visit.to(_HOME))


def _object(text: str) -> str:
    """Return the id behind what an address or a person gives: statements' ids carry a scheme."""
    return reading.full(text) if len(text) == _STATEMENT_DIGITS else text


def _lifting(visit: Visit) -> Decision:
    officer, object_ = visit.parts["officer"], _object(visit.parts["object"])
    standing = recusing.recusals(visit.node, visit.caller, object_)
    row = next((one for one in standing if one.officer == officer), None)
    if row is None:
        raise NotFound("recusal.unknown", "There is no such recusal here.")
    facts = [
        Fact(mark("Officer"), _names(visit).get(officer, officer), "name"),
        Fact(mark("Stands aside from"), object_, "digest"),
        Fact(mark("Reason"), row.reason, "name"),
        Fact(mark("Recorded"), row.at, "instant"),
    ]
    lead = mark("The officer sees the object again and may act on it.")
    back = mark("Absences and conflicts of interest")
    title = mark("Has this conflict of interest passed?")
    return Decision(title, mark("Lift it"), _HOME, back, facts, lead)


def ask_lift(visit: Visit) -> Answer:
    """Ask before a conflict of interest is lifted."""
    return decision.ask(visit, _lifting(visit))


def lift(visit: Visit) -> Answer:
    """Lift a conflict of interest that has passed."""
    officer, object_ = visit.parts["officer"], _object(visit.parts["object"])
    asked = _lifting(visit)
    return decision.carry_out(
        visit, asked, lambda: recusing.lift(visit.node, visit.caller, officer, object_), _HOME
    )


PAGES: Final = (
    Page("absences", _HOME, EVERYONE, Action.DELEGATION_LIST, index),
    Page(
        "absence_new",
        f"{_HOME}/new",
        _LENDERS,
        Action.DELEGATION_PROPOSE,
        ask_new,
        propose,
        fresh=True,
    ),
    Page(
        "absence_decision",
        f"{_HOME}/{{delegation}}/{{decision}}",
        _LENDERS,
        Action.DELEGATION_LIST,
        ask_delegation,
        decide_delegation,
        fresh=True,
    ),
    Page(
        "conflict_new", "/people/conflicts/new", DESK, Action.RECUSAL_RECORD, ask_conflict, record
    ),
    Page(
        "conflict_lift",
        "/people/conflicts/{officer}/{object}/lift",
        _REVIEWERS,
        Action.RECUSAL_LIST,
        ask_lift,
        lift,
        fresh=True,
    ),
)
