"""Applies stored messages and fetches what is missing before early ones."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection

from api.domain.errors import ComityError
from api.records import node_state, streams
from api.services.node import Node
from api.services.road import applying, fetching
from api.wire.errors import WireError


def process_inbox(node: Node, pool: ThreadPoolExecutor) -> bool:
    """Apply one message of each peer that has one; returns whether any was applied.

    A message that meets a defect here waits, and is tried again; the other peers' go on.
    """
    if node.db.read(node_state.restoring):
        return False
    worked, failed = False, None
    for peer in node.db.read(streams.peers_to_process):
        try:
            worked = applying.process_next(node, peer, pool) or worked
        except ComityError:
            raise
        except Exception as error:  # noqa: BLE001 - raised below, once the others had their turn
            failed = error
    if failed is not None and not worked:
        raise failed
    return worked


def fill_gaps(node: Node) -> bool:
    """Ask each peer with early messages for those before them; returns whether any came."""

    def gaps(connection: Connection) -> list[str]:
        return streams.peers_with_gaps(connection)

    if node.db.read(node_state.restoring):
        return False
    filled = False
    for peer in node.db.read(gaps):
        try:
            filled = fetching.fetch_gap(node, peer) or filled
        except (ComityError, WireError):
            # The peer is away or answers nonsense; its own re-sending closes the gap as well.
            continue
    return filled


def fetch_exhibits(node: Node) -> bool:
    """Fetch a range of an exhibit that a received package still lacks."""
    if node.db.read(node_state.restoring):
        return False
    return fetching.fetch_exhibits(node)
