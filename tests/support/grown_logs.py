"""Grows a log by many leaves below the use cases, as years of events would have.

Heads are signed at the time, one for each batch, and remembered; the leaves are known by their hash
alone (as after a recovery), so that a million take seconds.
"""

import hashlib

from api.ports.head_memory import Remembered
from api.records import heads, log
from api.records.unit_of_work import Unit
from api.services.log import checkpoints
from api.services.log.own_tiles import GrowingTiles, StoredTiles
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint
from api.tlog.proofs import root_at
from api.tlog.tiles import tiles_for_append


def grow(node: Node, leaves: int, *, batch: int = checkpoints.BATCH) -> int:
    """Append leaves in batches, each with its head; returns the log's size."""
    size = checkpoints.newest(node).size
    end = size + leaves
    while size < end:
        count = min(batch, end - size)
        size = _batch(node, size, count)
    known, newest = node.memory.read(), checkpoints.newest(node)
    assert node.memory.replace(known, Remembered(newest.size, newest.root.hex()))
    return size


def _batch(node: Node, old: int, count: int) -> int:
    hashes = [
        hashlib.sha256(f"grown {index}".encode()).digest() for index in range(old, old + count)
    ]
    size = old + count
    fresh = node.db.read(lambda c: tiles_for_append(old, hashes, StoredTiles(c)))
    bundles = node.db.read(lambda c: checkpoints.bundle_rows(c, old, [b""] * count))
    root = node.db.read(lambda c: root_at(size, GrowingTiles(StoredTiles(c), fresh)))
    at = int(node.clock.now().timestamp())
    note = checkpoints.sign_head(node.signer, node.me, Checkpoint(node.me.origin, size, root), at)

    def write(unit: Unit) -> None:
        rows = [{"level": level, "n": n, "data": data} for level, n, data in fresh]
        log.upsert(unit.connection, log.TILES, rows)
        log.upsert(unit.connection, log.BUNDLES, bundles)
        heads.put_head(unit.connection, size, root.hex(), note)

    node.db.write(write)
    return size
