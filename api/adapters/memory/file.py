"""The last signed head in a file, for nodes on one machine.

Implements ``ports/head_memory.py``. The order of a write: lock, compare, replace the whole file
durably. A crash before its rename leaves the old head, one after it the new one.
Needs a local file system: ``flock`` between processes, and a rename that lasts.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from api import durable
from api.domain.errors import Unavailable
from api.ports.head_memory import Remembered


class FileMemory:
    """Keeps the head in one file; see the port.

    Args:
        path: the file; its folder is made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = path.with_name(f"{path.name}.lock")

    def read(self) -> Remembered | None:
        """See the port; what is read was whole when it was renamed into place."""
        with _disk():
            try:
                raw = self._path.read_bytes()
            except FileNotFoundError:
                return None
        return Remembered.from_bytes(raw)

    def replace(self, expected: Remembered | None, new: Remembered) -> bool:
        """See the port."""
        with _disk():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self._lock):
                if self.read() != expected:
                    return False
                durable.write(self._path, new.to_bytes(), replace=True)
        return True

    def prove(self) -> None:
        """See the port: while one holds the lock, another must not get it."""
        with _disk():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self._lock), self._lock.open("ab") as other:
                try:
                    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
        raise Unavailable(
            "memory.unfit",
            "The folder for the last signed head does not keep a second writer out; "
            "put it on a local file system.",
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            "memory.unreachable",
            "The last signed head cannot be read or written outside the database; "
            "nothing is signed until it can.",
        ) from error
