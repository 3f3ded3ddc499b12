"""The leaf hashes that this node holds: of its own log, and of its partners' up to a seen head.

Owns one look-up; changes nothing.
"""

from sqlalchemy import Connection

from api.records import log, peer_logs
from api.services.node import Node
from api.tlog.merkle import HASH_SIZE
from api.tlog.tiles import TILE_WIDTH


def held(node: Node, connection: Connection, ministry: str, index: int) -> bytes | None:
    """Return the hash of one leaf of a ministry's log, or ``None`` if it is not held here."""
    n, at = divmod(index, TILE_WIDTH)
    if ministry == node.ministry:
        tile = log.tile(connection, 0, n)
    else:
        tile = peer_logs.peer_tile(connection, ministry, 0, n)
    data = bytes(tile or b"")[HASH_SIZE * at : HASH_SIZE * (at + 1)]
    return data if len(data) == HASH_SIZE else None
