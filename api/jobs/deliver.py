"""Carries the outbox to one peer: composes; sends in stream order, waits as the back-off says.

The next message is composed while the partner reads the one before.
"""

from sqlalchemy import Connection

from api.records import node_state, streams
from api.records.stream_rows import Attempt, MessageOut
from api.services.log import guard
from api.services.node import Node
from api.services.operations.status import STOP_SWITCH
from api.services.road import delivering, partner_memberships

_REFUSALS = "refused"
# What a partner answers to a node that went back in time and signs on.
_FORGOTTEN = {"equivocation", "log.inconsistent", "log.size", "stream.floor", "stream.prev"}


def may_compose(node: Node, peer: str) -> bool:
    """Tell whether a message to a peer is to be composed now."""
    batch = node.limits.batch
    return node.db.look(lambda connection: streams.may_compose(connection, peer, batch))


def may_send(node: Node, peer: str) -> bool:
    """Tell whether any message to a peer has no receipt."""
    return node.db.look(lambda connection: streams.awaits_receipt(connection, peer))


def compose(node: Node, peer: str) -> bool:
    """Compose a message of what waits; returns whether there was any."""
    if node.db.read(node_state.restoring):
        return False
    return delivering.compose(node, peer) is not None


def send(node: Node, peer: str) -> bool:
    """Send the oldest message without a receipt; returns whether it is receipted now."""
    if node.db.read(node_state.restoring):
        return False
    message, tried = node.db.read(lambda connection: _next(node, connection, peer))
    if message is None:
        return False
    waits = partner_memberships.lacks_our_keys(node, peer)
    sent = delivering.Sent("retry", waits) if waits else delivering.send(node, message)
    if sent.outcome == "receipted":
        if tried is not None:
            delivering.note_attempt(node, peer, sent)
        return True
    if sent.code in _FORGOTTEN:
        # The partner knows of heads or numbers that this node does not: has a disk been swapped?
        guard.noticed(node, peer)
    delivering.note_attempt(node, peer, sent)
    refusals = (tried.refusals if tried is not None else 0) + 1
    if sent.outcome == _REFUSALS and refusals >= node.limits.retry_refusals:
        delivering.abandon(node, message, sent.code)
    return False


def _next(
    node: Node, connection: Connection, peer: str
) -> tuple[MessageOut | None, Attempt | None]:
    """Return the message to send now and the retry state, honouring switch and back-off."""
    if node_state.value(connection, STOP_SWITCH) == "on":
        return None, None
    tried = streams.attempts(connection).get(peer)
    if tried is not None and tried.next_at > node.now():
        return None, tried
    rows = streams.unreceipted(connection, peer, 1)
    return (rows[0] if rows else None), tried
