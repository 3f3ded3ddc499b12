"""The node's own log: events to leaf entries, entries to tiles, tiles to the signed heads.

Owns the walk over all leaves in order, which also replays the events' change sets into the
journal. Every leaf is stored three times (event, bundle, tile) under a tree whose roots are signed:
where they differ, the one that the tree does not bear out is the finding.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, or_, select

from api.records import log
from api.records.log_rows import Bundle, HashTile
from api.services.audit.fsck import events, heads
from api.services.audit.fsck.reading import stored_rows
from api.services.audit.fsck.scope import Scope
from api.services.audit.fsck.tiles import TileCheck, sound, split, stored_tile
from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE, Frontier, leaf_hash
from api.tlog.tiles import TILE_WIDTH, decode_bundle

_CHUNK: Final = 16
_BUNDLES = log.BUNDLES.name
_TILES = log.TILES.name
_EVENTS = log.EVENTS.name


@dataclass(frozen=True, slots=True)
class _Read:
    """Leaves ``[start, start + width)`` as the bundle has them.

    Attributes:
        start: index of the first leaf.
        width: how many the tree has here.
        entries: empty where the bundle cannot be read. An empty *entry* stands for a leaf that was
            recovered by its hash alone.
    """

    start: int
    width: int
    entries: list[bytes]

    @property
    def bare(self) -> bool:
        """Whether a leaf is known by its hash alone, which only the tile has."""
        return not all(self.entries)

    def hashes(self, stored: list[bytes]) -> list[bytes]:
        """Return the leaf hashes, with those of empty entries taken from the stored tile."""
        if len(stored) != len(self.entries):
            return [] if self.bare else [leaf_hash(entry) for entry in self.entries]
        pairs = zip(self.entries, stored, strict=True)
        return [leaf_hash(entry) if entry else known for entry, known in pairs]


def check_own_log(scope: Scope) -> int:
    """Check the whole log; returns its size."""
    signed = heads.read_heads(scope)
    size = _size(scope, signed.newest)
    wanted = signed.wanted_roots() | {size}
    gaps = events.known_gaps(scope)
    frontier, roots = Frontier(), {0: Frontier().root()}
    tiles, whole = TileCheck(scope), True
    for chunk in range(0, -(-size // TILE_WIDTH), _CHUNK):
        last = min((chunk + _CHUNK) * TILE_WIDTH, size)
        stored_events = events.read_range(scope, chunk * TILE_WIDTH, last)
        bundles = _read_bundles(scope, chunk)
        for n in range(chunk, -(-last // TILE_WIDTH)):
            width = min(TILE_WIDTH, size - n * TILE_WIDTH)
            stored = _judge_bundle(scope, bundles.get(n), n, width)
            truth = _judge_tile(scope, stored, n, size)
            leaves = events.check_events(scope, stored_events, gaps, truth)
            whole = whole and len(leaves) == width
            if whole:
                _extend(frontier, roots, wanted, leaves)
                tiles.add(leaves)
        if scope.progress is not None:
            scope.progress(last, size)
    if whole:
        tiles.finish()
    _check_strays(scope, size)
    _check_roots(scope, signed, roots, size)
    heads.check_chain(scope, signed, roots)
    events.check_waiting(scope)
    return size


def _size(scope: Scope, signed: int) -> int:
    """Return the tree's size: the middle one of what heads, bundles and tiles say.

    One missing or altered row of one table can thus not shorten or stretch the walk. A number that
    is larger than there are rows is no last one: rows put in far beyond the tree cannot make the
    walk endless.
    """
    bundles = tiles = 0
    n, bottom = log.BUNDLES.c.n, log.TILES.c.level == 0
    count = select(func.count()).select_from(log.BUNDLES).scalar_subquery()
    last = select(log.BUNDLES).where(n < count).order_by(n.desc()).limit(1)
    for row in stored_rows(scope, log.BUNDLES, Bundle, last):
        bundles = row.n * TILE_WIDTH + len(_decoded(row.data))
    n = log.TILES.c.n
    count = select(func.count()).select_from(log.TILES).where(bottom).scalar_subquery()
    edge = select(log.TILES).where(bottom, n < count).order_by(n.desc()).limit(1)
    for tile in stored_rows(scope, log.TILES, HashTile, edge):
        tiles = tile.n * TILE_WIDTH + len(tile.data) // HASH_SIZE
    return sorted((signed, bundles, tiles))[1]


def _decoded(data: bytes) -> list[bytes]:
    try:
        return decode_bundle(data)
    except LogError:
        return []


def _read_bundles(scope: Scope, first: int) -> dict[int, Bundle]:
    query = select(log.BUNDLES).where(log.BUNDLES.c.n >= first, log.BUNDLES.c.n < first + _CHUNK)
    return {row.n: row for row in stored_rows(scope, log.BUNDLES, Bundle, query)}


def _judge_bundle(scope: Scope, row: Bundle | None, n: int, width: int) -> _Read:
    """Read a bundle; whatever is wrong with its form is a finding."""
    start = n * TILE_WIDTH

    def found(detail: str) -> None:
        scope.findings.add("fsck.bundle", _BUNDLES, [n], detail, index=start)

    if row is None:
        found("The bundle of leaf entries is missing.")
        return _Read(start, width, [])
    entries = _decoded(row.data)
    if len(entries) != width:
        found("The bundle does not hold as many leaf entries as the tree.")
        entries = entries[:width] if len(entries) > width else []
    elif row.width != width:
        found("The row says another number of entries than the bundle has.")
    return _Read(start, width, entries)


def _judge_tile(scope: Scope, bundle: _Read, n: int, size: int) -> events.Leaves:
    """Return what the tree bears out, of bundle and level-0 tile."""
    data = stored_tile(scope, 0, n)
    stored = split(data)
    derived = bundle.hashes(stored)
    by_bundle = events.Leaves(bundle.start, bundle.width, derived, bundle.entries)
    by_tile = events.Leaves(bundle.start, bundle.width, stored, [])
    if data is not None and stored == derived:
        if bundle.bare and not sound(scope, stored, n, size):
            detail = "The tile is not what the tree above it commits to."
            scope.findings.add("fsck.tile", _TILES, [0, n], detail, index=bundle.start)
        return by_bundle
    if len(stored) != bundle.width:
        detail = "The tile is missing or has another length than the tree wants."
        scope.findings.add("fsck.tile", _TILES, [0, n], detail, index=bundle.start)
        return by_bundle
    if not derived:
        return by_tile
    pairs = zip(derived, stored, strict=True)
    at = bundle.start + next(at for at, (one, other) in enumerate(pairs) if one != other)
    if sound(scope, stored, n, size):
        detail = "The bundle is not what the tree commits to."
        scope.findings.add("fsck.bundle", _BUNDLES, [n], detail, index=at)
        return by_tile
    detail = "The tile is not what the leaf entries give."
    scope.findings.add("fsck.tile", _TILES, [0, n], detail, index=at)
    return by_bundle


def _extend(
    frontier: Frontier, roots: dict[int, bytes], wanted: set[int], leaves: list[bytes]
) -> None:
    """Grow the tree, noting its root at every size that a head names."""
    start = frontier.size
    stops = sorted(each for each in wanted if start < each <= start + len(leaves))
    for stop in [*stops, start + len(leaves)]:
        frontier.extend(leaves[frontier.size - start : stop - start])
        if stop in wanted:
            roots[stop] = frontier.root()


def _check_strays(scope: Scope, size: int) -> None:
    """Find rows that belong to no leaf of the tree."""
    bundles = -(-size // TILE_WIDTH)
    n, index, seq = log.BUNDLES.c.n, log.EVENTS.c.leaf_index, log.EVENTS.c.seq
    for found in scope.connection.execute(select(n).where(or_(n < 0, n >= bundles))).scalars():
        detail = "The bundle lies beyond the tree."
        scope.findings.add("fsck.bundle", _BUNDLES, [found], detail, index=size)
    beyond = select(seq, index).where(or_(index < 0, index >= size)).order_by(index)
    for event in scope.connection.execute(beyond):
        detail = "The event names a place beyond the tree."
        scope.findings.add("fsck.event", _EVENTS, [event.seq], detail, index=size)


def _check_roots(scope: Scope, signed: heads.Heads, roots: dict[int, bytes], size: int) -> None:
    """Compare the leaves' tree with every signed head."""
    name = log.HEADS.name
    agreed = 0
    for at in sorted(signed.roots):
        if at > size:
            detail = "The head is of a larger tree than is stored."
            scope.findings.add("fsck.head", name, [at], detail, index=size)
        elif roots.get(at) == signed.roots[at]:
            agreed = at
        else:
            detail = "The stored leaves do not give the root that was signed."
            scope.findings.add("fsck.root", name, [at], detail, index=agreed, consequent=True)
    if signed.newest < size:
        detail = "The head of the newest leaves is missing."
        scope.findings.add("fsck.head", name, [size], detail, index=size - 1)
