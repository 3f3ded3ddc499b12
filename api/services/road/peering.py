"""The other members as this node knows them.

Owns the view of streams and witnessing per partner; changes nothing.
"""

from typing import Any

from sqlalchemy import Connection

from api.ports.policy import Action
from api.records import log, peer_logs, streams
from api.services.authorising import Caller, authorise, collection
from api.services.node import Node
from api.services.operations import status
from api.services.road import epochs


def listed(node: Node, caller: Caller) -> list[dict[str, Any]]:
    """Return one entry for each other member."""
    authorise(node, caller, Action.PEER_LIST, collection("peers"))
    others = [member for member in node.membership.members if member.id != node.ministry]
    figures = status.figures(node)

    def read(connection: Connection) -> list[dict[str, Any]]:
        return [
            {
                "ministry": member.id,
                "jurisdiction": member.jurisdiction,
                "name": member.name,
                "url": member.url,
                "origin": member.origin,
                "cosigned_our_log": log.last_cosigned(connection, member.id),
                "our_view_of_their_log": _seen(connection, member.id),
                "sending": _sending(connection, member.id),
                "epoch_change": _epoch_change(connection, member.id),
                "queue": figures.queues.get(member.id, {}),
                "attempts": figures.attempts.get(member.id),
            }
            for member in others
        ]

    entries = node.db.read(read)
    for entry in entries:
        entry["stream"] = status.sent_counts(node, entry["ministry"])
    return entries


def _sending(connection: Connection, peer: str) -> dict[str, Any] | None:
    """Epoch, next number and state of the stream to a peer; ``None`` before the first message."""
    row = streams.stream_out(connection, peer)
    return (
        None if row is None else {"epoch": row.epoch, "next_seq": row.next_seq, "state": row.state}
    )


def _epoch_change(connection: Connection, peer: str) -> dict[str, Any] | None:
    change = epochs.proposed(connection, peer)
    return None if change is None else change.to_json()


def _seen(connection: Connection, peer: str) -> dict[str, Any] | None:
    row = peer_logs.peer_log(connection, peer)
    return None if row is None else {"size": row.size, "root": row.root}
