"""The receiving end of federation: authenticates, stores and receipts what partners send.

Owns PROTOCOL §7 steps 1, 2 and 4 for the recipient. What the statements *mean* is applied later
by ``services/road/applying.py``; here nothing but the message is judged, and who sent it in
``services/road/authenticating.py``. The steps of :func:`accept`:

1. Decode strictly; the sender is another member, the audience is this ministry.
2. Both message signatures verify with the sender's message keys.
3. The policy admits this peer (a suspended member is refused).
4. Kinds that take no number are answered and leave nothing behind.
5. The same message again gets the same stored receipt; the same id or number with other bytes is
   equivocation: kept as proof, refused.
6. Epoch and number fit the stream; early messages wait in a bounded buffer.
7. The evidence holds: the sender's head continues what was cosigned, every item is included.
8. Receipt and cosignature are signed, then message, receipt, floor, head and event are stored in
   one transaction. A crash before the commit stores nothing and the sender repeats; after it, the
   repeat finds the stored receipt.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.errors import Conflict, Full, Invalid
from api.domain.events import Act, Actor, Subject
from api.domain.quotas import Allowance, Share
from api.records import streams
from api.records.stream_rows import MessageIn, ReceivedState, Stream, StreamState
from api.records.unit_of_work import Unit
from api.services import recording, sealing
from api.services.log import checkpoints, misbehaviour, tail_answers, witnessing
from api.services.node import Node
from api.services.road import answering, dating, traffic
from api.services.road.authenticating import Authenticated, authenticate
from api.tlog.errors import LogError
from api.tlog.merkle import leaf_hash
from api.tlog.proofs import verify_inclusion
from api.wire.digests import digest, digest_bytes
from api.wire.envelope import (
    parse_envelope,
    payload_digest,
)
from api.wire.errors import WireError
from api.wire.limits import MESSAGE as MESSAGE_LIMIT
from api.wire.message_bodies import Cosignature, EpochChange, Item, Receipt, parse_items
from api.wire.messages import (
    DATED,
    NUMBERED,
    MessageBody,
    MessageKind,
    compose_message,
    parse_message,
)
from api.wire.misbehaviour import MisbehaviourKind

MESSAGE_TYPE = "application/comity-message+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the peer in the same exchange.

    Attributes:
        body: bytes of the answer.
        media_type: of ``body``.
    """

    body: bytes
    media_type: str = MESSAGE_TYPE


def accept(node: Node, request_body: bytes, *, request: str = "") -> Answer:
    """Take one request to ``POST /peer/messages``; see the module docstring.

    Raises:
        WireError: ``json.*``, ``message.*``, ``envelope.*``, ``key.*``, ``signature.*``.
        Refused: ``message.audience``, ``message.sender``, or the policy's code.
        Conflict: ``log.size``, ``stream.*``, ``equivocation``.
        TooMany: ``peer.quota``.
        Invalid: ``log.*``: the evidence does not hold.
    """
    message = authenticate(node, request_body, request)
    node.charge(message.peer, Allowance.MESSAGES)
    node.charge(message.peer, Allowance.BYTES, len(request_body))
    if message.body.kind not in NUMBERED:
        return _unnumbered(node, message)
    stored = node.db.read(lambda connection: _repeated(connection, message))
    if isinstance(stored, bytes):
        return Answer(stored)
    if stored is not None:
        return Answer(_contradiction(node, message, stored))
    traffic.require_room(node, message.peer, Share.MESSAGES, len(message.raw))
    state = node.db.read(lambda connection: _judge_number(node, connection, message))
    try:
        examined = node.db.read(
            lambda connection: witnessing.examine(node, connection, message.peer, message.evidence)
        )
    except Invalid as error:
        if error.code == witnessing.INCONSISTENT:
            misbehaviour.refused(node, message.peer, message.evidence.checkpoint.encode())
        raise
    statements = _check_items(message, examined)
    told = tail_answers.open_all(node, message.peer, message.evidence.held)
    word = witnessing.cosign(node, examined, message.body.substantive_size)
    receipt = _receipt(node, message, statements, Cosignature(examined.size, tuple(word.lines)))

    def write(unit: Unit) -> None:
        _store(node, unit, message, state, receipt, (examined, word))
        tail_answers.keep(node, unit, message.peer, told)
        traffic.charge(node, unit, message.peer, Share.MESSAGES, len(message.raw))

    try:
        node.db.write(write)
    except Conflict as error:
        if error.code != _MOVED:
            raise
        return _after_a_race(node, message, error)
    return Answer(receipt)


_MOVED = "stream.moved"


def _after_a_race(node: Node, message: Authenticated, lost: Conflict) -> Answer:
    """Judge a message that another one was stored before, while it was being judged.

    The other one may be the same, or a contradiction under the same id or number; what loses a race
    proves as much as what comes late.

    Raises:
        Conflict: ``equivocation`` or ``message.id``; ``stream.moved`` where neither is the case.
    """
    stored = node.db.read(lambda connection: _repeated(connection, message))
    if isinstance(stored, bytes):
        return Answer(stored)
    if stored is not None:
        return Answer(_contradiction(node, message, stored))
    raise lost


