"""Erasure that the law orders: an event's body or an exhibit's bytes go, every proof stays valid.

Owns the orders and their carrying out. One administrator enters the order with its authority, a
second one carries it out. What remains of an event is its leaf entry (in the bundle), the salt and
digest of the statement's half, and the change set, whose digest the order keeps so that
``audit fsck`` still replays it. The place in the log stays and is shown as a gap. The steps of
:func:`approve`:

1. The order is marked as carried out, the event emptied (or the exhibit's row marked), and both are
   recorded, in one transaction. *Crash before: nothing happened.*
2. An exhibit's bytes are removed from the store. *Crash before: the row says erased and the bytes
   are there; fsck finds it, and approving again finishes it.*
3. SQLite's write-ahead log gives up the old rows. *Crash before: they stay there until it is next
   emptied; approving again empties it.*

What partners hold is not reached by this: a recall is (``services/desk/evidence.py``). Sealed
statements are not erased (decision 0097).
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import audit, officers, packages
from api.records.audit import ErasureOrder
from api.records.previews import Preview
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import (
    Caller,
    Permit,
    authorise,
    change_of,
    collection,
    entry_of,
    unknown,
)
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change

KEPT_ACTS: Final = frozenset(
    {
        Act.BODY_ERASED,
        Act.ERASURE_APPROVED,
        Act.ERASURE_PROPOSED,
        Act.ERASURE_REJECTED,
        Act.LOG_RECOVERED,
        Act.LOG_STARTED,
        Act.NODE_INITIALISED,
        Act.NODE_RESTORED,
    }
)
"""Events that account for gaps or for the log itself: without them nobody could tell a gap from a
deletion."""

_HELD: Final = "held"
_ERASED: Final = "erased"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What an administrator enters.

    Attributes:
        kind: ``event`` or ``exhibit``.
        target: leaf index of the event, or digest of the exhibit.
        authority: court or statute that orders it.
        reference: its file number.
    """

    kind: str
    target: str
    authority: str
    reference: str


def propose(node: Node, caller: Caller, order: NewOrder) -> ErasureOrder:
    """Enter an order; another administrator carries it out.

    Raises:
        Invalid: ``erasure.incomplete``; ``erasure.kept-event``: that event accounts for others.
        NotFound: ``erasure.unknown-target``.
        Conflict: ``erasure.proposed``: such an order waits already.
    """
    permit = authorise(node, caller, Action.AUDIT_ERASE_PROPOSE, change_of("new"))
    if not order.authority.strip() or not order.reference.strip():
        raise Invalid("erasure.incomplete", "State who ordered it and under which reference.")

    once = keyed_call(caller, Act.ERASURE_PROPOSED, asdict(order))
    if (known := made_before(node, once)) is not None:
        return _load_erasure(node, known["id"])
    identifier = node.entropy.identifier()

    def write(unit: Unit) -> None:
        unit.lock(f"erasure {order.kind} {order.target}")
        _require_target(unit.connection, order.kind, order.target)
        if audit.waiting_order(unit.connection, order.kind, order.target) is not None:
            raise Conflict("erasure.proposed", "Such an order waits for a second administrator.")
        unit.insert(
            audit.ERASURES,
            {
                "id": identifier,
                "kind": order.kind,
                "target": order.target,
                "authority": order.authority,
                "reference": order.reference,
                "state": audit.PROPOSED,
                "proposed_by": caller.person,
                "proposed_at": node.now(),
            },
        )
        _record_erasure(
            node, unit, caller, permit, Act.ERASURE_PROPOSED, Subject("erasure", identifier)
        )

    return _load_erasure(node, write_once(node, once, {"id": identifier}, write)["id"])


def preview_erasure(node: Node, caller: Caller, identifier: str) -> Change:
    """Show what would be erased, on whose word.

    Raises:
        NotFound: ``erasure.unknown``.
    """
    return show_change(node, caller, identifier, lambda: _erasing(node, identifier))


def _erasing(node: Node, identifier: str) -> Change:
    def read(connection: Connection) -> Change:
        row = audit.order_by_id(connection, identifier)
        if row is None:
            raise unknown("erasure")
        proposer = officers.by_id(connection, row.proposed_by)
        facts = {
            "erases": f"{row.kind} {row.target}",
            "what": _words(connection, row.kind, row.target),
            "authority": row.authority,
            "reference": row.reference,
            "proposed-by": proposer.name if proposer is not None else None,
        }
        return Change.of(ChangeKind.ERASURE, identifier, facts)

    return node.db.read(read)


def _words(connection: Connection, kind: str, target: str) -> str | None:
    """Say what the target is, so that nobody decides on a number."""
    if kind == audit.EVENT:
        event = audit.event_at(connection, int(target)) if target.isdecimal() else None
        return None if event is None else f"{event.act} of {event.time}"
    row = packages.exhibits_by_digest(connection, [target]).get(target)
    return None if row is None else f"{row.size} bytes"


