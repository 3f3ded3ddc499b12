"""The exhibit store: files named by their SHA-256, kept by a ministry.

Owns the contract between the use cases and whatever keeps the bytes (a local folder, an
S3-compatible service). Must not know packages, releases or who may read what: a store answers
whoever holds it, authority is decided before it is asked.

Rules that hold for every implementation:

* **Name is content.** An object is visible under ``sha256:<hex>`` only when the bytes received for
  it hashed to that digest. A half-written object is never visible, whatever stops, whenever.
* **Durable before said.** When ``put``, or an ``append_range`` that completes, returns, the object
  survives a crash of the process and of the machine. A database row may name a digest only after
  that return, so that no row is ever ahead of its file.
* **Idempotent.** The same bytes may be put any number of times, also at the same moment and from
  several processes; every caller gets the same ``Stored``. Putting again mends a damaged copy.
* **Nothing on refusal.** A refused or interrupted ``put`` leaves nothing behind that is visible;
  what it left elsewhere is swept at a later start.
* **Constant memory.** Memory used does not grow with the object's size.
* **Thread safe.** One store object serves all threads of a process; several processes may share
  the same place.

Codes (all are ``api.domain.errors``):

=========================== ============= ==========================================================
code                        class         meaning
=========================== ============= ==========================================================
``digest.malformed``        Invalid       the name is not ``sha256:`` and 64 lower-case hex digits
``exhibit.digest-mismatch`` Invalid       the bytes hash to another digest; nothing was kept
``exhibit.size-mismatch``   Invalid       more or fewer bytes than announced; nothing was kept
``exhibit.range``           Invalid       the range lies outside the object
``exhibit.range-gap``       Conflict      the range starts beyond what is held of a partial transfer
``exhibit.too-large``       TooLarge      over the store's limit for one exhibit
``exhibit.unknown``         NotFound      no object under this digest
``store.full``              Full          no room left (disk, quota); reads go on
``store.damaged``           Unavailable   not the bytes that were stored: fetch or send them again
``store.unavailable``       Unavailable   the disk or service failed or cannot be reached
=========================== ============= ==========================================================
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """One whole object.

    Attributes:
        digest: ``sha256:<hex>`` of its bytes.
        size: length in bytes.
    """

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer from a peer has come.

    Attributes:
        held: bytes held from the start without a gap; the offset to ask for next.
        stored: the object once it is whole, durable and visible; ``None`` until then.
    """

    held: int
    stored: Stored | None


class ByteStream(Iterator[bytes], Protocol):
    """Chunks of an object in order; holds a handle or connection until it is closed or read out."""

    def close(self) -> None:
        """Release what the stream holds; safe to call more than once."""
        ...


