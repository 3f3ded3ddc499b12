"""Suspending officers and taking them back; and the operator's way when nobody else is left.

Owns the table ``suspensions`` through its records. The rules are in ``domain/suspensions.py``: one
administrator suspends anybody for 24 hours, another one confirms, two take it back. When fewer than
two administrators can act, the operator of the machine helps with :func:`break_glass_reinstate` and
:func:`break_glass_appoint`; both leave an event that names the operator's door.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from api.domain import suspensions as rules
from api.domain.changes import Change, ChangeKind
from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.domain.four_eyes import Role, conflicting
from api.domain.suspensions import Suspension
from api.ports.policy import Action, Resource
from api.records import officers, suspensions
from api.records.officers import Officer, OfficerState
from api.records.previews import Preview
from api.records.suspensions import SUSPENSIONS, SuspensionRow
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, entry_of, unknown
from api.services.desk.officers import (
    NewOfficer,
    OfficerView,
    appoint,
    change_about,
    find,
    grant_administrator,
    name_of,
    view,
)
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.wire.encoding import format_instant, parse_instant

OPERATOR = "operator"
"""Who lifted a suspension or appointed an administrator by the break-glass command."""

_ENOUGH = 2


def suspend(node: Node, caller: Caller, officer_id: str) -> OfficerView:
    """Suspend an officer at once, for 24 hours: their next call is refused.

    Raises:
        NotFound: ``officer.unknown``.
        Conflict: ``suspension.stands``; ``suspension.again``: the same administrator did so within
            seven days; ``officer.proposed``: there is nothing to suspend yet.
    """
    target = Resource("officer", officer_id, {"person": officer_id})
    permit = authorise(node, caller, Action.OFFICER_SUSPEND, target)
    _require(find(node, officer_id))
    now = node.clock.now()

    def write(unit: Unit) -> None:
        known = _locked(unit, officer_id)
        rules.may_impose(known, caller.person, now).or_raise()
        row = SuspensionRow(
            id=node.entropy.identifier(),
            officer=officer_id,
            imposed_by=caller.person,
            imposed_at=format_instant(now),
            ends_at=format_instant(now + rules.ALONE),
        )
        unit.insert(SUSPENSIONS, {name: getattr(row, name) for name in row.__slots__})
        _record(node, unit, caller, permit, Act.OFFICER_SUSPENDED, officer_id)

    node.db.write(write)
    return view(node, officer_id)


def preview_suspension(node: Node, caller: Caller, officer_id: str) -> Change:
    """Show whose suspension waits for confirmation, who imposed it, and when it would end.

    Raises:
        NotFound: ``officer.unknown``.
        Conflict: ``suspension.none``.
    """
    return show_change(node, caller, officer_id, lambda: _keeping(node, officer_id))


def _keeping(node: Node, officer_id: str) -> Change:
    def read(connection: Connection) -> Change:
        found = _require(officers.by_id(connection, officer_id))
        open_ = rules.to_confirm(_known(connection, officer_id), node.clock.now())
        if open_ is None:
            raise _nothing_to_confirm()
        facts = {
            "person": found.name,
            "proposed-by": name_of(connection, open_.imposed_by),
            "proposed-at": format_instant(open_.imposed_at),
            "until": format_instant(open_.ends_at),
        }
        return Change.of(ChangeKind.SUSPENSION, officer_id, facts)

    return node.db.read(read)


def preview_reinstatement(node: Node, caller: Caller, officer_id: str) -> Change:
    """Show whom another administrator would take back, and who suspended them.

    Raises:
        NotFound: ``officer.unknown``.
        Conflict: ``suspension.none``, ``reinstatement.none``.
    """
    return show_change(node, caller, officer_id, lambda: _taking_back(node, officer_id))


def _taking_back(node: Node, officer_id: str) -> Change:
    def read(connection: Connection) -> Change:
        found = _require(officers.by_id(connection, officer_id))
        standing = rules.to_lift(_known(connection, officer_id), node.clock.now())
        if standing is None:
            raise Conflict("suspension.none", "This officer is not suspended.")
        if not standing.lift_proposed_by:
            raise Conflict("reinstatement.none", "Another administrator proposes it first.")
        facts = {
            "person": found.name,
            "suspended-by": name_of(connection, standing.imposed_by),
            "suspended-at": format_instant(standing.imposed_at),
            "proposed-by": name_of(connection, standing.lift_proposed_by),
        }
        return Change.of(ChangeKind.REINSTATEMENT, officer_id, facts)

    return node.db.read(read)


def confirm(node: Node, caller: Caller, officer_id: str) -> OfficerView:
    """Confirm a suspension as the second administrator: it stands until two take it back.

    Also one that has ended, up to seven days after it was imposed.

    Raises:
        NotFound: ``officer.unknown``.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Conflict: ``suspension.none``.
    """
    found = find(node, officer_id)
    known = node.db.read(lambda connection: _known(connection, officer_id))
    open_ = rules.to_confirm(known, node.clock.now())
    proposer = open_.imposed_by if open_ is not None else ""
    permit = authorise(
        node,
        caller,
        Action.OFFICER_SUSPEND_CONFIRM,
        change_about(officer_id, found, proposer=proposer),
    )
    _require(found)
    if open_ is None:
        raise _nothing_to_confirm()
    look = require_change_seen(node, caller, _keeping(node, officer_id))
    values = {"confirmed_by": caller.person, "confirmed_at": node.now()}
    expect = {"confirmed_at": None, "lifted_at": None}
    about = (officer_id, open_.id, Act.SUSPENSION_CONFIRMED)
    _change(node, caller, permit, about, (values, expect), look)
    return view(node, officer_id)


def propose_reinstatement(node: Node, caller: Caller, officer_id: str) -> OfficerView:
    """Propose to take a suspension back; another administrator approves.

    Raises:
        NotFound: ``officer.unknown``.
        Conflict: ``suspension.none``: the officer is not suspended; ``reinstatement.proposed``.
    """
    found = find(node, officer_id)
    change = change_about(officer_id, found, proposer="")
    permit = authorise(node, caller, Action.OFFICER_REINSTATE_PROPOSE, change)
    standing = _standing(node, _require(found))
    if standing.lift_proposed_by:
        raise Conflict("reinstatement.proposed", "This waits for another administrator already.")
    values = {"lift_proposed_by": caller.person, "lift_proposed_at": node.now()}
    expect = {"lift_proposed_by": None, "lifted_at": None}
    about = (officer_id, standing.id, Act.REINSTATEMENT_PROPOSED)
    _change(node, caller, permit, about, (values, expect))
    return view(node, officer_id)


def approve_reinstatement(node: Node, caller: Caller, officer_id: str) -> OfficerView:
    """Take a suspension back as the second administrator: the officer acts again at once.

    Raises:
        NotFound: ``officer.unknown``.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Conflict: ``suspension.none``, ``reinstatement.none``.
    """
    found = find(node, officer_id)
    known = node.db.read(lambda connection: _known(connection, officer_id))
    waiting = rules.to_lift(known, node.clock.now())
    proposer = waiting.lift_proposed_by if waiting is not None else ""
    permit = authorise(
        node,
        caller,
        Action.OFFICER_REINSTATE_APPROVE,
        change_about(officer_id, found, proposer=proposer),
    )
    standing = _standing(node, _require(found))
    if not standing.lift_proposed_by:
        raise Conflict("reinstatement.none", "Another administrator proposes it first.")
    look = require_change_seen(node, caller, _taking_back(node, officer_id))
    values = {"lifted_by": caller.person, "lifted_at": node.now()}
    expect = {"lift_proposed_by": standing.lift_proposed_by, "lifted_at": None}
    about = (officer_id, standing.id, Act.OFFICER_REINSTATED)
    _change(node, caller, permit, about, (values, expect), look)
    return view(node, officer_id)


def break_glass_reinstate(node: Node, officer_id: str) -> OfficerView:
    """Take a suspension back on the operator's word; for a ministry whose administrators cannot.

    Raises:
        NotFound: ``officer.unknown``.
        Conflict: ``break-glass.needless``: two administrators can act; ``suspension.none``.
    """
    _require(find(node, officer_id))

    def write(unit: Unit) -> None:
        _require_emergency(node, unit)
        standing = rules.to_lift(_locked(unit, officer_id), node.clock.now())
        if standing is None:
            raise Conflict("suspension.none", "This officer is not suspended.")
        values = {"lifted_by": OPERATOR, "lifted_at": node.now()}
        unit.update(SUSPENSIONS, {"id": standing.id}, values, expect={"lifted_at": None})
        _record_operator(node, unit, Act.OFFICER_REINSTATED, officer_id)

    node.db.write(write)
    return view(node, officer_id)


def break_glass_appoint(node: Node, person: NewOfficer) -> OfficerView:
    """Make a person an administrator on the operator's word.

    Args:
        node: this node.
        person: with one account; an officer who has that account already gets the role.

    Raises:
        Conflict: ``break-glass.needless``: two administrators can act; ``role.conflict``;
            ``officer.account-taken``.
        Invalid: ``officer.incomplete``.
    """
    if not person.name.strip() or not person.identities:
        raise Invalid("officer.incomplete", "Give the person's name and at least one account.")

    def write(unit: Unit) -> str:
        _require_emergency(node, unit)
        known = officers.by_account(unit.connection, *person.identities[0])
        if known is None:
            officer = appoint(node, unit, person, OPERATOR)
        else:
            officer = known.id
            unit.lock(f"grants {officer}")
            held = officers.roles_offered(unit.connection, officer)
            if known.state is not OfficerState.ACTIVE or conflicting(held | {Role.ADMINISTRATOR}):
                raise Conflict(
                    "role.conflict", "This person holds a role that must stay apart from that one."
                )
            grant_administrator(node, unit, officer, OPERATOR)
        _record_operator(node, unit, Act.ADMINISTRATOR_APPOINTED, officer)
        return officer

    try:
        made = node.db.write(write)
    except Taken as error:
        raise Conflict(
            "officer.account-taken", "One of the accounts is another officer's."
        ) from error
    return view(node, made)


def require_enough_left(node: Node, unit: Unit, officer: str) -> None:
    """Refuse to take the administrator's role from one of the last two who can act.

    Called in the unit that takes it; suspensions need no such rule, because they end by themselves.

    Raises:
        Conflict: ``grant.last-administrators``.
    """
    unit.lock("administrators")
    left = officers.able(unit.connection, Role.ADMINISTRATOR, node.now()) - {officer}
    if len(left) < _ENOUGH:
        raise Conflict(
            "grant.last-administrators",
            "Fewer than two administrators would be left: make another person one first, or "
            "suspend this one.",
        )


def _require_emergency(node: Node, unit: Unit) -> None:
    unit.lock("administrators")
    if len(officers.able(unit.connection, Role.ADMINISTRATOR, node.now())) >= _ENOUGH:
        raise Conflict(
            "break-glass.needless",
            "Two administrators of this node can act: let them decide, with comity officer.",
        )


def _locked(unit: Unit, officer_id: str) -> list[Suspension]:
    unit.lock(f"suspension {officer_id}")
    return _known(unit.connection, officer_id)


def _known(connection: Connection, officer_id: str) -> list[Suspension]:
    return [
        Suspension(
            id=row.id,
            imposed_by=row.imposed_by,
            imposed_at=parse_instant(row.imposed_at),
            ends_at=parse_instant(row.ends_at),
            confirmed=row.confirmed_at is not None,
            lift_proposed_by=row.lift_proposed_by or "",
            lifted=row.lifted_at is not None,
        )
        for row in suspensions.of_officer(connection, officer_id)
    ]


def _standing(node: Node, found: Officer) -> Suspension:
    known = node.db.read(lambda connection: _known(connection, found.id))
    standing = rules.to_lift(known, node.clock.now())
    if standing is None:
        raise Conflict("suspension.none", "This officer is not suspended.")
    return standing


def _nothing_to_confirm() -> Conflict:
    return Conflict("suspension.none", "There is no suspension that waits for confirmation.")


def _require(found: Officer | None) -> Officer:
    if found is None:
        raise unknown("officer")
    if found.state is not OfficerState.ACTIVE:
        raise Conflict("officer.proposed", "This person is not approved yet; there is no more.")
    return found


def _change(
    node: Node,
    caller: Caller,
    permit: Permit,
    about: tuple[str, str, Act],
    changed: tuple[Mapping[str, Any], Mapping[str, Any]],
    look: Preview | None = None,
) -> None:
    officer_id, suspension, act = about
    values, expect = changed

    def write(unit: Unit) -> None:
        unit.lock(f"suspension {officer_id}")
        if unit.update(SUSPENSIONS, {"id": suspension}, values, expect=expect) is None:
            raise Stale("suspension.stale", "This was decided meanwhile; read it again.")
        entry = entry_of(caller, permit, act, Subject("officer", officer_id))
        recording.record(node, unit, entry if look is None else resting_on(entry, look))

    node.db.write(write)


def _record(
    node: Node, unit: Unit, caller: Caller, permit: Permit, act: Act, officer_id: str
) -> None:
    recording.record(node, unit, entry_of(caller, permit, act, Subject("officer", officer_id)))


def _record_operator(node: Node, unit: Unit, act: Act, officer_id: str) -> None:
    entry = recording.Entry(act=act, subject=Subject("officer", officer_id), origin=OPERATOR)
    recording.record(node, unit, entry)
