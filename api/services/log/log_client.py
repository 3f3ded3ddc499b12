"""Reads at the log doors of other members: their log, and what they hold as witnesses.

Owns the requests of members-only reads (PROTOCOL §6). Nothing read here is trusted: callers compare
hashes with heads that carry signatures.
"""

from typing import Any

from api.domain.errors import NotFound, Unavailable
from api.services.log import peer_tokens
from api.services.node import Node
from api.tlog.errors import LogError
from api.tlog.merkle import HASH_SIZE, split_hashes
from api.tlog.tiles import TILE_WIDTH, tile_path
from api.wire.canonical import parse
from api.wire.digests import digest
from api.wire.errors import WireError
from api.wire.limits import MESSAGE

_OK = 200
_ABSENT = 404
_ROOM = MESSAGE + 64 * 1024


def origin_name(origin: str) -> str:
    """Return the path segment of a log at its witnesses: hex SHA-256 of its origin.

    Source: C2SP tlog-witness, monitoring.
    """
    return digest(origin.encode()).removeprefix("sha256:")


def get(node: Node, peer: str, path: str) -> bytes:
    """Return what a member's log door answers below ``/log/``.

    Raises:
        NotFound: ``peer.absent``: the member has no such thing.
        Unavailable: ``peer.unreachable``, ``peer.refused``.
    """
    where = f"/log/{path}"
    token = peer_tokens.mint(node, peer, where)
    reply = node.transport.get(peer, where, token=token, headers={})
    if reply.status == _ABSENT:
        raise NotFound("peer.absent", "The member's node has no such thing.")
    if reply.status != _OK:
        raise Unavailable("peer.refused", "The member's node does not answer this request.")
    return reply.body


def get_json(node: Node, peer: str, path: str) -> dict[str, Any]:
    """Return a JSON object from a member's log door.

    Raises:
        NotFound: ``peer.absent``.
        Unavailable: ``peer.unreachable``, ``peer.refused``.
    """
    try:
        value = parse(get(node, peer, path), limit=_ROOM)
    except WireError as error:
        raise Unavailable("peer.refused", "The member's node answers no JSON.") from error
    if not isinstance(value, dict):
        raise Unavailable("peer.refused", "The member's node answers no object.")
    return value


def seen_head(node: Node, witness: str, owner: str) -> bytes | None:
    """Return the newest head of ``owner``'s log that ``witness`` cosigned, as a note.

    Returns:
        ``None`` when that witness has cosigned nothing of that log.

    Raises:
        Unavailable: ``peer.unreachable``, ``peer.refused``.
    """
    origin = node.membership.member(owner).origin
    try:
        return get(node, witness, f"{origin_name(origin)}/checkpoint")
    except NotFound:
        return None


class RemoteTiles:
    """Tiles of a log at some member's door; a ``tlog.tiles.HashReader`` that remembers.

    Args:
        node: this node.
        source: the member that is asked.
        owner: whose log it is; ``source`` itself for its own, else the copy it keeps as a witness.
    """

    def __init__(self, node: Node, source: str, owner: str) -> None:
        self._node = node
        self._source = source
        origin = node.membership.member(owner).origin
        self._prefix = "" if source == owner else f"{origin_name(origin)}/"
        self._known: dict[tuple[int, int], bytes] = {}

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first ``width`` hashes of a tile.

        Raises:
            LogError: ``tile.length``: the answer has another length.
            NotFound, Unavailable: as :func:`get`.
        """
        known = self._known.get((level, index), b"")
        if len(known) < width * HASH_SIZE:
            known = self._known[level, index] = self._fetch(level, index, width)
        return known[: width * HASH_SIZE]

    def _fetch(self, level: int, index: int, width: int) -> bytes:
        try:
            data = get(self._node, self._source, self._prefix + tile_path(level, index, width))
        except NotFound:
            if width == TILE_WIDTH:
                raise
            # A log may drop a partial tile once the full one exists (tlog-tiles).
            data = get(self._node, self._source, self._prefix + tile_path(level, index))
        if len(data) < width * HASH_SIZE or len(data) > TILE_WIDTH * HASH_SIZE:
            raise LogError("tile.length", "the tile does not hold the asked number of hashes")
        return data

    def leaf_hashes(self, first: int, until: int) -> list[bytes]:
        """Return the leaf hashes with ``first <= index < until`` of a tree of ``until`` leaves."""
        hashes: list[bytes] = []
        for n in range(first // TILE_WIDTH, -(-until // TILE_WIDTH)):
            width = min(TILE_WIDTH, until - n * TILE_WIDTH)
            tile = split_hashes(self.read_tile(0, n, width))
            hashes += tile[max(0, first - n * TILE_WIDTH) :]
        return hashes
