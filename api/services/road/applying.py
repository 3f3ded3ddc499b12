"""Applies what partners sent: one decision and one sealed disposition for each statement.

Owns PROTOCOL §7 step 3. Seal, endorsements and audience are judged first (no database); then all
statements of a message are decided and their effects written in one transaction, each with the
disposition that says what was decided. A disposition must be sealed before the transaction, so
"applied" is prepared for every statement that verified; where an effect refuses, the transaction is
given up, that one disposition is sealed anew, and the whole is run again. A crash before the commit
leaves the message ``stored``, and the job starts over; nothing is applied twice, because the
message's state changes in the same transaction.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy.engine import RowMapping

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import ComityError
from api.domain.events import Act, Actor, Subject
from api.domain.threads import sequences
from api.ports.policy import Action, Resource
from api.records import statements, streams
from api.records.threads import Waiting
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import context, peer_caller
from api.services.node import Node
from api.services.road import parking
from api.services.sealing import Sealed, seal_statement, try_open
from api.services.statements.effects import EFFECTS
from api.services.statements.effects.base import Disposed, Received, Refusal, about_of
from api.wire.digests import digest
from api.wire.envelope import parse_envelope
from api.wire.errors import WireError
from api.wire.message_bodies import Item, parse_items
from api.wire.messages import Kind, parse_message
from api.wire.statements import (
    DISPOSITION,
    NONCE_BYTES,
    Content,
    compose_statement,
    parse_statement,
)

_SENTENCE = 300


@dataclass(frozen=True, slots=True)
class _Opened:
    """One item after verification: its statement, or why it is refused."""

    item: Item
    sealed: Sealed | None
    brought: tuple[Sealed, ...]
    verdict: Decision


@dataclass(frozen=True, slots=True)
class _Batch:
    """Items of one message that are decided together, in order.

    Attributes:
        message: row of the message that brought them.
        items: the items.
        first: place of the first one in the message.
    """

    message: RowMapping
    items: Sequence[_Opened]
    first: int = 0


class _RefusalFoundError(Exception):
    """An effect refused inside the transaction; carries which and why."""

    def __init__(self, ordinal: int, decision: Decision) -> None:
        super().__init__(decision.code)
        self.ordinal = ordinal
        self.decision = decision


def process_next(node: Node, peer: str, pool: ThreadPoolExecutor) -> bool:
    """Apply the next stored message of a peer; returns whether there was one."""
    rows = node.db.read(lambda connection: streams.next_stored(connection, peer, 1))
    if not rows:
        return False
    message = rows[0]
    body = parse_message(bytes(message["envelope"]))[1]
    items = parse_items(body.body)
    opened = list(pool.map(lambda item: _open(node, peer, item, body.kind), items))
    if body.kind is Kind.DISPOSITION:
        _apply_dispositions(node, message, opened)
    else:
        _apply_statements(node, message, opened, pool)
    return True


def process_parked(node: Node, parked: Waiting) -> bool:
    """Judge a statement again that waited for another one or for a ruling.

    Returns:
        Whether it waits no longer: it was applied or refused, with its disposition.
    """
    message = node.db.read(
        lambda connection: streams.message_in(connection, parked.peer, parked.message)
    )
    if message is None:
        return False
    body = parse_message(bytes(message["envelope"]))[1]
    item = parse_items(body.body)[parked.ordinal]
    opened = [_open(node, parked.peer, item, body.kind)]
    batch = _Batch(message, opened, parked.ordinal)
    decisions = [each.verdict for each in opened]
    for _ in range(2):
        sealed = [_disposition(node, message, opened[0], decisions[0])]
        try:
            return node.db.write(
                lambda unit: (
                    parking.take(unit, parked) and _write(node, unit, batch, decisions, sealed)  # noqa: B023
                )
            )
        except _RefusalFoundError as found:
            if sequences.waits(found.decision):
                return False
            decisions = [found.decision]
    return False


def _open(node: Node, peer: str, item: Item, kind: Kind) -> _Opened:
    """Verify one item without the database."""
    sealed = try_open(node, item.envelope, item.index)
    if not isinstance(sealed, Sealed):
        return _Opened(item, None, (), refuse(sealed.code, sealed.message))
    brought: list[Sealed] = []
    for raw in item.accompanying:
        other = try_open(node, raw, None)
        if not isinstance(other, Sealed):
            return _Opened(item, sealed, (), refuse(other.code, other.message))
        brought.append(other)
    verdict = _admissible(node, peer, sealed, kind)
    if node.db.recovering and verdict:
        verdict = _as_said(node, sealed.statement.id) or verdict
    return _Opened(item, sealed, tuple(brought), verdict)


def _said(node: Node, statement_id: str) -> Sealed | None:
    """Return this node's own disposition on a statement; during a recovery it may stand already."""
    row = node.db.read(
        lambda connection: next(
            (
                row
                for row in statements.about(connection, statement_id, DISPOSITION)
                if row["issuer"] == node.ministry
            ),
            None,
        )
    )
    if row is None:
        return None
    raw = bytes(row["envelope"])
    return Sealed(parse_statement(parse_envelope(raw).payload), raw, row["envelope_digest"])


