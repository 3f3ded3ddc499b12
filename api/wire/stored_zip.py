"""A zip whose every byte follows from its members: the one reader and the one writer.

Package files (`api.wire.package_file`) and audit exports (`api.wire.export.container`) are such
containers; each says in its `ZipForm` what may be in it. The reader trusts no zip library: it takes
the few free fields of the central directory, writes down the only container that these allow and
compares, so that data before, between or behind members, comments, extra fields, a second
directory and a local header that says something else are refused. Members are stored, never
compressed: nothing can blow up, and memory stays constant.

Must not know what the members mean. Format: PKWARE APPNOTE 6.3.10 §4.3.7, §4.3.12, §4.3.16.
Refusal codes: ``container.malformed``, ``container.member``, ``container.missing``,
``container.too-large``, ``container.checksum``.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Final, TypeAlias

from api.wire.errors import WireError

CHUNK: Final = 1 << 20
"""Bytes handled at once, so that memory does not grow with members."""

MODE: Final = 0o600 << 16
"""Mode bits of a member as this writer puts them."""

# All little-endian.
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_MADE_BY: Final = 0x0314  # Unix, zip 2.0: what Python's own writer puts on this system
_NEEDED: Final = 20
_DATE: Final = 0x21  # 1 January 1980: the container carries no times


Refusal: TypeAlias = Callable[[], WireError]


@dataclass(frozen=True, slots=True)
class ZipForm:
    """What one kind of container may be.

    Attributes:
        check_name: raises the refusal of a member that has no place in it.
        most_members: how many there may be.
        most_written: bytes after which nothing is added any more.
        most_read: bytes of a file that is still looked at.
        malformed: returns the refusal of a file that is not the only one its directory allows.
        too_large: returns the refusal of too many bytes.
        missing: returns the refusal of a member that is not there.
        dated: whether members may carry times, as they do when a file was packed again.
        modes: mode bits that members may carry.
    """

    check_name: Callable[[str], None]
    most_members: int
    most_written: int
    most_read: int
    malformed: Refusal
    too_large: Refusal
    missing: Refusal
    dated: bool = False
    modes: frozenset[int] = frozenset({MODE})


@dataclass(frozen=True, slots=True)
class _Entry:
    """The free fields of one central directory record."""

    name: str
    crc: int = 0
    size: int = 0
    time: int = 0
    date: int = _DATE
    mode: int = MODE

    def local(self) -> bytes:
        """Return the only local header this entry may have."""
        name = self.name.encode("ascii")
        shared = (self.time, self.date, self.crc, self.size, self.size, len(name))
        return _LOCAL.pack(b"PK\x03\x04", _NEEDED, 0, 0, *shared, 0) + name

    def central(self, offset: int) -> bytes:
        """Return the only central record this entry may have."""
        name = self.name.encode("ascii")
        shared = (self.time, self.date, self.crc, self.size, self.size, len(name))
        tail = (0, 0, 0, 0, self.mode, offset)
        return _CENTRAL.pack(b"PK\x01\x02", _MADE_BY, _NEEDED, 0, 0, *shared, *tail) + name


def _directory(entries: Iterable[_Entry]) -> tuple[bytes, int]:
    """Return directory and end record of these entries, and the offset where they start."""
    records, at, count = bytearray(), 0, 0
    for entry in entries:
        records += entry.central(at)
        at += len(entry.local()) + entry.size
        count += 1
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(records), at, 0)
    return bytes(records) + end, at


class StoredWriter:
    """Writes members one after another into a seekable binary file; fixed times and modes.

    Equal contents give equal files. Durability (temporary name, sync, rename) is the caller's.

    Args:
        target: seekable binary file.
        form: which kind of container.
    """

    def __init__(self, target: IO[bytes], form: ZipForm) -> None:
        self._target = target
        self._form = form
        self._entries: list[_Entry] = []
        self.files: dict[str, tuple[str, int]] = {}

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Add a member; its SHA-256 (hex) and size are then in `files`.

        Args:
            name: of the member.
            chunks: its content, in pieces.

        Raises:
            WireError: ``container.member``, ``container.too-large``.
        """
        self._form.check_name(name)
        if name in self.files:
            raise WireError("container.member", "Add every member once.")
        start = self._target.tell()
        self._target.write(_Entry(name).local())
        crc, size, sha = 0, 0, hashlib.sha256()
        for chunk in chunks:
            self._target.write(chunk)
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            sha.update(chunk)
            if start + size > self._form.most_written:
                raise self._form.too_large()
        entry = _Entry(name, crc, size)
        end = self._target.tell()
        self._target.seek(start)
        self._target.write(entry.local())
        self._target.seek(end)
        self._entries.append(entry)
        self.files[name] = (sha.hexdigest(), size)

    def finish(self) -> None:
        """Write the directory. Without it the file is refused as malformed.

        Raises:
            WireError: ``container.too-large``: no reader would look at it.
        """
        directory, start = _directory(self._entries)
        if start + len(directory) > self._form.most_read:
            raise self._form.too_large()
        self._target.write(directory)


