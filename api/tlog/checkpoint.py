"""C2SP tlog-checkpoint and tlog-cosignature: the text of a tree head and the bytes signed over it.

Owns the checkpoint body and every message a log or witness signs. Must not hold keys or sign:
a signer port gets the bytes made here, `note` builds the line from what it returns.

Sources: C2SP tlog-checkpoint v1.0.0, tlog-cosignature v1.1.0-rc.1.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from api.tlog.errors import LogError
from api.tlog.merkle import EMPTY_ROOT, HASH_SIZE

MAX_TIMESTAMP = 2**63 - 1
MAX_SIZE = 2**63 - 1

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_MANDATORY_LINES = 3
_MAX_NAME = 255
_SUBTREE_LABEL = b"subtree/v1\n\x00"


def decode_base64(text: str, code: str) -> bytes:
    """Decode padded standard base64 that re-encodes to the same text.

    Raises:
        LogError: `code`, for any other spelling.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise LogError(code, "the text is not standard base64") from problem
    if base64.b64encode(data).decode() != text:
        raise LogError(code, "the base64 is not in its only canonical form")
    return data


def decode_decimal(text: str, code: str) -> int:
    """Read an ASCII decimal without leading zero, at most 2**63 - 1.

    Raises:
        LogError: `code`, for any other spelling or a larger number.
    """
    if not text.isascii() or _DECIMAL.fullmatch(text) is None or int(text) > MAX_SIZE:
        raise LogError(code, "the number must be a plain decimal below 2^63")
    return int(text)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head.

    Attributes:
        origin: Identity of the log; Comity's logs use their key name.
        size: Number of leaves.
        root: Root hash, 32 bytes.
        extensions: Further lines. ML-DSA-44 signatures do not cover them; Comity writes none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Body of a checkpoint: the text that is signed, with its final newline.

    Raises:
        LogError: ``checkpoint.…`` when the result would not parse to the same value.
    """
    lines = (
        checkpoint.origin,
        str(checkpoint.size),
        base64.b64encode(checkpoint.root).decode(),
        *checkpoint.extensions,
    )
    text = "".join(f"{line}\n" for line in lines)
    if parse_checkpoint(text) != checkpoint:
        raise LogError("checkpoint.malformed", "origin and extensions must be single lines")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the body of a checkpoint.

    Raises:
        LogError: ``checkpoint.malformed``, ``checkpoint.size``, ``checkpoint.root`` or
            ``checkpoint.empty-root`` (size 0 with another root than that of the empty tree).
    """
    lines = text.split("\n")
    if lines.pop() or len(lines) < _MANDATORY_LINES or not all(lines):
        raise LogError("checkpoint.malformed", "a checkpoint has three or more non-empty lines")
    origin, size_text, root_text, *extensions = lines
    size = decode_decimal(size_text, "checkpoint.size")
    root = decode_base64(root_text, "checkpoint.root")
    if len(root) != HASH_SIZE:
        raise LogError("checkpoint.root", "a root hash has 32 bytes")
    if size == 0 and root != EMPTY_ROOT:
        raise LogError("checkpoint.empty-root", "an empty tree has the hash of nothing as root")
    return Checkpoint(origin, size, root, tuple(extensions))


def _opaque(text: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= _MAX_NAME:
        raise LogError("cosignature.name", "cosigner name and origin have 1 to 255 bytes")
    return bytes([len(data)]) + data


def check_timestamp(timestamp: int) -> None:
    """Refuse a timestamp outside 0 to 2**63 - 1 (POSIX seconds).

    Raises:
        LogError: ``cosignature.timestamp``.
    """
    if not 0 <= timestamp <= MAX_TIMESTAMP:
        raise LogError("cosignature.timestamp", "a timestamp lies between 0 and 2^63 - 1")


@dataclass(frozen=True, slots=True)
class Subtree:
    """The part [start, end) of the log `origin` with its root hash (32 bytes)."""

    origin: str
    start: int
    end: int
    root: bytes


def ml_dsa_message(cosigner: str, timestamp: int, subtree: Subtree) -> bytes:
    """Bytes an ML-DSA-44 (0x06) cosignature signs: ``cosigned_message`` of tlog-cosignature.

    Args:
        cosigner: Key name of the signer; the log's own key signs in this form too.
        timestamp: POSIX seconds; 0 where `subtree` does not start at 0, or for "not the largest".
        subtree: What is signed; a checkpoint is [0, size).

    Raises:
        LogError: ``cosignature.name`` or ``cosignature.timestamp``.
    """
    check_timestamp(timestamp)
    if subtree.start and timestamp:
        raise LogError("cosignature.timestamp", "a subtree that does not start at 0 has time 0")
    return b"".join(
        (
            _SUBTREE_LABEL,
            _opaque(cosigner),
            timestamp.to_bytes(8, "big"),
            _opaque(subtree.origin),
            subtree.start.to_bytes(8, "big"),
            subtree.end.to_bytes(8, "big"),
            subtree.root,
        )
    )


def checkpoint_message(cosigner: str, timestamp: int, text: str) -> bytes:
    """The ML-DSA-44 message for a whole checkpoint, given its body text.

    Raises:
        LogError: ``checkpoint.…`` or ``cosignature.…``.
    """
    head = parse_checkpoint(text)
    return ml_dsa_message(cosigner, timestamp, Subtree(head.origin, 0, head.size, head.root))


def ed25519_message(timestamp: int, text: str) -> bytes:
    """Bytes an Ed25519 (0x04) cosignature signs: two header lines, then the body text.

    Raises:
        LogError: ``cosignature.timestamp``.
    """
    check_timestamp(timestamp)
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
