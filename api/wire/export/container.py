"""The container of an audit export: a zip whose every byte follows from its members.

Owns writing and reading of the zip. The reader trusts no zip library: it takes names, sizes and
checksums from the directory, writes down the only container these allow and compares, so that
data before, between or behind members, comments, extra fields and second directories are
refused. Members are stored, never compressed: nothing can blow up, and memory stays constant.

Must not know what the members mean (`api.wire.export.layout`), except that names are plain.

Format: docs/protocol-export.md; PKWARE APPNOTE 6.3.10 §4.3.7, §4.3.12, §4.3.16.
Refusal codes: ``container.malformed``, ``container.member``, ``container.missing``,
``container.too-large``, ``container.checksum``.
"""

import hashlib
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from api.wire.errors import WireError

CHUNK: Final = 1 << 20
"""Bytes handled at once."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]*(/[A-Za-z][A-Za-z0-9_.]*)?", re.ASCII)
_MOST_MEMBERS: Final = 64
_MOST_BYTES: Final = (1 << 32) - (1 << 20)
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_NEEDED: Final = 20
_MADE_BY: Final = 0x0314
_DATE: Final = 0x21  # 1 January 1980: the container carries no times
_MODE: Final = 0o600 << 16


@dataclass(frozen=True, slots=True)
class _Entry:
    """What varies between members."""

    name: str
    crc: int
    size: int

    def local(self) -> bytes:
        """The only local header of this entry."""
        name = self.name.encode("ascii")
        varying = (self.crc, self.size, self.size, len(name))
        return _LOCAL.pack(b"PK\x03\x04", _NEEDED, 0, 0, 0, _DATE, *varying, 0) + name

    def central(self, offset: int) -> bytes:
        """The only directory record of this entry."""
        name = self.name.encode("ascii")
        varying = (self.crc, self.size, self.size, len(name))
        head = (b"PK\x01\x02", _MADE_BY, _NEEDED, 0, 0, 0, _DATE)
        return _CENTRAL.pack(*head, *varying, 0, 0, 0, 0, _MODE, offset) + name


def _directory(entries: Iterable[_Entry]) -> tuple[bytes, int]:
    """Directory and end record of these entries in order, and the offset where they start."""
    records, at, count = bytearray(), 0, 0
    for entry in entries:
        records += entry.central(at)
        at += len(entry.local()) + entry.size
        count += 1
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(records), at, 0)
    return bytes(records) + end, at


class ExportWriter:
    """Writes members one after another into a seekable binary file.

    Durability (temporary name, sync, rename) is the caller's.
    """

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._entries: list[_Entry] = []
        self.files: dict[str, tuple[str, int]] = {}

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Add a member; its SHA-256 (hex) and size are then in `files`.

        Raises:
            WireError: ``container.member``, ``container.too-large``.
        """
        _check_name(name)
        if name in self.files:
            raise WireError("container.member", "Add every member once.")
        start = self._target.tell()
        self._target.write(_Entry(name, 0, 0).local())
        crc, size, sha = 0, 0, hashlib.sha256()
        for chunk in chunks:
            self._target.write(chunk)
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            sha.update(chunk)
            if start + size > _MOST_BYTES:
                raise WireError("container.too-large", "Export a smaller range at once.")
        entry = _Entry(name, crc, size)
        end = self._target.tell()
        self._target.seek(start)
        self._target.write(entry.local())
        self._target.seek(end)
        self._entries.append(entry)
        self.files[name] = (sha.hexdigest(), size)

    def finish(self) -> None:
        """Write the directory. Without it the file is refused as malformed."""
        self._target.write(_directory(self._entries)[0])


class ExportFile:
    """An export whose container has been checked; contents are not read yet.

    Args:
        source: Seekable binary file, open for as long as this object is used.

    Raises:
        WireError: ``container.malformed``, ``container.member`` or ``container.too-large``.
    """

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        entries, size = _read_entries(source)
        self._places: dict[str, tuple[int, _Entry]] = {}
        at = 0
        for entry in entries:
            header = entry.local()
            if self._read_at(at, len(header)) != header or entry.name in self._places:
                raise _malformed()
            self._places[entry.name] = (at + len(header), entry)
            at += len(header) + entry.size
            if at > size:
                raise _malformed()
        directory, start = _directory(entries)
        if start + len(directory) != size or self._read_at(start, len(directory)) != directory:
            raise _malformed()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all members, in the order of the file."""
        return tuple(self._places)

    def size(self, name: str) -> int:
        """Size of a member in bytes.

        Raises:
            WireError: ``container.missing``.
        """
        return self._place(name)[1].size

    def read(self, name: str, limit: int) -> bytes:
        """A whole member.

        Raises:
            WireError: ``container.missing``, ``container.too-large``, ``container.checksum``.
        """
        if self.size(name) > limit:
            raise WireError("container.too-large", f"Keep this member within {limit} bytes.")
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member's bytes in pieces of at most `CHUNK`.

        Raises:
            WireError: ``container.missing``; ``container.checksum`` after the last piece.
        """
        at, entry = self._place(name)
        crc, left = 0, entry.size
        while left:
            piece = self._read_at(at, min(left, CHUNK))
            if not piece:
                raise _malformed()
            crc, at, left = zlib.crc32(piece, crc), at + len(piece), left - len(piece)
            yield piece
        if crc != entry.crc:
            raise WireError("container.checksum", "The member's bytes changed after writing.")

    def _place(self, name: str) -> tuple[int, _Entry]:
        try:
            return self._places[name]
        except KeyError:
            raise WireError("container.missing", "A member that must be there is not.") from None

    def _read_at(self, offset: int, length: int) -> bytes:
        self._source.seek(offset)
        return self._source.read(length)


def _read_entries(source: IO[bytes]) -> tuple[list[_Entry], int]:
    """Names, checksums and sizes from the directory; everything else is compared later."""
    size = source.seek(0, 2)
    if size > _MOST_BYTES + CHUNK:
        raise WireError("container.too-large", "Export a smaller range at once.")
    if size < _END.size:
        raise _malformed()
    source.seek(size - _END.size)
    _, _, _, _, count, length, start, _ = _END.unpack(source.read(_END.size))
    if count > _MOST_MEMBERS or start + length + _END.size != size:
        raise _malformed()
    source.seek(start)
    records = source.read(length)
    entries, at = [], 0
    for _ in range(count):
        if at + _CENTRAL.size > length:
            raise _malformed()
        record = _CENTRAL.unpack_from(records, at)
        crc, stored, name_length = record[7], record[8], record[10]
        at += _CENTRAL.size + name_length
        name = records[at - name_length : at].decode("ascii", "replace")
        _check_name(name)
        entries.append(_Entry(name, crc, stored))
    return entries, size


def _check_name(name: str) -> None:
    if len(name) > 255 or not _NAME.fullmatch(name):  # noqa: PLR2004 - a name is short
        raise WireError("container.member", "Include only the members of an export.")


def _malformed() -> WireError:
    return WireError(
        "container.malformed", "Give the export as it was written, uncompressed and whole."
    )
