"""Latency of inclusion proofs by size of the log, read from tiles in a SQLite file.

Entries are synthetic; everything else is the path a node takes: tiles written by
`tiles_for_append`, one row a tile, and a proof that reads only the rows it needs. Every proof
is verified against the root. pymerkle's SQLite tree makes the same proofs in the same run at
the sizes that it can be filled to in reasonable time.

Run: ``python -m bench.log_proofs [--sizes 10000,1000000,10000000] [--proofs 400] [--json]``.
"""

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from api.tlog.merkle import Frontier, leaf_hash
from api.tlog.proofs import inclusion_proof, verify_inclusion
from api.tlog.tiles import tiles_for_append

BATCH = 65_536
PEER_LIMIT = 1_000_000


class TileFile:
    """Tiles of a log in one table, as a store would hold them."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.execute(
            "CREATE TABLE tile(level INT, number INT, data BLOB, PRIMARY KEY(level, number))"
            " WITHOUT ROWID"
        )
        self.reads = 0

    def read_tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first `width` hashes of a tile; counts the reads."""
        self.reads += 1
        row = self.connection.execute(
            "SELECT data FROM tile WHERE level = ? AND number = ?", (level, index)
        ).fetchone()
        data: bytes = row[0]
        return data[: 32 * width]

    def fill(self, size: int) -> bytes:
        """Append `size` synthetic leaves; returns the root."""
        frontier = Frontier()
        for start in range(0, size, BATCH):
            numbers = range(start, min(size, start + BATCH))
            leaves = [leaf_hash(number.to_bytes(8, "big")) for number in numbers]
            tiles = tiles_for_append(start, leaves, self)
            self.connection.executemany("INSERT OR REPLACE INTO tile VALUES (?, ?, ?)", tiles)
            self.connection.commit()
            frontier.extend(leaves)
        return frontier.root()


def timed(work: Callable[[int], object], indexes: list[int]) -> list[float]:
    """Milliseconds of each call."""
    times = []
    for index in indexes:
        started = time.perf_counter()
        work(index)
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


def measure_ours(size: int, proofs: int, folder: Path) -> dict[str, Any]:
    store = TileFile(folder / f"tiles-{size}.db")
    started = time.perf_counter()
    root = store.fill(size)
    filled = time.perf_counter() - started
    chooser = random.Random(size)
    indexes = [chooser.randrange(size) for _ in range(proofs)]
    store.reads = 0
    times = timed(lambda index: inclusion_proof(index, size, store), indexes)
    reads = store.reads / proofs
    checks = []
    for index in indexes:
        proof = inclusion_proof(index, size, store)
        leaf = leaf_hash(index.to_bytes(8, "big"))
        started = time.perf_counter()
        verify_inclusion(index, size, leaf, proof, root)
        checks.append((time.perf_counter() - started) * 1000)
    store.connection.close()
    return {
        "size": size,
        "p50_ms": round(median(times), 3),
        "p99_ms": round(times[int(len(times) * 0.99)], 3),
        "verify_p50_ms": round(median(checks), 4),
        "tile_reads": round(reads, 2),
        "fill_leaves_per_s": round(size / filled),
    }


def measure_pymerkle(size: int, proofs: int, folder: Path) -> dict[str, Any] | None:
    try:
        from pymerkle import SqliteTree
    except ImportError:
        return None
    tree = SqliteTree(str(folder / f"pymerkle-{size}.db"))
    tree.append_entries(number.to_bytes(8, "big") for number in range(size))
    chooser = random.Random(size)
    indexes = [chooser.randrange(size) + 1 for _ in range(proofs)]
    tree.prove_inclusion(1, size)
    times = timed(lambda index: tree.prove_inclusion(index, size), indexes)
    tree.con.close()
    return {"size": size, "p50_ms": round(median(times), 3)}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,1000000,10000000")
    parser.add_argument("--proofs", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    sizes = [int(text) for text in options.sizes.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = [measure_ours(size, options.proofs, folder) for size in sizes]
        peer = [
            measure_pymerkle(size, min(options.proofs, 100), folder)
            for size in sizes
            if size <= PEER_LIMIT
        ]
    smallest = ours[0]["p50_ms"]
    for row in ours:
        row["ratio_to_smallest"] = round(row["p50_ms"] / smallest, 2)
    result = {"inclusion_proof": ours, "pymerkle_sqlite": [row for row in peer if row]}
    if options.json:
        print(json.dumps(result))
    else:
        for row in ours:
            print("ours     ", json.dumps(row))
        for row in result["pymerkle_sqlite"]:
            own = next(item for item in ours if item["size"] == row["size"])
            print("pymerkle ", json.dumps(row), f"x{row['p50_ms'] / own['p50_ms']:.1f} of ours")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
