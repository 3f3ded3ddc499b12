"""The package file: one zip that holds a statement, its exhibits and what proves it.

Owns the container of PROTOCOL §4 for sealed packages (``statement.json``) and drafts
(``draft.json``): which members may be in it and that every byte of it is accounted for. The reader
trusts no zip library. It reads the central directory, writes down from its few free fields the
only container they allow, and compares: so data before, between or behind members, comments,
extra fields, a second directory or a local header that says something else are refused, and
nothing is ever decompressed (members are stored, which also ends zip bombs). Containers of 2 GiB
and more are refused.

It must not judge contents: exhibits are checked against the manifest in
`api.domain.verification.package`.

Refusal codes: ``container.malformed``, ``container.member``, ``container.missing``,
``container.too-large``, ``container.checksum``.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Final

from api.wire import digests
from api.wire.errors import WireError

STATEMENT: Final = "statement.json"
DRAFT: Final = "draft.json"
RELEASE: Final = "release.json"
PROOF: Final = "proof.tlog-proof"
CHUNK: Final = 1024 * 1024
"""Bytes handled at once, so that memory does not grow with exhibits."""

_EXHIBIT: Final = re.compile(r"exhibits/[0-9a-f]{64}", re.ASCII)
_RECEIPT: Final = re.compile(r"receipts/([1-9][0-9]{0,3})\.json", re.ASCII)
_MOST_MEMBERS: Final = 10_000
_MOST_BYTES: Final = zipfile.ZIP64_LIMIT

# PKWARE APPNOTE 6.3.10 §4.3.7, §4.3.12, §4.3.16, all little-endian.
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_MADE_BY: Final = 0x0314  # Unix, zip 2.0: what Python's own writer puts on this system
_NEEDED: Final = 20
# Mode bits as this writer (0600) or Python's writer from a file (0644) puts them; two values that
# differ in more than one byte, so that no changed byte turns one into the other.
_ATTRIBUTES: Final = frozenset({0o600 << 16, 0o100644 << 16})
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def exhibit_name(digest: str) -> str:
    """Return the member name of the exhibit with this digest.

    Raises:
        WireError: ``digest.malformed``.
    """
    return f"exhibits/{digests.digest_bytes(digest).hex()}"


def receipt_name(number: int) -> str:
    """Return the member name of receipt `number`, counted from 1."""
    return f"receipts/{number}.json"


class PackageWriter:
    """Writes a package file into a seekable binary file.

    Members are stored uncompressed with fixed times, so equal contents give equal files. Use as a
    context manager; leaving it normally writes the directory, leaving it by an error empties the
    file. Durability (temporary name, sync, rename) is the caller's.
    """

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=False)

    def __enter__(self) -> "PackageWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()
        if error is not None:
            self._target.seek(0)
            self._target.truncate()

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Add one member.

        Args:
            name: A member name of the package file.
            chunks: Its content, in pieces.

        Raises:
            WireError: ``container.member``, ``container.too-large``.
        """
        _check_name(name)
        if name in self._zip.namelist():
            raise WireError("container.member", "Add every member once.")
        info = zipfile.ZipInfo(name, _EPOCH)
        info.create_system = _MADE_BY >> 8
        info.external_attr = 0o600 << 16
        try:
            with self._zip.open(info, "w") as member:
                for chunk in chunks:
                    member.write(chunk)
        except (zipfile.LargeZipFile, RuntimeError):
            raise _too_large() from None


@dataclass(frozen=True, slots=True)
class _Entry:
    """The free fields of one central directory record."""

    name: str
    time: int
    date: int
    crc: int
    size: int
    attributes: int

    def local(self) -> bytes:
        """Return the only local header this entry may have."""
        name = self.name.encode("ascii")
        shared = (self.time, self.date, self.crc, self.size, self.size, len(name))
        return _LOCAL.pack(b"PK\x03\x04", _NEEDED, 0, 0, *shared, 0) + name

    def central(self, offset: int) -> bytes:
        """Return the only central record this entry may have."""
        name = self.name.encode("ascii")
        shared = (self.time, self.date, self.crc, self.size, self.size, len(name))
        tail = (0, 0, 0, 0, self.attributes, offset)
        return _CENTRAL.pack(b"PK\x01\x02", _MADE_BY, _NEEDED, 0, 0, *shared, *tail) + name


