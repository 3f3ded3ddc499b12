"""Files that appear under their name whole and on the disk, or not at all.

Owns temporary names, sync and rename. Refuses nothing in words of its own: who calls says what a
file that is there already means.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

PRIVATE: Final = 0o600
"""Mode of a file that only its owner may read."""


@contextmanager
def appearing(path: Path, *, replace: bool) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; what is synced there takes the name at the end.

    If the block fails, nothing is left behind. A crash in it leaves a stray hidden file that nobody
    reads, and under ``path`` what was there.

    Raises:
        FileExistsError: there is such a file, and it shall not be replaced.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        yield temporary
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


@contextmanager
def opened(path: Path, *, replace: bool, mode: int = PRIVATE) -> Iterator[IO[bytes]]:
    """Yield a file to write, which appears under its name when the block ends.

    Args:
        path: where; its folder exists.
        replace: whether one that is there may be replaced.
        mode: permissions, before the process's mask.

    Raises:
        FileExistsError: there is such a file, and it shall not be replaced.
    """
    with appearing(path, replace=replace) as temporary:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


def write(path: Path, data: bytes, *, replace: bool, mode: int = PRIVATE) -> None:
    """Write a whole file; see :func:`opened`."""
    with opened(path, replace=replace, mode=mode) as file:
        file.write(data)


def sync(path: Path) -> None:
    """Bring a file's bytes, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
