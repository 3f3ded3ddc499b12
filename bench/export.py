"""Export from a real database, and offline checks of what comes out.

Synthetic events are put into a node's database and sequenced; then, each in a process of its own:

* ``export``: rows to lines, openings checked, tree derived, manifest sealed, file written
  (``services.audit.export``, without HTTP); ``grown_mib`` is what it added to the process that had
  filled the database before;
* ``verify``: ``comity verify``'s checker;
* ``fsck``: the whole database against its own log.

Prints entries per second of one core and peak memory, for a tenth and for all of the entries:
memory must not grow with them. ``bench audit_export`` measures the file format alone, with both
verifiers, without a database.

    python -m bench export [--entries 30000] [--json]
"""

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from api.domain.verification.export import verify_export
from api.records.log import EVENTS
from api.records.read_only import read_only
from api.services.audit import fsck
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.services.log import checkpoints
from api.wire.membership import parse_membership
from bench.append import rows
from tests.support import journeys
from tests.support.federation import Federation
from tests.support.signing import UK, US

AIMS = "export 60,000, verify 70,000"
_AT_ONCE = 5_000


def filled(folder: Path, entries: int) -> Federation:
    """A node whose log has that many entries more, witnessed by a partner."""
    import random

    federation = Federation(folder, ministries=(US, UK))
    node, rng = federation[US.id], random.Random(3)
    for start in range(0, entries, _AT_ONCE):
        batch = rows(start + 1, min(_AT_ONCE, entries - start), rng)
        for row in batch:
            # An event commits to the rows changed with it: none here.
            row["touched"] = "[]"
            row["body"] = row["body"].replace(_state(row["body"]), _NOTHING_TOUCHED)
        node.db.write(lambda unit, batch=batch: unit.connection.execute(insert(EVENTS), batch))
        while checkpoints.integrate(node, "test"):
            pass
    journeys.witness_all(federation)
    return federation


_NOTHING_TOUCHED = b"4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


def _state(body: bytes) -> bytes:
    at = body.index(b'"state":"sha256:') + 16
    return body[at : at + 64]


def export(folder: Path, entries: int) -> dict[str, Any]:
    federation = filled(folder / "nodes", entries)
    auditor = federation.officer(US.id, "auditor")
    before = peak_mib()
    started = time.process_time()
    made = exporting.export(federation[US.id], auditor, Wanted("bench"))
    seconds = time.process_time() - started
    grown = peak_mib() - before
    with made.file as source, (folder / "export.zip").open("wb") as target:
        shutil.copyfileobj(source, target)
    (folder / "membership.json").write_bytes(federation.membership.raw)
    url = federation[US.id].db.url
    federation.close()
    (folder / "url").write_text(url)
    return report(made.manifest.end, seconds) | {"grown_mib": grown}


def verify(folder: Path, _entries: int) -> dict[str, Any]:
    membership = parse_membership((folder / "membership.json").read_bytes())
    started = time.process_time()
    with (folder / "export.zip").open("rb") as source:
        checked = verify_export(source, membership)
    return report(checked.manifest.end, time.process_time() - started)


def check(folder: Path, _entries: int) -> dict[str, Any]:
    trust = fsck.Trust(parse_membership((folder / "membership.json").read_bytes()))
    started = time.process_time()
    with read_only((folder / "url").read_text()) as connection:
        found = fsck.check(connection, trust)
    assert found.ok, found.first
    return report(found.size, time.process_time() - started)


def peak_mib() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def report(count: int, seconds: float) -> dict[str, Any]:
    return {"per_second": round(count / seconds), "peak_mib": peak_mib()}


def apart(work: Callable[[Path, int], dict[str, Any]], folder: Path, entries: int) -> Any:
    """Run a step in a fresh process, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, folder, entries).result()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=30_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {}
    for entries in (options.entries // 10, options.entries):
        with tempfile.TemporaryDirectory() as name:
            for step, work in (("export", export), ("verify", verify), ("fsck", check)):
                results[f"{step}@{entries}"] = apart(work, Path(name), entries)
            size = (Path(name) / "export.zip").stat().st_size
            results[f"bytes@{entries}"] = size
    if options.json:
        print(json.dumps(results))
    else:
        for name, value in results.items():
            print(f"{name:20}", json.dumps(value))
        print(f"aims: {AIMS} entries a second and core, memory that does not grow")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
