"""What a node answers a partner outside the numbered stream, and proofs of misbehaviour.

Owns the answers to ``fetch``, ``exhibit-range`` and ``checkpoint`` messages. They change nothing
but what was cosigned, and, where a partner misbehaves, the table of proofs.
"""

from api.domain.errors import ComityError, NotFound
from api.domain.events import Act, Actor, Subject
from api.ports.policy import Action, Resource
from api.records import node_state, packages, streams
from api.records.unit_of_work import Unit
from api.services import delivering, recording, witnessing
from api.services.authorising import authorise, peer_caller
from api.services.node import Node
from api.wire.canonical import Json, canonical, parse_canonical
from api.wire.digests import digest
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


def cosigned(node: Node, peer: str, evidence: Evidence) -> bytes:
    """Cosign a partner's head outside any delivery; returns the cosignature lines."""
    examined = node.db.read(lambda connection: witnessing.examine(node, connection, peer, evidence))
    lines = witnessing.cosign(node, examined)

    def write(unit: Unit) -> None:
        seen = streams.peer_log(unit.connection, peer)
        witnessing.persist(unit, examined, lines, seen["substantive"] if seen is not None else 0)

    node.db.write(write)
    return "".join(f"{line}\n" for line in lines).encode()


def keep_proof(node: Node, peer: str, kind: str, proof: bytes) -> str:
    """Store a proof of misbehaviour once and freeze the peer's stream; returns its id."""
    proof_id = digest(proof)

    def write(unit: Unit) -> None:
        if node_state.misbehaviour_by_id(unit.connection, proof_id) is not None:
            return
        unit.insert(
            node_state.MISBEHAVIOUR,
            {"id": proof_id, "peer": peer, "kind": kind, "proof": proof, "found_at": node.now()},
        )
        unit.update(streams.STREAMS_IN, {"peer": peer}, {"state": "frozen"})
        act = Act.EQUIVOCATION_KEPT if "reuse" in kind else Act.MISBEHAVIOUR_KEPT
        entry = recording.Entry(
            act=act,
            subject=Subject("misbehaviour", proof_id),
            actor=Actor("peer", sub=peer),
            origin="peer",
            outcome="refused",
            code=kind,
        )
        recording.record(node, unit, entry)

    node.db.write(write)
    return proof_id


def suspect(node: Node, peer: str, checkpoint: str, error: ComityError) -> None:
    """Keep a head signed by a partner's log that does not continue what was seen before."""
    if error.code != "log.inconsistent":
        return
    seen = node.db.read(lambda connection: streams.peer_log(connection, peer))
    proof = canonical(
        {
            "comity": "1",
            "kind": "inconsistent-heads",
            "ministry": peer,
            "first": bytes(seen["note"]).decode() if seen is not None else "",
            "second": checkpoint,
        }
    )
    keep_proof(node, peer, "inconsistent-heads", proof)
