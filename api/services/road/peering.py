"""The other members as this node knows them.

Owns the view of streams and witnessing per partner; changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.notation import Count, Nullable
from api.ports.policy import Action
from api.records import log, peer_logs, streams
from api.services.authorising import Caller, authorise, collection
from api.services.node import Node
from api.services.operations import status
from api.services.operations.status import Attempts, StreamCounts
from api.services.road import epochs
from api.services.road.epochs import ProposedEpoch


@dataclass(frozen=True, slots=True)
class SeenHead:
    """The largest head of a partner's log that this node holds: its size, and its root in hex."""

    size: Count
    root: str


@dataclass(frozen=True, slots=True)
class Sending:
    """The stream to a partner: its epoch, the next number in it, and where it stands."""

    epoch: Count
    next_seq: Count
    state: str


@dataclass(frozen=True, slots=True)
class PeerView:
    """Another member as this node knows it.

    Attributes:
        ministry: its member id.
        jurisdiction: where it is.
        name: its name.
        url: where its node is.
        origin: of its log.
        cosigned_our_log: largest size of this node's log that it cosigned.
        our_view_of_their_log: the newest head of its log seen here, or null.
        sending: the stream to it; null before the first message.
        epoch_change: a new epoch that waits for a second administrator.
        queue: messages by what they wait for.
        attempts: failed attempts to reach it, while there are some.
        stream: delivered statements by what became of them.
    """

    ministry: str
    jurisdiction: str
    name: str
    url: str
    origin: str
    cosigned_our_log: Count
    our_view_of_their_log: Nullable[SeenHead]
    sending: Nullable[Sending]
    epoch_change: Nullable[ProposedEpoch]
    queue: Mapping[str, Count]
    attempts: Nullable[Attempts]
    stream: StreamCounts


def listed(node: Node, caller: Caller, figures: status.Status | None = None) -> list[PeerView]:
    """Return one entry for each other member; ``figures`` of this moment are not read again."""
    authorise(node, caller, Action.PEER_LIST, collection("peers"))
    others = [member for member in node.membership.members if member.id != node.ministry]
    known = figures or status.figures(node)

    def read(connection: Connection) -> list[PeerView]:
        return [
            PeerView(
                ministry=member.id,
                jurisdiction=member.jurisdiction,
                name=member.name,
                url=member.url,
                origin=member.origin,
                cosigned_our_log=log.last_cosigned(connection, member.id),
                our_view_of_their_log=_seen(connection, member.id),
                sending=_sending(connection, member.id),
                epoch_change=_epoch_change(connection, member.id),
                queue=known.queues.get(member.id, {}),
                attempts=known.attempts.get(member.id),
                stream=status.sent_counts(connection, member.id),
            )
            for member in others
        ]

    return node.db.read(read)


def _sending(connection: Connection, peer: str) -> Sending | None:
    row = streams.stream_out(connection, peer)
    return None if row is None else Sending(row.epoch, row.next_seq, row.state)


def _epoch_change(connection: Connection, peer: str) -> ProposedEpoch | None:
    change = epochs.proposed(connection, peer)
    return None if change is None else change.view


def _seen(connection: Connection, peer: str) -> SeenHead | None:
    row = peer_logs.peer_log(connection, peer)
    return None if row is None else SeenHead(row.size, row.root)