class StoredZip:
    """A container that has been checked; contents are not read yet.

    Args:
        source: seekable binary file, open for as long as this object is used.
        form: which kind of container.

    Raises:
        WireError: ``container.malformed``, ``container.member`` or ``container.too-large``.
    """

    def __init__(self, source: IO[bytes], form: ZipForm) -> None:
        self._source = source
        self._form = form
        entries, size = self._read_entries()
        self._places: dict[str, tuple[int, _Entry]] = {}
        at = 0
        for entry in entries:
            header = entry.local()
            if self._read_at(at, len(header)) != header or entry.name in self._places:
                raise self._form.malformed()
            self._places[entry.name] = (at + len(header), entry)
            at += len(header) + entry.size
            if at > size:
                raise self._form.malformed()
        directory, start = _directory(entries)
        if start + len(directory) != size or self._read_at(start, len(directory)) != directory:
            raise self._form.malformed()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all members, in the order of the file."""
        return tuple(self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def size(self, name: str) -> int:
        """Return the size of a member in bytes.

        Raises:
            WireError: ``container.missing``.
        """
        return self._place(name)[1].size

    def read(self, name: str, limit: int) -> bytes:
        """Return a whole member.

        Raises:
            WireError: ``container.missing``, ``container.too-large``, ``container.checksum``.
        """
        if self.size(name) > limit:
            raise WireError("container.too-large", f"Keep this member within {limit} bytes.")
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a member's bytes in pieces of at most `CHUNK`.

        Raises:
            WireError: ``container.missing``; ``container.checksum`` after the last piece, if it is
                not what was stored.
        """
        at, entry = self._place(name)
        crc, left = 0, entry.size
        while left:
            piece = self._read_at(at, min(left, CHUNK))
            if not piece:
                raise self._form.malformed()
            crc, at, left = zlib.crc32(piece, crc), at + len(piece), left - len(piece)
            yield piece
        if crc != entry.crc:
            raise WireError("container.checksum", "The member's bytes changed after writing.")

    def _place(self, name: str) -> tuple[int, _Entry]:
        try:
            return self._places[name]
        except KeyError:
            raise self._form.missing() from None

    def _read_at(self, offset: int, length: int) -> bytes:
        self._source.seek(offset)
        return self._source.read(length)

    def _read_entries(self) -> tuple[list[_Entry], int]:
        """Return the free fields of the directory, and the file's size; all else is compared."""
        size = self._source.seek(0, 2)
        if size > self._form.most_read:
            raise self._form.too_large()
        if size < _END.size:
            raise self._form.malformed()
        _, _, _, _, count, length, start, _ = _END.unpack(
            self._read_at(size - _END.size, _END.size)
        )
        if count > self._form.most_members or start + length + _END.size != size:
            raise self._form.malformed()
        records = self._read_at(start, length)
        entries, at = [], 0
        for _ in range(count):
            if at + _CENTRAL.size > length:
                raise self._form.malformed()
            record = _CENTRAL.unpack_from(records, at)
            (time, date, crc, stored, _), name_length, mode = record[5:10], record[10], record[15]
            at += _CENTRAL.size + name_length
            name = records[at - name_length : at].decode("ascii", "replace")
            self._form.check_name(name)
            entries.append(_Entry(name, crc, stored, time, date, mode))
        if not all(self._is_allowed(entry) for entry in entries):
            raise self._form.malformed()
        return entries, size

    def _is_allowed(self, entry: _Entry) -> bool:
        undated = (entry.time, entry.date) == (0, _DATE)
        return entry.mode in self._form.modes and (self._form.dated or undated)
