"""Bytes that no use case has taken yet: unnamed files, and unfinished uploads.

Owns one local folder and its files. It knows no exhibit and no policy: an upload is a length, the
digest that the whole is to have, and an owner. Several processes of one machine may share the
folder; processes of several machines need one each, and an upload is then continued at the machine
where it began (the proxy keeps a client there).

Layout, private to the service account::

    <id>.json   what was announced, canonical; written first
    <id>.part   the bytes so far; its length is the offset, its lock says that somebody appends
                or removes
    *.body      what a use case reads by its path; goes with the request

A crash loses at most bytes that were not yet on the disk: the digest of the whole decides when it
is stored, and a wrong whole starts again. What is left alone for a week is swept.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Final

from api.domain.errors import Conflict, Full, NotFound, TooMany
from api.wire.canonical import canonical, parse
from api.wire.errors import WireError

KEPT_SECONDS: Final = 7 * 24 * 3600
"""How long an upload may rest."""

MOST_UNFINISHED: Final = 64
"""Unfinished uploads of one owner."""

_CHUNK: Final = 1024 * 1024
_ROOM: Final = 64 * 1024 * 1024
_LARGEST_NOTE: Final = 4096
_NAMED: Final = ".body"
_SUFFIXES: Final = (".json", ".part", ".new", _NAMED)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was announced.

    Attributes:
        id: its name, 32 hex digits.
        owner: whose it is; nobody else learns that it exists.
        digest: ``sha256:<hex>`` of the whole.
        size: bytes of the whole.
        stored: whether the whole was taken; its bytes are gone from here then.
    """

    id: str
    owner: str
    digest: str
    size: int
    stored: bool = False


_MEMBERS: Final = frozenset(each.name for each in fields(Upload))


