"""One entry of the log with its proof, step by step, as a page draws it and a person can repeat it.

Owns the view; the hashing is ``tlog``'s. Changes nothing.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from api.ports.policy import Action
from api.records import audit, log
from api.services.audit import auditing
from api.services.audit.auditing import EventView
from api.services.authorising import Caller, authorise, collection, unknown
from api.services.log import checkpoints
from api.services.node import Node
from api.tlog.merkle import leaf_hash, node_hash


@dataclass(frozen=True, slots=True)
class Step:
    """One hash of the path.

    Attributes:
        left: the sibling stands on the left.
        sibling: hex.
        result: hex of the hash of both.
    """

    left: bool
    sibling: str
    result: str


@dataclass(frozen=True, slots=True)
class EntryProof:
    """One entry and the way from it to a signed head (RFC 6962 section 2.1.1).

    Attributes:
        view: the event as auditors see it.
        index: its leaf.
        size: leaves of the head.
        root: hex root of the head.
        entry: hex of the leaf entry (both commitments).
        leaf: hex of the leaf's hash.
        steps: from the leaf to the root.
        holds: the last result is the root.
        cosigners: partners that cosigned a head of this size or a later one.
    """

    view: EventView
    index: int
    size: int
    root: str
    entry: str
    leaf: str
    steps: tuple[Step, ...]
    holds: bool
    cosigners: tuple[str, ...]


def entry_proof(node: Node, caller: Caller, index: int) -> EntryProof:
    """Return one entry of the log with its inclusion proof in the newest signed head.

    Raises:
        NotFound: ``entry.unknown``: no such leaf, or the event behind it was erased.
    """
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))
    view = auditing.at(node, caller, index)
    return node.db.read(lambda connection: _proof(node, connection, index, view))


def _proof(node: Node, connection: Connection, index: int, view: EventView) -> EntryProof:
    head = log.newest_head(connection)
    row = audit.event_at(connection, index) if head is not None else None
    if head is None or row is None or not 0 <= index < head.size or row.body is None:
        raise unknown("entry")
    size = head.size
    entry = checkpoints.entry_of(row)
    path = checkpoints.prove_inclusion(connection, index, size)
    steps = _steps(leaf_hash(entry), index, size, path)
    peers = [one.id for one in node.membership.members if one.id != node.ministry]
    return EntryProof(
        view=view,
        index=index,
        size=size,
        root=head.root,
        entry=entry.hex(),
        leaf=leaf_hash(entry).hex(),
        steps=steps,
        holds=(steps[-1].result if steps else leaf_hash(entry).hex()) == head.root,
        cosigners=tuple(one for one in peers if log.last_cosigned(connection, one) > index),
    )


def _steps(start: bytes, index: int, size: int, path: list[bytes]) -> tuple[Step, ...]:
    """Return the walk of RFC 9162 section 2.1.3.2, each step with its result."""
    found: list[Step] = []
    at, place, last = start, index, size - 1
    for sibling in path:
        left = place % 2 == 1 or place == last
        at = node_hash(sibling, at) if left else node_hash(at, sibling)
        found.append(Step(left, sibling.hex(), at.hex()))
        if left:
            while place % 2 == 0 and place != 0:
                place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    return tuple(found)
