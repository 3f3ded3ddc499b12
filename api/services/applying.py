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

from api.domain.decisions import Decision, refuse
from api.domain.errors import ComityError
from api.domain.events import Act, Actor, Subject
from api.ports.policy import Action, Resource
from api.records import statements, streams
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import context, peer_caller
from api.services.effects import EFFECTS
from api.services.effects.base import Disposed, Received
from api.services.node import Node
from api.services.sealing import Sealed, seal_statement, try_open
from api.wire.digests import digest
from api.wire.envelope import parse_envelope
from api.wire.errors import WireError
from api.wire.message_bodies import Item, parse_items
from api.wire.messages import Kind, parse_message
from api.wire.statements import DISPOSITION, NONCE_BYTES, Content, compose_payload

_SENTENCE = 300


@dataclass(frozen=True, slots=True)
class _Opened:
    """One item after verification: its statement, or why it is refused."""

    item: Item
    sealed: Sealed | None
    brought: tuple[Sealed, ...]
    verdict: Decision


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
    return _Opened(item, sealed, tuple(brought), verdict)


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
    for _ in range(len(opened) + 1):
        try:
            node.db.write(lambda unit: _write(node, unit, message, opened, decisions, sealed))
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
    body: dict[str, object] = {
        "message": message["id"],
        "statement": statement_id,
        "outcome": "applied" if decision.allowed else "refused",
    }
    if not decision.allowed:
        body["code"] = decision.code
        body["detail"] = decision.reason[:_SENTENCE] or decision.code
    payload = compose_payload(
        Content(DISPOSITION, (message["peer"],), body),  # type: ignore[arg-type]
        issuer=node.ministry,
        issued_at=node.clock.now(),
        nonce=node.entropy.token(NONCE_BYTES),
        by=None,
    )
    return seal_statement(node, payload)


def _payload_of(envelope: bytes) -> bytes:
    try:
        return parse_envelope(envelope).payload
    except WireError:
        return envelope


def _write(
    node: Node,
    unit: Unit,
    message: RowMapping,
    opened: Sequence[_Opened],
    decisions: Sequence[Decision],
    dispositions: Sequence[Sealed],
) -> None:
    key = {"peer": message["peer"], "id": message["id"]}
    if unit.update(streams.MESSAGES_IN, key, {"state": "done"}, expect={"state": "stored"}) is None:
        return
    at = node.now()
    for ordinal, (each, decision, sealed) in enumerate(
        zip(opened, decisions, dispositions, strict=True)
    ):
        if decision.allowed:
            decision = _effect(node, unit, message, ordinal, each, at)  # noqa: PLW2901
        _record_one(node, unit, message, ordinal, (each, decision, sealed), at)
    unit.ring("applied")


def _effect(
    node: Node, unit: Unit, message: RowMapping, ordinal: int, each: _Opened, at: str
) -> Decision:
    """Store the statement with what it brought and run its effect."""
    sealed = each.sealed
    if sealed is None:
        raise TypeError("an item that did not open is never applied")
    statement = sealed.statement
    if statements.by_id(unit.connection, statement.id) is not None:
        raise _RefusalFoundError(ordinal, refuse("statement.known", "This statement is known."))
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
        raise _RefusalFoundError(ordinal, decision)
    about = statement.body.get("package")
    _store(unit, sealed, message["peer"], about if isinstance(about, str) else None, at)
    for other in each.brought:
        if statements.by_id(unit.connection, other.statement.id) is None:
            _store(unit, other, message["peer"], other.statement.id, at)
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
    if original is None or original["issuer"] != node.ministry:
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