class Spool:
    """The folder.

    Args:
        folder: a local folder, made if it is absent; ``None`` for one below the machine's own for
            temporary files, made when it is first needed.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._given = folder
        self._made: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder, which exists."""
        if self._made is None:
            if self._given is not None:
                self._given.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._made = self._given
            else:
                self._made = Path(tempfile.mkdtemp(prefix="comity-spool-"))
        return self._made

    def close(self) -> None:
        """Remove a folder of this process's own."""
        if self._given is None and self._made is not None:
            for path in self._made.iterdir():
                path.unlink(missing_ok=True)
            self._made.rmdir()
            self._made = None

    def unnamed(self) -> IO[bytes]:
        """Open a file that goes when it is closed, whatever becomes of this process."""
        return tempfile.TemporaryFile(dir=self.folder)

    def named(self) -> "tempfile._TemporaryFileWrapper[bytes]":
        """Open a file that goes when it is closed, for a use case that reads it by its path.

        A crash leaves it; it is swept.
        """
        return tempfile.NamedTemporaryFile(dir=self.folder, suffix=_NAMED)

    def small(self, most: int) -> "tempfile.SpooledTemporaryFile[bytes]":
        """Open a file that stays in memory up to so many bytes, and is unnamed beyond."""
        return tempfile.SpooledTemporaryFile(max_size=most, mode="w+b", dir=str(self.folder))

    def begin(self, upload: Upload) -> None:
        """Announce an upload.

        Raises:
            TooMany: ``upload.too-many``.
            Full: ``store.full``.
        """
        with self._alone():
            self._begin(upload)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock, so that two who begin at one moment count each other."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _begin(self, upload: Upload) -> None:
        self._sweep()
        unfinished = [each for each in self._all() if each.owner == upload.owner]
        if len([each for each in unfinished if not each.stored]) >= MOST_UNFINISHED:
            raise TooMany(
                "upload.too-many", "Finish or remove uploads you began first.", retry_after=60
            )
        self.check_room(upload.size)
        self._part(upload.id).touch(mode=0o600, exist_ok=False)
        # A crash before this line leaves a file of nobody; it is swept.
        self._note(upload)

    def check_room(self, size: int) -> None:
        """Refuse bytes that the disk has no room for.

        Raises:
            Full: ``store.full``.
        """
        disk = os.statvfs(self.folder)
        if disk.f_frsize * disk.f_bavail < size + _ROOM:
            raise Full("store.full", "There is no room for so many bytes; nothing was stored.")

    def find(self, upload_id: str, owner: str) -> Upload:
        """Return an upload of this owner.

        Raises:
            NotFound: ``upload.unknown``.
        """
        found = self._read(self.folder / f"{upload_id}.json")
        if found is None or found.owner != owner:
            raise _no_such_upload()
        return found

    def offset(self, upload: Upload) -> int:
        """Return how many bytes are here from the start."""
        if upload.stored:
            return upload.size
        try:
            return self._part(upload.id).stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def appending(self, upload: Upload, offset: int) -> Iterator[IO[bytes]]:
        """Open an upload's bytes for more of them, until the block ends.

        Raises:
            NotFound: ``upload.unknown``: it was removed meanwhile.
            Conflict: ``upload.offset``, with the ``offset`` to go on from; ``upload.busy``:
                another request appends or removes.
        """
        with self._locked(upload) as file:
            # What the caller found may be of the past: only what the note says now counts.
            found = self.find(upload.id, upload.owner)
            if found.stored:
                raise _other_offset(found.size)
            if file is None:
                raise _no_such_upload()
            held = file.seek(0, os.SEEK_END)
            if held != offset:
                raise _other_offset(held)
            yield file

    @contextmanager
    def _locked(self, upload: Upload) -> Iterator[IO[bytes] | None]:
        """Hold an upload for this block alone; ``None`` where its bytes are gone.

        The file is never made here: what was stored or removed meanwhile must not come back.
        """
        with ExitStack() as opened:
            file = None
            with suppress(FileNotFoundError):
                file = opened.enter_context(self._part(upload.id).open("r+b"))
            if file is not None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise Conflict(
                        "upload.busy", "Another request sends to this upload; ask its offset again."
                    ) from None
            yield file

    def bytes_of(self, upload: Upload) -> IO[bytes]:
        """Open an upload's bytes for reading."""
        return self._part(upload.id).open("rb")

    def finish(self, upload: Upload) -> None:
        """Note that the whole was taken, and drop its bytes."""
        self._note(Upload(upload.id, upload.owner, upload.digest, upload.size, stored=True))
        # A crash before this line leaves bytes that nobody reads; they are swept.
        self._part(upload.id).unlink(missing_ok=True)

    def remove(self, upload: Upload) -> None:
        """Forget an upload to which nobody appends.

        Raises:
            Conflict: ``upload.busy``.
        """
        with self._locked(upload):
            self.forget(upload)

    def forget(self, upload: Upload) -> None:
        """Forget an upload; the caller holds it."""
        (self.folder / f"{upload.id}.json").unlink(missing_ok=True)
        # A crash before this line leaves bytes that nobody can name; they are swept.
        self._part(upload.id).unlink(missing_ok=True)

    def _part(self, upload_id: str) -> Path:
        return self.folder / f"{upload_id}.part"

    def _note(self, upload: Upload) -> None:
        path = self.folder / f"{upload.id}.json"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(canonical(asdict(upload)))
        fresh.replace(path)

    def _all(self) -> Iterator[Upload]:
        for path in self.folder.glob("*.json"):
            found = self._read(path)
            if found is not None:
                yield found

    def _read(self, path: Path) -> Upload | None:
        try:
            value = parse(path.read_bytes(), limit=_LARGEST_NOTE)
        except (OSError, WireError):
            return None
        if not isinstance(value, dict) or value.keys() != _MEMBERS:
            return None
        return Upload(**value)  # type: ignore[arg-type]

    def _sweep(self) -> None:
        eldest = time.time() - KEPT_SECONDS
        touched: dict[str, float] = {}
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                at = path.stat().st_mtime
                touched[path.stem] = max(at, touched.get(path.stem, 0.0))
        for stem, at in touched.items():
            if at < eldest:
                for suffix in _SUFFIXES:
                    (self.folder / f"{stem}{suffix}").unlink(missing_ok=True)


def _no_such_upload() -> NotFound:
    return NotFound("upload.unknown", "There is no such upload here.")


def _other_offset(held: int) -> Conflict:
    return Conflict("upload.offset", "Go on from the offset that is held.", offset=held)


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file's bytes from its start."""
    file.seek(0)
    while piece := file.read(_CHUNK):
        yield piece
