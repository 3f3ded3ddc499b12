"""Closes the unwitnessed tail, and ties partners' heads into this node's own log.

Owns two quiet duties, both built so that an idle federation comes to rest:

* **Asking for cosignatures.** Deliveries carry the newest head along. What no delivery carried,
  such as the event of the last receipt, is offered in a ``checkpoint`` message. Cosigning is no
  event at either end, so this grows no log. A member that runs a plain C2SP witness and knows no
  such message is asked by ``add-checkpoint``.
* **Anchoring.** On a fixed schedule the head of a partner's log that was cosigned here is recorded
  as an event (``anchor.recorded``), so that this log, and through it every witness of this log,
  vouches for it too. Only if the partner's ``substantive_size`` grew since: an anchor is not
  substantive, so two nodes never anchor each other's anchors.
"""

from datetime import timedelta

from sqlalchemy import Connection

from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import log, node_state, peer_logs, streams
from api.records.peer_logs import PeerLog
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import authorise, collection, node_caller
from api.services.log import guard
from api.services.log.add_checkpoint import CosigningOutcome
from api.services.node import Node
from api.services.road import offering
from api.wire.encoding import parse_instant

_ANCHOR = "anchor:"


def is_due_for_cosigning(connection: Connection, peer: str) -> bool:
    """Tell whether a partner lacks the newest head and gets no delivery now."""
    head = log.newest_head(connection)
    if head is None or streams.owed(connection, peer):
        return False
    return log.last_cosigned(connection, peer) < head.size


def ask_to_cosign(node: Node, peer: str) -> bool:
    """Offer the newest head to a partner and store its cosignature.

    Returns:
        Whether the newest head is cosigned by that partner now.

    Raises:
        Unavailable: ``peer.unreachable``, ``log.behind``.
    """
    answered = offering.offer_newest(node, peer)
    if answered.outcome in {CosigningOutcome.OTHER_SIZE, CosigningOutcome.CONTRADICTION}:
        # The partner holds a head that is not below ours, or one that ours contradicts: have we
        # forgotten something?
        guard.noticed(node, peer)
    return answered.outcome is CosigningOutcome.COSIGNED


def anchor_due(node: Node) -> list[str]:
    """Anchor the head of every partner whose log grew in substance since its last anchor.

    Returns:
        The partners whose head was anchored now; at most once each in ``Limits.anchor_every``.
    """
    anchored = []
    for seen in node.db.read(_grown):
        if _waited(node, seen):
            _anchor(node, seen)
            anchored.append(seen.peer)
    return anchored


def has_grown(node: Node) -> bool:
    """Tell whether any partner's log grew in substance since its last anchor."""
    return bool(node.db.read(_grown))


def _grown(connection: Connection) -> list[PeerLog]:
    found = []
    for seen in peer_logs.peer_logs(connection):
        text = node_state.value(connection, _ANCHOR + seen.peer)
        known = int(text.partition(":")[0]) if text is not None else 0
        if seen.substantive > known:
            found.append(seen)
    return found


def _waited(node: Node, seen: PeerLog) -> bool:
    at = node.db.read(lambda connection: node_state.since(connection, _ANCHOR + seen.peer))
    wait = timedelta(seconds=node.limits.anchor_every)
    return not at or node.clock.now() >= parse_instant(at) + wait


def _anchor(node: Node, seen: PeerLog) -> None:
    permit = authorise(node, node_caller(node), Action.HEAD_ANCHOR, collection("log"))
    peer = seen.peer
    place = f"{seen.size}:{seen.root}"

    def write(unit: Unit) -> None:
        text = f"{seen.substantive}:{place}"
        node_state.put(unit, _ANCHOR + peer, text, node.now())
        entry = recording.Entry(
            act=Act.ANCHOR_RECORDED,
            subject=Subject("head", f"{peer}:{place}"),
            policies=permit.policies,
            policy_set=permit.policy_set,
        )
        recording.record(node, unit, entry)

    node.db.write(write)
