"""Speed and memory of writing an audit export and of checking it, by both verifiers.

Entries are synthetic events of realistic size in a log with a real head, keys and cosignatures.
Prints entries per second of one core and the peak memory of each step, which must not grow with
the number of entries.

Run: ``python -m bench.audit_export [--entries 100000] [--json]``.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from api.domain.audit_export import ExportOrder, write_export
from api.domain.verification.export import verify_export
from api.tlog.merkle import Frontier, leaf_hash
from api.wire.export.guide import GUIDE
from api.wire.export.lines import Disclosed, check_commitments
from tests.support.exports import (
    MEMBERS,
    VERIFIER,
    event_bytes,
    seal_manifest,
    second_verifier,
    signed_head,
)
from tests.support.signing import US

PROTOTYPE = event_bytes(
    "us-treasury",
    0,
    policies=["reviewer-releases"],
    policy_set="sha256:" + "1" * 64,
    request="r" * 26,
)


def lines(count: int) -> Iterator[Disclosed]:
    """Entries as a store would give them: every fourth with a statement."""
    statement_prefix, event_prefix = b"comity/statement/v1\n", b"comity/event/v1\n"
    for index in range(count):
        number = index.to_bytes(16, "big")
        event = PROTOTYPE.replace(b"0" * 32, number.hex().encode(), 1)
        salt = sha256(number).digest()
        e = sha256(event_prefix + salt + event).hexdigest()
        if index % 4:
            yield Disclosed(index, e, salt.hex(), event, salt.hex())
        else:
            s = sha256(statement_prefix + salt + salt).hexdigest()
            yield Disclosed(
                index, e, s, event, salt.hex(), None, salt.hex(), salt.hex(), salt.hex()
            )


def root_of(count: int) -> bytes:
    frontier, pending = Frontier(), []
    for line in lines(count):
        pending.append(leaf_hash(check_commitments(line)))
        if len(pending) == 4096:
            frontier.extend(pending)
            pending = []
    frontier.extend(pending)
    return frontier.root()


def write(path: Path, count: int) -> dict[str, Any]:
    order = ExportOrder(
        membership=MEMBERS,
        ministry="us-treasury",
        threshold=2,
        checkpoint=signed_head(US, count, root_of(count)),
        start=0,
        end=count,
        left=(),
        right=(),
        made_by={"node": "us-treasury"},
        tool=("bench", "1"),
        purpose="bench",
        made_at="2026-11-23T17:25:39.123Z",
        guide=GUIDE,
        verifier=VERIFIER.read_bytes(),
    )
    generating = time.process_time()
    for _ in lines(count):
        pass
    generating = time.process_time() - generating
    started = time.process_time()
    with path.open("w+b") as target, tempfile.TemporaryFile() as spool:
        write_export(target, order, lines(count), lambda p: seal_manifest(US, p), spool)
    # The synthetic entries are made while they are written; that part is not the exporter's.
    return report(count, time.process_time() - started - generating)


def first(path: Path, count: int) -> dict[str, Any]:
    started = time.process_time()
    with path.open("rb") as source:
        verify_export(source, MEMBERS)
    return report(count, time.process_time() - started)


def second(path: Path, count: int) -> dict[str, Any]:
    module = second_verifier()
    started = time.process_time()
    with path.open("rb") as source:
        module.Export(source, module.Membership(MEMBERS.raw), 1).run()
    return report(count, time.process_time() - started)


def report(count: int, seconds: float) -> dict[str, Any]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"per_second": round(count / seconds), "peak_mib": round(peak)}


def apart(work: Callable[[Path, int], dict[str, Any]], path: Path, count: int) -> dict[str, Any]:
    """Run a step in a fresh process, so that its memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, path, count).result()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in (options.entries // 10, options.entries):
            path = Path(folder) / f"{count}.zip"
            for name, work in (("write", write), ("verify", first), ("verify_second", second)):
                results[f"{name}@{count}"] = apart(work, path, count)
            results[f"bytes@{count}"] = path.stat().st_size
            path.unlink()
    if options.json:
        print(json.dumps(results))
    else:
        for name, value in results.items():
            print(f"{name:24}", json.dumps(value))
        print("aims: write 60,000, verify 70,000 entries a second and core")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
