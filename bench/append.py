"""Batched append to the log, beside a plain insert of the same rows and beside pymerkle.

What is measured, each in the same run, on the same disk, with the same durability (SQLite
``synchronous=FULL``, PostgreSQL with ``fsync``):

* ``insert``: the floor: event rows written by one multi-row insert in one transaction.
* ``append``: what the node does with the same rows when they wait: derive each leaf again from the
  stored bytes, hash, compute tiles and root, sign the head with Ed25519 and ML-DSA-44, and write
  places, bundles, tiles and head in one transaction (``services.checkpoints.integrate``).
* ``both``: insert and append together: a durable, signed, provable entry from nothing.
* ``pymerkle``: SqliteTree with ``synchronous=FULL``, in three ways: ``single`` is one entry a call
  (``append_entry``); ``single_root`` the same with the root after each (``get_state``), which is
  when an entry is committed to; ``batched`` are the same batches as ours by ``append_entries``,
  each with its root. It keeps entry and hash only: no salts, tiles, signatures, change sets.

    python -m bench append [--batch 2048] [--batches 6] [--database sqlite|postgresql|both] [--json]
"""

import argparse
import json
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pymerkle import SqliteTree
from sqlalchemy import insert

from api.records.log import EVENTS
from api.records.unit_of_work import Unit
from api.services.log import checkpoints
from api.services.log.checkpoints import entry_of
from api.services.node import Node
from api.wire.canonical import canonical
from tests.support.databases import start_postgres
from tests.support.federation import Federation
from tests.support.signing import US

AIM_PYMERKLE, AIM_INSERT = 20, 0.5
_SINGLE, _ROOTED = 400, 40


def rows(start: int, count: int, rng: random.Random) -> list[dict[str, Any]]:
    """Events of ordinary size, as `services.recording` writes them."""
    made = []
    for number in range(start, start + count):
        identifier = f"{number:012x}{rng.randbytes(10).hex()}"
        touched = json.dumps([["drafts", [identifier], rng.randbytes(32).hex()]])
        body = {
            "id": identifier,
            "time": "2026-11-23T17:25:39.123Z",
            "ministry": "us-treasury",
            "actor": {
                "kind": "officer",
                "iss": "https://id.example",
                "sub": "a1",
                "role": "analyst",
            },
            "act": "draft.created",
            "object": {"kind": "draft", "id": identifier, "version": 1},
            "origin": "rest",
            "outcome": "done",
            "state": f"sha256:{rng.randbytes(32).hex()}",
            "policies": ["drafting.analyst-writes"],
            "policy_set": f"sha256:{rng.randbytes(32).hex()}",
            "request": rng.randbytes(13).hex(),
        }
        made.append(
            {
                "id": identifier,
                "time": body["time"],
                "act": "draft.created",
                "object_kind": "draft",
                "object_id": identifier,
                "actor": "officer:https://id.example:a1",
                "outcome": "done",
                "body": canonical(body),
                "salt_e": rng.randbytes(32),
                "statement": None,
                "envelope_digest": None,
                "salt_s": rng.randbytes(32),
                "touched": touched,
                "leaf_index": None,
            }
        )
    return made


def timed(work: Callable[[], object]) -> float:
    """Seconds of wall clock that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def insert_rows(node: Node, batch: list[dict[str, Any]]) -> None:
    def write(unit: Unit) -> None:
        unit.connection.execute(insert(EVENTS), batch)

    node.db.write(write)


def ours(node: Node, size: int, batches: int) -> dict[str, float]:
    """Entries per second of insert, append and both; the median of the batches."""
    rng = random.Random(1)
    checkpoints.integrate(node, "bench")
    # A first batch warms caches and compiled statements and is not counted.
    inserted, appended = [], []
    for number in range(batches + 1):
        batch = rows(1_000_000 + number * size, size, rng)
        inserted.append(timed(lambda batch=batch: insert_rows(node, batch)))
        appended.append(timed(lambda: drain(node)))
    inserts, appends = statistics.median(inserted[1:]), statistics.median(appended[1:])
    return {
        "insert": round(size / inserts),
        "append": round(size / appends),
        "both": round(size / (inserts + appends)),
        "append_of_insert": round(inserts / appends, 2),
    }


def drain(node: Node) -> None:
    while checkpoints.integrate(node, "bench"):
        pass


def neighbour(folder: Path, size: int, batches: int) -> dict[str, float]:
    """Entries per second of pymerkle, one by one and in the same batches."""
    rng = random.Random(2)
    made = (SimpleNamespace(**row) for row in rows(0, size * (batches + 1), rng))
    entries = [entry_of(event) for event in made]  # type: ignore[arg-type]
    tree = SqliteTree(str(folder / "pymerkle.db"))
    require_full(tree.con)
    # As many entries before it as there were before ours: its root costs more as it grows.
    tree.append_entries(entries[:size])
    single = timed(lambda: [tree.append_entry(entry) for entry in entries[:_SINGLE]])
    rooted = timed(
        lambda: [(tree.append_entry(one), tree.get_state()) for one in entries[:_ROOTED]]
    )
    batched = []
    for number in range(batches):
        part = entries[size * (number + 1) : size * (number + 2)]
        batched.append(timed(lambda part=part: (tree.append_entries(part), tree.get_state())))
    tree.close()
    return {
        "single": round(_SINGLE / single),
        "single_root": round(_ROOTED / rooted),
        "batched": round(size / statistics.median(batched)),
    }


def require_full(connection: sqlite3.Connection) -> None:
    """Give pymerkle's file the durability of ours."""
    factory, connection.row_factory = connection.row_factory, None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    ((level,),) = connection.execute("PRAGMA synchronous").fetchall()
    assert level == 2
    connection.row_factory = factory


def measure(url: str | None, size: int, batches: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        urls = {} if url is None else {US.id: url}
        federation = Federation(Path(folder), ministries=(US,), urls=urls)
        try:
            return ours(federation[US.id], size, batches)
        finally:
            federation.close()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--batches", type=int, default=6)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"batch": options.batch, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as folder:
        results["pymerkle"] = neighbour(Path(folder), options.batch, options.batches)
    if options.database != "postgresql":
        results["sqlite"] = measure(None, options.batch, options.batches)
    if options.database != "sqlite":
        server = start_postgres()
        if server is None:
            print("PostgreSQL absent", file=sys.stderr)
        else:
            try:
                results["postgresql"] = measure(server.fresh(), options.batch, options.batches)
            finally:
                server.stop()
    for name in ("sqlite", "postgresql"):
        if name in results:
            found = results[name]
            found["times_pymerkle"] = {
                way: round(found["append"] / rate, 2) for way, rate in results["pymerkle"].items()
            }
    if options.json:
        print(json.dumps(results))
        return 0
    for name, value in results.items():
        print(f"{name:12}", json.dumps(value))
    print(f"aims: {AIM_PYMERKLE} times pymerkle, {AIM_INSERT:.0%} of a plain insert")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
