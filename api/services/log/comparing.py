"""Compares what different witnesses hold of one log, so that a fork does not stay unseen.

Owns the question "does every member see the same history of that log?". A ministry that shows two
partners two histories has signed a head of each. This node holds one; it asks every other witness
for the newest head it cosigned of that log (C2SP tlog-witness monitoring) and judges it:

* not larger than the head cosigned here: by the leaf hashes stored here;
* larger: by the witness's copy of the hash tiles, a few tiles suffice. They are believed only if
  they give the root that the log itself signed.

What contradicts becomes a proof (``services/log/misbehaviour.py``). No trust in the witness is
needed, so a witness can hide a fork by silence but cannot invent one.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from api.domain.errors import ComityError, Invalid
from api.domain.misbehaviour import heads_proof
from api.records import node_state, peer_logs
from api.records.peer_logs import PeerLog
from api.services.log import misbehaviour, tail_answers, witnessing
from api.services.log.log_client import RemoteTiles, seen_head
from api.services.log.misbehaviour import Judged, Judgement
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint
from api.tlog.errors import LogError
from api.tlog.merkle import Frontier
from api.tlog.ranges import RangeRoot, range_proof
from api.tlog.tiles import HashReader
from api.wire.misbehaviour import MisbehaviourKind


@dataclass(slots=True)
class Compared:
    """What one process found consistent, so that it does not ask for the same tiles again."""

    known: dict[tuple[str, str], tuple[int, bytes, int]] = field(default_factory=dict)


def others(node: Node, *apart: str) -> list[str]:
    """Return the other members' ids, without those named."""
    left_out = {node.ministry, *apart}
    return [member.id for member in node.membership.members if member.id not in left_out]


def compare_all(node: Node, compared: Compared, *, witness: str = "") -> list[str]:
    """Compare every witness's view of every third log with this node's own.

    Args:
        node: this node.
        compared: what was found consistent before.
        witness: ask this one alone.

    Returns:
        Ids of the proofs that were found; witnesses that are away are passed over.
    """
    found = _own_denied(node, witness)
    views = [(owner, each) for owner in others(node) for each in others(node, owner)]
    asked = [(owner, each) for owner, each in views if witness in {"", each}]
    trusted = _trusted(node) if asked else []
    for owner, each in asked:
        if owner not in trusted:
            continue
        try:
            proof = compare(node, each, owner, compared)
        except (ComityError, LogError):
            # Away, or its answers are of no use; the next round asks again.
            continue
        if proof is not None:
            found.append(proof)
    return found


def _own_denied(node: Node, witness: str) -> list[str]:
    """Look whether a witness shows a head of the own log's tail that it said it holds none of."""
    found: list[str] = []
    if not node.db.read(lambda connection: tail_answers.kept(node, connection, node.ministry)):
        return found
    for each in others(node):
        if witness not in {"", each}:
            continue
        try:
            note = seen_head(node, each, node.ministry)
        except ComityError:
            continue
        denied = None if note is None else tail_answers.denied(node, node.ministry, note)
        if denied is not None:
            member, proof = denied
            found.append(misbehaviour.keep(node, member, MisbehaviourKind.HELD_DENIED, proof))
    return found


def _trusted(node: Node) -> list[str]:
    """Return the members against whom no proof stands: one is enough."""
    return node.db.read(
        lambda connection: [
            owner for owner in others(node) if not node_state.accused(connection, owner)
        ]
    )


def compare(node: Node, witness: str, owner: str, compared: Compared) -> str | None:
    """Compare one witness's newest head of one log with what this node holds of it.

    Returns:
        The id of the proof, if the two cannot be of one history.

    Raises:
        Unavailable, NotFound: the witness is away, or has no tiles of the head it shows.
        LogError: its tiles are of no use.
    """
    note = seen_head(node, witness, owner)
    seen = node.db.read(lambda connection: peer_logs.peer_log(connection, owner))
    if note is None or seen is None:
        return None
    try:
        head = witnessing.open_head(node, owner, note)
    except Invalid:
        # Not what the log signed: a witness can say anything, it proves nothing about the log.
        return None
    state = (head.size, head.root, seen.size)
    if compared.known.get((witness, owner)) == state:
        return None
    shown, note = note, witnessing.bare(node, owner, note)
    found = _judge_head(node, owner, note, head, RemoteTiles(node, witness, owner))
    if found.verdict is Judged.CONTRADICTORY:
        return misbehaviour.contradicted(node, owner, shown, found.proof)
    if found.verdict is Judged.CONSISTENT:
        compared.known[witness, owner] = state
    return None


def _judge_head(
    node: Node, owner: str, note: bytes, head: Checkpoint, tiles: HashReader
) -> Judgement:
    """Judge a head by what is stored here, or, if it is larger, by the tiles given."""

    def local(connection: Connection) -> tuple[Judgement, PeerLog | None]:
        found = misbehaviour.judge(connection, node, owner, note)
        return found, peer_logs.peer_log(connection, owner)

    found, seen = node.db.read(local)
    if found.verdict is not Judged.UNKNOWN or seen is None:
        return found
    return judge_larger(owner, (seen.size, seen.root_hash, seen.note), (head, note), tiles)


def judge_larger(
    owner: str, seen: tuple[int, bytes, bytes], larger: tuple[Checkpoint, bytes], tiles: HashReader
) -> Judgement:
    """Judge a head that is larger than the one held here.

    Args:
        owner: whose log it is.
        seen: size, root and note of the head held here.
        larger: the other head, parsed and as a note.
        tiles: hash tiles of the larger tree, from anyone.

    Raises:
        LogError: the tiles are malformed.
    """
    size, root, note = seen
    head, larger_note = larger
    left, right = range_proof(size, size, head.size, tiles)
    if RangeRoot(size, left).finish(head.size, right) != head.root:
        return Judgement(Judged.UNKNOWN)
    if Frontier(size, left).root() == root:
        return Judgement(Judged.CONSISTENT)
    return Judgement(Judged.CONTRADICTORY, heads_proof(owner, note, larger_note, tiles))


def judge_refused(node: Node, *, owner: str = "") -> list[str]:
    """Take up the heads that were refused and could not be judged: ask log and witnesses.

    Args:
        node: this node.
        owner: only heads of this ministry's log.

    Returns:
        Ids of the proofs that were found.
    """
    proofs = []
    refused = [row for row in node.db.read(node_state.refused_heads) if owner in {"", row.peer}]
    trusted = _trusted(node) if refused else []
    for row in refused:
        if row.peer not in trusted:
            continue
        found = _judge_anywhere(node, row.peer, row.proof)
        given_up = tail_answers.given_up(node, row.peer, row.proof)
        if found.verdict is Judged.CONTRADICTORY and not given_up:
            proofs.append(misbehaviour.keep_heads(node, row.peer, found.proof))
        if found.verdict is not Judged.UNKNOWN:
            misbehaviour.settle(node, row.id, found.verdict)
    return proofs


def _judge_anywhere(node: Node, owner: str, note: bytes) -> Judgement:
    head = witnessing.open_head(node, owner, note)
    for source in [owner, *others(node, owner)]:
        try:
            found = _judge_head(node, owner, note, head, RemoteTiles(node, source, owner))
        except (ComityError, LogError):
            continue
        if found.verdict is not Judged.UNKNOWN:
            return found
    return Judgement(Judged.UNKNOWN)
