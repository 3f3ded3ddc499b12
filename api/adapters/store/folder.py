"""The exhibit store in a local folder.

Owns the layout of that folder and the order of its disk operations; the promises are those of
``api.ports.store``. Must not be given a network file system: it relies on local rename, flock and
fsync. Several processes of one machine may share a folder.

Layout, all of it private to the service account::

    objects/ab/ab12…    whole objects, read-only; the first two hex digits fan out
    incoming/…          bytes of a put under way; a leftover of a crash is swept at start
    partial/ab12…       unfinished transfers from peers
    quarantine/ab12….N  damaged objects kept for those who investigate

Order of a put, and what a crash leaves behind after each step:

1. create the file in ``incoming`` and lock it   → an empty orphan, swept
2. write, hashing                                → an orphan, swept; the object is not visible
3. compare digest and size                       → an orphan, swept
4. fsync the file                                → an orphan, swept
5. rename it into ``objects``                    → visible and whole; the name itself may be lost
                                                   with the power: nobody was told that it is stored
6. fsync the directory                           → durable; only now does ``put`` return

Transfers from peers have their own module and its notes on crashes.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from api import durable
from api.adapters.store.files import (
    FileStream,
    LockedFile,
    disk,
    remove_quietly,
    sha256_of,
    sweep_orphan,
)
from api.adapters.store.intake import (
    DEFAULT_LIMIT,
    Intake,
    check_bounds,
    check_limit,
    hex_name,
)
from api.adapters.store.transfers import RangeTransfers
from api.domain.errors import NotFound
from api.ports.store import ByteStream, Progress, Stored
from api.wire.digests import is_digest


class FolderStore:
    """Implements ``api.ports.store.ExhibitStore`` on a local folder.

    Opening it creates what is missing, sweeps what crashed puts left behind and makes all of its
    directories durable.

    Args:
        root: the folder; its parent must exist.
        limit: largest exhibit in bytes.
        untouched: change nothing on opening; for who only reads, from a medium that may be
            read-only.

    Raises:
        Full: ``store.full``.
        Unavailable: ``store.unavailable``.
    """

    def __init__(self, root: Path, *, limit: int = DEFAULT_LIMIT, untouched: bool = False) -> None:
        self._limit = limit
        self._objects = root / "objects"
        self._incoming = root / "incoming"
        self._partial = root / "partial"
        self._quarantine = root / "quarantine"
        self._transfers = RangeTransfers(self._partial)
        if untouched:
            return
        with disk():
            self._lay_out(root)
            for leftover in self._incoming.iterdir():
                sweep_orphan(leftover)

    def _lay_out(self, root: Path) -> None:
        # Every fan-out directory exists and is durable before the first put: otherwise two
        # processes could meet on a new one, and one of them would promise durability for a file
        # in a directory whose own name the other has not synchronised yet.
        directories = [root, self._objects, self._incoming, self._partial, self._quarantine]
        directories += [self._objects / f"{number:02x}" for number in range(256)]
        for directory in directories:
            directory.mkdir(mode=0o700, exist_ok=True)
        for parent in (self._objects, root, root.parent):
            durable.sync(parent)

    def _object(self, name: str) -> Path:
        return self._objects / name[:2] / name

    def put(self, digest: str, size: int | None, chunks: Iterator[bytes]) -> Stored:
        """See ``ExhibitStore.put``; the module docstring lists the steps."""
        name = hex_name(digest)
        intake = Intake(digest, size, self._limit)
        with disk():
            incoming = LockedFile(self._incoming / f"{name}.{secrets.token_hex(8)}")
        with incoming:
            try:
                for chunk in chunks:
                    intake.take(chunk)
                    with disk():
                        incoming.write(chunk)
                stored = intake.settle()
                with disk():
                    incoming.publish(self._object(name))
            except BaseException:
                remove_quietly(incoming.path)
                raise
        return stored

    def head(self, digest: str) -> Stored | None:
        """See ``ExhibitStore.head``."""
        path = self._object(hex_name(digest))
        with disk():
            try:
                return Stored(digest, path.stat(follow_symlinks=False).st_size)
            except FileNotFoundError:
                return None

    def read(self, digest: str, start: int, end: int) -> ByteStream:
        """See ``ExhibitStore.read``."""
        handle = self._open(digest)
        try:
            with disk():
                size = os.fstat(handle).st_size
            check_bounds(start, end, size)
        except BaseException:
            os.close(handle)
            raise
        return FileStream(handle, start, end)

    def verify(self, digest: str) -> bool:
        """See ``ExhibitStore.verify``."""
        handle = self._open(digest)
        try:
            with disk():
                return sha256_of(handle).hexdigest() == hex_name(digest)
        finally:
            os.close(handle)

    def _open(self, digest: str) -> int:
        path = self._object(hex_name(digest))
        with disk():
            try:
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                raise NotFound(
                    "exhibit.unknown", "This node holds no exhibit under that digest."
                ) from None

    def partial(self, digest: str) -> int:
        """See ``ExhibitStore.partial``."""
        return self._transfers.held(digest)

    def append_range(self, digest: str, size: int, offset: int, data: bytes) -> Progress:
        """See ``ExhibitStore.append_range``."""
        target = self._object(hex_name(digest))
        check_limit(size, self._limit)
        check_bounds(offset, offset + len(data), size)
        if (whole := self._whole(digest, size)) is not None:
            return whole
        with self._transfers.open(digest) as partial:
            # Another process may have finished the transfer while this one waited for the lock.
            if (whole := self._whole(digest, size)) is not None:
                remove_quietly(partial.path)
                return whole
            return self._transfers.append(partial, offset, data, Stored(digest, size), target)

    def _whole(self, digest: str, size: int) -> Progress | None:
        stored = self.head(digest)
        # A held object of another size is damaged, or the manifest lies. Going on settles both:
        # only the right bytes pass the hash, and they replace what is there.
        return Progress(size, stored) if stored is not None and stored.size == size else None

    def quarantine(self, digest: str) -> None:
        """See ``ExhibitStore.quarantine``."""
        path = self._object(hex_name(digest))
        with disk():
            try:
                number = path.stat(follow_symlinks=False).st_ino
                path.rename(self._quarantine / f"{path.name}.{number}")
            except FileNotFoundError:
                return
            durable.sync(self._quarantine)
            durable.sync(path.parent)

    def delete(self, digest: str) -> None:
        """See ``ExhibitStore.delete``; space on the medium is freed, not overwritten."""
        name = hex_name(digest)
        with disk():
            self._object(name).unlink(missing_ok=True)
            for aside in (self._partial, self._quarantine):
                for path in aside.glob(f"{name}*"):
                    path.unlink(missing_ok=True)
                durable.sync(aside)
            durable.sync(self._object(name).parent)

    def list(self) -> Iterator[Stored]:
        """See ``ExhibitStore.list``; one fan-out directory's names are in memory at a time."""
        for number in range(256):
            with disk():
                folder = self._objects / f"{number:02x}"
                names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
            for digest in (f"sha256:{name}" for name in names):
                stored = self.head(digest) if is_digest(digest) else None
                if stored is not None:
                    yield stored

    def probe(self) -> None:
        """See ``ExhibitStore.probe``."""
        with disk(), LockedFile(self._incoming / f"probe.{secrets.token_hex(8)}") as trial:
            try:
                trial.write(bytes(4096))
            finally:
                remove_quietly(trial.path)
