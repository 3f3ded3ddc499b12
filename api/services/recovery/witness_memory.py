"""Learns again what a restored node had cosigned as a witness of its partners' logs.

Owns the way back to those heads: cosigning is no event, so a backup may know less than partners
were given. What this node's own witness key signed is believed; where the partner shows nothing,
the other witnesses' heads stand in for it. Whatever does not fit the leaf hashes of the backup is
a partner's misbehaviour, and kept as such.
"""

from sqlalchemy import Connection

from api.domain.errors import ComityError
from api.domain.log_trust import open_head_of, witness_verifiers
from api.records import peer_logs
from api.records.unit_of_work import Unit
from api.services.log import comparing, misbehaviour, witnessing
from api.services.log.log_client import RemoteTiles, seen_head
from api.services.log.misbehaviour import Judged
from api.services.log.witnessing import Examined, PeerTiles
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint
from api.tlog.errors import LogError
from api.tlog.proofs import root_at


def relearn_cosigned(node: Node, peer: str, claimed: bytes) -> bool:
    """Bring what this node cosigned of a partner's log back to where it was.

    Args:
        node: this node, with a database for recovery.
        peer: whose log.
        claimed: the newest head with this node's cosignature that the partner shows; empty if
            the partner is away or shows none. The other witnesses' heads stand in for it then.

    Returns:
        Whether something larger than the backup knew was learnt.
    """
    note = claimed if claimed and _cosigned_here(node, peer, claimed) else _from_others(node, peer)
    if not note:
        return False
    head = witnessing.open_head(node, peer, note)
    found = node.db.read(lambda connection: misbehaviour.judge(connection, node, peer, note))
    if found.verdict is Judged.CONTRADICTORY:
        misbehaviour.keep_heads(node, peer, found.proof)
        return False
    if found.verdict is Judged.CONSISTENT:
        return False
    return _adopt(node, peer, head, note)


def _cosigned_here(node: Node, peer: str, note: bytes) -> bool:
    member, own = node.membership.member(peer), witness_verifiers(node.me)
    try:
        opened = open_head_of(member, note, own)
    except LogError:
        return False
    return bool(opened.cosignatures)


def _from_others(node: Node, peer: str) -> bytes:
    """Return the largest head of a partner's log that another witness cosigned."""
    found: list[tuple[int, bytes]] = []
    for witness in comparing.others(node, peer):
        try:
            note = seen_head(node, witness, peer)
            if note is not None:
                found.append((witnessing.open_head(node, peer, note).size, note))
        except ComityError:
            continue
    return max(found, default=(0, b""))[1]


def _adopt(node: Node, peer: str, head: Checkpoint, note: bytes) -> bool:
    """Store tiles and head of a larger head, from the log's own door or another witness."""
    own = witnessing.bare(node, peer, note)
    for source in [peer, *comparing.others(node, peer)]:
        try:
            examined = _examined(node, peer, head, own, source)
        except (ComityError, LogError):
            continue
        if examined is not None:
            _persist(node, examined)
            return True
    return False


def _persist(node: Node, examined: Examined) -> None:
    cosigned = witnessing.cosign(node, examined, examined.substantive)

    def write(unit: Unit) -> None:
        witnessing.persist(unit, examined, cosigned)

    node.db.write(write)


def _examined(node: Node, peer: str, head: Checkpoint, note: bytes, source: str) -> Examined | None:
    """Return a head whose leaves continue the stored ones, as far as this source can show it."""
    row = node.db.read(lambda connection: peer_logs.peer_log(connection, peer))
    old, substantive = (row.size, row.substantive) if row is not None else (0, 0)
    leaves = RemoteTiles(node, source, peer).leaf_hashes(old, head.size)

    def read(connection: Connection) -> Examined | None:
        tiles = witnessing.extend(connection, peer, old, leaves)
        if root_at(head.size, PeerTiles(connection, peer, tiles)) != head.root:
            return None
        return Examined(peer, old, head.size, head.root, note, tiles, substantive)

    return node.db.read(read)
