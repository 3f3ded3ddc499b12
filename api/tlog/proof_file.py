"""C2SP tlog-proof: one file that proves offline that an entry is in a cosigned log.

Owns the file's text and its verification. What the entry means, and so its leaf hash, is the
caller's.

Source: C2SP tlog-proof (untagged draft of July 2026).
"""

import base64
from dataclasses import dataclass

from api.tlog.checkpoint import decode_base64, decode_decimal
from api.tlog.errors import LogError
from api.tlog.heads import OpenedCheckpoint
from api.tlog.merkle import HASH_SIZE
from api.tlog.note import MAX_NOTE, parse_note
from api.tlog.policy import Policy
from api.tlog.proofs import verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF = 64

_MAX_FILE = 2 * MAX_NOTE


@dataclass(frozen=True, slots=True)
class ProofFile:
    """An inclusion proof with its checkpoint.

    Attributes:
        index: Index of the entry, from 0.
        proof: Inclusion hashes of 32 bytes, the leaf's sibling first.
        checkpoint: The cosigned note, byte for byte.
        extra: Unauthenticated data; Comity writes none and refuses it in strict mode.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def format_proof_file(file: ProofFile) -> bytes:
    """Text of a proof file.

    Raises:
        LogError: ``proof-file.…`` or ``note.…`` when the result would not parse to the same value.
    """
    lines = [HEADER]
    if file.extra is not None:
        lines.append(f"extra {base64.b64encode(file.extra).decode()}")
    lines.append(f"index {file.index}")
    lines += [base64.b64encode(item).decode() for item in file.proof]
    data = "".join(f"{line}\n" for line in lines).encode() + b"\n" + file.checkpoint
    if parse_proof_file(data) != file:
        raise LogError("proof-file.malformed", "the values cannot be carried by a proof file")
    return data


def parse_proof_file(data: bytes, *, strict: bool = False) -> ProofFile:
    """Read a proof file without checking anything but its form.

    Args:
        data: The file.
        strict: Refuse an ``extra`` line, as packages and exports must.

    Raises:
        LogError: ``proof-file.malformed``, ``proof-file.extra``, ``proof-file.index``,
            ``proof-file.hash`` or a code of `parse_note`.
    """
    head, separator, checkpoint = data.partition(b"\n\n")
    if not separator or len(data) > _MAX_FILE:
        raise LogError("proof-file.malformed", "a proof file has a proof, an empty line and a head")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as problem:
        raise LogError("proof-file.malformed", "the proof lines are ASCII") from problem
    if lines.pop(0) != HEADER:
        raise LogError("proof-file.malformed", "the first line does not name tlog-proof v1")
    extra = None
    if lines and lines[0].startswith("extra "):
        if strict:
            raise LogError("proof-file.extra", "an extra line is not authenticated")
        extra = decode_base64(lines.pop(0).removeprefix("extra "), "proof-file.extra")
    if not lines or not lines[0].startswith("index "):
        raise LogError("proof-file.index", "the index line is missing")
    index = decode_decimal(lines.pop(0).removeprefix("index "), "proof-file.index")
    proof = tuple(decode_base64(line, "proof-file.hash") for line in lines)
    if len(proof) > MAX_PROOF or any(len(item) != HASH_SIZE for item in proof):
        raise LogError("proof-file.hash", "a proof has at most 64 hashes of 32 bytes")
    parse_note(checkpoint)
    return ProofFile(index, proof, checkpoint, extra)


def verify_proof_file(
    data: bytes, leaf: bytes, policy: Policy, *, strict: bool = True
) -> OpenedCheckpoint:
    """Check that a leaf hash is in a log of the policy, under a head that reaches its quorum.

    Args:
        data: The proof file.
        leaf: Leaf hash of the entry (32 bytes), made by the caller from the entry itself.
        policy: Logs and quorum to accept.
        strict: Refuse ``extra``, unknown note lines, extensions and a missing log signature.

    Raises:
        LogError: ``proof-file.…``, ``proof.…``, ``checkpoint.…``, ``note.…`` or ``policy.quorum``.
    """
    file = parse_proof_file(data, strict=strict)
    opened = policy.open(file.checkpoint, strict=strict)
    head = opened.checkpoint
    verify_inclusion(file.index, head.size, leaf, file.proof, head.root)
    return opened