def _as_said(node: Node, statement_id: str) -> Decision | None:
    """Return the refusal that this node had stated before it lost its memory, if it refused."""
    said = _said(node, statement_id)
    if said is None or said.statement.body["outcome"] != "refused":
        return None
    body = said.statement.body
    return refuse(str(body.get("code", "")), str(body.get("detail", "")))


def _admissible(node: Node, peer: str, sealed: Sealed, kind: Kind) -> Decision:
    statement = sealed.statement
    if statement.issuer != peer:
        return refuse("statement.issuer", "A peer delivers its own statements.")
    if node.ministry not in statement.to:
        return refuse("statement.audience", "This statement is addressed to others.")
    if (statement.type == DISPOSITION) is not (kind is Kind.DISPOSITION):
        return refuse("statement.kind", "Dispositions travel in disposition messages only.")
    if statement.type != DISPOSITION and statement.type not in EFFECTS:
        return refuse("statement.type", "This node takes no statements of this type.")
    resource = Resource(
        "statement",
        statement.id,
        {
            "statement_type": statement.type.split("/")[0],
            "issuer": statement.issuer,
            "to": frozenset(statement.to),
            "ministry": node.ministry,
        },
    )
    decision = node.decider.decide(
        peer_caller(node, peer).principal, Action.STATEMENT_APPLY, resource, context(node)
    )
    if not decision.allowed:
        return refuse(decision.code, " ".join(decision.reasons)[:_SENTENCE])
    return Decision(allowed=True)


def _apply_statements(
    node: Node, message: RowMapping, opened: Sequence[_Opened], pool: ThreadPoolExecutor
) -> None:
    decisions = [each.verdict for each in opened]
    sealed = list(
        pool.map(
            lambda pair: _disposition(node, message, *pair), zip(opened, decisions, strict=True)
        )
    )
    batch = _Batch(message, opened)
    for _ in range(len(opened) + 1):
        try:
            node.db.write(
                lambda unit: (
                    _take_message(unit, message) and _write(node, unit, batch, decisions, sealed)
                )
            )
        except _RefusalFoundError as found:
            decisions[found.ordinal] = found.decision
            sealed[found.ordinal] = _disposition(
                node, message, opened[found.ordinal], found.decision
            )
        else:
            return


