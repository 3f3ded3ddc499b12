"""Applies stored messages and fetches what is missing before early ones.

Every failure concerns the partner whose message or answer met it: the others have their turn.
"""

import logging
from concurrent.futures import ThreadPoolExecutor

from api.domain.errors import ComityError, Conflict
from api.records import node_state, streams
from api.services.log.comparing import others
from api.services.node import Node
from api.services.road import applying, collecting, fetching
from api.wire.errors import WireError

_log = logging.getLogger(__name__)


def arrived(node: Node) -> bool:
    """Tell whether any message is stored and not processed."""
    return bool(node.db.look(streams.peers_to_process))


def process_inbox(node: Node, pool: ThreadPoolExecutor) -> bool:
    """Apply one message of each peer that has one; returns whether any was applied.

    A message that meets a defect here waits, and is tried again; the other peers' go on.
    """
    peers = node.db.look(streams.peers_to_process)
    if not peers or node.db.read(node_state.restoring):
        return False
    worked, failed = False, None
    for peer in peers:
        try:
            worked = applying.process_next(node, peer, pool) or worked
        except Conflict:
            # Another worker took it.
            continue
        except Exception as error:  # noqa: BLE001 - raised below, once the others had their turn
            _log.exception("message not applied", extra={"peer": peer})
            failed = error
    if failed is not None and not worked:
        raise failed
    return worked


def has_gaps(node: Node, peer: str) -> bool:
    """Tell whether an early message of a peer waits for others before it."""
    return peer in node.db.look(streams.peers_with_gaps)


def fill_gaps(node: Node, peer: str = "") -> bool:
    """Ask for the messages before early ones; returns whether any came.

    Args:
        node: this node.
        peer: the partner to ask; empty for all.
    """
    peers = [each for each in node.db.look(streams.peers_with_gaps) if peer in {"", each}]
    if not peers or node.db.read(node_state.restoring):
        return False
    filled = False
    for each in peers:
        try:
            filled = fetching.fetch_gap(node, each) or filled
        except (ComityError, WireError):
            # The peer is away or answers nonsense; its own re-sending closes the gap as well.
            continue
        except Exception:  # noqa: BLE001 - a defect met with one partner is one partner's
            _log.exception("gap not filled", extra={"peer": each})
    return filled


def fetch_exhibits(node: Node, peer: str = "") -> bool:
    """Fetch a range of each exhibit that a received package still lacks.

    Args:
        node: this node.
        peer: the partner to ask; empty for all.

    Returns:
        Whether anything came.
    """
    asked = [peer] if peer else others(node)
    peers = [each for each in asked if collecting.outstanding(node, each)]
    if not peers or node.db.read(node_state.restoring):
        return False
    came = False
    for each in peers:
        came = collecting.collect(node, each) or came
    return came
