"""Compares the database with the last head remembered outside of it, and moves that memory on.

Owns PROTOCOL §9, *Heads*: a node signs no head, and nothing else, over a database that went back in
time. The order for each head is *commit, remember durably, then serve*:

1. The head is signed over what is committed, and committed with its tiles; nobody is shown it.
   *Crash: the next start finds the database ahead of its memory, of one history, and goes on here.*
2. It is remembered outside the database, by compare-and-set. *Crash: as above.*
3. It is marked as served. *Crash: the next start marks it.*

A database below its memory, with another root at that size, or a log that is not empty without any
memory makes the node read-only (``services/log/guard.py``) before anything is signed.
"""

from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import Conflict, Unavailable
from api.ports.head_memory import Remembered
from api.records import heads, log, node_state
from api.records.unit_of_work import Unit
from api.services.log import guard
from api.services.log.own_tiles import StoredTiles
from api.services.node import Node
from api.tlog.proofs import root_at

_TRIES: Final = 3


class MemoryFinding(StrEnum):
    """What comparing the database with the memory came to; all but the first stop signing."""

    FITS = "fits"
    BELOW = "memory-below"
    OTHER = "memory-other"
    MISSING = "memory-missing"


def compare(node: Node) -> MemoryFinding:
    """Compare the database with what is remembered.

    Raises:
        Unavailable: ``memory.unreachable``, ``memory.unreadable``.
    """
    found = _compare(node, node.memory.read())
    if found is MemoryFinding.MISSING:
        # The first head of all may have been remembered, and then served, since that was read.
        found = _compare(node, node.memory.read())
    return found


def _compare(node: Node, remembered: Remembered | None) -> MemoryFinding:
    def read(connection: Connection) -> MemoryFinding:
        newest = log.newest_signed(connection)
        size = 0 if newest is None else newest.size
        if remembered is None:
            return MemoryFinding.MISSING if log.any_served(connection) else MemoryFinding.FITS
        if size < remembered.size:
            return MemoryFinding.BELOW
        root = root_at(remembered.size, StoredTiles(connection)).hex()
        return MemoryFinding.FITS if root == remembered.root else MemoryFinding.OTHER

    return node.db.read(read)


def check(node: Node) -> bool:
    """Make the node read-only if its database does not fit its memory; at start and before heads.

    Returns:
        Whether the node may sign.

    Raises:
        Unavailable: ``memory.unreachable``, ``memory.unreadable``.
    """
    if node.db.read(node_state.restoring):
        return False
    found = compare(node)
    if found is MemoryFinding.FITS:
        return True
    guard.begin(node, found.value)
    return False


def serve_newest(node: Node) -> None:
    """Steps 2 and 3: remember the newest committed head, then let it be served.

    Raises:
        Unavailable: ``node.restoring``: another history is remembered; ``memory.unreachable``.
        Conflict: ``log.not-leader``: other sequencers move the memory on all the time.
    """
    newest = node.db.read(log.newest_signed)
    if newest is None:
        return
    new = Remembered(newest.size, newest.root)
    for _ in range(_TRIES):
        if not check(node):
            raise node_state.restoring_refusal()
        known = node.memory.read()
        # Another sequencer's head is as good, if it is of this database's history.
        if (known is not None and known.size >= new.size) or node.memory.replace(known, new):
            node.db.write(lambda unit: _serve(unit, new.size))
            return
    raise Conflict("log.not-leader", "Another process integrates this log.")


def _serve(unit: Unit, size: int) -> None:
    heads.serve(unit.connection, size)
    unit.ring("head")


def settle(node: Node) -> None:
    """Remember the head from which a recovered log goes on; the end of a recovery.

    Raises:
        Unavailable: ``recover.tail-remembered``: more was signed than came back.
        Conflict: ``recover.other-history``: what is remembered is not of this history.
    """
    known, newest = node.memory.read(), node.db.read(log.newest_signed)
    if newest is None and known is None:
        return
    found = _compare(node, known)
    if found is MemoryFinding.BELOW:
        raise Unavailable(
            "recover.tail-remembered",
            "This node signed more than any member that answered holds; wait for the others.",
            size=0 if known is None else known.size,
        )
    if found is MemoryFinding.OTHER:
        raise Conflict(
            "recover.other-history",
            "A head that this node signed does not fit the others: two histories were signed.",
            size=0 if known is None else known.size,
        )
    if newest is not None:
        new = Remembered(newest.size, newest.root)
        if known != new and not node.memory.replace(known, new):
            raise Conflict("recover.moved", "The log changed meanwhile; run it again.")
        node.db.write(lambda unit: _serve(unit, new.size))
