"""The times that a message's items are dated against, told from heads and stored with the message.

Owns the columns ``head_size``, ``head_at`` and ``item_times`` of ``messages_in``. The limits are
``domain.dating``'s. What is stored at receipt is never told anew: applying reads it; verifiers and
recoveries judge no dates at all.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from api.domain.dating import Times
from api.domain.log_trust import log_verifiers
from api.records import peer_logs, seen_heads
from api.records.stream_rows import MessageIn
from api.services.node import Node
from api.tlog.errors import LogError
from api.tlog.heads import open_checkpoint
from api.wire.encoding import format_instant


def signed_at(node: Node, peer: str, note: bytes) -> str | None:
    """Return the time that a log's ML-DSA-44 signature on a head bears, if it has one."""
    try:
        opened = open_checkpoint(note, log_verifiers(node.membership.member(peer)))
    except LogError:
        return None
    times = [one.timestamp for one in opened.log_signatures if one.timestamp is not None]
    return format_instant(datetime.fromtimestamp(min(times), UTC)) if times else None


def stored_with(
    node: Node, connection: Connection, peer: str, note: bytes, size: int, indexes: Sequence[int]
) -> dict[str, Any]:
    """Return what is stored with a message about its dates.

    Args:
        node: this node.
        connection: open for reading, before the message's head is stored.
        peer: who sent it.
        note: the head that the message brings.
        size: of that head.
        indexes: leaves of its items, in order.
    """
    seen = peer_logs.peer_log(connection, peer)
    newest = None
    if seen is not None and seen.size > 0:
        newest = (seen.size, signed_at(node, peer, seen.note))
    times = []
    for index in indexes:
        brought = seen_heads.head_too_small(connection, peer, index)
        head_at = brought.head_at if brought is not None else None
        if newest is not None and newest[0] <= index:
            head_at = newest[1]
        times.append([head_at, seen_heads.last_head_too_small(connection, peer, index)])
    return {
        "head_size": size,
        "head_at": signed_at(node, peer, note),
        "item_times": json.dumps(times),
    }


def times_of(message: MessageIn, ordinal: int) -> Times:
    """Return what an item of a stored message is dated against."""
    listed = json.loads(message.item_times) if message.item_times is not None else []
    if ordinal >= len(listed):
        return Times(message.received_at)
    return Times(message.received_at, *listed[ordinal])
