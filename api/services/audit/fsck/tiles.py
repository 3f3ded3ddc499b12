"""Tiles of the node's own log: derived again from the leaves and compared with the stored ones.

Owns the levels above the leaves, the set of tiles that must be there, and the question whether a
stored level-0 tile fits the tree above it.
"""

from typing import Final

from sqlalchemy import or_, select

from api.domain.errors import Unavailable
from api.records import log
from api.records.log_rows import HashTile
from api.services.audit.fsck.reading import one
from api.services.audit.fsck.scope import Scope
from api.services.log.own_tiles import StoredTiles
from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE, split_hashes
from api.tlog.proofs import root_at
from api.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, tile_root, widths

_TILES: Final = log.TILES.name


def split(data: bytes | None) -> list[bytes]:
    """Return a tile's hashes; none if it is absent or no whole number of them."""
    if data is None or len(data) % HASH_SIZE:
        return []
    return split_hashes(data)


def stored_tile(scope: Scope, level: int, n: int) -> bytes | None:
    """Return a stored tile; ``None`` if it is missing."""
    row = one(scope, log.TILES, HashTile, level=level, n=n)
    return None if row is None else row.data


def sound(scope: Scope, hashes: list[bytes], n: int, size: int) -> bool:
    """Tell whether a stored level-0 tile is the one that the tree above it commits to.

    A full tile is judged by its entry in the level above, the last partial one by the root of the
    newest signed head.
    """
    if len(hashes) == TILE_WIDTH:
        parent, at = divmod(n, TILE_WIDTH)
        above = split(stored_tile(scope, 1, parent))
        if at < len(above):
            return above[at] == tile_root(hashes)
    head = log.head_at(scope.connection, size)
    if head is None:
        return False
    try:
        return root_at(size, StoredTiles(scope.connection)) == head.root_hash
    except (LogError, Unavailable, ValueError, TypeError):
        return False


class TileCheck:
    """Takes leaf hashes in order and compares the tiles of level 1 and above as they fill."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._pending: dict[int, list[bytes]] = {0: []}
        self._index: dict[int, int] = {}
        self._size = 0

    def add(self, leaves: list[bytes]) -> None:
        """Take the leaf hashes of the next level-0 tile."""
        self._size += len(leaves)
        if len(leaves) == TILE_WIDTH:
            self._take(1, tile_root(leaves))

    def finish(self) -> None:
        """Compare the partial tiles at the right edge, and find tiles that should not be there."""
        for level in sorted(self._pending):
            if level and self._pending[level]:
                self._compare(level)
        counts = {level: full + bool(part) for level, full, part in widths(self._size)}
        place, n = log.TILES.c.level, log.TILES.c.n
        extra = [(place == level) & or_(n < 0, n >= count) for level, count in counts.items()]
        query = select(place, n).where(or_(place.not_in(list(counts)), *extra))
        for row in self._scope.connection.execute(query):
            detail = "The tile lies beyond the tree."
            index = self._size
            self._scope.findings.add("fsck.tile", _TILES, [row.level, row.n], detail, index=index)

    def _take(self, level: int, root: bytes) -> None:
        pending = self._pending.setdefault(level, [])
        pending.append(root)
        if len(pending) == TILE_WIDTH:
            self._compare(level)
            self._pending[level] = []
            self._index[level] = self._index.get(level, 0) + 1
            self._take(level + 1, tile_root(pending))

    def _compare(self, level: int) -> None:
        derived, n = self._pending[level], self._index.get(level, 0)
        if stored_tile(self._scope, level, n) == b"".join(derived):
            return
        span = TILE_HEIGHT * level
        detail = "The tile is not what the tiles below it give, or it is missing."
        index = (n * TILE_WIDTH) << span
        self._scope.findings.add("fsck.tile", _TILES, [level, n], detail, index=index)
