"""Members-only reads: this node's log, what it holds of others' logs, what it got from each.

Owns what can be read below ``/log/`` and by whom:

=============================== ==================================================================
``checkpoint``                  the public head with partners' cosignatures (tlog-tiles)
``tile/<L>/<N>[.p/<W>]``        hash tiles, up to the newest signed head
``tile/entries/<N>[.p/<W>]``    bundles of leaf entries: pairs of salted commitments
``<origin>/checkpoint``         the newest head of that log which this node cosigned (tlog-witness)
``<origin>/tile/<L>/<N>[.p/W]`` the hash tiles that it stored before it cosigned
``<origin>/stream``             to that log's ministry: how far its messages and heads came here
``<origin>/held``               to that ministry: the largest head of its log held here, signed
``<origin>/messages/<E>/<S>``   to that ministry: its own message of epoch E and number S, and the
                                receipt it got
=============================== ==================================================================

``<origin>`` is the hex SHA-256 of a log's origin. The last two let a ministry that lost its disk
learn how far it had come (PROTOCOL §8). Nothing here changes anything.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.errors import NotFound
from api.ports.policy import Action, Resource
from api.records import log, peer_logs, streams
from api.services.authorising import Caller, authorise, collection
from api.services.log import giving_up, heads
from api.services.log.log_client import origin_name
from api.services.node import Node
from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE
from api.tlog.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    TileRef,
    decode_bundle,
    encode_bundle,
    parse_tile_path,
    width_in,
)
from api.wire.canonical import canonical, parse_canonical
from api.wire.limits import MESSAGE
from api.wire.membership import Member

NOTE = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
JSON = "application/json"
IMMUTABLE = "private, max-age=31536000, immutable"
SHORT = "private, max-age=2"
NEVER = "no-store"

_SEEN = re.compile(r"([0-9a-f]{64})/(.+)")
_MESSAGE = re.compile(r"messages/([1-9][0-9]{0,8})/([1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Served:
    """One answer: its bytes, their media type, how long they may be kept."""

    body: bytes
    media_type: str
    cache: str


def answer(node: Node, caller: Caller, path: str) -> Served:
    """Return what lies at ``path`` (below ``/log/``).

    Raises:
        Refused: the policy does not let the caller read the log.
        NotFound: ``log.absent``: nothing (yet), or nothing for this caller.
    """
    authorise(node, caller, Action.LOG_READ, collection("log"))
    if path == "checkpoint":
        return node.db.read(lambda connection: _checkpoint(node, connection))
    if path.startswith("tile/"):
        ref = _reference(path)
        return node.db.read(lambda connection: _tile(connection, ref))
    match = _SEEN.fullmatch(path)
    owner = None if match is None else _owner(node, match[1])
    if match is None or owner is None:
        raise _absent()
    return _of_owner(node, caller, owner, match[2])


def _of_owner(node: Node, caller: Caller, owner: Member, rest: str) -> Served:
    """Return what this node holds of another member's log and messages."""
    if rest == "checkpoint":
        return node.db.read(lambda connection: _seen_checkpoint(connection, owner))
    if rest.startswith("tile/"):
        ref = _reference(rest)
        return node.db.read(lambda connection: _seen_tile(connection, owner, ref))
    resource = Resource("stream", owner.id, {"peer": owner.id})
    authorise(node, caller, Action.MESSAGE_FETCH, resource)
    number = _MESSAGE.fullmatch(rest)
    work: Callable[[Connection], bytes]
    if rest == "held":
        return Served(giving_up.answer(node, owner.id), JSON, NEVER)
    if rest == "stream":
        work = lambda connection: _stream(connection, owner.id)  # noqa: E731 - one of two readers
    elif number is not None:
        epoch, seq = int(number[1]), int(number[2])
        work = lambda connection: _message(connection, owner.id, epoch, seq)  # noqa: E731
    else:
        raise _absent()
    return Served(node.db.read(work), JSON, NEVER)


def _owner(node: Node, name: str) -> Member | None:
    """Return the other member whose log has this name among witnesses."""
    for member in node.membership.members:
        if member.id != node.ministry and origin_name(member.origin) == name:
            return member
    return None


def _reference(path: str) -> TileRef:
    try:
        return parse_tile_path(path)
    except LogError:
        raise _absent() from None


