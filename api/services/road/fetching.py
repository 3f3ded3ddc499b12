"""Asks partners for what is missing: numbered messages, and bytes.

Owns the requests of kind ``fetch`` and ``exhibit-range``; what comes back walks the same road as
what a partner sends by itself.
"""

import logging
from dataclasses import replace

from sqlalchemy import Connection

from api.domain.errors import ComityError, Unavailable
from api.records import peer_logs, streams
from api.services import sealing
from api.services.log import checkpoints, witnessing
from api.services.node import Node
from api.services.road import offering, receiving
from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE, split_hashes
from api.tlog.proofs import consistency_proof
from api.wire.canonical import canonical, parse
from api.wire.errors import WireError
from api.wire.limits import MESSAGE
from api.wire.message_bodies import Fetch
from api.wire.messages import (
    ConsistencyPath,
    Evidence,
    MessageBody,
    MessageKind,
    compose_message,
    compose_request,
    parse_request,
)

AWAY = frozenset({"peer.unreachable", "peer.busy", "peer.later"})
"""Codes of a partner that is not to be asked again at once."""
_log = logging.getLogger(__name__)


def ask(node: Node, peer: str, kind: MessageKind, body: dict[str, object]) -> bytes:
    """Send a message of a kind without number and return the answer.

    Raises:
        Unavailable: ``peer.unreachable``, ``peer.refused``.
    """
    head = checkpoints.newest(node)
    stream = node.db.read(lambda connection: streams.stream_out(connection, peer))
    payload = compose_message(
        MessageBody(
            from_=node.ministry,
            to=peer,
            id=node.entropy.identifier(),
            kind=kind,
            epoch=stream.epoch if stream is not None else 1,
            seq=None,
            prev=None,
            body=body,  # type: ignore[arg-type]
            substantive_size=node.db.read(checkpoints.substantive_size),
            issued_at=node.now(),
        )
    )
    request = compose_request(sealing.seal_message(node, payload), Evidence(head.note.decode()))
    reply = node.transport.post(peer, offering.PATH, request, content_type="application/json")
    if reply.status != 200:  # noqa: PLR2004
        raise Unavailable("peer.refused", "The peer does not answer this request.")
    return reply.body


def fetch_gap(node: Node, peer: str) -> bool:
    """Fetch the messages between the stream's floor and the first early one.

    Returns:
        Whether at least one message was stored.
    """

    def missing(connection: Connection) -> tuple[int, int, int] | None:
        stream = streams.stream_in(connection, peer)
        epoch, first = (stream.epoch, stream.next_seq) if stream is not None else (1, 1)
        early = streams.first_held(connection, peer, epoch)
        return None if early is None else (epoch, first, early - 1)

    gap = node.db.read(missing)
    if gap is None:
        return False
    epoch, first, last = gap
    answer = parse(
        ask(node, peer, MessageKind.FETCH, dict(Fetch(epoch, first, last).to_json())), limit=MESSAGE
    )
    requests = answer.get("requests") if isinstance(answer, dict) else None
    stored = False
    for request in requests if isinstance(requests, list) else []:
        try:
            receiving.accept(node, _from_here(node, peer, canonical(request)), request="fetch")
        except (ComityError, LogError, WireError):
            continue
        stored = True
    return stored


def _from_here(node: Node, peer: str, request: bytes) -> bytes:
    """Return a fetched request with its evidence from the size that this node cosigned last.

    The partner cannot know that size: it lacks the receipts of what came early, and each message
    of the run moves it on. Nothing is trusted by this, because the head that the partner signed
    must still follow from the leaves.

    Raises:
        WireError, LogError: the request is malformed, or its leaves are.
    """
    raw, stated = parse_request(request)
    start = stated.consistency.from_ if stated.consistency is not None else 0
    size = start + len(stated.leaves) // HASH_SIZE

    def rebased(connection: Connection) -> Evidence:
        seen = peer_logs.peer_log(connection, peer)
        old = seen.size if seen is not None else 0
        if not start < old <= size:
            return stated
        leaves = stated.leaves[HASH_SIZE * (old - start) :]
        fresh = witnessing.extend(connection, peer, old, split_hashes(leaves))
        tiles = witnessing.PeerTiles(connection, peer, fresh)
        path = ConsistencyPath(old, tuple(consistency_proof(old, size, tiles)))
        return replace(stated, leaves=leaves, consistency=path)

    return compose_request(raw, node.db.read(rebased))
