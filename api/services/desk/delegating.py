"""Absences: lend a role to a colleague, and end that.

Owns the table ``delegations`` through its records. The rules stand in ``domain/delegation.py`` and
in the policies; four eyes hold throughout, because whoever acts in another's place answers for
both. Conflicts of interest are in ``recusing``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from api.domain import delegation as rules
from api.domain.changes import Change, ChangeKind
from api.domain.decisions import Decision
from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.domain.four_eyes import Role
from api.ports.policy import Action, Resource
from api.records import delegations
from api.records.delegations import DelegationRow
from api.records.previews import Preview
from api.records.unit_of_work import Unit
from api.services import lending, recording
from api.services.authorising import Caller, Permit, authorise, collection, entry_of, may, unknown
from api.services.desk.officers import name_of
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
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


def propose(node: Node, caller: Caller, proposed: Proposed) -> DelegationRow:
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
        return _load_delegation(node, known["id"])
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
        subject = Subject("delegation", made.id)
        recording.record(node, unit, entry_of(caller, permit, Act.DELEGATION_PROPOSED, subject))

    return _load_delegation(node, write_once(node, once, {"id": made.id}, write)["id"])


def preview_delegation(node: Node, caller: Caller, delegation_id: str) -> Change:
    """Show who would act for whom, in what and when.

    Raises:
        NotFound: ``delegation.unknown``.
    """
    return show_change(node, caller, delegation_id, lambda: _lending(node, delegation_id))


def _lending(node: Node, delegation_id: str) -> Change:
    def read(connection: Connection) -> Change:
        row = delegations.by_id(connection, delegation_id)
        if row is None:
            raise unknown("delegation")
        facts = {
            "person": name_of(connection, row.delegator),
            "delegate": name_of(connection, row.delegate),
            "role": row.role,
            "acts": ", ".join(row.acts.split()),
            "from": row.starts,
            "until": row.ends,
            "reason": row.reason,
            "proposed-by": name_of(connection, row.proposer),
        }
        return Change.of(ChangeKind.DELEGATION, delegation_id, facts)

    return node.db.read(read)


def approve(node: Node, caller: Caller, delegation_id: str) -> DelegationRow:
    """Approve a delegation that one has no part in; it is in force from its start.

    Raises:
        Conflict: ``delegation.decided``.
        Invalid: ``delegation.period``.
        Refused: ``policy.own-delegation``, ``change.not-previewed``.
    """
    made, granted, permit = _opened(node, caller, Action.DELEGATION_APPROVE, delegation_id)
    now = node.clock.now()
    _require(rules.may_approve(made, caller.person, now))
    _require(rules.may_propose(made, granted, now))
    look = require_change_seen(node, caller, _lending(node, delegation_id))
    values = {"approved_by": caller.person, "approved_at": node.now()}
    expect = {"approved_by": None, "ended_at": None}
    about = (delegation_id, Act.DELEGATION_APPROVED)
    _change(node, caller, permit, about, (values, expect), look)
    return _load_delegation(node, delegation_id)


def end(node: Node, caller: Caller, delegation_id: str) -> DelegationRow:
    """End a delegation at once."""
    _, _, permit = _opened(node, caller, Action.DELEGATION_END, delegation_id)
    values = {"ended_by": caller.person, "ended_at": node.now()}
    changed = (values, {"ended_at": None})
    _change(node, caller, permit, (delegation_id, Act.DELEGATION_ENDED), changed)
    return _load_delegation(node, delegation_id)


def listed(node: Node, caller: Caller) -> list[DelegationRow]:
    """Return all delegations to those who see the register, and to others the ones they are in."""
    everything = collection("delegations")
    if may(node, caller, Action.DELEGATION_LIST, everything):
        authorise(node, caller, Action.DELEGATION_LIST, everything)
        return node.db.read(delegations.everything)
    authorise(node, caller, Action.ME_READ, collection("me"))
    return node.db.read(lambda connection: delegations.everything(connection, caller.person))


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
    return node.db.read(lambda connection: delegations.granted(connection, node.now(), *persons))


def _require(decision: Decision) -> None:
    decision.or_raise(Conflict if decision.code in _CONFLICTS else Invalid)


def _load_delegation(node: Node, delegation_id: str) -> DelegationRow:
    row = node.db.read(lambda connection: delegations.by_id(connection, delegation_id))
    if row is None:
        raise unknown("delegation")
    return row


def _opened(
    node: Node, caller: Caller, action: Action, delegation_id: str
) -> tuple[rules.Delegation, dict[str, frozenset[str]], Permit]:
    """Return a delegation, what its two parties hold, and the permit to act on it.

    Whether there is such a delegation is said only to those who may act on one.
    """
    row = node.db.read(lambda connection: delegations.by_id(connection, delegation_id))
    if row is None:
        authorise(node, caller, action, _nobodys(delegation_id))
        raise unknown("delegation")
    made = lending.from_row(row)
    granted = _granted(node, made.delegator, made.delegate)
    return made, granted, authorise(node, caller, action, _resource(made, granted))


def _nobodys(delegation_id: str) -> Resource:
    """Return an absent delegation as the policies see it: between two whom nobody is."""
    members = {"delegator": "a", "delegate": "b", "proposer": "", "role": Role.REVIEWER.value}
    return Resource("delegation", delegation_id, {**members, "holds_roles": frozenset()})


def _change(
    node: Node,
    caller: Caller,
    permit: Permit,
    about: tuple[str, Act],
    changed: tuple[Mapping[str, Any], Mapping[str, Any]],
    look: Preview | None = None,
) -> None:
    delegation_id, act = about
    values, expect = changed

    def write(unit: Unit) -> None:
        key = {"id": delegation_id}
        if unit.update(delegations.DELEGATIONS, key, values, expect=expect) is None:
            raise Stale("delegation.stale", "This was decided meanwhile; read it again.")
        entry = entry_of(caller, permit, act, Subject("delegation", delegation_id))
        recording.record(node, unit, entry if look is None else resting_on(entry, look))

    node.db.write(write)
