"""Absences and conflicts of interest: lend a role, end that, stand aside, come back.

Owns the tables ``delegations`` and ``recusals``. The rules are ``domain.delegation``'s and the
policies'; four eyes hold throughout, because whoever acts in another's place answers for both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from api.domain import delegation as rules
from api.domain.decisions import Decision
from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.ports.policy import Action, Resource
from api.records import delegations, officers
from api.records.unit_of_work import Unit
from api.services import lending, recording
from api.services.authorising import Caller, Permit, authorise, collection, entry_of, may, unknown
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.wire.canonical import Json
from api.wire.encoding import format_instant

_CONFLICTS = {"delegation.not-held", "delegation.unknown-officer", "delegation.decided"}


@dataclass(frozen=True, slots=True)
class Proposed:
    """A delegation as somebody proposes it.

    Attributes:
        delegator: officer record of the person who lends; empty for the proposer.
        delegate: officer record of the person who acts.
        role: ``analyst`` or ``reviewer``.
        acts: acts it is lent for; all that can be lent if none are named.
        starts: first instant.
        ends: first instant no longer.
        reason: why, in words; stays here.
    """

    delegator: str
    delegate: str
    role: str
    acts: Sequence[str]
    starts: datetime
    ends: datetime
    reason: str

    def to_json(self) -> dict[str, Json]:
        """Return all members, by which a repeated call is known."""
        return {
            "delegator": self.delegator,
            "delegate": self.delegate,
            "role": self.role,
            "acts": [*self.acts],
            "starts": format_instant(self.starts),
            "ends": format_instant(self.ends),
            "reason": self.reason,
        }


def propose(node: Node, caller: Caller, proposed: Proposed) -> RowMapping:
    """Propose a delegation; somebody who is no part of it approves.

    Raises:
        Invalid: ``delegation.*``: the content is wrong in itself.
        Conflict: ``delegation.not-held``, ``delegation.unknown-officer``.
        Refused: the policy denies it.
    """
    lender = proposed.delegator or caller.person
    acts = frozenset(proposed.acts) or rules.LENDABLE_ACTS
    made = rules.Delegation(
        id=node.entropy.identifier(),
        delegator=lender,
        delegate=proposed.delegate,
        role=proposed.role,
        acts=acts,
        starts=proposed.starts,
        ends=proposed.ends,
        proposer=caller.person,
    )
    granted = _granted(node, lender, proposed.delegate)
    permit = authorise(node, caller, Action.DELEGATION_PROPOSE, _resource(made, granted))
    once = keyed_call(caller, Act.DELEGATION_PROPOSED, proposed.to_json())
    if (known := made_before(node, once)) is not None:
        return _load(node, known["id"])
    _require(rules.may_propose(made, granted, node.clock.now()))
    if not proposed.reason.strip():
        raise Invalid("delegation.reason-missing", "Say what the absence is.")
    row = {
        "id": made.id,
        "delegator": made.delegator,
        "delegate": made.delegate,
        "role": made.role,
        "acts": " ".join(sorted(made.acts)),
        "starts": format_instant(made.starts),
        "ends": format_instant(made.ends),
        "reason": proposed.reason,
        "proposer": made.proposer,
        "proposed_at": node.now(),
    }

    def write(unit: Unit) -> None:
        unit.insert(delegations.DELEGATIONS, row)
        _record(node, unit, caller, permit, (Act.DELEGATION_PROPOSED, "delegation", made.id))

    return _load(node, write_once(node, once, {"id": made.id}, write)["id"])


def approve(node: Node, caller: Caller, delegation_id: str) -> RowMapping:
    """Approve a delegation that one has no part in; it is in force from its start.

    Raises:
        Conflict: ``delegation.decided``.
        Invalid: ``delegation.period``.
        Refused: ``policy.own-delegation``.
    """
    row = _load(node, delegation_id)
    made = lending.from_row(row)
    granted = _granted(node, made.delegator, made.delegate)
    permit = authorise(node, caller, Action.DELEGATION_APPROVE, _resource(made, granted))
    now = node.clock.now()
    _require(rules.may_approve(made, caller.person, now))
    _require(rules.may_propose(made, granted, now))
    values = {"approved_by": caller.person, "approved_at": node.now()}
    expect = {"approved_by": None, "ended_at": None}
    _change(node, caller, permit, (delegation_id, Act.DELEGATION_APPROVED), (values, expect))
    return _load(node, delegation_id)


def end(node: Node, caller: Caller, delegation_id: str) -> RowMapping:
    """End a delegation at once."""
    row = _load(node, delegation_id)
    made = lending.from_row(row)
    granted = _granted(node, made.delegator, made.delegate)
    permit = authorise(node, caller, Action.DELEGATION_END, _resource(made, granted))
    values = {"ended_by": caller.person, "ended_at": node.now()}
    changed = (values, {"ended_at": None})
    _change(node, caller, permit, (delegation_id, Act.DELEGATION_ENDED), changed)
    return _load(node, delegation_id)


def listed(node: Node, caller: Caller) -> list[RowMapping]:
    """Return all delegations to those who see the register, and to others the ones they are in."""
    everything = collection("delegations")
    if may(node, caller, Action.DELEGATION_LIST, everything):
        authorise(node, caller, Action.DELEGATION_LIST, everything)
        return node.db.read(delegations.everything)
    authorise(node, caller, Action.ME_READ, collection("me"))
    return node.db.read(lambda connection: delegations.everything(connection, caller.person))


@dataclass(frozen=True, slots=True)
class Aside:
    """Who stands aside from what.

    Attributes:
        officer: officer record; empty for the caller.
        object_id: id of the package, thread, proposal or designation.
        reason: why; stays here.
    """

    officer: str
    object_id: str
    reason: str


def recuse(node: Node, caller: Caller, aside: Aside) -> RowMapping:
    """Record a conflict of interest: the officer neither sees the object nor acts on it from now.

    Raises:
        Invalid: ``recusal.reason-missing``.
        NotFound: ``officer.unknown``.
        Conflict: ``recusal.stands``.
    """
    officer = aside.officer or caller.person
    permit = authorise(
        node, caller, Action.RECUSAL_RECORD, Resource("recusal", officer, {"person": officer})
    )
    if not aside.reason.strip():
        raise Invalid("recusal.reason-missing", "Say what the conflict of interest is.")
    if node.db.read(lambda connection: officers.by_id(connection, officer)) is None:
        raise unknown("officer")
    key = {"officer": officer, "object": aside.object_id}
    once = keyed_call(caller, Act.RECUSAL_RECORDED, {**key, "reason": aside.reason})
    values = {
        "state": "active",
        "reason": aside.reason,
        "recorded_by": caller.person,
        "at": node.now(),
    }

    def write(unit: Unit) -> None:
        unit.lock(f"recusal {officer} {aside.object_id}")
        known = delegations.recusal(unit.connection, officer, aside.object_id)
        if known is not None and known["state"] == "active":
            raise Conflict("recusal.stands", "This officer stands aside from it already.")
        if known is None:
            unit.insert(officers.RECUSALS, {**key, **values})
        else:
            unit.update(officers.RECUSALS, key, values)
        _record(node, unit, caller, permit, (Act.RECUSAL_RECORDED, "recusal", aside.object_id))

    write_once(node, once, key, write)
    return _recusal(node, officer, aside.object_id)


def lift(node: Node, caller: Caller, officer: str, object_id: str) -> RowMapping:
    """Lift a recusal that has passed; nobody lifts their own.

    Raises:
        NotFound: ``recusal.unknown``.
        Stale: ``recusal.stale``: it was lifted already.
    """
    permit = authorise(
        node, caller, Action.RECUSAL_LIFT, Resource("recusal", officer, {"person": officer})
    )
    _recusal(node, officer, object_id)
    key = {"officer": officer, "object": object_id}
    values = {"state": "lifted", "recorded_by": caller.person, "at": node.now()}

    def write(unit: Unit) -> None:
        expect = {"state": "active"}
        if unit.update(officers.RECUSALS, key, values, expect=expect) is None:
            raise Stale("recusal.stale", "It was lifted already.")
        _record(node, unit, caller, permit, (Act.RECUSAL_LIFTED, "recusal", object_id))

    node.db.write(write)
    return _recusal(node, officer, object_id)


def recusals(node: Node, caller: Caller, object_id: str | None = None) -> list[RowMapping]:
    """Return the recusals that stand, of one object or of all."""
    authorise(node, caller, Action.RECUSAL_LIST, collection("recusals"))
    return node.db.read(lambda connection: delegations.recusals(connection, object_id))


def _resource(made: rules.Delegation, granted: Mapping[str, frozenset[str]]) -> Resource:
    return Resource(
        "delegation",
        made.id,
        {
            "delegator": made.delegator,
            "delegate": made.delegate,
            "proposer": made.proposer,
            "role": made.role,
            "holds_roles": granted.get(made.delegate, frozenset()),
        },
    )


def _granted(node: Node, *persons: str) -> dict[str, frozenset[str]]:
    return node.db.read(lambda connection: delegations.granted(connection, *persons))


def _require(decision: Decision) -> None:
    if decision:
        return
    if decision.code in _CONFLICTS:
        raise Conflict(decision.code, decision.reason)
    raise Invalid(decision.code, decision.reason)


def _load(node: Node, delegation_id: str) -> RowMapping:
    row = node.db.read(lambda connection: delegations.by_id(connection, delegation_id))
    if row is None:
        raise unknown("delegation")
    return row


def _recusal(node: Node, officer: str, object_id: str) -> RowMapping:
    def find(connection: Connection) -> RowMapping | None:
        return delegations.recusal(connection, officer, object_id)

    row = node.db.read(find)
    if row is None:
        raise unknown("recusal")
    return row


def _change(
    node: Node,
    caller: Caller,
    permit: Permit,
    about: tuple[str, Act],
    changed: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> None:
    delegation_id, act = about
    values, expect = changed

    def write(unit: Unit) -> None:
        key = {"id": delegation_id}
        if unit.update(delegations.DELEGATIONS, key, values, expect=expect) is None:
            raise Stale("delegation.stale", "This was decided meanwhile; read it again.")
        _record(node, unit, caller, permit, (act, "delegation", delegation_id))

    node.db.write(write)


def _record(
    node: Node, unit: Unit, caller: Caller, permit: Permit, about: tuple[Act, str, str]
) -> None:
    act, kind, object_id = about
    entry = entry_of(caller, permit, act, Subject(kind, object_id))
    recording.record(node, unit, entry)
