"""Approvals per second, and what fifty approvals of one draft at once come to.

An approval is the policy's decision, the rules of its type, the statement composed, both seals, and
statement, draft, event and outbox committed. Callers are threads without HTTP in between.

    python -m bench approvals [--database sqlite|postgresql] [--drafts N]
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from api.adapters.system import SystemClock, SystemEntropy
from api.domain.errors import Conflict
from api.services.statements import approving, previewing
from api.services.statements.draft_form import DraftView
from tests.support.bodies import body
from tests.support.databases import start_postgres
from tests.support.exchange import UK, US, draft, person
from tests.support.federation import Federation
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS

CALLERS = 8
AT_ONCE = 50


def made(federation: Federation, count: int) -> list[DraftView]:
    """Drafts of designations that wait for approval."""
    return [
        draft(
            federation,
            UK,
            "designation/1",
            (US,),
            body(
                "designation/1",
                subject=person(f"Person {number}"),
                jurisdiction="UK",
                regime="UK-GHR",
                mirrors=[],
            ),
        )
        for number in range(count)
    ]


def approve(federation: Federation, one: DraftView, who: str) -> str:
    """Approve; returns the refusal's code, or ``approved``."""
    officer = federation.officer(UK, who)
    try:
        previewing.preview(federation[UK], officer, one.id)
        approving.approve_recorded(federation[UK], officer, one.id, one.digest)
    except Conflict as refusal:
        return refusal.code
    return "approved"


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench approvals")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--drafts", type=int, default=600)
    options = parser.parse_args(arguments)
    server = start_postgres() if options.database == "postgresql" else None
    urls = {UK: server.fresh()} if server is not None else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            federation = Federation(Path(folder) / "n", ministries=(US_KEYS, UK_KEYS), urls=urls)
            for node in federation:
                object.__setattr__(node, "clock", SystemClock())
                object.__setattr__(node, "entropy", SystemEntropy())
            measure(federation, options.database, options.drafts)
            federation.close()
    finally:
        if server is not None:
            server.stop()


def measure(federation: Federation, database: str, count: int) -> None:
    """Print rate, latency and the race."""
    drafts = made(federation, count)
    taken: list[float] = []

    def timed(one: DraftView) -> None:
        started = time.perf_counter()
        approve(federation, one, "reviewer")
        taken.append((time.perf_counter() - started) * 1000)

    started = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(timed, drafts))
    total = time.perf_counter() - started
    taken.sort()
    print(
        f"{database}: {count / total:.0f} approvals/s by {CALLERS} callers, "
        f"p50 {taken[len(taken) // 2]:.0f} ms, p95 {taken[int(len(taken) * 0.95)]:.0f} ms"
    )
    (contested,) = made(federation, 1)
    names = ["reviewer", "reviewer2"]
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = Counter(
            pool.map(lambda n: approve(federation, contested, names[n % 2]), range(AT_ONCE))
        )
    total = (time.perf_counter() - started) * 1000
    print(f"{AT_ONCE} at once of one draft: {dict(outcomes)} in {total:.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
