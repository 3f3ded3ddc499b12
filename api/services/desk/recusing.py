"""Conflicts of interest: stand aside from an object, and come back.

Owns the table ``recusals`` through its records. A recusal is taken for what is there and can be
acted on (drafts, packages, proposals, designations, threads) and for nothing else, so that none
stands in the record that nothing obeys. What it hides is decided by the policies, which are asked
with it on every road.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.ports.policy import Action, Resource
from api.records import delegations, designations, drafts, officers, packages, threads
from api.records.officers import RECUSALS, Recusal, RecusalState
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, collection, entry_of, unknown
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node

_FIND: Final[Mapping[str, Callable[[Connection, str], Any]]] = {
    "designation": designations.by_id,
    "draft": drafts.by_id,
    "package": packages.by_id,
    "proposal": designations.proposal,
    "thread": threads.by_id,
}
"""Kinds of object that an officer can stand aside from, each with its look-up."""


@dataclass(frozen=True, slots=True)
class Aside:
    """Who stands aside from what.

    Attributes:
        officer: officer record; empty for the caller.
        object_id: id of the draft, package, proposal, designation or thread.
        reason: why; stays here.
    """

    officer: str
    object_id: str
    reason: str


def recuse(node: Node, caller: Caller, aside: Aside) -> Recusal:
    """Record a conflict of interest: the officer neither sees the object nor acts on it from now.

    Raises:
        Invalid: ``recusal.reason-missing``.
        NotFound: ``officer.unknown``; ``object.unknown``: nothing that can be acted on has this id.
        Conflict: ``recusal.stands``.
    """
    officer = aside.officer or caller.person
    permit = authorise(node, caller, Action.RECUSAL_RECORD, _recusal_resource(officer))
    key = {"officer": officer, "object": aside.object_id}
    once = keyed_call(caller, Act.RECUSAL_RECORDED, {**key, "reason": aside.reason})
    if made_before(node, once) is not None:
        return _recusal(node, officer, aside.object_id)
    if not aside.reason.strip():
        raise Invalid("recusal.reason-missing", "Say what the conflict of interest is.")
    row = Recusal(
        officer, aside.object_id, RecusalState.ACTIVE, aside.reason, caller.person, node.now()
    )

    def write(unit: Unit) -> None:
        unit.lock(f"recusal {officer} {aside.object_id}")
        if officers.by_id(unit.connection, officer) is None:
            raise unknown("officer")
        if kind_of(unit.connection, aside.object_id) is None:
            raise unknown("object")
        known = delegations.recusal(unit.connection, officer, aside.object_id)
        if known is not None and known.state is RecusalState.ACTIVE:
            raise Conflict("recusal.stands", "This officer stands aside from it already.")
        if known is None:
            unit.insert(RECUSALS, asdict(row))
        else:
            values = {name: value for name, value in asdict(row).items() if name not in key}
            unit.update(RECUSALS, key, values)
        _record_recusal(node, unit, caller, permit, Act.RECUSAL_RECORDED, aside.object_id)

    write_once(node, once, key, write)
    return _recusal(node, officer, aside.object_id)


def lift(node: Node, caller: Caller, officer: str, object_id: str) -> Recusal:
    """Lift a recusal that has passed; nobody lifts their own.

    Raises:
        NotFound: ``recusal.unknown``.
        Stale: ``recusal.stale``: it was lifted already.
    """
    permit = authorise(node, caller, Action.RECUSAL_LIFT, _recusal_resource(officer))
    _recusal(node, officer, object_id)
    key = {"officer": officer, "object": object_id}
    values = {"state": RecusalState.LIFTED.value, "recorded_by": caller.person, "at": node.now()}

    def write(unit: Unit) -> None:
        expect = {"state": RecusalState.ACTIVE.value}
        if unit.update(RECUSALS, key, values, expect=expect) is None:
            raise Stale("recusal.stale", "It was lifted already.")
        _record_recusal(node, unit, caller, permit, Act.RECUSAL_LIFTED, object_id)

    node.db.write(write)
    return _recusal(node, officer, object_id)


def recusals(node: Node, caller: Caller, object_id: str | None = None) -> list[Recusal]:
    """Return the recusals that stand, newest first, of one object or of all."""
    authorise(node, caller, Action.RECUSAL_LIST, collection("recusals"))
    return node.db.read(lambda connection: delegations.recusals(connection, object_id))


def kind_of(connection: Connection, object_id: str) -> str | None:
    """Return the kind of the object with this id, ``None`` if nothing to act on has it."""
    return next((kind for kind, find in _FIND.items() if find(connection, object_id)), None)


def _recusal_resource(officer: str) -> Resource:
    return Resource("recusal", officer, {"person": officer})


def _recusal(node: Node, officer: str, object_id: str) -> Recusal:
    found = node.db.read(lambda connection: delegations.recusal(connection, officer, object_id))
    if found is None:
        raise unknown("recusal")
    return found


def _record_recusal(
    node: Node, unit: Unit, caller: Caller, permit: Permit, act: Act, object_id: str
) -> None:
    recording.record(node, unit, entry_of(caller, permit, act, Subject("recusal", object_id)))