def _disposition(node: Node, message: RowMapping, opened: _Opened, decision: Decision) -> Sealed:
    """Seal the node's own statement about what it did with one of the peer's."""
    statement_id = (
        opened.sealed.statement.id
        if opened.sealed is not None
        else digest(_payload_of(opened.item.envelope))
    )
    said = _said(node, statement_id) if node.db.recovering else None
    if said is not None:
        return said
    body: dict[str, object] = {
        "message": message["id"],
        "statement": statement_id,
        "outcome": "applied" if decision.allowed else "refused",
    }
    if not decision.allowed:
        body["code"] = decision.code
        body["detail"] = decision.reason[:_SENTENCE] or decision.code
    statement = compose_statement(
        Content(DISPOSITION, (message["peer"],), body),  # type: ignore[arg-type]
        issuer=node.ministry,
        issued_at=node.clock.now(),
        nonce=node.entropy.token(NONCE_BYTES),
        by=None,
    )
    return seal_statement(node, statement)


def _payload_of(envelope: bytes) -> bytes:
    try:
        return parse_envelope(envelope).payload
    except WireError:
        return envelope


def _take_message(unit: Unit, message: RowMapping) -> bool:
    key = {"peer": message["peer"], "id": message["id"]}
    taken = unit.update(streams.MESSAGES_IN, key, {"state": "done"}, expect={"state": "stored"})
    return taken is not None


def _write(
    node: Node,
    unit: Unit,
    batch: _Batch,
    decisions: Sequence[Decision],
    dispositions: Sequence[Sealed],
) -> bool:
    at, message = node.now(), batch.message
    for number, (each, decision, sealed) in enumerate(
        zip(batch.items, decisions, dispositions, strict=True)
    ):
        ordinal = batch.first + number
        if sequences.waits(decision):
            parking.park(node, unit, _refusal(message, each, decision, at), ordinal)
            continue
        if decision.allowed:
            decision = _effect(node, unit, message, number, each, at)  # noqa: PLW2901
        else:
            _keep_refused(node, unit, _refusal(message, each, decision, at))
        _record_one(node, unit, message, ordinal, (each, decision, sealed), at)
    unit.ring("applied")
    return True


def _refusal(message: RowMapping, each: _Opened, decision: Decision, at: str) -> Refusal | None:
    """Return what is refused, as far as it can be read and is the peer's own."""
    raw = each.item.envelope
    try:
        statement = (
            each.sealed.statement
            if each.sealed is not None
            else parse_statement(parse_envelope(raw).payload)
        )
    except WireError:
        return None
    if statement.issuer != message["peer"] or statement.type not in EFFECTS:
        return None
    return Refusal(statement, raw, decision, message["peer"], message["id"], at)


def _keep_refused(node: Node, unit: Unit, refusal: Refusal | None) -> None:
    if refusal is None or statements.by_id(unit.connection, refusal.statement.id) is not None:
        return
    EFFECTS[refusal.statement.type].refused(node, unit, refusal)


def _effect(
    node: Node, unit: Unit, message: RowMapping, number: int, each: _Opened, at: str
) -> Decision:
    """Store the statement with what it brought and run its effect."""
    sealed = each.sealed
    if sealed is None:
        raise TypeError("an item that did not open is never applied")
    statement = sealed.statement
    if statements.by_id(unit.connection, statement.id) is not None:
        if not streams.pending_statements(unit.connection, message["peer"], [statement.id]):
            # It came before, beside another statement, and took effect then.
            return ALLOWED
        raise _RefusalFoundError(number, refuse("statement.known", "This statement is known."))
    effect = EFFECTS[statement.type]
    received = Received(
        statement,
        at,
        message["peer"],
        message["id"],
        {other.statement.id: other.statement for other in each.brought},
    )
    try:
        decision = effect.receive(node, unit, received)
    except ComityError as error:
        decision = refuse(error.code, error.message)
    if not decision.allowed:
        raise _RefusalFoundError(number, decision)
    _store(unit, sealed, message["peer"], about_of(statement), at)
    for other in each.brought:
        if statements.by_id(unit.connection, other.statement.id) is None:
            about = about_of(other.statement) or other.statement.id
            _store(unit, other, message["peer"], about, at)
    return decision


