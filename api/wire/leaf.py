"""Log leaf entries: a pair of salted commitments (PROTOCOL §6).

Owns how an event and a statement are committed to in one leaf, so that a partner can check the
statement half without the event, and a body can be erased with every proof intact. It must not
make salts (32 random bytes, from the caller) nor hash leaves into a tree.

Refusal codes: ``leaf.malformed``, ``leaf.opening``; ``json.*``.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from api.wire import canonical
from api.wire.errors import WireError
from api.wire.members import Members

HASH_BYTES: Final = 32
VERSION: Final = 1

_EVENT_PREFIX: Final = b"comity/event/v1\n"
_STATEMENT_PREFIX: Final = b"comity/statement/v1\n"
_LIMIT: Final = 1024


@dataclass(frozen=True, slots=True)
class LeafEntry:
    """The two 32-byte commitments of one leaf."""

    e: bytes
    s: bytes


@dataclass(frozen=True, slots=True)
class LeafOpening:
    """What a partner is given to rebuild a leaf from an envelope it holds.

    Attributes:
        e: The event commitment, closed to the partner.
        salt_s: Salt of the statement commitment.
    """

    e: bytes
    salt_s: bytes

    def entry(self, envelope_digest: bytes) -> bytes:
        """Return the leaf entry that commits to the envelope with this raw digest."""
        return leaf_entry(self.e, statement_commitment(self.salt_s, envelope_digest))

    def to_bytes(self) -> bytes:
        """Return JCS ``{"e", "salt_s"}`` in hex: the `extra` line of a package's proof file."""
        return canonical.canonical({"e": self.e.hex(), "salt_s": self.salt_s.hex()})

    @classmethod
    def from_bytes(cls, data: bytes) -> "LeafOpening":
        """Read an opening.

        Raises:
            WireError: ``leaf.opening``, ``json.*``.
        """
        value = canonical.parse_canonical(data, limit=_LIMIT)
        members = Members(value, "leaf.opening", ("e", "salt_s"))
        return cls(members.hex("e"), members.hex("salt_s"))


def event_commitment(salt: bytes, event_bytes: bytes) -> bytes:
    r"""Return ``SHA-256("comity/event/v1\n" || salt_e || event bytes)``.

    Raises:
        WireError: ``leaf.malformed`` for a salt that is not 32 bytes.
    """
    _check_length(salt)
    return hashlib.sha256(_EVENT_PREFIX + salt + event_bytes).digest()


def statement_commitment(salt: bytes, envelope_digest: bytes) -> bytes:
    r"""Return ``SHA-256("comity/statement/v1\n" || salt_s || raw envelope digest)``.

    Raises:
        WireError: ``leaf.malformed`` for a salt or digest that is not 32 bytes.
    """
    _check_length(salt)
    _check_length(envelope_digest)
    return hashlib.sha256(_STATEMENT_PREFIX + salt + envelope_digest).digest()


def leaf_entry(e: bytes, s: bytes) -> bytes:
    """Return the bytes of a leaf entry, JCS ``{"e", "s", "v": 1}``.

    Raises:
        WireError: ``leaf.malformed``.
    """
    _check_length(e)
    _check_length(s)
    # Already canonical (RFC 8785): members in order, hex needs no escape. A log makes millions.
    return f'{{"e":"{e.hex()}","s":"{s.hex()}","v":{VERSION}}}'.encode()


def parse_leaf_entry(entry: bytes) -> LeafEntry:
    """Read a leaf entry.

    Raises:
        WireError: ``leaf.malformed``, ``json.*``.
    """
    value = canonical.parse_canonical(entry, limit=_LIMIT)
    members = Members(value, "leaf.malformed", ("e", "s", "v"))
    members.integer("v", VERSION, VERSION)
    return LeafEntry(members.hex("e"), members.hex("s"))


def _check_length(value: bytes) -> None:
    if len(value) != HASH_BYTES:
        raise WireError("leaf.malformed", "Give salts, digests and commitments of 32 bytes.")
