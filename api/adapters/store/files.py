"""Disk primitives of the folder store: locked files, synchronising, streams.

Owns how operating-system errors become the store's codes. Must not know the folder's layout.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

from api import durable
from api.adapters.store.intake import CHUNK
from api.domain.errors import ComityError, Full, Unavailable

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_FLUSH_EVERY = 4 << 20


@contextlib.contextmanager
def disk() -> Iterator[None]:
    """Turn the ``OSError`` of disk operations into the store's refusals.

    Wrap only the store's own operations: an error of the sender's connection is also an
    ``OSError`` and must pass through.

    Raises:
        Full: ``store.full``.
        Unavailable: ``store.unavailable``.
    """
    try:
        yield
    except OSError as error:
        raise _disk_refusal(error) from error


def _disk_refusal(error: OSError) -> ComityError:
    if error.errno in _NO_ROOM:
        return Full(
            "store.full",
            "The exhibit store has no room left; the administrator has to free or add space.",
        )
    name = errno.errorcode.get(error.errno or 0, "EIO")
    return Unavailable(
        "store.unavailable",
        f"The exhibit store's disk failed ({name}); nothing was changed, try again later.",
    )


def remove_quietly(path: Path) -> None:
    """Remove a file that may be gone already or may not be removable just now.

    Used only for files that nobody was promised; a start sweeps what stays behind.
    """
    with contextlib.suppress(OSError):
        path.unlink()


class RunningHash(Protocol):
    """The part of a ``hashlib`` object that is used here."""

    def update(self, data: bytes, /) -> None:
        """Add the next bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the hash of everything so far as hex digits."""
        ...


class LockedFile:
    """A file opened for writing under an exclusive lock that ends with the process.

    The lock is what tells a file in use from an orphan: whoever gets it owns the file. A path can
    be renamed or removed between opening and locking, so the name is compared with the handle once
    the lock is held, and opening starts again when they differ.

    Args:
        path: where the file is; it is created when absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._flushed = 0
        while True:
            self.handle = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode=0o600
            )
            try:
                fcntl.flock(self.handle, fcntl.LOCK_EX)
                if self._still_named():
                    self.written = self._flushed = os.fstat(self.handle).st_size
                    return
            except BaseException:
                os.close(self.handle)
                raise
            os.close(self.handle)

    def _still_named(self) -> bool:
        try:
            named = self.path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self.handle))

    def write(self, data: bytes) -> None:
        """Append all of ``data``; large files are pushed to the disk as they grow.

        Raises:
            OSError: the disk failed or is full.
        """
        rest = memoryview(data)
        while rest:
            count = os.pwrite(self.handle, rest, self.written)
            self.written += count
            rest = rest[count:]
        if self.written - self._flushed >= _FLUSH_EVERY:
            # Starts writing these pages now and lets them go afterwards: the closing fsync has
            # little left to do and one large exhibit does not push everything else out of memory.
            os.posix_fadvise(self.handle, 0, self.written, os.POSIX_FADV_DONTNEED)
            self._flushed = self.written

    def sync(self) -> None:
        """Make what was written so far durable, or throw the file away.

        After a failed sync the kernel may have dropped the pages that failed and would report
        success the next time, so nothing in the file counts any more.

        Raises:
            OSError: the disk failed.
        """
        try:
            os.fsync(self.handle)
        except OSError:
            remove_quietly(self.path)
            raise

    def publish(self, target: Path) -> None:
        """Make the file durable, read-only and visible as ``target``, then the name durable.

        Raises:
            OSError: the disk failed; the file may be visible or not, and nothing was promised.
        """
        os.fchmod(self.handle, 0o400)
        self.sync()
        self.path.rename(target)
        durable.sync(target.parent)

    def running_hash(self) -> RunningHash:
        """Hash what the file holds now.

        Raises:
            OSError: the disk failed.
        """
        return sha256_of(self.handle)

    def identity(self) -> tuple[str, int, int]:
        """Return what tells this file at this length from others: name, inode, bytes held."""
        return self.path.name, os.fstat(self.handle).st_ino, self.written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self.handle)


def sha256_of(handle: int) -> RunningHash:
    """Hash an open file from its start to its end.

    Raises:
        OSError: the disk failed.
    """
    total = hashlib.sha256()
    offset = 0
    while chunk := os.pread(handle, CHUNK, offset):
        total.update(chunk)
        offset += len(chunk)
    return total


def sweep_orphan(path: Path) -> None:
    """Remove ``path`` unless a living process holds its lock.

    The removal happens under the lock: a writer that opened the file and waits for the lock then
    sees that its file is no longer the named one and starts again.

    Raises:
        OSError: the disk failed.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)


class FileStream:
    """A range of an open file as chunks; implements ``api.ports.store.ByteStream``.

    Args:
        handle: open for reading; the stream owns it from here on.
        start: first byte.
        end: one past the last byte.
    """

    def __init__(self, handle: int, start: int, end: int) -> None:
        self._handle: int | None = handle
        self._offset = start
        self._end = end

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._handle is None or self._offset >= self._end:
            self.close()
            raise StopIteration
        with disk():
            chunk = os.pread(self._handle, min(CHUNK, self._end - self._offset), self._offset)
        if not chunk:
            self.close()
            raise Unavailable(
                "store.damaged",
                "The stored exhibit ended early; it has to be verified and fetched again.",
            )
        self._offset += len(chunk)
        return chunk

    def close(self) -> None:
        """Release the file; safe to call more than once."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __del__(self) -> None:
        # A door that never starts to read must not leak the handle.
        self.close()
