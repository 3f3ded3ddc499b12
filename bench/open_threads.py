"""Task list, list of requests and one request's page, with few and with 10,000 open threads.

The statements are real and sealed; their rows are written by the code that writes them when they
arrive, many to a transaction. Pages are read by the real use cases, with the policy's batch
decision.

    python -m bench open_threads [--many N]

Aim: at most 30 ms each, and flat.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.domain.events import Act, Subject
from api.domain.threads.sequences import Record
from api.records import statements, threads
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.desk import mirroring, tasks
from api.services.desk.tasks import Scope
from api.services.sealing import seal_statement
from api.services.statements.effects import thread_record
from api.wire.statements import NONCE_BYTES, By, Content, Officer, Place, compose_statement
from tests.support.bodies import body
from tests.support.exchange import UK, US, person
from tests.support.federation import Federation
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS

FEW = 100
SUBJECTS = 4
AIM = 30.0
BY = By(
    Officer("https://id.example", "analyst", "analyst", "recorded"),
    Officer("https://id.example", "reviewer", "reviewer", "recorded"),
)


def content(number: int) -> dict[str, Any]:
    """A request for four subjects, due on one of many days."""
    keys = [f"s{n}" for n in range(1, SUBJECTS + 1)]
    return body(
        "mirror-request/1",
        title=f"Request {number}",
        subjects=[{**person(f"Person {number} {key}"), "key": key} for key in keys],
        designations={key: f"sha256:{number * 10 + int(key[1:]):064x}" for key in keys},
        regimes=dict.fromkeys(keys, "UK-GHR"),
        evidence=[],
        respond_by=f"2027-{1 + number % 12:02d}-{1 + number % 28:02d}T17:00:00.000Z",
    )


def fill(federation: Federation, first: int, until: int) -> list[str]:
    """Open threads at the addressee, as if they had arrived; returns their ids."""
    us, uk = federation[US], federation[UK]
    made: list[str] = []
    for start in range(first, until, 200):
        sealed = [
            seal_statement(
                us,
                compose_statement(
                    Content("mirror-request/1", (UK,), content(number)),
                    issuer=US,
                    issued_at=us.clock.now(),
                    nonce=us.entropy.token(NONCE_BYTES),
                    by=BY,
                    place=Place(1),
                ),
            )
            for number in range(start, min(start + 200, until))
        ]

        def write(unit: Unit, batch: list[Any] = sealed) -> None:
            for one in batch:
                at = uk.now()
                filed = statements.Filed(one.envelope, one.digest, US, None, at)
                statements.store(unit, one.statement, filed)
                thread_record.keep(unit, Record((one.statement,)), at)
            entry = recording.Entry(act=Act.STATEMENT_APPLIED, subject=Subject("thread", "bench"))
            recording.record(uk, unit, entry)

        uk.db.write(write)
        made += [one.statement.id for one in sealed]
    return made


def timed(read: Callable[[], object], times: int = 40) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        read()
        taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return statistics.median(taken), taken[int(len(taken) * 0.95)]


def measure(federation: Federation, thread: str) -> dict[str, tuple[float, float]]:
    """Median and 95th percentile of each page."""
    uk = federation[UK]
    reviewer = federation.officer(UK, "reviewer")
    wanted = threads.Wanted("open")
    return {
        "tasks, first 50": timed(lambda: tasks.tasks_page(uk, reviewer, Scope.MINE, limit=50)),
        "requests, first 50": timed(lambda: mirroring.threads_page(uk, reviewer, wanted, limit=50)),
        "one request": timed(lambda: mirroring.read(uk, reviewer, thread)),
    }


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench open_threads")
    parser.add_argument("--many", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(Path(folder) / "n", ministries=(US_KEYS, UK_KEYS))
        try:
            ids = fill(federation, 0, FEW)
            few = measure(federation, ids[0])
            started = time.perf_counter()
            ids += fill(federation, FEW, options.many)
            filled = time.perf_counter() - started
            many = measure(federation, ids[len(ids) // 2])
        finally:
            federation.close()
    print(f"{options.many} open threads of {SUBJECTS} subjects ({filled:.0f} s to fill)")
    for name, (median, high) in many.items():
        print(
            f"{name}: median {median:.1f} ms, p95 {high:.1f} ms "
            f"(with {FEW}: {few[name][0]:.1f} ms, {few[name][1]:.1f} ms; aim {AIM:.0f})"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
