"""A tree whose tiles are kept in a dictionary: the real append path, without a database."""

from collections.abc import Sequence

from api.tlog.merkle import HASH_SIZE, leaf_hash
from api.tlog.tiles import tiles_for_append


class MemoryTree:
    """Implements HashReader over tiles written by `tiles_for_append`."""

    def __init__(self, entries: Sequence[bytes] = ()) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.size = 0
        self.append([leaf_hash(entry) for entry in entries])

    def append(self, leaves: Sequence[bytes]) -> None:
        for level, index, data in tiles_for_append(self.size, leaves, self):
            self.tiles[level, index] = data
        self.size += len(leaves)

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        return self.tiles[level, index][: width * HASH_SIZE]
