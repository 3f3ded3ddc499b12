"""One officer: accounts, roles, keys and suspension; what an administrator proposes or takes away.

Owns the pages about one person. The second administrator decides on pages of ``pages/people``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.domain.errors import ComityError, NotFound
from api.domain.four_eyes import Role
from api.ports.policy import Action
from api.records.officers import GrantState, KeyState
from api.services.authorising import unknown
from api.services.desk import grants, officer_keys, officers, suspending
from api.services.desk.officers import OfficerEntry
from api.web.console import decision, reading
from api.web.console.decision import Decision, Fact, Step
from api.web.console.page import ADMINISTRATOR, AUDITOR, Answer, Moved, Page, View, Visit
from api.web.console.pages.people import waiting
from api.web.console.words import mark
from api.wire.encoding import parse_instant
from api.wire.errors import WireError

_WATCHERS: Final = frozenset({ADMINISTRATOR, AUDITOR})
_ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
_WRONG: Final = 422
_HELD: Final = {GrantState.PROPOSED, GrantState.ACTIVE}
_USED: Final = {KeyState.REQUESTED, KeyState.PROPOSED, KeyState.ACTIVE}


def _entry(visit: Visit) -> OfficerEntry:
    people = officers.register(visit.node, visit.caller)
    wanted = visit.parts["officer"]
    found = next((one for one in people if one.officer.id == wanted), None)
    if found is None:
        raise unknown("officer")
    return found


def show(visit: Visit) -> Answer:
    """Show one officer."""
    entry = _entry(visit)
    people = officers.register(visit.node, visit.caller)
    administrator = ADMINISTRATOR in visit.caller.roles
    names = {each.officer.id: each.officer.name for each in people}
    members = {
        "one": entry,
        "names": names,
        "administrator": administrator,
        "me": visit.caller.person,
        "waiting": list(waiting([entry], names)),
        "held": [each for each in entry.grants if each.state in _HELD],
        "former": [each for each in entry.grants if each.state not in _HELD],
        "used": [each for each in entry.keys if each.state in _USED],
        "acts": [name for name, act in _ACTS.items() if administrator and act.open(entry)],
    }
    return View("officer.html", members)


def ask_new(visit: Visit) -> Answer:
    """Ask who the new officer is."""
    return _new_form(visit, [])


def _new_form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    names = ("name", "issuer", "accounts", "expires", "outside")
    typed = {name: visit.form.one(name) for name in names}
    known = sorted({identity.iss for one in _everybody(visit) for identity in one.identities})
    if not visit.form.fields and known:
        typed["issuer"] = known[0]
    return View("officer_new.html", {"typed": typed, "faults": faults}, status)


def _everybody(visit: Visit) -> list[OfficerEntry]:
    return officers.register(visit.node, visit.caller)


def propose(visit: Visit) -> Answer:
    """Propose a person; another administrator approves."""
    form = visit.form
    accounts = form.lines("accounts")
    faults: list[dict[str, Any]] = []
    if not form.one("name"):
        faults.append({"field": "name", "text": mark("Write the name of the officer.")})
    if not form.one("issuer"):
        faults.append(
            {"field": "issuer", "text": mark("Write the address of the sign-in service.")}
        )
    if not accounts:
        faults.append({"field": "accounts", "text": mark("Write at least one account.")})
    expires = _day_end(form.one("expires"), faults)
    if faults:
        return _new_form(visit, faults, _WRONG)
    person = officers.NewOfficer(
        form.one("name"),
        [(form.one("issuer"), account) for account in accounts],
        expires,
        form.one("outside") == "yes",
    )
    try:
        made = officers.propose_officer(visit.node, visit.caller, person)
    except ComityError as error:
        return _new_form(visit, [reading.refused(error)], _WRONG)
    return Moved(visit.to(f"/people/officers/{made.id}"))


def _day_end(text: str, faults: list[dict[str, Any]]) -> str | None:
    """Return the last instant of a day, or ``None`` for none; a wrong day is a fault."""
    if not text:
        return None
    try:
        parse_instant(f"{text}T23:59:59.999Z")
    except WireError:
        faults.append({"field": "expires", "text": mark("Write the day as 2027-01-31.")})
        return None
    return f"{text}T23:59:59.999Z"


def ask_grant(visit: Visit) -> Answer:
    """Ask which role the officer is to get."""
    return _grant_form(visit, [])


def _grant_form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    members = {
        "one": _entry(visit),
        "roles": sorted(Role),
        "typed": {"role": visit.form.one("role"), "account": visit.form.one("account")},
        "faults": faults,
    }
    return View("officer_grant.html", members, status)


def grant(visit: Visit) -> Answer:
    """Propose a role; another administrator approves."""
    role, officer = visit.form.one("role"), visit.parts["officer"]
    if not role:
        return _grant_form(visit, [{"field": "role", "text": mark("Choose one.")}], _WRONG)
    try:
        account = visit.form.one("account") or None
        grants.propose_grant(visit.node, visit.caller, officer, role, account)
    except ComityError as error:
        return _grant_form(visit, [reading.refused(error)], _WRONG)
    return Moved(visit.to(f"/people/officers/{officer}"))


@dataclass(frozen=True, slots=True)
class _Act:
    """A step about an officer that one administrator takes, and when it is open."""

    step: Step
    open: Callable[[OfficerEntry], bool]
    alarming: bool = False


def _can_suspend(one: OfficerEntry) -> bool:
    return one.officer.state == "active" and one.officer.suspension is None


def _can_take_back(one: OfficerEntry) -> bool:
    found = one.officer.suspension
    return one.officer.state == "suspended" and (found is None or found.lift_proposed_by is None)


_ACTS: Final[Mapping[str, _Act]] = {
    "suspend": _Act(
        Step(
            suspending.suspend,
            mark("Suspend this officer?"),
            mark("Suspend"),
            mark(
                "The officer can do nothing from now on, for 24 hours. Another administrator can "
                "confirm it; then two must take it back."
            ),
        ),
        _can_suspend,
        alarming=True,
    ),
    "take-back": _Act(
        Step(
            suspending.propose_reinstatement,
            mark("Propose to take the suspension back?"),
            mark("Propose"),
            mark("Another administrator approves; the officer can act again from then on."),
        ),
        _can_take_back,
    ),
}


def _step_of(visit: Visit) -> tuple[Step, Decision]:
    act = _ACTS.get(visit.parts["act"])
    if act is None:
        raise NotFound("route.unknown", "There is no such page.")
    one = _entry(visit)
    facts = [
        Fact(mark("Officer"), one.officer.name, "name"),
        Fact(mark("State"), one.officer.state, "officer-state"),
    ]
    back = f"/people/officers/{one.officer.id}"
    step = act.step
    return step, Decision(
        step.title, step.button, back, mark("Officer"), facts, step.lead, alarming=act.alarming
    )


def ask_act(visit: Visit) -> Answer:
    """Ask before an officer is suspended, or a suspension proposed to be taken back."""
    return decision.ask(visit, _step_of(visit)[1])


def do_act(visit: Visit) -> Answer:
    """Suspend, or propose to take back."""
    step, asked = _step_of(visit)
    officer = visit.parts["officer"]
    return decision.carry_out(
        visit, asked, lambda: step.carry_out(visit.node, visit.caller, officer), asked.back
    )


def _revocation(visit: Visit) -> Decision:
    one, kind, id_ = _entry(visit), visit.parts["kind"], visit.parts["id"]
    facts = [Fact(mark("Officer"), one.officer.name, "name")]
    if kind == "grants":
        found = next((each for each in one.grants if each.id == id_), None)
        facts += [] if found is None else [Fact(mark("Role"), found.role, "role")]
    else:
        key = next((each for each in one.keys if each.kid == id_), None)
        facts += [] if key is None else [Fact(mark("Signing key"), key.kid)]
    if kind not in _REVOKE or len(facts) == 1:
        raise NotFound("change.unknown", "There is nothing of that kind to take away.")
    step = _REVOKE[kind]
    back = f"/people/officers/{one.officer.id}"
    return Decision(step.title, step.button, back, mark("Officer"), facts, step.lead, alarming=True)


_REVOKE: Final[Mapping[str, Step]] = {
    "grants": Step(
        grants.revoke_grant,
        mark("Take this role away?"),
        mark("Take away"),
        mark("It counts at once. To give it back, two administrators are needed."),
    ),
    "keys": Step(
        officer_keys.revoke_key,
        mark("Stop accepting this key?"),
        mark("Take away"),
        mark("Nothing signed with it is accepted from now on; what it signed before stays valid."),
    ),
}


def ask_revoke(visit: Visit) -> Answer:
    """Ask before a role or a key is taken away."""
    return decision.ask(visit, _revocation(visit))


def revoke(visit: Visit) -> Answer:
    """Take a role or a key away."""
    asked = _revocation(visit)
    step, id_ = _REVOKE[visit.parts["kind"]], visit.parts["id"]
    return decision.carry_out(
        visit, asked, lambda: step.carry_out(visit.node, visit.caller, id_), asked.back
    )


PAGES: Final = (
    Page(
        "officer_new",
        "/people/new",
        _ADMINISTRATORS,
        Action.OFFICER_LIST,
        ask_new,
        propose,
        fresh=True,
    ),
    Page("officer", "/people/officers/{officer}", _WATCHERS, Action.OFFICER_LIST, show),
    Page(
        "officer_grant",
        "/people/officers/{officer}/grant",
        _ADMINISTRATORS,
        Action.OFFICER_LIST,
        ask_grant,
        grant,
        fresh=True,
    ),
    Page(
        "officer_act",
        "/people/officers/{officer}/do/{act}",
        _ADMINISTRATORS,
        Action.OFFICER_LIST,
        ask_act,
        do_act,
        fresh=True,
    ),
    Page(
        "officer_revoke",
        "/people/officers/{officer}/{kind}/{id}/take-away",
        _ADMINISTRATORS,
        Action.OFFICER_LIST,
        ask_revoke,
        revoke,
        fresh=True,
    ),
)
