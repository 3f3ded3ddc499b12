"""Hash tiles of this node's own log as they are stored; implements ``tlog.tiles.HashReader``."""

from collections.abc import Sequence

from sqlalchemy import Connection

from api.domain.errors import Unavailable
from api.records import log


class StoredTiles:
    """Reads this node's own tiles; implements ``tlog.tiles.HashReader``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first ``width`` hashes of a tile; the stored one may be wider."""
        data = log.tile(self._connection, level, index)
        if data is None or len(data) < 32 * width:
            raise Unavailable("log.tile-missing", "A tile of the log is missing; run audit fsck.")
        return data[: 32 * width]


class GrowingTiles:
    """Tiles just computed, in front of the stored ones."""

    def __init__(self, stored: "StoredTiles", fresh: Sequence[tuple[int, int, bytes]]) -> None:
        self._stored = stored
        self._fresh = {(level, index): data for level, index, data in fresh}

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first ``width`` hashes of a tile."""
        data = self._fresh.get((level, index))
        if data is not None and len(data) >= 32 * width:
            return data[: 32 * width]
        return self._stored.read_tile(level, index, width)
