"""Witnessing partners' logs: judges a partner's head and cosigns it.

Owns the atomic compare-and-persist of what this node has seen of each partner's log. The steps of
:func:`examine`, in order:

1. The head is signed by the log keys that the membership gives to that partner.
2. It continues the size this node last cosigned, or the right size is answered.
3. The consistency proof holds between the old head and this one.
4. The leaf hashes that come with it extend the stored tiles to exactly the head's root.

Only then is the head cosigned; :func:`persist` stores tiles and head in the caller's transaction
and refuses if another head was stored in between.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid
from api.records import log, streams
from api.records.unit_of_work import Unit
from api.services import log_keys
from api.services.checkpoints import signature_line
from api.services.node import Node
from api.tlog.errors import LogError
from api.tlog.heads import open_checkpoint
from api.tlog.merkle import split_hashes
from api.tlog.note import parse_note
from api.tlog.proofs import root_at, verify_consistency
from api.tlog.tiles import tiles_for_append
from api.wire.messages import Evidence


@dataclass(frozen=True, slots=True)
class Examined:
    """A partner's head that passed the four steps, ready to be cosigned and stored."""

    peer: str
    old: int
    size: int
    root: bytes
    note: bytes
    tiles: list[tuple[int, int, bytes]]


class PeerTiles:
    """Reads a partner's stored tiles, with fresh ones in front; a ``tlog.tiles.HashReader``."""

    def __init__(
        self, connection: Connection, peer: str, fresh: list[tuple[int, int, bytes]] | None = None
    ) -> None:
        self._connection = connection
        self._peer = peer
        self._fresh = {(level, index): data for level, index, data in fresh or ()}

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first ``width`` hashes of a tile."""
        data = self._fresh.get((level, index))
        if data is None:
            data = streams.peer_tile(self._connection, self._peer, level, index)
        return data[: 32 * width]


def examine(node: Node, connection: Connection, peer: str, evidence: Evidence) -> Examined:
    """Judge the head in a message's evidence; see the module docstring.

    Raises:
        Invalid: ``log.*``: not signed by that log, or inconsistent with what was seen before.
        Conflict: ``log.size``: not from the size last cosigned; ``details["size"]`` has it.
    """
    member = node.membership.member(peer)
    note = evidence.checkpoint.encode()
    try:
        head = open_checkpoint(note, log_keys.log_verifiers(member)).checkpoint
    except LogError as error:
        raise Invalid("log.head", f"The checkpoint does not verify: {error}.") from error
    seen = streams.peer_log(connection, peer)
    old = seen["size"] if seen is not None else 0
    stated = evidence.consistency.from_ if evidence.consistency is not None else 0
    if head.size < old or (stated != old and head.size > old > 0):
        raise Conflict("log.size", "Prove consistency from the size last cosigned.", size=old)
    leaves = evidence.leaves
    if len(leaves) != 32 * (head.size - old):
        raise Conflict("log.size", "Send the leaf hashes from the size last cosigned.", size=old)
    hashes = split_hashes(leaves)
    try:
        if seen is not None:
            path = evidence.consistency.path if evidence.consistency is not None else ()
            root = bytes.fromhex(seen["root"])
            verify_consistency(old, head.size, root, head.root, list(path))
        tiles = tiles_for_append(old, hashes, PeerTiles(connection, peer))
        root = root_at(head.size, PeerTiles(connection, peer, tiles))
    except LogError as error:
        raise Invalid("log.inconsistent", f"The log does not continue: {error}.") from error
    if root != head.root:
        raise Invalid("log.inconsistent", "The leaf hashes do not make the checkpoint's root.")
    return Examined(peer, old, head.size, head.root, note, tiles)


def cosign(node: Node, examined: Examined) -> list[str]:
    """Return this node's cosignature lines for an examined head, without line feeds."""
    text = parse_note(examined.note).text
    timestamp = int(node.clock.now().timestamp())
    return [
        signature_line(node.signer, key, text, timestamp).format().removesuffix("\n")
        for key in log_keys.own_verifiers(node.signer, node.me.origin, witness=True)
    ]


def persist(unit: Unit, examined: Examined, lines: list[str], substantive: int) -> None:
    """Store the tiles and the head in the caller's transaction.

    A crash before the commit leaves the older head; the cosignature has not left this node then.

    Raises:
        Conflict: ``log.size``: another head of that log was stored meanwhile.
    """
    seen = streams.peer_log(unit.connection, examined.peer)
    old = seen["size"] if seen is not None else 0
    if old != examined.old:
        raise Conflict("log.size", "Prove consistency from the size last cosigned.", size=old)
    log.upsert(
        unit.connection,
        streams.PEER_TILES,
        [
            {"peer": examined.peer, "level": level, "n": n, "data": data}
            for level, n, data in examined.tiles
        ],
    )
    row = {
        "peer": examined.peer,
        "size": examined.size,
        "root": examined.root.hex(),
        "note": examined.note,
        "cosignatures": "\n".join(lines).encode(),
        "substantive": substantive,
    }
    log.upsert(unit.connection, streams.PEER_LOGS, [row])