def _unnumbered(node: Node, message: Authenticated) -> Answer:
    kind = message.body.kind
    if kind in DATED:
        answering.admit(node, message.peer, message.body)
    if kind is MessageKind.FETCH:
        return Answer(answering.fetched(node, message.peer, message.body), "application/json")
    if kind is MessageKind.EXHIBIT_RANGE:
        data = answering.exhibit_range(node, message.peer, message.body)
        return Answer(data, "application/octet-stream")
    if kind is MessageKind.CHECKPOINT:
        return Answer(
            answering.cosigned(node, message.peer, message.body, message.evidence), "text/plain"
        )
    raise WireError("message.kind", "A receipt is an answer and is not sent by itself.")


def _repeated(connection: Connection, message: Authenticated) -> bytes | MessageIn | None:
    """Return the stored receipt of the same message, or the row that contradicts it."""
    known = streams.message_in(connection, message.peer, message.body.id)
    if known is None:
        known = streams.message_in_by_number(
            connection, message.peer, message.body.epoch, message.seq
        )
    if known is None:
        return None
    return known.receipt if known.digest == message.digest else known


def _contradiction(node: Node, message: Authenticated, known: MessageIn) -> bytes:
    """Judge a message whose id or number is taken by other bytes.

    Returns:
        The stored receipt, if it is the same content sealed twice: the first envelope stands.

    Raises:
        Conflict: ``equivocation``: two contents under one number, both kept as proof;
            ``message.id``: the id of another number.
    """
    kept = misbehaviour.keep_reuse(
        node,
        message.peer,
        MisbehaviourKind.MESSAGE_NUMBER_REUSE,
        known.envelope,
        message.raw,
    )
    if kept:
        raise Conflict("equivocation", "This number was used with other bytes; both are kept.")
    if parse_envelope(known.envelope, limit=MESSAGE_LIMIT).payload == (message.envelope.payload):
        return known.receipt
    raise Conflict("message.id", "This id belongs to a message with another number.")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a message stands: next in line or early, and the stream as it was judged."""

    stream: Stream | None
    early: bool


def _judge_number(node: Node, connection: Connection, message: Authenticated) -> _Place:
    """Step 6."""
    stream = streams.stream_in(connection, message.peer)
    if stream is not None and stream.state is StreamState.FROZEN:
        raise Conflict("stream.frozen", "This stream waits for an administrator's ruling.")
    epoch, expected = (stream.epoch, stream.next_seq) if stream is not None else (1, 1)
    body = message.body
    if body.kind is MessageKind.EPOCH:
        return _judge_epoch(stream, body)
    if body.epoch != epoch:
        raise Conflict("stream.epoch", "The stream is in another epoch.", epoch=epoch)
    if message.seq < expected:
        raise Conflict("stream.floor", "This number is below the stream's floor.", next=expected)
    if message.seq > expected:
        held = streams.held_from(connection, message.peer)
        if held >= node.limits.held_messages or message.seq > expected + node.limits.held_messages:
            raise Full(
                "stream.buffer-full", "Too many early messages; send the missing ones first."
            )
        return _Place(stream, early=True)
    previous = stream.prev if stream is not None else None
    if body.prev != previous:
        raise Conflict("stream.prev", "The message names another predecessor than the one stored.")
    return _Place(stream, early=False)


def _judge_epoch(stream: Stream | None, body: MessageBody) -> _Place:
    change = EpochChange.from_json(body.body)
    last = (stream.next_seq - 1 if stream is not None else 0, stream.prev if stream else None)
    epoch = stream.epoch if stream is not None else 1
    if change.ended != epoch or body.epoch != epoch + 1 or body.seq != 1:
        raise Conflict("stream.epoch", "An epoch follows the one before.", epoch=epoch)
    if (change.seq, change.digest) != last:
        raise Conflict(
            "stream.epoch-floor",
            "Name the last message of the old epoch as this node knows it.",
            seq=last[0],
        )
    return _Place(stream, early=False)


def _check_items(message: Authenticated, head: witnessing.Examined) -> tuple[str, ...]:
    """Step 7: every item is a leaf of the head; returns the ids of all statements carried.

    Raises:
        Invalid: ``log.inclusion``.
    """
    if message.body.kind is MessageKind.EPOCH:
        return ()
    items = parse_items(message.body.body)
    proofs = message.evidence.inclusion
    if len(proofs) != len(items):
        raise Invalid("log.inclusion", "Send one inclusion proof for each item.")
    ids: list[str] = []
    for item, proof in zip(items, proofs, strict=True):
        ids += _check_item(item, proof.index, list(proof.path), head)
    return tuple(ids)


def _check_item(item: Item, index: int, path: list[bytes], head: witnessing.Examined) -> list[str]:
    entry = item.opening.entry(digest_bytes(digest(item.envelope)))
    try:
        if index != item.index:
            raise Invalid("log.inclusion", "The proof is for another leaf than the item names.")
        verify_inclusion(item.index, head.size, leaf_hash(entry), path, head.root)
    except LogError as error:
        raise Invalid("log.inclusion", "An item is not in the sender's log.") from error
    return [
        payload_digest(raw)
        for raw in (item.envelope, *(other.envelope for other in item.accompanying))
    ]


def _receipt(
    node: Node, message: Authenticated, statements: tuple[str, ...], cosignature: Cosignature
) -> bytes:
    body = Receipt(
        message=message.body.id,
        seq=message.seq,
        epoch=message.body.epoch,
        digest=message.digest,
        statements=statements,
        stored_at=node.now(),
        cosignature=cosignature,
    )
    payload = compose_message(
        MessageBody(
            from_=node.ministry,
            to=message.peer,
            id=node.entropy.identifier(),
            kind=MessageKind.RECEIPT,
            epoch=message.body.epoch,
            seq=None,
            prev=None,
            body=body.to_json(),
            substantive_size=node.db.read(checkpoints.substantive_size),
        )
    )
    return sealing.seal_message(node, payload)


def _store(
    node: Node,
    unit: Unit,
    message: Authenticated,
    place: _Place,
    receipt: bytes,
    witnessed: tuple[witnessing.Examined, witnessing.Cosigned],
) -> None:
    """Step 8, in one transaction."""
    unit.lock(f"stream from {message.peer}")
    current = streams.stream_in(unit.connection, message.peer)
    known = _repeated(unit.connection, message)
    if current != place.stream or known is not None:
        raise Conflict(_MOVED, "Another message of this stream was stored meanwhile; repeat.")
    examined = witnessed[0]
    indexes = [] if message.body.kind is MessageKind.EPOCH else _indexes(message)
    dated = dating.stored_with(
        node, unit.connection, message.peer, examined.note, examined.size, indexes
    )
    witnessing.persist(unit, *witnessed)
    state = ReceivedState.HELD if place.early else _first_state(message.body.kind)
    row = {**_columns(message), "receipt": receipt, "received_at": node.now(), "state": state}
    unit.insert(streams.MESSAGES_IN, {**row, **dated})
    if not place.early:
        _advance(unit, message, place.stream)
    recording.record(
        node,
        unit,
        recording.Entry(
            act=Act.MESSAGE_RECEIVED,
            subject=Subject("message", message.body.id),
            actor=Actor("peer", sub=message.peer),
            origin="peer",
            policies=message.permit.policies,
            policy_set=message.permit.policy_set,
            request=message.request,
            message=message.body.id,
        ),
    )
    unit.ring("inbox")
    if place.early:
        unit.ring("early")


def _columns(message: Authenticated) -> dict[str, object]:
    return {
        "peer": message.peer,
        "id": message.body.id,
        "kind": message.body.kind.value,
        "epoch": message.body.epoch,
        "seq": message.seq,
        "envelope": message.raw,
        "digest": message.digest,
    }


def _indexes(message: Authenticated) -> list[int]:
    return [item.index for item in parse_items(message.body.body)]


def _first_state(kind: MessageKind) -> ReceivedState:
    return ReceivedState.DONE if kind is MessageKind.EPOCH else ReceivedState.STORED


def _advance(unit: Unit, message: Authenticated, stream: Stream | None) -> None:
    """Move the floor past this message and past held ones that now follow."""
    peer, epoch = message.peer, message.body.epoch
    for left in streams.early_before(unit.connection, peer, epoch):
        # Its number is beyond the end of an epoch that is over: its statements come anew.
        unit.update(
            streams.MESSAGES_IN, {"peer": peer, "id": left.id}, {"state": ReceivedState.LAPSED}
        )
    following, previous = message.seq + 1, message.digest
    while True:
        held = streams.message_in_by_number(unit.connection, peer, epoch, following)
        if held is None or held.state is not ReceivedState.HELD:
            break
        body = parse_message(held.envelope)[1]
        key = {"peer": peer, "id": held.id}
        if body.prev != previous:
            # The sender signed a chain that does not fit; the stored prefix stands.
            unit.update(streams.MESSAGES_IN, key, {"state": ReceivedState.MISFIT})
            break
        unit.update(streams.MESSAGES_IN, key, {"state": ReceivedState.STORED})
        following, previous = following + 1, held.digest
    values = {"epoch": epoch, "next_seq": following, "prev": previous, "state": StreamState.OPEN}
    if stream is None:
        unit.insert(streams.STREAMS_IN, {"peer": peer, **values})
    else:
        unit.update(streams.STREAMS_IN, {"peer": peer}, values)
