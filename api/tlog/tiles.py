"""C2SP tlog-tiles: how a tree and its entries are cut into addressable files.

Owns tile paths, widths, entry bundles, and which tiles an append changes. Must not store or
fetch anything: storage is reached through `HashReader`.

Source: C2SP tlog-tiles v0.1.0 ("Merkle Tree" and "Log entries").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE, parents, split_hashes

TILE_HEIGHT = 8
TILE_WIDTH = 256
MAX_LEVEL = 63
MAX_ENTRY = 0xFFFF

_LENGTH_BYTES = 2
_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


class HashReader(Protocol):
    """Reads the tree's stored hashes."""

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first `width` (1 to 256) hashes of a tile: exactly 32 * width bytes.

        A store may hold a wider tile; it cuts. Entry i of the tile is the root of the 256**level
        leaves that start at (index * 256 + i) * 256**level.
        """
        ...


@dataclass(frozen=True, slots=True)
class TileRef:
    """Address of a tile: `level` is None for an entry bundle, `width` 256 for a full one."""

    level: int | None
    index: int
    width: int

    @property
    def path(self) -> str:
        """The address below the log's prefix."""
        if self.level is None:
            return entries_path(self.index, self.width)
        return tile_path(self.level, self.index, self.width)


def _numbered(index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise LogError("tile.address", "a tile has an index of 0 or more and a width of 1 to 256")
    groups = [f"{index % 1000:03d}"]
    index //= 1000
    while index:
        groups.append(f"x{index % 1000:03d}")
        index //= 1000
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return "/".join(reversed(groups)) + partial


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Path of a hash tile, for example ``tile/0/x001/x234/067.p/8``.

    Raises:
        LogError: ``tile.address`` when a number is out of range.
    """
    if not 0 <= level <= MAX_LEVEL:
        raise LogError("tile.address", "a tile level lies between 0 and 63")
    return f"tile/{level}/{_numbered(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Path of an entry bundle, for example ``tile/entries/000.p/3``.

    Raises:
        LogError: ``tile.address`` when a number is out of range.
    """
    return f"tile/entries/{_numbered(index, width)}"


def parse_tile_path(path: str) -> TileRef:
    """Read a tile or bundle path; only the one canonical spelling is accepted.

    Raises:
        LogError: ``tile.path`` for anything else.
    """
    match = _PATH.fullmatch(path)
    if match is None or not path.isascii():
        raise LogError("tile.path", "the path does not have the form of tlog-tiles")
    kind, number, partial = match.groups()
    level = None if kind == "entries" else int(kind)
    index = int("".join(group.lstrip("x") for group in number.split("/")))
    width = TILE_WIDTH if partial is None else int(partial)
    if (level or 0) > MAX_LEVEL or (partial is not None and width >= TILE_WIDTH):
        raise LogError("tile.path", "the level or partial width is out of range")
    ref = TileRef(level, index, width)
    if ref.path != path:
        raise LogError("tile.path", "the index must be written without leading groups of zero")
    return ref


def widths(size: int) -> list[tuple[int, int, int]]:
    """The levels of a tree: (level, number of full tiles, width of the partial tile or 0)."""
    levels = []
    level, count = 0, size
    while count:
        levels.append((level, count // TILE_WIDTH, count % TILE_WIDTH))
        level, count = level + 1, count >> TILE_HEIGHT
    return levels


def tiles_of(size: int) -> Iterator[TileRef]:
    """Every hash tile of a tree, level by level from the leaves, in order of index."""
    for level, full, partial in widths(size):
        for index in range(full):
            yield TileRef(level, index, TILE_WIDTH)
        if partial:
            yield TileRef(level, full, partial)


def width_in(level: int, index: int, size: int) -> int:
    """How many hashes of a tile exist in a tree of this size, 0 to 256."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH))


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """Root of a full tile: its entry in the tile one level up.

    Raises:
        LogError: ``tile.not-full`` when there are not 256 hashes.
    """
    if len(hashes) != TILE_WIDTH:
        raise LogError("tile.not-full", "only a full tile has an entry in its parent")
    level = list(hashes)
    while len(level) > 1:
        level = parents(level)
    return level[0]


def read_hashes(reader: HashReader, level: int, index: int, width: int) -> list[bytes]:
    """Read a tile and cut it into hashes.

    Raises:
        LogError: ``tile.length`` when the reader returned another number of hashes.
    """
    data = reader.read_tile(level, index, width)
    if len(data) != width * HASH_SIZE:
        raise LogError("tile.length", "the tile does not hold the asked number of hashes")
    return split_hashes(data)


def tiles_for_append(
    old_size: int, new_hashes: Sequence[bytes], reader: HashReader
) -> list[tuple[int, int, bytes]]:
    """Tiles to write when leaves are appended.

    Args:
        old_size: Leaves in the tree before.
        new_hashes: Leaf hashes to append, in order.
        reader: Used only to read the one partial tile per level that the append continues.

    Returns:
        (level, index, data) for each new or grown tile in its final width, from the leaves up.

    Raises:
        LogError: ``tile.length`` when a stored partial tile has another width.
    """
    written: list[tuple[int, int, bytes]] = []
    level, count, fresh = 0, old_size, list(new_hashes)
    while fresh:
        index, width = divmod(count, TILE_WIDTH)
        kept = read_hashes(reader, level, index, width) if width else []
        level_hashes = kept + fresh
        fresh = []
        for at in range(0, len(level_hashes), TILE_WIDTH):
            tile = level_hashes[at : at + TILE_WIDTH]
            written.append((level, index + at // TILE_WIDTH, b"".join(tile)))
            if len(tile) == TILE_WIDTH:
                fresh.append(tile_root(tile))
        level, count = level + 1, count >> TILE_HEIGHT
    return written


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entry bundle: each entry behind its length as two bytes, big endian.

    Raises:
        LogError: ``bundle.entry-too-large`` beyond 65,535 bytes; ``bundle.too-many`` beyond 256.
    """
    if len(entries) > TILE_WIDTH:
        raise LogError("bundle.too-many", "a bundle holds at most 256 entries")
    if any(len(entry) > MAX_ENTRY for entry in entries):
        raise LogError("bundle.entry-too-large", "an entry has at most 65,535 bytes")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def decode_bundle(data: bytes, count: int | None = None) -> list[bytes]:
    """Cut an entry bundle apart.

    Args:
        data: The bundle.
        count: How many entries it must hold; None accepts 0 to 256.

    Raises:
        LogError: ``bundle.truncated``, ``bundle.too-many`` or ``bundle.count``.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise LogError("bundle.truncated", "the bundle ends inside an entry")
        entries.append(data[start:at])
    if len(entries) > TILE_WIDTH:
        raise LogError("bundle.too-many", "a bundle holds at most 256 entries")
    if count is not None and len(entries) != count:
        raise LogError("bundle.count", "the bundle holds another number of entries")
    return entries
