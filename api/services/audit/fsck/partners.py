"""What this node keeps of its partners' logs: signed heads, its own cosignatures, tiles.

Owns the tables ``peer_logs`` and ``peer_tiles`` of the check. The partner's signature over the head
is what the tiles are measured by: from the root downwards, the first tile that does not give what
lies above it is the finding.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import func, select

from api.domain.events import Act
from api.records import log
from api.records.peer_logs import PEER_LOGS, PEER_TILES, PeerLog, PeerTile
from api.records.streams import MESSAGES_IN
from api.services.audit.fsck.reading import one, stored_rows
from api.services.audit.fsck.scope import Scope
from api.services.audit.fsck.tiles import split
from api.services.log.witnessing import sealed_bytes
from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE
from api.tlog.proofs import root_at
from api.tlog.tiles import TILE_WIDTH, tile_root, tiles_of, width_in
from api.wire.errors import WireError

_LOGS: Final = PEER_LOGS.name
_TILES: Final = PEER_TILES.name


def check_partners(scope: Scope) -> None:
    """Check what is kept of every partner's log."""
    connection = scope.connection
    logs = {row.peer: row for row in stored_rows(scope, PEER_LOGS, PeerLog)}
    with_tiles = set(connection.execute(select(PEER_TILES.c.peer).distinct()).scalars())
    with_messages = set(connection.execute(select(MESSAGES_IN.c.peer).distinct()).scalars())
    for peer, row in logs.items():
        size, root = _check_head(scope, peer, row)
        if size:
            _Tiles(scope, peer, size, root).check()
    moved = any(finding.table == _TILES for finding in scope.findings)
    for peer in sorted((with_tiles | with_messages) - set(logs)):
        if peer in with_messages or (scope.trust.membership.find(peer) and not moved):
            detail = "What was cosigned of this partner's log is not remembered."
            scope.findings.add("fsck.peer-log", _LOGS, [peer], detail)
        else:
            _find_homeless(scope, peer)


def check_floors(scope: Scope, cosigned: Mapping[str, int]) -> None:
    """Find remembered heads that were put back: what was once cosigned is never forgotten.

    A witness that has forgotten a head would cosign another history from there on. Sizes compare
    because a member has one log, whose origin is the membership's.

    Args:
        scope: the check; events were checked before.
        cosigned: by partner, the largest size that a receipt of this node cosigned.
    """
    floors = dict(cosigned)
    events = log.EVENTS.c
    anchored = select(events.object_id).where(events.act == Act.ANCHOR_RECORDED.value)
    for about in scope.connection.execute(anchored).scalars():
        peer, _, rest = str(about).partition(":")
        size = rest.partition(":")[0]
        if size.isdecimal():
            floors[peer] = max(floors.get(peer, 0), int(size))
    for row in stored_rows(scope, PEER_LOGS, PeerLog):
        if row.size < floors.get(row.peer, 0):
            detail = "This node has cosigned a larger head of this log: an older one was put back."
            scope.findings.add("fsck.peer-log", _LOGS, [row.peer], detail)


def _find_homeless(scope: Scope, peer: str) -> None:
    query = select(PEER_TILES.c.level, PEER_TILES.c.n).where(PEER_TILES.c.peer == peer)
    for tile in scope.connection.execute(query):
        detail = "The tile belongs to no partner's log that is known here."
        scope.findings.add("fsck.peer-tile", _TILES, [peer, tile.level, tile.n], detail)


def _check_head(scope: Scope, peer: str, row: PeerLog) -> tuple[int, bytes]:
    """Check one row; returns size and root of the head as its owner signed it (0 if unreadable)."""

    def found(detail: str) -> None:
        scope.findings.add("fsck.peer-log", _LOGS, [peer], detail)

    note = row.note
    head = scope.trust.head(peer, note, strict=False)
    if isinstance(head, str):
        found(f"The partner's head does not verify ({head}).")
        return 0, b""
    if head.origin != scope.trust.membership.member(peer).origin:
        found("The head is of another partner's log.")
        return 0, b""
    if (row.size, row.root) != (head.size, head.root.hex()):
        found("The row says another head than the partner signed.")
    lines = row.cosignatures.decode("utf-8", "replace").split("\n")
    cosigners = {scope.trust.cosigner(note, line) for line in lines}
    if cosigners != {scope.me.id} or len(set(lines)) != len(lines):
        found("This node's own cosignature of the head does not verify.")
    if not _sealed(scope, row):
        found("The row is not as this node signed it.")
    return head.size, head.root