class ExhibitStore(Protocol):
    """Keeps exhibits by digest. The module docstring is part of this contract."""

    def put(self, digest: str, size: int | None, chunks: Iterator[bytes]) -> Stored:
        """Store the bytes of ``chunks`` under ``digest``, durably, hashing them on the way.

        The chunks are read to their end even if the object is already held: bytes that do not match
        are refused in every case. An exception raised by ``chunks`` passes through, and nothing
        is kept.

        Args:
            digest: the name, ``sha256:<hex>``.
            size: the announced length in bytes; ``None`` when the sender did not say.
            chunks: the bytes, in pieces of any length (empty ones are allowed).

        Returns:
            The digest and true size.

        Raises:
            Invalid: ``digest.malformed``, ``exhibit.digest-mismatch``, ``exhibit.size-mismatch``
                (as soon as one byte too many arrives).
            TooLarge: ``exhibit.too-large``, at once when announced, else when the limit is crossed.
            Full: ``store.full``.
            Unavailable: ``store.unavailable``; ``store.damaged`` when the copy held proved damaged
                and was set aside, so that sending again mends it.
        """
        ...

    def head(self, digest: str) -> Stored | None:
        """Say whether the object is held, and its size; reads none of its bytes.

        Args:
            digest: the name.

        Raises:
            Invalid: ``digest.malformed``.
            Unavailable: ``store.unavailable``.
        """
        ...

    def read(self, digest: str, start: int, end: int) -> ByteStream:
        """Open the bytes ``start`` (inclusive) to ``end`` (exclusive).

        Bounds and presence are checked before this returns, so that a door can still answer with an
        error; the content is not hashed (``verify`` does that). The stream yields non-empty chunks
        and is meant for one thread.

        Args:
            digest: the name.
            start: first byte, from 0.
            end: one past the last byte, at most the object's size.

        Raises:
            Invalid: ``digest.malformed``, ``exhibit.range``.
            NotFound: ``exhibit.unknown``.
            Unavailable: ``store.unavailable``; while reading, ``store.damaged`` when the object
                ends early.
        """
        ...

    def verify(self, digest: str) -> bool:
        """Read the whole object and hash it again.

        Args:
            digest: the name.

        Returns:
            Whether the stored bytes still hash to their name. ``False`` changes nothing; the caller
            decides about ``quarantine`` and fetching again.

        Raises:
            Invalid: ``digest.malformed``.
            NotFound: ``exhibit.unknown``.
            Unavailable: ``store.unavailable``.
        """
        ...

    def partial(self, digest: str) -> int:
        """Count the bytes held of an unfinished transfer: the offset at which to resume.

        Args:
            digest: the name.

        Returns:
            0 when nothing is held aside. Never less than what ``append_range`` last acknowledged,
            unless a failing disk or wrong bytes made it throw the transfer away. Of no meaning
            once the object is whole: ask ``head`` first.

        Raises:
            Invalid: ``digest.malformed``.
            Unavailable: ``store.unavailable``.
        """
        ...

    def append_range(self, digest: str, size: int, offset: int, data: bytes) -> Progress:
        """Add one range to an unfinished transfer; finish it when ``size`` bytes are held.

        Ranges are kept aside under the digest, never visible as the object. Bytes below what is
        already held are dropped unseen, so a repeated or overlapping range is harmless, and so are
        two processes that fetch the same exhibit: the hash of the whole decides. If the whole does
        not hash to ``digest``, all of it is thrown away and the transfer starts again from 0.
        For an object that is already whole this changes nothing and says so.

        Args:
            digest: the name.
            size: length of the whole object in bytes, from the signed manifest.
            offset: where ``data`` begins in the object.
            data: the bytes; at most the protocol's 4 MiB, never past ``size``.

        Returns:
            What is held now, durably, and the object once it is whole.

        Raises:
            Invalid: ``digest.malformed``, ``exhibit.range``, ``exhibit.size-mismatch`` (more held
                than ``size``, which discards it), ``exhibit.digest-mismatch``.
            Conflict: ``exhibit.range-gap``; its ``details["held"]`` says where to go on.
            TooLarge: ``exhibit.too-large``.
            Full: ``store.full``.
            Unavailable: ``store.unavailable``.
        """
        ...

    def quarantine(self, digest: str) -> None:
        """Take a damaged object out of sight, keeping its bytes for those who investigate.

        Afterwards ``head`` says ``None`` and the object can be fetched again. Absent objects are
        no error.

        Args:
            digest: the name.

        Raises:
            Invalid: ``digest.malformed``.
            Unavailable: ``store.unavailable``.
        """
        ...

    def delete(self, digest: str) -> None:
        """Erase the object, every older version, quarantined copy and partial transfer of it.

        For erasure that law demands; nothing else deletes evidence. Durable when it returns; absent
        objects are no error. A ``put`` under way at the same moment may bring the object back: the
        caller closes that road first.

        Args:
            digest: the name.

        Raises:
            Invalid: ``digest.malformed``.
            Unavailable: ``store.unavailable``, also where the service refuses because of a
                retention lock.
        """
        ...

    def list(self) -> Iterator[Stored]:
        """Walk all whole objects, ordered by digest, without holding them all in memory.

        Objects added or erased meanwhile may or may not appear.

        Raises:
            Unavailable: ``store.unavailable``.
        """
        ...

    def probe(self) -> None:
        """Do the least that proves the store takes writes, for ``/readyz``.

        Raises:
            Full: ``store.full``.
            Unavailable: ``store.unavailable``.
        """
        ...
