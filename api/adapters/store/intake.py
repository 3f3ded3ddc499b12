"""What every exhibit store checks about bytes on their way in.

Owns the digest, size and limit rules of ``api.ports.store``, so that the folder and the S3 store
refuse the same things with the same codes. Must not touch a disk or a network.
"""

import hashlib

from api.domain.errors import Invalid, TooLarge
from api.ports.store import Stored
from api.wire.digests import is_digest

DEFAULT_LIMIT = 64 << 30
"""Largest exhibit a store takes unless told otherwise, in bytes (64 GiB)."""

CHUNK = 1 << 18
"""Bytes moved at a time when a stored object is read or hashed (256 KiB)."""
# A slow reader holds two of these; 48 of one officer are no reason for more memory.


def hex_name(digest: str) -> str:
    """Return the 64 hex digits of ``digest``, the only name an object ever has in a store.

    Labels and file names given by people never reach a store; a value of any other shape (paths,
    NUL, upper case) is refused here.

    Args:
        digest: ``sha256:<hex>``.

    Raises:
        Invalid: ``digest.malformed``.
    """
    if not is_digest(digest):
        raise Invalid(
            "digest.malformed",
            "An exhibit is named by 'sha256:' and 64 lower-case hexadecimal digits.",
        )
    return digest.removeprefix("sha256:")


def check_limit(size: int | None, limit: int) -> None:
    """Refuse an announced size that is negative or over the limit.

    Args:
        size: announced length in bytes, or ``None``.
        limit: the store's limit in bytes.

    Raises:
        Invalid: ``exhibit.size-mismatch`` for a negative size.
        TooLarge: ``exhibit.too-large``.
    """
    if size is None:
        return
    if size < 0:
        raise wrong_size()
    if size > limit:
        raise _too_large(limit)


def check_bounds(start: int, end: int, size: int) -> None:
    """Refuse a range that does not lie inside an object of ``size`` bytes.

    Args:
        start: first byte.
        end: one past the last byte.
        size: length of the object in bytes.

    Raises:
        Invalid: ``exhibit.range``.
    """
    if not 0 <= start <= end <= size:
        raise Invalid(
            "exhibit.range",
            "The range lies outside the exhibit; ask for its size first.",
            size=size,
        )


class Intake:
    """Counts and hashes one object's bytes while they pass.

    Args:
        digest: expected ``sha256:<hex>``; already checked by ``hex_name``.
        size: announced length in bytes, or ``None``.
        limit: the store's limit in bytes.

    Raises:
        Invalid: ``exhibit.size-mismatch`` for a negative size.
        TooLarge: ``exhibit.too-large`` when the announced size is over the limit.
    """

    def __init__(self, digest: str, size: int | None, limit: int) -> None:
        check_limit(size, limit)
        self._digest = digest
        self._size = size
        self._limit = limit
        self._hash = hashlib.sha256()
        self.received = 0

    def take(self, chunk: bytes) -> None:
        """Count and hash the next bytes; call this before they are written anywhere.

        Raises:
            Invalid: ``exhibit.size-mismatch`` as soon as there are too many.
            TooLarge: ``exhibit.too-large`` as soon as the limit is crossed.
        """
        self.received += len(chunk)
        if self._size is not None and self.received > self._size:
            raise wrong_size()
        if self.received > self._limit:
            raise _too_large(self._limit)
        self._hash.update(chunk)

    def settle(self) -> Stored:
        """Judge the whole.

        Returns:
            The digest and true size.

        Raises:
            Invalid: ``exhibit.size-mismatch`` when bytes are missing, ``exhibit.digest-mismatch``.
        """
        if self._size is not None and self.received != self._size:
            raise wrong_size()
        if self._hash.hexdigest() != hex_name(self._digest):
            raise wrong_digest()
        return Stored(self._digest, self.received)


def wrong_digest() -> Invalid:
    """Return the refusal of bytes that hash to another digest than the one they were sent under."""
    return Invalid(
        "exhibit.digest-mismatch",
        "The bytes received do not hash to the digest they were sent under; nothing was stored.",
    )


def wrong_size() -> Invalid:
    """Return the refusal of more or fewer bytes than were announced."""
    return Invalid(
        "exhibit.size-mismatch",
        "The number of bytes received differs from the announced size; nothing was stored.",
    )


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        "exhibit.too-large",
        "The exhibit is larger than this node takes; split it or ask the administrator.",
        limit=limit,
    )