def _absent() -> NotFound:
    return NotFound("log.absent", "There is nothing at this address of the log.")


def _checkpoint(node: Node, connection: Connection) -> Served:
    head = heads.public_head(node, connection)
    if head is None:
        raise NotFound("log.unwitnessed", "No head of this log has been cosigned by a quorum yet.")
    return Served(head.note, NOTE, SHORT)


def _tile(connection: Connection, ref: TileRef) -> Served:
    """Return a tile or bundle of this log, in a width that some signed head has."""
    if not _was_issued(connection, ref):
        raise _absent()
    if ref.level is not None:
        data = log.tile(connection, ref.level, ref.index)
        if data is None or len(data) < ref.width * HASH_SIZE:
            raise _absent()
        return Served(data[: ref.width * HASH_SIZE], BYTES, IMMUTABLE)
    bundle = log.bundle(connection, ref.index)
    entries = [] if bundle is None else decode_bundle(bundle)[: ref.width]
    if len(entries) != ref.width or not all(entries):
        # An empty entry stands for one that was lost and recovered by its hash alone.
        raise _absent()
    return Served(encode_bundle(entries), BYTES, IMMUTABLE)


def _was_issued(connection: Connection, ref: TileRef) -> bool:
    """Tell whether a signed head has this tile: full in the newest, or as its partial one."""
    level = ref.level or 0
    newest = log.newest_head(connection)
    if newest is None:
        return False
    if ref.width == TILE_WIDTH:
        return width_in(level, ref.index, newest.size) == TILE_WIDTH
    span = TILE_HEIGHT * level
    least = (ref.index * TILE_WIDTH + ref.width) << span
    return log.head_between(connection, least, least + (1 << span) - 1)


def _seen_checkpoint(connection: Connection, owner: Member) -> Served:
    row = peer_logs.peer_log(connection, owner.id)
    if row is None:
        raise _absent()
    lines = row.cosignatures.decode().split("\n")
    return Served(heads.with_lines(row.note, lines), NOTE, SHORT)


def _seen_tile(connection: Connection, owner: Member, ref: TileRef) -> Served:
    """Return a hash tile of another log, up to the head cosigned here, in any width."""
    row = peer_logs.peer_log(connection, owner.id)
    if row is None or ref.level is None:
        raise _absent()
    if width_in(ref.level, ref.index, row.size) < ref.width:
        raise _absent()
    data = peer_logs.peer_tile(connection, owner.id, ref.level, ref.index)
    return Served(data[: ref.width * HASH_SIZE], BYTES, IMMUTABLE)


def _stream(connection: Connection, peer: str) -> bytes:
    """Return how far the asking ministry's messages and heads came, and what went to it.

    JCS ``{received, early, sent, cosigned}``: the next number and last digest of its stream here;
    its early numbers; the last number of the stream to it; the newest head of this log that it
    cosigned, with its cosignatures.
    """
    incoming = streams.stream_in(connection, peer)
    outgoing = streams.stream_out(connection, peer)
    cosigned = log.last_cosigned(connection, peer)
    received = None
    if incoming is not None:
        received = {
            "epoch": incoming.epoch,
            "next": incoming.next_seq,
            "prev": incoming.prev,
        }
    sent = None
    if outgoing is not None:
        sent = {"epoch": outgoing.epoch, "next": outgoing.next_seq}
    return canonical(
        {
            "received": received,
            "early": streams.held_numbers(connection, peer),
            "sent": sent,
            "cosigned": _cosigned_by(connection, peer, cosigned) if cosigned else None,
        }
    )


def _cosigned_by(connection: Connection, peer: str, size: int) -> str:
    head = log.head_at(connection, size)
    if head is None:
        raise _absent()
    rows = log.cosignatures_at(connection, size)
    lines = [row.line for row in rows if row.cosigner == peer]
    return heads.with_lines(head.note, lines).decode()


def _message(connection: Connection, peer: str, epoch: int, seq: int) -> bytes:
    row = streams.message_in_by_number(connection, peer, epoch, seq)
    if row is None:
        raise _absent()
    return canonical(
        {
            "message": parse_canonical(row.envelope, limit=MESSAGE),
            "receipt": parse_canonical(row.receipt, limit=MESSAGE),
        }
    )
