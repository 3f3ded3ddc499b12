"""The sending end of federation: composes messages once, sends the same bytes until receipted.

Owns outbox, sending streams and retry state. The road of one statement, with what a crash leaves:

1. Issued: statement, event and outbox row are committed together. *Crash after: it waits here.*
2. Sequenced: its event gets a leaf. *Crash after: it waits for composing.*
3. Composed: the message is signed and stored with its number, before the first send.
   *Crash after: it waits unreceipted and is sent from its stored bytes.*
4. Sent, perhaps many times, with evidence rebuilt for each attempt. *Crash after: sent again; the
   partner answers with the receipt it stored.*
5. Receipted: receipt and the partner's cosignature are stored. The disposition comes later by the
   partner's own stream.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid, Unavailable
from api.domain.events import Act, Subject
from api.domain.log_trust import open_head_of, witness_verifiers
from api.ports.peers import PeerReply
from api.records import heads, log, node_state, statements, streams
from api.records.log_rows import StoredEvent
from api.records.statements import StoredStatement
from api.records.stream_rows import MessageOut, Posted, SentState, StreamState
from api.records.unit_of_work import Unit
from api.services import recording, sealing
from api.services.log import checkpoints, tail_answers
from api.services.node import Node
from api.services.road import offering
from api.services.statements.effects import EFFECTS
from api.tlog.errors import LogError
from api.wire.digests import digest
from api.wire.encoding import format_instant
from api.wire.envelope import MESSAGE as MESSAGE_TYP
from api.wire.envelope import verify_signed_then
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.leaf import LeafOpening
from api.wire.message_bodies import Carried, Item, Receipt, spliced_items
from api.wire.messages import (
    ConsistencyPath,
    Evidence,
    InclusionPath,
    MessageBody,
    MessageKind,
    compose_message,
    compose_request,
    parse_message,
)

_ROOM = 12 * 1024 * 1024
_PERMANENT = range(400, 500)
_LONGEST_WAIT = 3600
_TRY_LATER = {408, 409, 425, 429}


@dataclass(frozen=True, slots=True)
class Sent:
    """What one attempt came to: ``receipted``, ``retry`` or ``refused``, with the code if any.

    ``wait`` is the least number of seconds that the partner asks for.
    """

    outcome: str
    code: str = ""
    wait: int = 0


def compose(node: Node, peer: str) -> str | None:
    """Make the next message to a peer out of its outbox; returns its id, or ``None``.

    Nothing is composed while the stop switch is on, the stream is blocked, or too many messages
    lack a receipt. Statements keep the order in which they were issued: one that no shown head
    covers yet holds back those behind it.
    """
    plan = node.db.read(lambda connection: _plan(node, connection, peer))
    if plan is None:
        return None
    stream, rows, items, substantive = plan
    epoch, seq, prev = stream
    message_id = node.entropy.identifier()
    kind = MessageKind(rows[0].kind)
    payload = compose_message(
        MessageBody(
            from_=node.ministry,
            to=peer,
            id=message_id,
            kind=kind,
            epoch=epoch,
            seq=seq,
            prev=prev,
            body={},
            substantive_size=substantive,
        ),
        spliced_items(items),
    )
    raw = sealing.seal_message(node, payload)
    row = {
        "id": message_id,
        "peer": peer,
        "kind": kind.value,
        "epoch": epoch,
        "seq": seq,
        "envelope": raw,
        "digest": digest(raw),
        "state": SentState.COMPOSED,
    }

    def write(unit: Unit) -> None:
        _take_number(unit, peer, stream, digest(raw))
        unit.insert(streams.MESSAGES_OUT, {**row, "composed_at": node.now()})
        taken = unit.update_many(
            streams.OUTBOX, [(row.id,) for row in rows], {"message": message_id}
        )
        if taken != len(rows):
            raise Conflict("stream.moved", "Something was withdrawn before it left.")
        about = Subject("message", message_id)
        sent = recording.Entry(act=Act.MESSAGE_SENT, subject=about, message=message_id)
        recording.record(node, unit, sent)
        unit.ring("composed")

    node.db.write(write)
    return message_id


def _plan(
    node: Node, connection: Connection, peer: str
) -> tuple[tuple[int, int, str | None], list[Posted], list[Item], int] | None:
    if node_state.value(connection, "stop-switch") == "on":
        return None
    row = streams.stream_out(connection, peer)
    if row is not None and row.state is not StreamState.OPEN:
        return None
    if len(streams.unreceipted(connection, peer, node.limits.in_flight)) >= node.limits.in_flight:
        return None
    waiting = streams.waiting(connection, peer, node.limits.batch)
    # One message holds one kind, and nothing overtakes: a later statement may count on what a
    # disposition before it says.
    rows = list(takewhile(lambda each: each.kind == waiting[0].kind, waiting))
    chosen, items = _items(connection, rows)
    if not chosen:
        return None
    place = (row.epoch, row.next_seq, row.prev) if row is not None else (1, 1, None)
    return place, chosen, items, checkpoints.substantive_size(connection)


def _items(connection: Connection, rows: list[Posted]) -> tuple[list[Posted], list[Item]]:
    carried = [statement for row in rows for statement in row.carries]
    envelopes = statements.by_ids(connection, carried)
    events = log.events_of_statements(connection, carried)
    head = log.newest_head(connection) if carried else None
    shown = head.size if head is not None else 0
    chosen: list[Posted] = []
    items: list[Item] = []
    total = 0
    for row in rows:
        leaves = [
            _carried(connection, envelopes[one], events.get(one), shown) for one in row.carries
        ]
        if None in leaves:
            break
        first, *beside = [leaf for leaf in leaves if leaf is not None]
        item = Item(first.envelope, first.index, first.opening, tuple(beside))
        total += len(item.envelope) + sum(len(one.envelope) for one in beside)
        if items and total > _ROOM:
            break
        chosen.append(row)
        items.append(item)
    return chosen, items


def _carried(
    connection: Connection, row: StoredStatement, event: StoredEvent | None, shown: int
) -> Carried | None:
    """Return a statement with its leaf, or ``None`` while no head that may be shown covers it.

    Args:
        connection: open for reading.
        row: of the statement; one of another ministry tells where its own issuer's log has it.
        event: the event whose leaf commits to it, in this node's own log.
        shown: size of the newest head that may be shown.
    """
    envelope = row.envelope
    if event is not None and event.leaf_index is not None:
        if event.leaf_index >= shown:
            return None
        opening = checkpoints.opening_of(connection, event)
        return Carried(envelope, event.leaf_index, opening)
    if row.leaf is None:
        return None
    return Carried(envelope, row.leaf.index, LeafOpening(row.leaf.e, row.leaf.salt_s))


def _take_number(
    unit: Unit, peer: str, stream: tuple[int, int, str | None], message_digest: str
) -> None:
    """Move the sending stream on; two workers that meet here leave one winner.

    Raises:
        Conflict: ``stream.moved``.
    """
    unit.lock(f"stream to {peer}")
    epoch, seq, prev = stream
    values = {
        "epoch": epoch,
        "next_seq": seq + 1,
        "prev": message_digest,
        "state": StreamState.OPEN,
    }
    if (epoch, seq) == (1, 1) and streams.stream_out(unit.connection, peer) is None:
        unit.insert(streams.STREAMS_OUT, {"peer": peer, **values})
        return
    expect = {"epoch": epoch, "next_seq": seq, "prev": prev, "state": StreamState.OPEN}
    if unit.update(streams.STREAMS_OUT, {"peer": peer}, values, expect=expect) is None:
        raise Conflict("stream.moved", "Another worker composed for this peer meanwhile.")


def cosigned_by(connection: Connection, peer: str) -> int:
    """Return the size of this node's log that a peer cosigned last, as far as is known here."""
    return log.last_cosigned(connection, peer)


