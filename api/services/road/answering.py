"""What a node answers a partner outside the numbered stream.

Owns the answers to ``fetch``, ``exhibit-range`` and ``checkpoint`` messages, and what holds for all
three (PROTOCOL §9, *Unnumbered requests*): the request is of these five minutes and is answered
once per id. What is pulled leaves this node like what is sent: the stop switch ends it, and it is
an event (the first and the last range of an exhibit, each run of messages).
"""

from datetime import timedelta
from typing import Final

from api.domain.errors import Conflict, Invalid, NotFound, Unavailable
from api.domain.events import Act, Actor, Subject
from api.domain.quotas import Allowance, Share
from api.ports.policy import Action, Resource
from api.records import answered, node_state, packages, streams
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import Permit, authorise, peer_caller
from api.services.log import misbehaviour, tail_answers, witnessing
from api.services.node import Node
from api.services.operations.status import STOP_SWITCH
from api.services.road import delivering, offering, traffic
from api.wire.canonical import Json, canonical, parse_canonical
from api.wire.encoding import parse_instant
from api.wire.limits import MESSAGE
from api.wire.message_bodies import ExhibitRange, Fetch
from api.wire.messages import Evidence, MessageBody

TIME: Final = timedelta(minutes=5)
"""How far a request's own time may lie from this node's clock, before or after."""

_MOST_FETCHED = 32


def admit(node: Node, peer: str, body: MessageBody) -> None:
    """Let a request without number pass once, and only in its time.

    Captured bytes are worth nothing: not later, and not twice.

    Raises:
        Invalid: ``message.time``.
        Conflict: ``message.answered``.
    """
    now = node.clock.now()
    if body.issued_at is None or abs(now - parse_instant(body.issued_at)) > TIME:
        raise Invalid("message.time", "Ask anew: the request's time is not that of this node.")
    at = body.issued_at
    try:
        node.db.write(lambda unit: answered.remember(unit, peer, body.id, at, kept=2 * TIME))
    except Taken as error:
        raise Conflict("message.answered", "Ask anew, with another id.") from error


def _require_open(node: Node) -> None:
    if node.db.read(lambda connection: node_state.value(connection, STOP_SWITCH)) == "on":
        raise Unavailable("node.stopped", "Nothing leaves this node now; try again later.")


def _note(node: Node, peer: str, permit: Permit, act: Act, subject: Subject, code: str) -> None:
    """Write down what is about to leave; where that cannot be written, it does not leave."""
    node.charge(peer, Allowance.EVENTS)
    entry = recording.Entry(
        act=act,
        subject=subject,
        actor=Actor("peer", sub=peer),
        origin="peer",
        code=code,
        policies=permit.policies,
        policy_set=permit.policy_set,
    )
    node.db.write(lambda unit: recording.record(node, unit, entry))


def fetched(node: Node, peer: str, body: MessageBody) -> bytes:
    """Return ``{"requests": [...]}``: stored messages with fresh evidence, as many as fit.

    Raises:
        NotFound: ``message.unknown``: no message of that range was ever composed.
        Unavailable: ``node.stopped``, ``node.restoring``; ``log.behind``: the heads in between
            are to be cosigned first, so that the answer does not grow with the backlog.
    """
    _require_open(node)
    wanted = Fetch.from_json(body.body)
    stream = Resource("stream", peer, {"peer": peer})
    permit = authorise(node, peer_caller(node, peer), Action.MESSAGE_FETCH, stream)
    last = min(wanted.last, wanted.first + _MOST_FETCHED - 1)
    rows = node.db.read(
        lambda connection: streams.sent_by_number(
            connection, peer, wanted.epoch, wanted.first, last
        )
    )
    if not rows:
        raise NotFound("message.unknown", "No message of that range was sent to you.")
    size = node.db.read(lambda connection: delivering.cosigned_by(connection, peer))
    if not offering.within_reach(node, size):
        raise Unavailable("log.behind", "Cosign the heads that are offered to you; ask again.")
    requests: list[Json] = []
    total = 0
    for row in rows:
        request = delivering.build_request(node, row, size)
        total += len(request)
        if requests and total > MESSAGE:
            break
        requests.append(parse_canonical(request, limit=MESSAGE))
    numbers = f"{wanted.first}-{wanted.first + len(requests) - 1}"
    subject = Subject("stream", f"{peer}:{wanted.epoch}:{numbers}")
    _note(node, peer, permit, Act.MESSAGE_SERVED, subject, "")
    return canonical({"requests": requests})


def exhibit_range(node: Node, peer: str, body: MessageBody) -> bytes:
    """Return bytes of an exhibit of a package that this ministry released to this peer.

    What is held for other packages never shows: the answer depends on the package asked for, on
    this ministry's own active release of it, and on the digests that it lists.

    Raises:
        NotFound: ``exhibit.unknown``: absent, or not released to this peer with that package.
        Unavailable: ``node.stopped``, ``node.restoring``.
        TooMany: ``peer.quota``: the bytes of exhibits that go to one partner in a day are bounded.
    """
    _require_open(node)
    wanted = ExhibitRange.from_json(body.body)
    allowed = node.db.read(
        lambda connection: packages.released_with(
            connection, wanted.package, wanted.digest, node.ministry
        )
    )
    resource = Resource(
        "exhibit", wanted.digest, {"recused": frozenset(), "released_to": frozenset(allowed)}
    )
    permit = authorise(
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
    length = max(0, end - wanted.offset)
    node.db.write(lambda unit: traffic.charge(node, unit, peer, Share.EXHIBITS_OUT, length))
    data = b"".join(node.store.read(wanted.digest, min(wanted.offset, end), end))
    part = _PART[wanted.offset == 0, end == stored.size]
    if part:
        subject = Subject("exhibit", wanted.digest)
        _note(node, peer, permit, Act.EXHIBIT_SERVED, subject, part)
    return data


_PART: Final = {
    (True, True): "exhibit.whole",
    (True, False): "exhibit.first-range",
    (False, True): "exhibit.last-range",
    (False, False): "",
}


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
    told = tail_answers.open_all(node, peer, evidence.held)
    word = witnessing.cosign(node, examined, body.substantive_size)

    def write(unit: Unit) -> None:
        witnessing.persist(unit, examined, word)
        tail_answers.keep(node, unit, peer, told)

    node.db.write(write)
    return "".join(f"{line}\n" for line in word.lines).encode()
