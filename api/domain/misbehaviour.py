"""Judging misbehaviour proofs, and making one from inconsistent log heads.

Owns the rule of what shows two heads inconsistent. A smaller head is merely old; inconsistent is
a pair of heads, both signed by the log with every kind of key it has, whose trees differ where
both have leaves. Envelopes are judged in `api.wire.misbehaviour`.

Format: docs/protocol-export.md.
"""

from api.domain.errors import Invalid
from api.domain.log_trust import open_head_of, witness_verifiers
from api.tlog.checkpoint import Checkpoint, parse_checkpoint
from api.tlog.errors import LogError
from api.tlog.merkle import Frontier
from api.tlog.note import parse_note
from api.tlog.ranges import RangeRoot, range_proof
from api.tlog.tiles import HashReader
from api.wire.encoding import parse_instant
from api.wire.envelope import MESSAGE, verify_signed_then
from api.wire.errors import WireError
from api.wire.held_heads import HeldHead
from api.wire.keys import Purpose
from api.wire.membership import Member, Membership
from api.wire.messages import MessageKind, parse_message
from api.wire.misbehaviour import (
    MisbehaviourKind,
    MisbehaviourProof,
    compose_misbehaviour,
    judge_envelopes,
    parse_misbehaviour,
)

_NOT_SHOWN = "misbehaviour.not-shown"


def heads_proof(ministry: str, one: bytes, other: bytes, tiles: HashReader) -> bytes:
    """Make a proof from two heads of one log.

    Args:
        ministry: Whose log it is.
        one: A checkpoint note.
        other: Another one.
        tiles: Leaf-hash tiles of the larger head (not read when the sizes are equal).

    Raises:
        LogError: ``note.…`` or ``checkpoint.…`` when a note does not parse; ``tile.length``.
        WireError: ``misbehaviour.malformed``.
    """
    (small, first), (large, second) = sorted(
        ((_head(note), note) for note in (one, other)), key=lambda pair: (pair[0].size, pair[1])
    )
    left: list[bytes] = []
    right: list[bytes] = []
    if small.size != large.size:
        left, right = range_proof(small.size, small.size, large.size, tiles)
    kind = MisbehaviourKind.INCONSISTENT_HEADS
    return compose_misbehaviour(
        MisbehaviourProof(ministry, kind, first, second, tuple(left), tuple(right))
    )


def verify_misbehaviour(raw: bytes, membership: Membership) -> MisbehaviourProof:
    """Judge a proof with nothing but a membership; returns it when it proves what it says.

    Raises:
        Invalid: ``misbehaviour.not-shown`` when what is signed is no contradiction, or the code
            of what does not verify.
    """
    try:
        proof = parse_misbehaviour(raw)
        member = membership.member(proof.ministry)
        if proof.kind is MisbehaviourKind.INCONSISTENT_HEADS:
            _judge_heads(proof, member)
        elif proof.kind is MisbehaviourKind.HELD_DENIED:
            _judge_denial(proof, membership)
        else:
            judge_envelopes(proof, membership)
    except (WireError, LogError) as problem:
        raise Invalid(problem.code, problem.message) from problem
    return proof


def _head(note: bytes) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def _judge_heads(proof: MisbehaviourProof, member: Member) -> None:
    heads = []
    for note in (proof.first, proof.second):
        opened = open_head_of(member, note)
        if not opened.complete:
            raise LogError("checkpoint.log-signature", "the log's own signature is missing")
        heads.append(opened.checkpoint)
    small, large = heads
    if small.size > large.size:
        raise Invalid("misbehaviour.malformed", "Give the smaller head first.")
    if small.size == large.size:
        if proof.left or proof.right:
            raise Invalid("misbehaviour.malformed", "Heads of one size need no hashes.")
        prefix = large.root
    else:
        prefix = _prefix_root(proof, small.size, large)
    if prefix == small.root:
        raise Invalid(_NOT_SHOWN, "The heads are consistent: one is merely older.")


def _judge_denial(proof: MisbehaviourProof, membership: Membership) -> None:
    """Judge an answer "I hold no more of your log than this" by a head that was cosigned before it.

    Both are signed by the accused: the answer with its message keys, the head with each kind of
    its witness's keys, at a time before the one in the answer (PROTOCOL §9, *Heads*).
    """
    envelope, body = parse_message(proof.first)
    verify_signed_then(envelope, membership.keys(proof.ministry, Purpose.MESSAGE), MESSAGE)
    if body.kind is not MessageKind.HELD or body.from_ != proof.ministry:
        raise Invalid(_NOT_SHOWN, "The first is no answer of the accused on what it holds.")
    held = HeldHead.from_json(body.body)
    witnesses = witness_verifiers(membership.member(proof.ministry))
    opened = open_head_of(membership.member(body.to), proof.second, witnesses)
    if not opened.complete:
        raise LogError("checkpoint.log-signature", "the log's own signature is missing")
    if {one.key.kind for one in opened.cosignatures} != {key.kind for key in witnesses}:
        raise Invalid(_NOT_SHOWN, "The accused has not cosigned this head with all its keys.")
    stated = int(parse_instant(held.stated_at).timestamp())
    before = all((one.timestamp or 0) < stated for one in opened.cosignatures)
    if not before or opened.checkpoint.size <= held.size:
        raise Invalid(_NOT_SHOWN, "The head is not one that the accused held when it answered.")


def _prefix_root(proof: MisbehaviourProof, size: int, large: Checkpoint) -> bytes:
    """Root of the first `size` leaves of the larger head's tree."""
    if RangeRoot(size, proof.left).finish(large.size, proof.right) != large.root:
        raise Invalid(_NOT_SHOWN, "The hashes do not lead to the larger head.")
    return Frontier(size, proof.left).root()
