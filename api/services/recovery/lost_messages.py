"""What partners hold of a restored node's own messages, and what they sent it since the backup.

Owns the questions by which such a node learns how far its streams had come: the numbers, its own
messages with the receipts they got, the partner's messages once more. Every answer is checked
against signatures, this node's own above all: a partner can leave something out at the end, it
cannot invent anything.
"""

from dataclasses import dataclass

from api.domain.errors import ComityError, Invalid, NotFound
from api.records import streams
from api.records.stream_rows import Stream
from api.services.log.log_client import get_json, origin_name
from api.services.node import Node
from api.services.road import delivering, fetching, receiving
from api.services.road.views import View
from api.wire.canonical import canonical, parse
from api.wire.digests import digest
from api.wire.envelope import MESSAGE, verify_signed_then
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.limits import MESSAGE as MESSAGE_LIMIT
from api.wire.message_bodies import Fetch, Item, Receipt, parse_items
from api.wire.messages import MessageBody, MessageKind, parse_message

_LOST_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Lost:
    """A message of this node's own that the backup does not know, with the receipt it got."""

    peer: str
    body: MessageBody
    raw: bytes
    receipt_raw: bytes
    receipt: Receipt
    items: tuple[Item, ...]

    @property
    def digest(self) -> str:
        """Digest of the raw envelope."""
        return digest(self.raw)

    @property
    def seq(self) -> int:
        """Number in the stream."""
        return self.body.seq or 0


def lost_messages(node: Node, peer: str, view: View) -> list[Lost]:
    """Fetch this node's own messages that a partner holds and the backup does not, in order.

    Raises:
        Invalid: ``recover.message``: the partner's copies are not what this node signed, or leave
            something out.
        Unavailable: ``peer.unreachable``, ``peer.refused``.
    """
    if view.received is None:
        return []
    stream = node.db.read(lambda connection: streams.stream_out(connection, peer))
    epoch, seq, previous = _floor(stream)
    until_epoch, until, last = view.received
    found: list[Lost] = []
    while (epoch, seq) < (until_epoch, until):
        try:
            message = _own_message(node, peer, epoch, seq)
        except NotFound:
            # The end of an epoch: the next one starts with its number 1.
            if epoch >= until_epoch:
                raise _unfit() from None
            epoch, seq, previous = epoch + 1, 1, None
            continue
        if message.body.prev != previous:
            raise _unfit()
        found.append(message)
        previous, seq = message.digest, seq + 1
    if found and previous != last:
        raise _unfit()
    return found


def _floor(stream: Stream | None) -> tuple[int, int, str | None]:
    return (1, 1, None) if stream is None else (stream.epoch, stream.next_seq, stream.prev)


def _unfit() -> Invalid:
    return Invalid(
        "recover.message", "A partner's copy of this node's messages does not fit together."
    )


def _own_message(node: Node, peer: str, epoch: int, seq: int) -> Lost:
    path = f"{origin_name(node.me.origin)}/messages/{epoch}/{seq}"
    value = get_json(node, peer, path)
    try:
        raw, receipt_raw = canonical(value["message"]), canonical(value["receipt"])
        envelope, body = parse_message(raw)
        verify_signed_then(envelope, node.me.keys_for(Purpose.MESSAGE), MESSAGE)
        receipt = delivering.open_receipt(node, receipt_raw, peer)
    except (KeyError, WireError, Invalid) as error:
        raise _unfit() from error
    if (body.from_, body.to, body.epoch, body.seq) != (node.ministry, peer, epoch, seq):
        raise _unfit()
    if (receipt.message, receipt.digest) != (body.id, digest(raw)):
        raise _unfit()
    items = () if body.kind is MessageKind.EPOCH else parse_items(body.body)
    return Lost(peer, body, raw, receipt_raw, receipt, items)


def refetch(node: Node, peer: str, view: View) -> int:
    """Take in again what a partner sent after the backup was made; returns how many numbers.

    What comes walks the ordinary road: it is judged, stored and receipted.
    """
    taken = 0
    while view.sent is not None:
        epoch, first = _next_in(node, peer)
        if (epoch, first) >= view.sent:
            break
        _ask_again(node, peer, epoch, first)
        moved = _next_in(node, peer)
        if moved == (epoch, first) and epoch < view.sent[0]:
            _ask_again(node, peer, epoch + 1, 1)
            moved = _next_in(node, peer)
        if moved == (epoch, first):
            break
        taken += moved[1] - first if moved[0] == epoch else 1
    return taken


def _next_in(node: Node, peer: str) -> tuple[int, int]:
    stream = node.db.read(lambda connection: streams.stream_in(connection, peer))
    return (1, 1) if stream is None else (stream.epoch, stream.next_seq)


def _ask_again(node: Node, peer: str, epoch: int, first: int) -> None:
    """Fetch up to 32 messages from a number on and take them in."""
    wanted = Fetch(epoch, first, first + _LOST_AT_ONCE - 1)
    try:
        raw = fetching.ask(node, peer, MessageKind.FETCH, dict(wanted.to_json()))
        answer = parse(raw, limit=MESSAGE_LIMIT)
    except (ComityError, WireError):
        return
    requests = answer.get("requests") if isinstance(answer, dict) else None
    for request in requests if isinstance(requests, list) else []:
        try:
            receiving.accept(node, canonical(request), request="recover")
        except (ComityError, WireError):
            continue
