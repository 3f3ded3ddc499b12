"""What a node answers a partner outside the numbered stream.

Owns the answers to ``fetch``, ``exhibit-range`` and ``checkpoint`` messages. They change nothing
but what was cosigned.
"""

from api.domain.errors import Invalid, NotFound
from api.ports.policy import Action, Resource
from api.records import packages, streams
from api.services.authorising import authorise, peer_caller
from api.services.log import misbehaviour, witnessing
from api.services.node import Node
from api.services.road import delivering
from api.wire.canonical import Json, canonical, parse_canonical
from api.wire.limits import MESSAGE
from api.wire.message_bodies import ExhibitRange, Fetch
from api.wire.messages import Evidence, MessageBody

_MOST_FETCHED = 32


def fetched(node: Node, peer: str, body: MessageBody) -> bytes:
    """Return ``{"requests": [...]}``: stored messages with fresh evidence, as many as fit.

    Raises:
        NotFound: ``message.unknown``: no message of that range was ever composed.
    """
    wanted = Fetch.from_json(body.body)
    last = min(wanted.last, wanted.first + _MOST_FETCHED - 1)
    rows = node.db.read(
        lambda connection: streams.sent_by_number(
            connection, peer, wanted.epoch, wanted.first, last
        )
    )
    if not rows:
        raise NotFound("message.unknown", "No message of that range was sent to you.")
    size = node.db.read(lambda connection: delivering.cosigned_by(connection, peer))
    requests: list[Json] = []
    total = 0
    for row in rows:
        request = delivering.build_request(node, row, size)
        total += len(request)
        if requests and total > MESSAGE:
            break
        requests.append(parse_canonical(request, limit=MESSAGE))
    return canonical({"requests": requests})


def exhibit_range(node: Node, peer: str, body: MessageBody) -> bytes:
    """Return bytes of an exhibit that was released to this peer.

    Raises:
        NotFound: ``exhibit.unknown``: absent, or not released to this peer.
    """
    wanted = ExhibitRange.from_json(body.body)
    allowed = node.db.read(lambda connection: packages.released_to(connection, wanted.digest))
    resource = Resource(
        "exhibit", wanted.digest, {"recused": frozenset(), "released_to": frozenset(allowed)}
    )
    authorise(
        node,
        peer_caller(node, peer),
        Action.EXHIBIT_FETCH,
        resource,
        visible_by=Action.EXHIBIT_FETCH,
    )
    stored = node.store.head(wanted.digest)
    if stored is None:
        raise NotFound("exhibit.unknown", "There is no such exhibit here.")
    end = min(wanted.offset + wanted.length, stored.size)
    return b"".join(node.store.read(wanted.digest, min(wanted.offset, end), end))


def cosigned(node: Node, peer: str, body: MessageBody, evidence: Evidence) -> bytes:
    """Cosign a partner's head outside any delivery; returns the cosignature lines.

    Raises:
        Refused, Conflict, Invalid: as ``witnessing.examine``.
        Unavailable: ``node.restoring``.
    """
    try:
        examined = node.db.read(
            lambda connection: witnessing.examine(node, connection, peer, evidence)
        )
    except Invalid as error:
        if error.code == witnessing.INCONSISTENT:
            misbehaviour.refused(node, peer, evidence.checkpoint.encode())
        raise
    word = witnessing.cosign(node, examined, body.substantive_size)
    node.db.write(lambda unit: witnessing.persist(unit, examined, word))
    return "".join(f"{line}\n" for line in word.lines).encode()
