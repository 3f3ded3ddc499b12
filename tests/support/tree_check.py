"""Independent re-derivation of a stored log: entries to leaves, leaves to tiles, tiles to root.

Owns the walk and its findings. Trusts nothing that is stored except the entries' order, and
keeps only one tile per level in memory. Must not repair anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from api.tlog.errors import LogError
from api.tlog.heads import open_checkpoint
from api.tlog.merkle import HASH_SIZE, Frontier, leaf_hash
from api.tlog.note import VerifierKey
from api.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, HashReader, decode_bundle, tile_root


class LogSource(HashReader, Protocol):
    """Read-only access to everything a log stores or serves."""

    def read_entries(self, index: int, width: int) -> bytes:
        """Return the bundle of `width` (1 to 256) entries from index * 256."""
        ...

    def read_checkpoint(self) -> bytes:
        """Return the newest checkpoint, a signed note."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit.

    Attributes:
        code: ``fsck.checkpoint``, ``fsck.bundle``, ``fsck.tile`` or ``fsck.root``.
        index: First leaf index that is affected, None where a finding has no place.
        detail: A sentence; holds no content of entries.
    """

    code: str
    index: int | None
    detail: str


@dataclass(slots=True)
class FsckReport:
    """Outcome of `fsck`: the head as stored, the root as derived, and what does not fit."""

    origin: str | None = None
    size: int = 0
    root: bytes = b""
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def first_bad_index(self) -> int | None:
        """Smallest leaf index among the findings that have one."""
        places = [item.index for item in self.findings if item.index is not None]
        return min(places, default=None)


def _differences(stored: bytes, derived: bytes) -> list[int]:
    """Positions of the hashes in which two tiles differ."""
    return [
        at // HASH_SIZE
        for at in range(0, max(len(stored), len(derived)), HASH_SIZE)
        if stored[at : at + HASH_SIZE] != derived[at : at + HASH_SIZE]
    ]


class _TileCheck:
    """Derives tiles from leaf hashes and compares each with the stored one, level by level."""

    def __init__(self, source: HashReader) -> None:
        self._source = source
        self._pending: dict[int, list[bytes]] = {}
        self._next: dict[int, int] = {}
        # Per level, entries that differ only because something below them was reported already.
        self._explained: dict[int, set[int]] = {}

    def add(self, level: int, hashes: Sequence[bytes]) -> Iterator[Finding]:
        """Take the next hashes of a level, at most up to the end of its current tile."""
        pending = self._pending.setdefault(level, [])
        pending.extend(hashes)
        if len(pending) == TILE_WIDTH:
            yield from self._compare(level)
            self._pending[level] = []
            self._next[level] = self._next.get(level, 0) + 1
            yield from self.add(level + 1, [tile_root(pending)])

    def finish(self) -> Iterator[Finding]:
        """Compare the partial tiles at the right edge."""
        for level, pending in self._pending.items():
            if pending:
                yield from self._compare(level)

    def _compare(self, level: int) -> Iterator[Finding]:
        derived = b"".join(self._pending[level])
        index = self._next.get(level, 0)
        span = TILE_HEIGHT * level
        try:
            stored = self._source.read_tile(level, index, len(derived) // HASH_SIZE)
        except (LogError, LookupError, OSError):
            first = (index * TILE_WIDTH) << span
            yield Finding("fsck.tile", first, f"tile {index} of level {level} cannot be read")
            return
        explained = self._explained.pop(level, set())
        different = [index * TILE_WIDTH + at for at in _differences(stored, derived)]
        fresh = [place for place in different if place not in explained]
        if different:
            self._explained.setdefault(level + 1, set()).add(index)
        if fresh:
            detail = f"tile {index} of level {level} is not what its leaves give"
            yield Finding("fsck.tile", fresh[0] << span, detail)


def _entries(source: LogSource, index: int, width: int) -> list[bytes]:
    return decode_bundle(source.read_entries(index, width), width)


def check_tree(source: LogSource, size: int, report: FsckReport) -> bytes:
    """Walk `size` leaves: bundles against tiles at every level. Returns the derived root."""
    frontier = Frontier()
    tiles = _TileCheck(source)
    for start in range(0, size, TILE_WIDTH):
        index, width = start // TILE_WIDTH, min(TILE_WIDTH, size - start)
        try:
            entries = _entries(source, index, width)
        except (LogError, LookupError, OSError):
            # Derive nothing past a hole: every later hash would be reported for no new reason.
            report.findings.append(
                Finding("fsck.bundle", start, f"entry bundle {index} is missing or malformed")
            )
            return b""
        leaves = [leaf_hash(entry) for entry in entries]
        frontier.extend(leaves)
        report.findings.extend(tiles.add(0, leaves))
    report.findings.extend(tiles.finish())
    return frontier.root()


def fsck(
    source: LogSource, log_keys: Sequence[VerifierKey], cosigners: Sequence[VerifierKey] = ()
) -> FsckReport:
    """Re-derive a whole log and compare it with what is stored.

    Args:
        source: The stored log.
        log_keys: The log's keys; without a valid signature the head is itself a finding.
        cosigners: Witness keys whose lines are checked where present.

    Returns:
        A report; no finding means that the entries give the tiles at every level and the root
        that the log signed.
    """
    report = FsckReport()
    try:
        head = open_checkpoint(source.read_checkpoint(), log_keys, cosigners).checkpoint
    except (LogError, LookupError, OSError) as problem:
        code = problem.code if isinstance(problem, LogError) else "unreadable"
        report.findings.append(Finding("fsck.checkpoint", None, f"the head is not valid ({code})"))
        return report
    report.origin, report.size = head.origin, head.size
    report.root = check_tree(source, head.size, report)
    if report.ok and report.root != head.root:
        report.findings.append(
            Finding("fsck.root", None, "the entries do not give the root that the log signed")
        )
    return report
