"""Transfers from a peer that arrive range by range, kept aside until they are whole.

Owns the partial files of the folder store. Must not make anything visible that does not hash to
its name.

Each range is synchronised before it is counted, so what ``held`` says survives a power cut, and the
hash runs along with the bytes. It is kept in memory per transfer; after a restart, or when another
process took a turn, the file is read once to catch up. A crash after any step leaves a partial file
that is a true prefix of what was sent, and possibly a longer one than was acknowledged; both are
resumed from where they end.
"""

import threading
from pathlib import Path
from typing import Final

from api.adapters.store.files import LockedFile, RunningHash, disk, remove_quietly
from api.adapters.store.intake import hex_name, wrong_digest, wrong_size
from api.domain.errors import Conflict
from api.ports.store import Progress, Stored

_REMEMBERED: Final = 64


class RangeTransfers:
    """Partial files in one folder.

    Args:
        folder: where they are; exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._hashes: dict[tuple[str, int, int], RunningHash] = {}

    def held(self, digest: str) -> int:
        """Return the bytes held of an unfinished transfer; 0 when there is none.

        Raises:
            Unavailable: ``store.unavailable``.
        """
        with disk():
            try:
                return (self._folder / hex_name(digest)).stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                return 0

    def open(self, digest: str) -> LockedFile:
        """Open the partial file; no other thread or process has it until it is closed.

        Raises:
            Full: ``store.full``.
            Unavailable: ``store.unavailable``.
        """
        with disk():
            return LockedFile(self._folder / hex_name(digest))

    def append(
        self, partial: LockedFile, offset: int, data: bytes, whole: Stored, target: Path
    ) -> Progress:
        """Add what ``data`` has beyond the bytes held, and finish when all are there.

        Args:
            partial: opened by ``open``.
            offset: where ``data`` begins.
            data: lies inside the object.
            whole: digest and size that the transfer is to reach.
            target: where the finished file becomes visible.

        Raises:
            Invalid: ``exhibit.size-mismatch``, ``exhibit.digest-mismatch``; starts again from 0.
            Conflict: ``exhibit.range-gap``.
            Full: ``store.full``; what was held stays.
            Unavailable: ``store.unavailable``; a failed synchronisation starts again from 0.
        """
        if partial.written > whole.size:
            remove_quietly(partial.path)
            raise wrong_size()
        if offset > partial.written:
            raise Conflict(
                "exhibit.range-gap",
                "Bytes before this range are missing; go on from the offset that is held.",
                held=partial.written,
            )
        with disk():
            running = self._recall(partial)
            fresh = data[partial.written - offset :]
            partial.write(fresh)
            running.update(fresh)
            if partial.written < whole.size:
                partial.sync()
                self._remember(partial, running)
                return Progress(partial.written, None)
            if running.hexdigest() != hex_name(whole.digest):
                remove_quietly(partial.path)
                raise wrong_digest()
            partial.publish(target)
        return Progress(whole.size, whole)

    def _recall(self, partial: LockedFile) -> RunningHash:
        with self._guard:
            known = self._hashes.pop(partial.identity(), None)
        return known if known is not None else partial.running_hash()

    def _remember(self, partial: LockedFile, running: RunningHash) -> None:
        with self._guard:
            self._hashes[partial.identity()] = running
            while len(self._hashes) > _REMEMBERED:
                del self._hashes[next(iter(self._hashes))]
