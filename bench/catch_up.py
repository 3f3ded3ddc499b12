"""A partner comes back after having missed thousands of statements: rate of catching up, memory.

While a partner is away a node composes 32 messages ahead and keeps the rest as statements, so that
they travel 64 to a message afterwards. With ``--batch 1`` every statement is a message of its own
and costs two signatures, a receipt with cosignature, a disposition and that one's receipt. Two
nodes in one process; bytes are handed over without HTTP. Memory is the process's resident set,
looked at while they catch up.

    python -m bench catch_up [--statements N] [--batch N]
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from api.adapters.system import SystemClock, SystemEntropy
from api.domain.designations import DESIGNATION
from api.domain.events import Act, Subject
from api.records import statements, streams
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.node import Limits
from api.services.sealing import seal_statement
from api.wire.statements import NONCE_BYTES, By, Content, Officer, compose_statement
from api.worker import Worker
from bench._machine import Meter
from tests.support.bodies import body
from tests.support.exchange import UK, US, person
from tests.support.federation import Federation
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS

BY = By(
    Officer("https://id.example", "analyst", "analyst", "recorded"),
    Officer("https://id.example", "reviewer", "reviewer", "recorded"),
)


def rss() -> int:
    """Resident memory in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    return 0


def issue(federation: Federation, count: int) -> None:
    """Put sealed designations into the outbox, two hundred to a transaction."""
    us = federation[US]
    for start in range(0, count, 200):
        sealed = [
            seal_statement(
                us,
                compose_statement(
                    Content(
                        DESIGNATION,
                        (UK,),
                        body(
                            DESIGNATION,
                            subject=person(f"Person {number}"),
                            jurisdiction="US",
                            regime="US-GLOMAG",
                            mirrors=[],
                        ),
                    ),
                    issuer=US,
                    issued_at=us.clock.now(),
                    nonce=us.entropy.token(NONCE_BYTES),
                    by=BY,
                ),
            )
            for number in range(start, min(start + 200, count))
        ]

        def write(unit: Unit, batch: list[Any] = sealed) -> None:
            for one in batch:
                at, digest = us.now(), one.digest
                filed = statements.Filed(one.envelope, digest, "own", None, at)
                statements.store(unit, one.statement, filed)
                recording.post(us, unit, [UK], one.statement.id)
                entry = recording.Entry(
                    act=Act.DESIGNATION_RECORDED, subject=Subject("designation", one.statement.id)
                )
                concerning = recording.concerning(entry, one.statement.id, digest)
                recording.record(us, unit, concerning)

        us.db.write(write)


def count(federation: Federation, table: Any, *conditions: Any) -> int:
    """Rows of the sender's table that meet the conditions."""
    query = select(func.count()).select_from(table).where(*conditions)
    return federation[US].db.read(lambda connection: connection.execute(query).scalar_one())


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench catch_up")
    parser.add_argument("--statements", type=int, default=2_560)
    parser.add_argument("--batch", type=int, default=64)
    options = parser.parse_args(arguments)
    limits = Limits(cursor_secret=b"bench", retry_base=0.01, retry_cap=0.1, batch=options.batch)
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(Path(folder) / "n", ministries=(US_KEYS, UK_KEYS), limits=limits)
        for wire in federation.wires.values():
            # The simulated network keeps what it carried; memory is to be the nodes' own.
            wire.log = deque(maxlen=1)  # type: ignore[assignment]
        for node in federation:
            object.__setattr__(node, "clock", SystemClock())
            object.__setattr__(node, "entropy", SystemEntropy())
        federation.down.add(UK)
        issue(federation, options.statements)
        workers = [Worker(node) for node in federation]
        for worker in workers:
            worker.start()
        time.sleep(2)
        sizes = [rss()]
        meter, started = Meter(), time.perf_counter()
        federation.down.discard(UK)
        disposed, first = 0, 0.0
        while disposed < options.statements or not first:
            time.sleep(0.25)
            # Asked for what costs little: to count what was receipted reads all of it.
            if not first and not federation[US].db.look(lambda c: streams.owed(c, UK)):
                first = time.perf_counter() - started
            disposed = count(federation, streams.DISPOSITIONS)
            if disposed * 10 // options.statements >= len(sizes):
                sizes.append(rss())
        total, used = time.perf_counter() - started, meter.each(options.statements)
        ending = [threading.Thread(target=worker.stop) for worker in workers]
        for thread in ending:
            thread.start()
        for thread in ending:
            thread.join()
        federation.close()
    messages = -(-options.statements // options.batch)
    print(
        f"{options.statements} missed statements, {options.batch} to a message: "
        f"{options.statements / first:.0f}/s receipted ({messages / first:.1f} messages/s), "
        f"{options.statements / total:.0f}/s with dispositions ({total:.0f} s)"
    )
    print(f"both nodes: {used}")
    print(f"resident memory by tenths of the way, MiB: {', '.join(map(str, sizes))}")


if __name__ == "__main__":
    main(sys.argv[1:])