class PackageFile:
    """A package file whose container has been checked.

    Args:
        source: Seekable binary file, open for as long as this object is used.

    Raises:
        WireError: ``container.*``; contents are not read yet.
    """

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._places: dict[str, tuple[int, _Entry]] = {}
        entries, directory_at = _read_directory(source)
        offset = 0
        directory = bytearray()
        for entry in entries:
            header = entry.local()
            if self._read_at(offset, len(header)) != header or entry.name in self._places:
                raise _malformed()
            directory += entry.central(offset)
            self._places[entry.name] = (offset + len(header), entry)
            offset += len(header) + entry.size
        end = _END.pack(
            b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), directory_at, 0
        )
        if offset != directory_at or self._read_at(offset, len(directory)) != bytes(directory):
            raise _malformed()
        if self._read_at(offset + len(directory), _END.size + 1) != end:
            raise _malformed()
        self._check_set()

    @property
    def is_draft(self) -> bool:
        """Whether this is a package before submission."""
        return DRAFT in self._places

    @property
    def exhibits(self) -> dict[str, int]:
        """Size of every exhibit by digest."""
        return {
            digests.PREFIX + name.partition("/")[2]: entry.size
            for name, (_, entry) in self._places.items()
            if _EXHIBIT.fullmatch(name)
        }

    @property
    def receipts(self) -> tuple[str, ...]:
        """Names of the receipt members, in order."""
        count = sum(1 for name in self._places if _RECEIPT.fullmatch(name))
        return tuple(receipt_name(number) for number in range(1, count + 1))

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, name: str, limit: int) -> bytes:
        """Return one member whole.

        Raises:
            WireError: ``container.missing``, ``container.too-large``, ``container.checksum``.
        """
        if name not in self._places:
            raise WireError("container.missing", "Include the member that this file needs.")
        if self._places[name][1].size > limit:
            raise WireError("container.too-large", f"Keep this member within {limit} bytes.")
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield one member's bytes in pieces of at most `CHUNK`.

        Raises:
            WireError: ``container.checksum`` after the last piece, if it is not what was stored.
        """
        offset, entry = self._places[name]
        crc, left = 0, entry.size
        while left:
            piece = self._read_at(offset, min(left, CHUNK))
            if not piece:
                raise _malformed()
            crc = zlib.crc32(piece, crc)
            offset, left = offset + len(piece), left - len(piece)
            yield piece
        if crc != entry.crc:
            raise WireError("container.checksum", "The member's bytes changed after writing.")

    def _read_at(self, offset: int, length: int) -> bytes:
        self._source.seek(offset)
        return self._source.read(length)

    def _check_set(self) -> None:
        """Check that the members are those of one sealed package or one draft."""
        if (DRAFT in self._places) is (STATEMENT in self._places):
            raise WireError("container.missing", "Include a statement or a draft, not both.")
        extras = {name for name in self._places if not _EXHIBIT.fullmatch(name)}
        if self.is_draft and extras != {DRAFT}:
            raise WireError("container.member", "A draft holds its exhibits and nothing else.")
        numbers = {int(m[1]) for name in self._places if (m := _RECEIPT.fullmatch(name))}
        if numbers != set(range(1, len(numbers) + 1)):
            raise WireError("container.member", "Number receipts from 1 without gaps.")


def _read_directory(source: IO[bytes]) -> tuple[list[_Entry], int]:
    """Read the free fields of the directory; every other field is compared by the caller."""
    size = source.seek(0, 2)
    if size > _MOST_BYTES:
        raise _too_large()
    if size < _END.size:
        raise _malformed()
    source.seek(size - _END.size)
    (_, _, _, _, count, length, directory_at, _) = _END.unpack(source.read(_END.size))
    if count > _MOST_MEMBERS or directory_at + length + _END.size != size:
        raise _malformed()
    source.seek(directory_at)
    directory = source.read(length)
    entries = []
    at = 0
    for _ in range(count):
        if at + _CENTRAL.size > length:
            raise _malformed()
        record = _CENTRAL.unpack_from(directory, at)
        (time, date, crc, stored, _), name_length, attributes = record[5:10], record[10], record[15]
        at += _CENTRAL.size + name_length
        name = directory[at - name_length : at].decode("ascii", "replace")
        _check_name(name)
        if attributes not in _ATTRIBUTES:
            raise _malformed()
        entries.append(_Entry(name, time, date, crc, stored, attributes))
    return entries, directory_at


def _check_name(name: str) -> None:
    fixed = (STATEMENT, DRAFT, RELEASE, PROOF)
    if name not in fixed and not _EXHIBIT.fullmatch(name) and not _RECEIPT.fullmatch(name):
        raise WireError("container.member", "Include only the members of a package file.")


def _malformed() -> WireError:
    return WireError(
        "container.malformed", "Give the package file as it was written, uncompressed and whole."
    )


def _too_large() -> WireError:
    return WireError("container.too-large", "Keep a package file under 2 GiB.")