def build_request(node: Node, message: MessageOut, cosigned: int) -> bytes:
    """Return the request body for one attempt: stored message, fresh evidence.

    Args:
        node: this node.
        message: row of ``messages_out``.
        cosigned: size from which the recipient wants consistency and leaf hashes.
    """
    evidence = node.db.read(
        lambda connection: replace(
            _evidence(connection, message, cosigned),
            held=tail_answers.due(node, connection, message.peer),
        )
    )
    return compose_request(message.envelope, evidence)


def _evidence(connection: Connection, message: MessageOut, cosigned: int) -> Evidence:
    head = log.newest_head(connection)
    if head is None:
        raise Unavailable("log.empty", "This log has no head yet.")
    size = head.size
    wanted = [row.statement for row in streams.items_of(connection, message.id)]
    events = log.events_of_statements(connection, wanted)
    indexes = [events[statement].place for statement in wanted]
    consistency = None
    if 0 < cosigned <= size:
        path = checkpoints.prove_consistency(connection, cosigned, size)
        consistency = ConsistencyPath(cosigned, tuple(path))
    return Evidence(
        checkpoint=head.note.decode(),
        inclusion=tuple(
            InclusionPath(index, tuple(path))
            for index, path in zip(
                indexes, checkpoints.prove_inclusions(connection, indexes, size), strict=True
            )
        ),
        consistency=consistency,
        leaves=b"".join(checkpoints.leaf_hashes(connection, min(cosigned, size), size)),
    )


