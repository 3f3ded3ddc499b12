"""Writing the files that commands make: whole under their name, or not at all.

Owns what is said of a file or folder that is in the way; ``api.durable`` does the writing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api import durable
from api.domain.errors import Conflict, NotFound


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
    with _refused_clearly(path, replace=replace):
        durable.write(path, data, replace=replace, mode=mode)


@contextmanager
def appearing(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; what is written there appears when the block ends.

    If the block fails, nothing is left behind.

    Raises:
        Conflict: ``file.exists``, before anything is done or when another was faster.
        NotFound: ``file.no-folder``.
    """
    with (
        _refused_clearly(path, replace=replace),
        durable.appearing(path, replace=replace) as temporary,
    ):
        yield temporary


@contextmanager
def _refused_clearly(path: Path, *, replace: bool) -> Iterator[None]:
    """Refuse, before anything is done, what cannot be written; and when another was faster."""
    if not path.parent.is_dir():
        raise NotFound("file.no-folder", f"There is no folder {path.parent} to write to.")
    if path.exists() and not replace:
        raise _exists(path)
    try:
        yield
    except FileExistsError:
        raise _exists(path) from None


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that only its owner may read.

    Raises:
        Conflict: ``file.exists``.
    """
    write_new(path, data, mode=durable.PRIVATE)


def _exists(path: Path) -> Conflict:
    return Conflict("file.exists", f"There is a file {path} already; it was not touched.")
