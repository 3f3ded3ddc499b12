"""Proof files of sealed statements: that a statement is in its issuer's witnessed log.

Owns the tie between a raw envelope, the opening of its leaf and a tlog-proof. The opening (event
commitment and salt) travels in the file's ``extra`` line, which may hold nothing else: as it must
lead to the proven leaf, it cannot be changed unnoticed. What a partner keeps for later is this
file and the envelope.

Format: docs/protocol-export.md §8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from api.domain.errors import Invalid
from api.domain.log_trust import log_policy, open_by_policy, partners
from api.tlog.checkpoint import parse_checkpoint
from api.tlog.errors import LogError
from api.tlog.merkle import leaf_hash
from api.tlog.note import parse_note
from api.tlog.policy import parse_policy
from api.tlog.proof_file import ProofFile, format_proof_file, parse_proof_file
from api.tlog.proofs import verify_inclusion
from api.wire import canonical, limits
from api.wire.envelope import STATEMENT, parse_envelope, verify_seal
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.leaf import LeafOpening
from api.wire.membership import Member, Membership


@dataclass(frozen=True, slots=True)
class ProvenStatement:
    """A statement that is proven to be in its issuer's log.

    Attributes:
        ministry: The issuer.
        index: Place in its log.
        tree_size: Size of the cosigned head.
        cosigners: Key names whose cosignatures verified.
        witnessed_at: Newest of their times, POSIX seconds; None without any.
    """

    ministry: str
    index: int
    tree_size: int
    cosigners: tuple[str, ...]
    witnessed_at: int | None


def statement_proof(
    index: int, path: Sequence[bytes], checkpoint: bytes, opening: LeafOpening
) -> bytes:
    """Write the proof file of a statement.

    Args:
        index: Its place in the issuer's log.
        path: Inclusion proof under the checkpoint (32-byte hashes, leaf upward).
        checkpoint: The cosigned note.
        opening: Of its leaf.

    Raises:
        LogError: ``proof-file.…`` or ``note.…`` when the values cannot be carried.
    """
    return format_proof_file(ProofFile(index, tuple(path), checkpoint, opening.to_bytes()))


def verify_statement_proof(
    data: bytes, envelope: bytes, membership: Membership, *, quorum: int = 1
) -> ProvenStatement:
    """Check that a sealed statement is in its issuer's log, under a head that partners cosigned.

    Args:
        data: The proof file.
        envelope: The raw sealed statement.
        membership: The pinned membership.
        quorum: Least number of partners that must have cosigned; more than there are asks for all.

    Raises:
        Invalid: ``proof-file.…``, ``leaf.opening``, ``proof.…``, ``checkpoint.…``, ``note.…``,
            ``policy.quorum``, ``key.…``, ``signature.…`` or ``proof.issuer``.
    """
    try:
        return _verify(data, envelope, membership, quorum)
    except (WireError, LogError) as problem:
        raise Invalid(problem.code, problem.message) from problem


def _verify(data: bytes, envelope: bytes, membership: Membership, quorum: int) -> ProvenStatement:
    file = parse_proof_file(data)
    if file.extra is None:
        raise LogError("proof-file.extra", "the opening of the statement is missing")
    entry = LeafOpening.from_bytes(file.extra).entry(sha256(envelope).digest())
    owner = _owner(file.checkpoint, membership)
    threshold = min(quorum, len(partners(membership, owner.id)))
    policy = parse_policy(log_policy(membership, owner.id, threshold).encode())
    opened = open_by_policy(owner, policy, file.checkpoint, strict=True)
    head = opened.checkpoint
    verify_inclusion(file.index, head.size, leaf_hash(entry), file.proof, head.root)
    sealed = parse_envelope(envelope)
    verify_seal(sealed, owner.keys_for(Purpose.SEAL), STATEMENT, log_index=file.index)
    statement = canonical.parse(sealed.payload, limit=limits.PAYLOAD)
    if not isinstance(statement, dict) or statement.get("issuer") != owner.id:
        raise LogError("proof.issuer", "the statement was issued by another ministry")
    times = [signed.timestamp for signed in opened.cosignatures if signed.timestamp]
    names = tuple(sorted({signed.key.name for signed in opened.cosignatures}))
    return ProvenStatement(owner.id, file.index, head.size, names, max(times, default=None))


def _owner(checkpoint: bytes, membership: Membership) -> Member:
    origin = parse_checkpoint(parse_note(checkpoint).text).origin
    for member in membership.members:
        if member.origin == origin:
            return member
    raise LogError("checkpoint.unknown-origin", "no member has this log")