def _store(unit: Unit, sealed: Sealed, origin: str, about: str | None, at: str) -> None:
    row = statements.values(
        sealed.statement, sealed.envelope, sealed.digest, origin=origin, about=about, at=at
    )
    unit.insert(statements.STATEMENTS, row)


def _record_one(
    node: Node,
    unit: Unit,
    message: RowMapping,
    ordinal: int,
    decided: tuple[_Opened, Decision, Sealed],
    at: str,
) -> None:
    _, decision, disposition = decided
    statement_id = disposition.statement.body["statement"]
    peer = message["peer"]
    unit.insert(
        streams.INBOX,
        {
            "peer": peer,
            "message": message["id"],
            "ordinal": ordinal,
            "statement": statement_id,
            "state": "applied" if decision.allowed else "refused",
            "code": None if decision.allowed else decision.code,
            "disposition": disposition.statement.id,
            "decided_at": at,
        },
    )
    row = statements.values(
        disposition.statement,
        disposition.envelope,
        disposition.digest,
        origin="own",
        about=str(statement_id),
        at=at,
    )
    # During a recovery the disposition may be one that the peer has had for long.
    if not unit.recovering or statements.by_id(unit.connection, disposition.statement.id) is None:
        unit.insert(statements.STATEMENTS, row)
        recording.post(node, unit, [peer], disposition.statement.id, kind="disposition")
    act = Act.STATEMENT_APPLIED if decision.allowed else Act.STATEMENT_REFUSED
    recording.record(
        node,
        unit,
        recording.Entry(
            act=act,
            subject=Subject("statement", str(statement_id)),
            actor=Actor("peer", sub=peer),
            origin="peer",
            outcome="done" if decision.allowed else "refused",
            code="" if decision.allowed else decision.code,
            message=message["id"],
            # The leaf commits to the disposition: it is what leaves this node about the act.
            statement=disposition.statement.id,
            envelope_digest=disposition.digest,
        ),
    )


def _apply_dispositions(node: Node, message: RowMapping, opened: Sequence[_Opened]) -> None:
    """Note what a peer did with our statements; a disposition gets none in return."""
    peer = message["peer"]

    def write(unit: Unit) -> None:
        key = {"peer": peer, "id": message["id"]}
        expect = {"state": "stored"}
        if unit.update(streams.MESSAGES_IN, key, {"state": "done"}, expect=expect) is None:
            return
        for each in opened:
            if each.sealed is not None and each.verdict.allowed:
                _note_disposition(node, unit, message, each.sealed)
        entry = recording.Entry(
            act=Act.HOLDING_CONFIRMED,
            subject=Subject("message", message["id"]),
            actor=Actor("peer", sub=peer),
            origin="peer",
            message=message["id"],
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def _note_disposition(node: Node, unit: Unit, message: RowMapping, sealed: Sealed) -> None:
    body, peer = sealed.statement.body, message["peer"]
    original = statements.by_id(unit.connection, str(body["statement"]))
    if original is None or not streams.was_posted(unit.connection, peer, original["id"]):
        # Only the ministry that was sent a statement can say what became of it there.
        return
    if streams.disposition_of(unit.connection, peer, original["id"]) is not None:
        return
    at = node.now()
    code = body.get("code")
    outcome = Disposed(
        original,
        sealed.statement.id,
        peer,
        str(body["outcome"]),
        code if isinstance(code, str) else None,
        at,
    )
    unit.insert(
        streams.DISPOSITIONS,
        {
            "peer": peer,
            "statement": original["id"],
            "disposition": sealed.statement.id,
            "outcome": outcome.outcome,
            "code": outcome.code,
            "received_at": at,
        },
    )
    _store(unit, sealed, peer, original["id"], at)
    effect = EFFECTS.get(original["type"])
    if effect is not None:
        effect.disposed(node, unit, outcome)