def approve(node: Node, caller: Caller, identifier: str) -> ErasureOrder:
    """Carry an order out as the second administrator; again finishes what a crash interrupted.

    Raises:
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        NotFound: ``erasure.unknown``, ``erasure.unknown-target``.
        Conflict: ``erasure.decided``.
    """
    row, permit = _deciding(node, caller, identifier)
    if row.state == audit.PROPOSED:
        look = require_change_seen(node, caller, _erasing(node, identifier))
        node.db.write(lambda unit: _carry_out(node, unit, (caller, permit, look), row))
    elif row.state != audit.CARRIED_OUT:
        raise _decided()
    if row.kind == audit.EXHIBIT:
        node.store.delete(row.target)
    node.db.forget()
    return _load_erasure(node, identifier)


def reject(node: Node, caller: Caller, identifier: str) -> ErasureOrder:
    """Reject an order as the second administrator.

    Raises:
        Refused: ``policy.own-proposal``.
        NotFound: ``erasure.unknown``.
        Conflict: ``erasure.decided``.
    """
    row, permit = _deciding(node, caller, identifier)

    def write(unit: Unit) -> None:
        _decide(node, unit, caller, row, {"state": audit.REJECTED})
        _record_erasure(
            node, unit, caller, permit, Act.ERASURE_REJECTED, Subject("erasure", identifier)
        )

    node.db.write(write)
    return _load_erasure(node, identifier)


def _deciding(node: Node, caller: Caller, identifier: str) -> tuple[ErasureOrder, Permit]:
    """Return an order with the permit to decide on it; who may not learns nothing of what waits."""
    row = node.db.read(lambda connection: audit.order_by_id(connection, identifier))
    change = change_of(identifier, proposer=row.proposed_by if row is not None else "")
    permit = authorise(node, caller, Action.AUDIT_ERASE_APPROVE, change)
    if row is None:
        raise unknown("erasure")
    return row, permit


def listed(node: Node, caller: Caller) -> list[ErasureOrder]:
    """Return all orders, newest first, to those who decide on them."""
    authorise(node, caller, Action.AUDIT_ERASE_PROPOSE, change_of("new"))
    return node.db.read(audit.orders)


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is missing from the log: what was erased on which order, and leaves ``(first, end)``."""

    erased: tuple[ErasureOrder, ...]
    lost: tuple[tuple[int, int], ...]


def gaps(node: Node, caller: Caller) -> Gaps:
    """Return what is missing from the log and on whose word, to auditors."""
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))

    def read(connection: Connection) -> Gaps:
        decided = [row for row in audit.orders(connection) if row.state == audit.CARRIED_OUT]
        return Gaps(tuple(decided), audit.lost_ranges(connection))

    return node.db.read(read)


def _require_target(connection: Connection, kind: str, target: str) -> None:
    if kind == audit.EXHIBIT:
        row = packages.exhibits_by_digest(connection, [target]).get(target)
        if row is None or row.state != _HELD:
            raise _no_target()
        return
    event = audit.event_at(connection, int(target)) if target.isdecimal() else None
    if event is None or event.body is None:
        raise _no_target()
    if event.act in KEPT_ACTS:
        raise Invalid("erasure.kept-event", "This event accounts for a gap or for the log itself.")


def _carry_out(
    node: Node, unit: Unit, deciding: tuple[Caller, Permit, Preview], row: ErasureOrder
) -> None:
    """Step 1, in one transaction."""
    caller, permit, look = deciding
    _require_target(unit.connection, row.kind, row.target)
    change_set = None
    if row.kind == audit.EVENT:
        index = int(row.target)
        event = audit.event_at(unit.connection, index)
        if event is None or event.body is None:
            raise _no_target()
        change_set = json.loads(event.body)["state"]
        audit.empty_event(unit.connection, index)
    else:
        key = {"digest": row.target}
        unit.update(packages.EXHIBITS, key, {"state": _ERASED}, expect={"state": _HELD})
    _decide(node, unit, caller, row, {"state": audit.CARRIED_OUT, "change_set": change_set})
    entry = entry_of(caller, permit, Act.ERASURE_APPROVED, Subject("erasure", row.id))
    recording.record(node, unit, resting_on(entry, look))
    _record_erasure(node, unit, caller, permit, Act.BODY_ERASED, Subject(row.kind, row.target))


def _decide(
    node: Node, unit: Unit, caller: Caller, row: ErasureOrder, values: dict[str, Any]
) -> None:
    decided = {**values, "decided_by": caller.person, "decided_at": node.now()}
    expect = {"state": audit.PROPOSED}
    if unit.update(audit.ERASURES, {"id": row.id}, decided, expect=expect) is None:
        raise _decided()


def _record_erasure(
    node: Node, unit: Unit, caller: Caller, permit: Permit, act: Act, subject: Subject
) -> None:
    recording.record(node, unit, entry_of(caller, permit, act, subject))


def _load_erasure(node: Node, identifier: str) -> ErasureOrder:
    row = node.db.read(lambda connection: audit.order_by_id(connection, identifier))
    if row is None:
        raise unknown("erasure")
    return row


def _no_target() -> NotFound:
    return NotFound(
        "erasure.unknown-target",
        "There is no such event with a place and a body, or no such exhibit held here. Sealed "
        "statements are not erased: recall a package, and erase its exhibits.",
    )


def _decided() -> Conflict:
    return Conflict("erasure.decided", "This order was decided on already.")
