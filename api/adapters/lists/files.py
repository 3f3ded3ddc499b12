"""Opens what was downloaded: packed or not, in whatever encoding, within a bound.

Owns how bytes become readable files. A file is known by its first bytes, never by its name. Must
not know any list's layout.
"""

import codecs
import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from typing_extensions import override

from api.domain.lists.entries import refuse

LARGEST: Final = 512 * 1024 * 1024
"""Most bytes of an unpacked list; the largest of 2026 has 110 MB."""

HEAD: Final = 1 << 20
"""A layout is recognised or refused within so many bytes."""

_CHUNK: Final = 1 << 20
_MOST_MEMBERS: Final = 16
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_PACKED_OTHERWISE: Final = (
    b"\xfd7zXZ\x00",
    b"BZh",
    b"7z\xbc\xaf\x27\x1c",
    b"\x28\xb5\x2f\xfd",
    b"Rar!",
    _GZIP,
    _ZIP,
)
# What the libraries raise on a hostile archive, beside their own classes: a flag or a method that
# they do not know, a name in no encoding, a length below zero.
_BROKEN: Final = (
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
)
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class ListFile:
    """One unpacked file that can be read from its beginning more than once.

    Attributes:
        name: as the archive or the sender calls it; for messages only.
        open: opens it at its first byte.
    """

    name: str
    open: Callable[[], IO[bytes]]

    def head(self) -> bytes:
        """Return the first megabyte.

        Raises:
            Invalid: ``list.packed``: damaged, packed twice, or in a way that is not read.
        """
        with self.open() as source:
            head = source.read(HEAD)
        if head.startswith(_PACKED_OTHERWISE):
            raise refuse("packed", "The file is packed in a way that is not read; unpack it first.")
        return head

    def text(self) -> IO[str]:
        """Open the file as text, in the encoding that its bytes are in.

        Raises:
            Invalid: ``list.encoding``, ``list.packed``, ``list.too-large``.
        """
        return io.TextIOWrapper(self.open(), encoding=encoding_of(self), newline="")


@contextmanager
def _archive() -> Iterator[None]:
    """Turn whatever a broken archive does to the libraries, at any step, into one refusal."""
    try:
        yield
    except _BROKEN as error:
        raise refuse("packed", "The archive is damaged or cut off; fetch it again.") from error


class _Bounded(io.RawIOBase):
    """Reads on, until more came than any list has."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._left = LARGEST

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        with _archive():
            data = self._source.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise refuse("too-large", "The file is larger than any list.")
        buffer[: len(data)] = data
        return len(data)

    @override
    def close(self) -> None:
        self._source.close()
        super().close()


def _bounded(source: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(_Bounded(source), _CHUNK)


def unpacked(path: Path, name: str = "") -> list[ListFile]:
    """Return the files in a download: itself, what a gzip file holds, or each member of a zip.

    Raises:
        Invalid: ``list.packed``: a damaged or encrypted archive, or one with too many members;
            ``list.unknown-layout``: an office document.
    """
    with path.open("rb") as source:
        start = source.read(4)
    label = name or path.name
    if start.startswith(_ZIP):
        with _archive():
            return _archive_members(path)
    if start.startswith(_GZIP):
        return [ListFile(label, lambda: _bounded(cast("IO[bytes]", gzip.open(path, "rb"))))]
    return [ListFile(label, lambda: _bounded(path.open("rb")))]


def _beside(member: zipfile.ZipInfo) -> bool:
    """Tell whether a member is a folder, or what a program packs along for itself."""
    place = PurePosixPath(member.filename)
    return member.is_dir() or place.parts[:1] == ("__MACOSX",) or place.name.startswith(".")


def _archive_members(path: Path) -> list[ListFile]:
    with zipfile.ZipFile(path) as archive:
        infos = [one for one in archive.infolist() if not _beside(one)]
    names = {one.filename for one in infos}
    if names & {"[Content_Types].xml", "mimetype"}:
        raise refuse("unknown-layout", "This is an office document; fetch the list as XML or CSV.")
    if not infos or len(infos) > _MOST_MEMBERS:
        raise refuse("packed", f"Give an archive with 1 to {_MOST_MEMBERS} files.")
    if any(one.flag_bits & 1 for one in infos):
        raise refuse("packed", "The archive is encrypted; give its files unencrypted.")
    return [_member(path, one.filename) for one in infos]


def _member(path: Path, name: str) -> ListFile:
    def opened() -> IO[bytes]:
        with _archive():
            archive = zipfile.ZipFile(path)
            with archive.open(name) as source:
                inner = source.read(2) == _GZIP
            source = archive.open(name)
        return _bounded(cast("IO[bytes]", gzip.GzipFile(fileobj=source)) if inner else source)

    return ListFile(name, opened)


def encoding_of(file: ListFile) -> str:
    """Return the encoding of a file of text, having looked at all of it.

    A byte order mark decides; else NULs show UTF-16 without one; else UTF-8, if every byte obeys
    it; else Windows-1252, which the publishers' spreadsheets write.

    Raises:
        Invalid: ``list.encoding``: it is none of these.
    """
    head = file.head()
    for mark, name in _BOMS:
        if head.startswith(mark):
            return _whole_file(file, (name,))
    sample = head[:4096]
    if b"\0" in sample:
        little = sample[1::2].count(0) > sample[::2].count(0)
        return _whole_file(file, ("utf-16-le" if little else "utf-16-be",))
    return _whole_file(file, ("utf-8", "cp1252"))


def _whole_file(file: ListFile, names: tuple[str, ...]) -> str:
    for name in names:
        decoder = codecs.getincrementaldecoder(name)("strict")
        try:
            for chunk in chunks(file):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeError:
            continue
        return name
    raise refuse("encoding", "The text is in no encoding that lists are published in, or damaged.")


def chunks(file: ListFile) -> Iterator[bytes]:
    """Yield a file's bytes in pieces."""
    with file.open() as source:
        while piece := source.read(_CHUNK):
            yield piece
