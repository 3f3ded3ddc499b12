"""Writing the files that commands make: whole under their name, or not at all.

Owns temporary names, sync and rename.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.domain.errors import Conflict, NotFound

_PRIVATE = 0o600


def write_new(path: Path, data: bytes, *, replace: bool = False, mode: int = 0o644) -> None:
    """Write a file.

    Args:
        path: where.
        data: its content.
        replace: whether one that is there may be replaced.
        mode: permissions, before the process's mask.

    Raises:
        Conflict: ``file.exists``.
        NotFound: ``file.no-folder``.
    """
    with appearing(path, replace=replace) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def appearing(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; what is written there appears when the block ends.

    If the block fails, nothing is left behind.

    Raises:
        Conflict: ``file.exists``, before anything is done or when another was faster.
        NotFound: ``file.no-folder``.
    """
    if not path.parent.is_dir():
        raise NotFound("file.no-folder", f"There is no folder {path.parent} to write to.")
    if path.exists() and not replace:
        raise _exists(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        yield temporary
        if replace:
            temporary.replace(path)
        else:
            os.link(temporary, path)
        _sync(path.parent)
    except FileExistsError:
        raise _exists(path) from None
    finally:
        temporary.unlink(missing_ok=True)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read.

    Raises:
        Conflict: ``file.exists``.
    """
    write_new(path, data, mode=_PRIVATE)


def _exists(path: Path) -> Conflict:
    return Conflict("file.exists", f"There is a file {path} already; it was not touched.")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