def send(node: Node, message: MessageOut) -> Sent:
    """Send one composed message and store what came back."""
    peer = message.peer
    cosigned = node.db.read(lambda connection: cosigned_by(connection, peer))
    for _ in range(3):
        try:
            cosigned = offering.lead_up(node, peer, cosigned)
            request = build_request(node, message, cosigned)
            reply = node.transport.post(
                peer, offering.PATH, request, content_type="application/json"
            )
        except Unavailable as error:
            return Sent("retry", error.code)
        if reply.status == 200:  # noqa: PLR2004
            try:
                store_receipt(node, message, reply.body)
            except (WireError, Invalid) as error:
                return Sent("retry", error.code)
            return Sent("receipted")
        code, size = offering.read_problem(reply.body)
        if code != "log.size" or size is None:
            later = reply.status in _TRY_LATER or reply.status not in _PERMANENT
            outcome = "retry" if later else "refused"
            return Sent(outcome, code or f"http.{reply.status}", _asked_to_wait(reply))
        cosigned = size
    return Sent("retry", "log.size")


def _asked_to_wait(reply: PeerReply) -> int:
    """Return the seconds in ``Retry-After`` (RFC 9110 §10.2.3), an hour at most; 0 if none."""
    text = reply.headers.get("retry-after", "")
    return min(int(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else 0


def store_receipt(node: Node, message: MessageOut, raw: bytes) -> None:
    """Check a receipt and store it with the partner's cosignature, in one transaction.

    Raises:
        WireError: the receipt is malformed or not signed by the recipient.
        Invalid: ``receipt.foreign``, ``receipt.cosignature``.
    """
    peer = message.peer
    receipt = open_receipt(node, raw, peer)
    named = (receipt.message, receipt.digest, receipt.epoch, receipt.seq)
    if named != (message.id, message.digest, message.epoch, message.seq):
        raise Invalid("receipt.foreign", "The receipt is for another message.")
    lines = _cosignature(node, peer, receipt)

    def write(unit: Unit) -> None:
        values = {"state": SentState.RECEIPTED, "receipt": raw, "receipted_at": node.now()}
        key, expect = {"id": message.id}, {"state": SentState.COMPOSED}
        if unit.update(streams.MESSAGES_OUT, key, values, expect=expect) is None:
            return
        unit.ring("composable")
        heads.add_cosignatures(unit.connection, lines)
        tell_effects(unit, peer, message.id, node.now())
        recording.record(
            node,
            unit,
            recording.Entry(
                act=Act.MESSAGE_RECEIPTED,
                subject=Subject("message", message.id),
                message=message.id,
            ),
        )

    node.db.write(write)


def open_receipt(node: Node, raw: bytes, peer: str) -> Receipt:
    """Check form, signer and audience of a receipt.

    Raises:
        WireError: ``json.*``, ``message.*``, ``key.*``, ``signature.*``.
        Invalid: ``receipt.foreign``.
    """
    envelope, body = parse_message(raw)
    # A receipt that was stored before its signer changed keys is repeated as it is.
    verify_signed_then(envelope, node.membership.keys(peer, Purpose.MESSAGE), MESSAGE_TYP)
    if body.kind is not MessageKind.RECEIPT or (body.from_, body.to) != (peer, node.ministry):
        raise Invalid("receipt.foreign", "The answer is not this peer's receipt to this node.")
    return Receipt.from_json(body.body)


def _cosignature(node: Node, peer: str, receipt: Receipt) -> list[dict[str, object]]:
    """Check the cosignature in a receipt against the head of that size; returns its rows."""
    if receipt.cosignature is None:
        return []
    size = receipt.cosignature.size
    head = node.db.read(lambda connection: log.head_at(connection, size))
    if head is None:
        raise Invalid("receipt.cosignature", "The receipt cosigns a head this node never signed.")
    lines = list(receipt.cosignature.lines)
    note = head.note + "".join(f"{line}\n" for line in lines).encode()
    witnesses = witness_verifiers(node.membership.member(peer), current=True)
    try:
        opened = open_head_of(node.me, note, witnesses, strict=True)
    except LogError as error:
        raise Invalid("receipt.cosignature", "The cosignature does not verify.") from error
    if {signed.key.kind for signed in opened.cosignatures} != {key.kind for key in witnesses}:
        raise Invalid("receipt.cosignature", "The cosignature lacks one of the witness's keys.")
    return [{"size": size, "line": line, "cosigner": peer} for line in lines]


def tell_effects(unit: Unit, peer: str, message: str, at: str) -> None:
    """Tell the effects of a message's statements that a partner has stored it."""
    items = streams.items_of(unit.connection, message)
    originals = statements.by_ids(unit.connection, [row.statement for row in items])
    for row in items:
        original = originals[row.statement]
        effect = EFFECTS.get(original.type)
        if effect is not None:
            effect.receipted(unit, original, peer, message, at)


def note_attempt(node: Node, peer: str, sent: Sent) -> None:
    """Keep the retry state of a peer: back-off with jitter, capped; volatile, never an event."""
    if sent.outcome == "receipted":
        node.db.write(lambda unit: unit.delete(streams.ATTEMPTS, {"peer": peer}))
        return

    def write(unit: Unit) -> None:
        known = streams.attempts(unit.connection).get(peer)
        count = (known.count if known is not None else 0) + 1
        wait = min(node.limits.retry_cap, node.limits.retry_base * 2 ** min(count - 1, 20))
        jitter = 0.5 + node.entropy.token(1)[0] / 255
        seconds = max(wait * jitter, sent.wait)
        at = format_instant(node.clock.now() + timedelta(seconds=seconds))
        # Refusals in a row make a dead letter; being away or told to wait makes none.
        refused = sent.outcome == "refused"
        refusals = (known.refusals if known is not None else 0) + 1 if refused else 0
        log.upsert(
            unit.connection,
            streams.ATTEMPTS,
            [
                {
                    "peer": peer,
                    "count": count,
                    "next_at": at,
                    "code": sent.code,
                    "refusals": refusals,
                }
            ],
        )

    node.db.write(write)


def abandon(node: Node, message: MessageOut, code: str) -> None:
    """Show a message as a dead letter; its stream is blocked until a new epoch is opened."""

    def write(unit: Unit) -> None:
        key, expect = {"id": message.id}, {"state": SentState.COMPOSED}
        if unit.update(streams.MESSAGES_OUT, key, {"state": SentState.DEAD}, expect=expect) is None:
            return
        unit.update(streams.STREAMS_OUT, {"peer": message.peer}, {"state": StreamState.BLOCKED})
        entry = recording.Entry(
            act=Act.DELIVERY_ABANDONED,
            subject=Subject("message", message.id),
            outcome="refused",
            code=code,
            message=message.id,
        )
        recording.record(node, unit, entry)

    node.db.write(write)
