"""Proofs that a partner signed two things of which it may sign one; keeping, showing, ruling.

Owns what happens once something contradictory with a partner's signature has been seen:

* A contradiction that can be proven to anyone becomes a *proof* (format and judgement:
  ``api.domain.misbehaviour``). It is checked again before it is kept, its partner's stream is
  frozen, its log is cosigned no more, and the status shows an alarm until an administrator rules.
* A head that its log signed, that was refused, and that cannot be judged from what this node holds
  is kept as a *refused head*: no proof, no freeze. ``services/log/comparing.py`` asks others about
  it.
* A smaller consistent head is merely old, and a good head with a bad proof is no misbehaviour.

Frozen and proven are local: what other members conclude is theirs, but they need no trust in this
node to check the proof.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.events import THE_NODE, Act, Actor, Subject
from api.domain.misbehaviour import heads_proof, verify_misbehaviour
from api.ports.policy import Action, Resource
from api.records import node_state, peer_logs, streams
from api.records.node_state import REFUSED_HEAD, Misbehaviour
from api.records.stream_rows import StreamState
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, authorise, collection, entry_of
from api.services.log import tail_answers
from api.services.log.witnessing import PeerTiles, bare, open_head
from api.services.node import Node
from api.tlog.note import parse_note
from api.tlog.proofs import root_at
from api.wire.digests import digest
from api.wire.misbehaviour import (
    MisbehaviourKind,
    MisbehaviourProof,
    compose_misbehaviour,
    parse_misbehaviour,
)

_MOST_REFUSED: Final = 64
"""Heads of one log that may wait for a judgement; more are refused and not kept."""


class Ruling(StrEnum):
    """What an administrator decides on a proof: the stream goes on, or stays frozen."""

    RESUME = "resume"
    UPHOLD = node_state.UPHELD


class Judged(StrEnum):
    """What this node's own copy of a log says about a head of it."""

    CONSISTENT = "consistent"
    CONTRADICTORY = "contradictory"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a head, and where it is contradictory the proof."""

    verdict: Judged
    proof: bytes = b""


def judge(connection: Connection, node: Node, peer: str, note: bytes) -> Judgement:
    """Judge a head of a partner's log by the leaf hashes stored here; no larger one can be judged.

    Raises:
        Invalid: ``log.head``: not signed by that log with all its keys.
    """
    head = open_head(node, peer, note)
    seen = peer_logs.peer_log(connection, peer)
    if seen is None or head.size > seen.size:
        return Judgement(Judged.UNKNOWN)
    tiles = PeerTiles(connection, peer)
    if root_at(head.size, tiles) == head.root:
        return Judgement(Judged.CONSISTENT)
    return Judgement(Judged.CONTRADICTORY, heads_proof(peer, note, seen.note, tiles))


def refused(node: Node, peer: str, note: bytes) -> None:
    """Take up a head that was refused as inconsistent: prove it, forget it, or keep it."""
    shown, note = note, bare(node, peer, note)
    found = node.db.read(lambda connection: judge(connection, node, peer, note))
    if found.verdict is Judged.CONTRADICTORY:
        proven = node.db.read(lambda connection: _is_proven(connection, peer, note))
        if not proven and not tail_answers.given_up(node, peer, note):
            contradicted(node, peer, shown, found.proof)
    elif found.verdict is Judged.UNKNOWN:
        _keep_refused(node, peer, note)


def contradicted(node: Node, owner: str, shown: bytes, proof: bytes) -> str:
    """Keep what two contradictory heads prove: against whoever denied one of them, else the log.

    Args:
        node: this node.
        owner: whose log.
        shown: the head that does not fit, with the cosignatures it was shown with.
        proof: the two heads as a proof against ``owner``.

    Returns:
        The id of the proof.
    """
    found = tail_answers.denied(node, owner, shown)
    if found is not None:
        member, against = found
        return keep(node, member, MisbehaviourKind.HELD_DENIED, against)
    return keep_heads(node, owner, proof)


def _is_proven(connection: Connection, peer: str, note: bytes) -> bool:
    """Tell whether a kept proof has this head in it.

    The other head of a proof is the newest one seen, so that the same contradiction would make
    another proof each time, and open again what an administrator has ruled on.
    """
    wanted = parse_note(note).text
    return any(
        wanted == parse_note(half).text
        for kept in node_state.head_proofs(connection, peer)
        for half in _heads_in(kept.proof)
    )


def _heads_in(proof: bytes) -> tuple[bytes, bytes]:
    parsed = parse_misbehaviour(proof)
    return parsed.first, parsed.second


def keep_heads(node: Node, peer: str, proof: bytes) -> str:
    """Keep a proof that consists of two heads; returns its id."""
    return keep(node, peer, MisbehaviourKind.INCONSISTENT_HEADS, proof)


def keep_reuse(node: Node, peer: str, kind: MisbehaviourKind, first: bytes, second: bytes) -> bool:
    """Keep a proof that two sealed contents use one number; returns whether it is one.

    Args:
        node: this node.
        peer: the ministry that sealed both.
        kind: message number or statement number.
        first: raw envelope that was stored first.
        second: the other one.
    """
    proof = compose_misbehaviour(MisbehaviourProof(peer, kind, first, second))
    try:
        keep(node, peer, kind, proof)
    except Invalid:
        return False
    return True


def keep(node: Node, peer: str, kind: MisbehaviourKind, proof: bytes) -> str:
    """Check a proof as an outsider would, store it once, freeze the stream, record it.

    Returns:
        The proof's id, the digest of its bytes.

    Raises:
        Invalid: the proof proves nothing; nothing is kept then.
    """
    verify_misbehaviour(proof, node.membership)
    proof_id = digest(proof)

    def write(unit: Unit) -> None:
        if node_state.misbehaviour_by_id(unit.connection, proof_id) is not None:
            return
        _insert(node, unit, peer, kind, proof)
        _set_stream(unit, peer, StreamState.FROZEN)
        reuse = kind not in {MisbehaviourKind.INCONSISTENT_HEADS, MisbehaviourKind.HELD_DENIED}
        entry = recording.Entry(
            act=Act.EQUIVOCATION_KEPT if reuse else Act.MISBEHAVIOUR_KEPT,
            subject=Subject("misbehaviour", proof_id),
            actor=Actor("peer", sub=peer) if reuse else THE_NODE,
            origin="peer",
            outcome="refused",
            code=kind.value,
        )
        recording.record(node, unit, entry)

    node.db.write(write)
    return proof_id


def _insert(node: Node, unit: Unit, peer: str, kind: str, proof: bytes) -> None:
    row = {
        "id": digest(proof),
        "peer": peer,
        "kind": str(kind),
        "proof": proof,
        "found_at": node.now(),
    }
    unit.insert(node_state.MISBEHAVIOUR, row)


def _set_stream(unit: Unit, peer: str, state: StreamState) -> None:
    if unit.update(streams.STREAMS_IN, {"peer": peer}, {"state": state}) is None:
        fresh = {"peer": peer, "epoch": 1, "next_seq": 1, "prev": None, "state": state}
        unit.insert(streams.STREAMS_IN, fresh)


def _keep_refused(node: Node, peer: str, note: bytes) -> None:
    def write(unit: Unit) -> None:
        kept = node_state.refused_heads(unit.connection, peer)
        texts = {parse_note(each.proof).text for each in kept}
        known = node_state.misbehaviour_by_id(unit.connection, digest(note)) is not None
        if known or parse_note(note).text in texts or len(kept) >= _MOST_REFUSED:
            return
        _insert(node, unit, peer, REFUSED_HEAD, note)
        # Anyone may hand a head in, so nobody but this node can be said to have done this.
        entry = recording.Entry(
            act=Act.MISBEHAVIOUR_KEPT,
            subject=Subject("head", digest(note)),
            actor=THE_NODE,
            origin="peer",
            outcome="refused",
            code=REFUSED_HEAD,
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def settle(node: Node, head_id: str, verdict: Judged) -> None:
    """Close a refused head once it is known to be of the same history, or of another."""

    def write(unit: Unit) -> None:
        values = {"ruling": str(verdict), "ruled_by": "node"}
        key, expect = {"id": head_id}, {"ruling": None}
        if unit.update(node_state.MISBEHAVIOUR, key, values, expect=expect) is None:
            return
        entry = recording.Entry(
            act=Act.EQUIVOCATION_RULED,
            subject=Subject("head", head_id),
            actor=THE_NODE,
            code=str(verdict),
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def kept_proofs(node: Node, caller: Caller) -> list[Misbehaviour]:
    """Return what is kept, oldest first, to administrators and auditors."""
    authorise(node, caller, Action.NODE_STATUS, collection("node"))
    return node.db.read(node_state.misbehaviour)


def read(node: Node, caller: Caller, proof_id: str) -> Misbehaviour:
    """Return one kept proof or refused head.

    Raises:
        NotFound: ``misbehaviour.unknown``.
    """
    authorise(node, caller, Action.NODE_STATUS, collection("node"))
    return _known(node, proof_id)


def rule(node: Node, caller: Caller, proof_id: str, ruling: Ruling) -> Misbehaviour:
    """Record an administrator's ruling; the last one that resumes opens the stream again.

    Raises:
        NotFound: ``misbehaviour.unknown``.
        Conflict: ``misbehaviour.no-proof``: a refused head freezes nothing.
        Conflict: ``misbehaviour.ruled``: the stream goes on already.
    """
    row = _known(node, proof_id)
    peer = row.peer
    permit = authorise(node, caller, Action.STREAM_RULE, Resource("stream", peer, {"peer": peer}))
    if row.kind == REFUSED_HEAD:
        raise Conflict("misbehaviour.no-proof", "A refused head is no proof and freezes nothing.")

    def write(unit: Unit) -> None:
        now = node_state.misbehaviour_by_id(unit.connection, proof_id)
        if now is None or now.ruling == Ruling.RESUME:
            raise Conflict("misbehaviour.ruled", "It was ruled that this stream goes on.")
        values = {"ruling": str(ruling), "ruled_by": caller.person}
        unit.update(node_state.MISBEHAVIOUR, {"id": proof_id}, values)
        if ruling is Ruling.RESUME and not node_state.accused(unit.connection, peer):
            _set_stream(unit, peer, StreamState.OPEN)
        entry = entry_of(caller, permit, Act.STREAM_RULED, Subject("misbehaviour", proof_id))
        recording.record(node, unit, replace(entry, code=str(ruling)))

    node.db.write(write)
    return _known(node, proof_id)


def _known(node: Node, proof_id: str) -> Misbehaviour:
    row = node.db.read(lambda connection: node_state.misbehaviour_by_id(connection, proof_id))
    if row is None:
        raise NotFound("misbehaviour.unknown", "There is no such proof here.")
    return row