def _sealed(scope: Scope, row: PeerLog) -> bool:
    try:
        return scope.trust.sealed(scope.me.id, sealed_bytes(row), row.seal or b"")
    except WireError:
        return False  # a number that no JSON may hold


class _Tiles:
    """The stored tiles of one partner's log; implements ``tlog.tiles.HashReader``."""

    def __init__(self, scope: Scope, peer: str, size: int, root: bytes) -> None:
        self._scope = scope
        self._peer = peer
        self._size = size
        self._root = root

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        return (self._stored(level, index) or b"")[: width * HASH_SIZE]

    def check(self) -> None:
        """Compare all tiles with each other and with the signed root."""
        wanted = 0
        bad: set[tuple[int, int]] = set()
        for ref in tiles_of(self._size):
            wanted += 1
            place = (ref.level or 0, ref.index)
            data = self._stored(*place)
            if data is None or len(data) != ref.width * HASH_SIZE:
                self._found(place, "The tile is missing or too long or short.")
                bad.add(place)
        if wanted != self._count():
            self._find_extra()
        disagreeing = list(self._disagreements())
        if self._gives_root():
            # The right edge is sound, so of each disagreeing pair the lower tile is at fault,
            # unless the upper one was found at fault by the level above it.
            for upper, lower in reversed(disagreeing):
                if upper not in bad:
                    bad.add(lower)
                    self._found(lower, "The tile is not what the tile above it commits to.")
            return
        edge = [upper for upper, _ in disagreeing if self._on_edge(*upper)]
        for upper in edge:
            self._found(upper, "The tile is not what the tiles below it give.")
        if not bad and not edge:
            self._found(self._lowest_edge(), "The tiles do not give the root the partner signed.")

    def _stored(self, level: int, n: int) -> bytes | None:
        row = one(self._scope, PEER_TILES, PeerTile, peer=self._peer, level=level, n=n)
        return None if row is None else row.data

    def _count(self) -> int:
        query = select(func.count()).select_from(PEER_TILES).where(PEER_TILES.c.peer == self._peer)
        return self._scope.connection.execute(query).scalar_one()

    def _find_extra(self) -> None:
        query = select(PEER_TILES.c.level, PEER_TILES.c.n).where(PEER_TILES.c.peer == self._peer)
        for row in self._scope.connection.execute(query):
            beyond = row.n < 0 or row.level < 0
            if beyond or not width_in(row.level, row.n, self._size):
                place = (row.level, row.n)
                self._found(place, "The tile lies beyond the head that was cosigned.")

    def _disagreements(self) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield ``(upper, lower)`` for each full tile that its entry one level up does not name."""
        for ref in tiles_of(self._size):
            level = ref.level or 0
            if ref.width != TILE_WIDTH:
                continue
            hashes = split(self._stored(level, ref.index))
            parent, at = divmod(ref.index, TILE_WIDTH)
            above = split(self._stored(level + 1, parent))
            if len(hashes) == TILE_WIDTH and at < len(above) and above[at] != tile_root(hashes):
                yield (level + 1, parent), (level, ref.index)

    def _gives_root(self) -> bool:
        try:
            return root_at(self._size, self) == self._root
        except LogError:
            return False

    def _on_edge(self, level: int, n: int) -> bool:
        return width_in(level, n + 1, self._size) == 0

    def _lowest_edge(self) -> tuple[int, int]:
        level = 0
        while not (self._size >> (8 * level)) % TILE_WIDTH:
            level += 1
        return level, (self._size >> (8 * level)) // TILE_WIDTH

    def _found(self, place: tuple[int, int], detail: str) -> None:
        self._scope.findings.add("fsck.peer-tile", _TILES, [self._peer, *place], detail)
