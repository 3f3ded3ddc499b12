"""The member ``proof.tlog-proof`` of a package file: that a ministry's log holds what is in it.

Owns how a leaf is rebuilt from an envelope in the file. A leaf commits to the envelope under a
salt (PROTOCOL §6), so the proof file carries the leaf's opening, JCS ``{"e", "salt_s"}``, as its
one ``extra`` line. tlog-proof calls that line unauthenticated; here it is not: both values are
hashed into the leaf whose inclusion is proven, and the line has one spelling, so any other
``extra`` fails (decision record 0014).

Refusal codes: ``proof.opening``, ``proof.origin``; those of `api.tlog.proof_file`, ``policy.*``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.domain.log_trust import log_policy, open_by_policy, partners
from api.tlog.checkpoint import parse_checkpoint
from api.tlog.errors import LogError
from api.tlog.merkle import leaf_hash
from api.tlog.note import parse_note
from api.tlog.policy import parse_policy
from api.tlog.proof_file import ProofFile, format_proof_file, parse_proof_file, verify_proof_file
from api.wire.digests import digest_bytes
from api.wire.errors import WireError
from api.wire.leaf import LeafOpening
from api.wire.membership import Membership


@dataclass(frozen=True, slots=True)
class Logged:
    """An envelope that a proof may be about: its issuer and its digest."""

    issuer: str
    digest: str


@dataclass(frozen=True, slots=True)
class ProvenLeaf:
    """What a proof has shown.

    Attributes:
        envelope: Digest of the envelope that the leaf commits to.
        issuer: Whose log holds it.
        index: Its place there.
        size: Leaves under the head.
        witnesses: Key names of the partners that cosigned the head.
    """

    envelope: str
    issuer: str
    index: int
    size: int
    witnesses: tuple[str, ...]


def compose_proof(
    index: int, path: Sequence[bytes], checkpoint: bytes, opening: LeafOpening
) -> bytes:
    """Return the bytes of ``proof.tlog-proof``.

    Args:
        index: Place of the leaf in the issuer's log.
        path: Inclusion hashes under the checkpoint, the leaf's sibling first.
        checkpoint: A note signed by the log and cosigned by a partner.
        opening: What rebuilds the leaf from the envelope.

    Raises:
        LogError: ``proof-file.*``, ``note.*``.
    """
    return format_proof_file(ProofFile(index, tuple(path), checkpoint, opening.to_bytes()))


def check_proof(data: bytes, candidates: Sequence[Logged], membership: Membership) -> ProvenLeaf:
    """Find which envelope of a package file the proof is about, and check it.

    The head must be signed by the issuer's log with each kind of key and cosigned by at least one
    partner, where there is one; unknown note lines and extension lines fail.

    Args:
        data: The member's bytes.
        candidates: Envelopes in the file, the one most likely meant first.
        membership: Pinned.

    Raises:
        WireError: ``proof.opening``, ``proof.origin``, ``leaf.*``.
        LogError: ``proof-file.*``, ``proof.*``, ``checkpoint.*``, ``note.*``, ``policy.*``.
    """
    file = parse_proof_file(data)
    if file.extra is None or format_proof_file(file) != data:
        raise WireError("proof.opening", "Carry the leaf's opening as the proof's extra line.")
    opening = LeafOpening.from_bytes(file.extra)
    bare = format_proof_file(replace(file, extra=None))
    origin = parse_checkpoint(parse_note(file.checkpoint).text).origin
    refusal: LogError | WireError = WireError(
        "proof.origin", "Prove inclusion in the log of a ministry that issued what is in the file."
    )
    if candidates and not any(membership.find(one.issuer) for one in candidates):
        refusal = WireError(
            "proof.origin",
            f"Your membership, serial {membership.serial}, does not list who issued this; is "
            "there a later one?",
        )
    for candidate in candidates:
        member = membership.find(candidate.issuer)
        if member is None or member.origin != origin:
            continue
        try:
            return _check(bare, file, opening, candidate, membership)
        except LogError as problem:
            refusal = problem
    raise refusal


def _check(
    bare: bytes, file: ProofFile, opening: LeafOpening, logged: Logged, membership: Membership
) -> ProvenLeaf:
    threshold = min(1, len(partners(membership, logged.issuer)))
    policy = parse_policy(log_policy(membership, logged.issuer, threshold).encode())
    leaf = leaf_hash(opening.entry(digest_bytes(logged.digest)))
    opened = verify_proof_file(bare, leaf, policy, strict=True)
    open_by_policy(membership.member(logged.issuer), policy, file.checkpoint, strict=True)
    witnesses = sorted({signed.key.name for signed in opened.cosignatures})
    return ProvenLeaf(
        logged.digest, logged.issuer, file.index, opened.checkpoint.size, tuple(witnesses)
    )
