"""Verifier keys (vkeys) of signed notes and the signature lines they make and check.

Owns which signature types exist, what each of them signs, and how a key is named. Must not
parse notes: `note` does.

Sources: C2SP signed-note v1.0.0, tlog-cosignature v1.1.0-rc.1.
"""

import base64
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from api.tlog.checkpoint import (
    MAX_TIMESTAMP,
    check_timestamp,
    checkpoint_message,
    decode_base64,
    ed25519_message,
)
from api.tlog.errors import LogError

KEY_ID_SIZE = 4
DASH = "\u2014 "

_TIME_SIZE = 8
_FIRST_PRINTABLE = 0x20


class KeyKind(IntEnum):
    """Signature type bytes of signed-note that Comity accepts."""

    ED25519 = 0x01
    COSIGNATURE_ED25519 = 0x04
    COSIGNATURE_ML_DSA_44 = 0x06

    @property
    def key_size(self) -> int:
        """Length of the public key in bytes."""
        return 1312 if self is KeyKind.COSIGNATURE_ML_DSA_44 else 32

    @property
    def signature_size(self) -> int:
        """Length of the bare signature in bytes, without timestamp and key id."""
        return 2420 if self is KeyKind.COSIGNATURE_ML_DSA_44 else 64

    @property
    def timestamped(self) -> bool:
        """Whether the signature follows an eight-byte timestamp."""
        return self is not KeyKind.ED25519


def check_name(name: str) -> None:
    """Refuse a key name that signed-note does not allow.

    Raises:
        LogError: ``note.key-name``.
    """
    if not name or "+" in name or any(c.isspace() or ord(c) < _FIRST_PRINTABLE for c in name):
        raise LogError("note.key-name", "a key name is not empty and holds no space, plus, control")


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Four bytes that, with the name, identify a key (signed-note, "Signatures")."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:KEY_ID_SIZE]


def signed_message(kind: KeyKind, name: str, timestamp: int | None, text: str) -> bytes:
    """Exact bytes that a key of this kind signs for a note.

    Args:
        kind: What the key signs.
        name: Its key name (only ML-DSA-44 commits to it).
        timestamp: POSIX seconds for the timestamped kinds, None for plain Ed25519.
        text: Note text with its final newline; for the timestamped kinds a checkpoint body.

    Raises:
        LogError: ``cosignature.timestamp`` when the timestamp is out of range, missing or not
            allowed; ``checkpoint.…`` when an ML-DSA-44 key is to sign another text.
    """
    if kind.timestamped is (timestamp is None):
        raise LogError("cosignature.timestamp", "cosignatures, and only they, carry a timestamp")
    if timestamp is None:
        return text.encode()
    if kind is KeyKind.COSIGNATURE_ED25519:
        return ed25519_message(timestamp, text)
    return checkpoint_message(name, timestamp, text)


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature of a note: `blob` is what follows the four-byte key id."""

    name: str
    key_id: bytes
    blob: bytes

    def format(self) -> str:
        """The line, with its newline."""
        encoded = base64.b64encode(self.key_id + self.blob).decode()
        return f"{DASH}{self.name} {encoded}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as notes name it (vkey)."""

    name: str
    kind: KeyKind
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != self.kind.key_size:
            raise LogError("note.vkey", "the public key has the wrong length for its type")

    @property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, identify this key."""
        return key_id(self.name, self.kind, self.public)

    def format(self) -> str:
        """The vkey: name, hex key id, base64 of type byte and key, joined by plus signs."""
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def line(self, signature: bytes, timestamp: int | None = None) -> SignatureLine:
        """Signature line from a raw signature over `signed_message`.

        Raises:
            LogError: ``note.signature-size`` or ``cosignature.timestamp``.
        """
        if len(signature) != self.kind.signature_size:
            raise LogError("note.signature-size", "the signature has the wrong length for its type")
        if self.kind.timestamped is (timestamp is None):
            raise LogError("cosignature.timestamp", "only cosignatures carry a timestamp")
        if timestamp is None:
            return SignatureLine(self.name, self.key_id, signature)
        check_timestamp(timestamp)
        blob = timestamp.to_bytes(_TIME_SIZE, "big") + signature
        return SignatureLine(self.name, self.key_id, blob)

    def verify(self, blob: bytes, text: str) -> int | None:
        """Check a signature blob over a note text; returns its timestamp (POSIX seconds) if any.

        Raises:
            LogError: ``note.signature`` when it does not verify; ``checkpoint.…`` when an
                ML-DSA-44 key is asked about a text that is no checkpoint.
        """
        timestamp: int | None = None
        signature = blob
        if self.kind.timestamped:
            timestamp, signature = int.from_bytes(blob[:_TIME_SIZE], "big"), blob[_TIME_SIZE:]
        if len(signature) != self.kind.signature_size or (timestamp or 0) > MAX_TIMESTAMP:
            raise LogError("note.signature", "a signature by a known key is malformed")
        message = signed_message(self.kind, self.name, timestamp, text)
        try:
            if self.kind is KeyKind.COSIGNATURE_ML_DSA_44:
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError) as problem:
            raise LogError("note.signature", "a signature by a known key is false") from problem
        return timestamp


def parse_vkey(text: str) -> VerifierKey:
    """Read a vkey; the key id must be the recommended hash.

    Raises:
        LogError: ``note.vkey`` or ``note.key-name``.
    """
    parts = text.split("+", 2)
    if len(parts) != 3:  # noqa: PLR2004 - name, id, key
        raise LogError("note.vkey", "a verifier key has three parts joined by plus signs")
    name, identifier, encoded = parts
    material = decode_base64(encoded, "note.vkey")
    try:
        kind = KeyKind(material[0])
    except (IndexError, ValueError) as problem:
        raise LogError("note.vkey", "the key's signature type is not supported") from problem
    key = VerifierKey(name, kind, material[1:])
    if key.key_id.hex() != identifier:
        raise LogError("note.vkey", "the key id does not belong to name and key")
    return key
