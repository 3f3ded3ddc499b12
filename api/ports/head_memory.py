"""Contract of the place outside the database where a node remembers the last head it signed.

A database that went back in time (an old file, a stale standby) cannot know it. What is kept here
can tell: size and root of the largest head that ever left this node (PROTOCOL §9, *Heads*). The
place is shared by all of the node's sequencers, is in no backup, and not in the database's folder.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final, Protocol

from api.domain.errors import Unavailable

_ROOT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Remembered:
    """A head of this node's own log.

    Attributes:
        size: leaves.
        root: hex.
    """

    size: int
    root: str

    def to_bytes(self) -> bytes:
        """Return the bytes to keep."""
        return json.dumps(asdict(self), sort_keys=True).encode() + b"\n"

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Remembered":
        """Read what was kept.

        Raises:
            Unavailable: ``memory.unreadable``.
        """
        try:
            value = json.loads(raw)
            found = cls(int(value["size"]), str(value["root"]))
            root = bytes.fromhex(found.root)
        except (ValueError, TypeError, KeyError):
            raise _unreadable() from None
        if found.size < 1 or len(root) != _ROOT_BYTES or found.to_bytes() != raw:
            raise _unreadable()
        return found


def _unreadable() -> Unavailable:
    return Unavailable(
        "memory.unreadable",
        "What stands in the place of the last signed head is no head; see who wrote it.",
    )


class HeadMemory(Protocol):
    """Keeps one head, by compare-and-set."""

    def read(self) -> Remembered | None:
        """Return what is remembered; ``None`` if nothing ever was.

        Raises:
            Unavailable: ``memory.unreachable``, ``memory.unreadable``.
        """
        ...

    def replace(self, expected: Remembered | None, new: Remembered) -> bool:
        """Remember another head if what is remembered is still what was expected.

        Returns:
            Whether it was, and the new one is on disk: a crash after this call forgets nothing.

        Raises:
            Unavailable: ``memory.unreachable``; it may or may not be remembered then.
        """
        ...

    def prove(self) -> None:
        """Show that this place refuses a second writer; run at start.

        Raises:
            Unavailable: ``memory.unfit``: it would let two histories be remembered.
        """
        ...
