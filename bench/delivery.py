"""From commit at A to the receipts of B and C, and statements per second in batches.

Three nodes in one process with their real job loops; the transport hands bytes over without HTTP,
so the figures are the nodes' own work on the cores of this machine.

    python -m bench delivery [--statements N]
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.adapters.system import SystemClock
from api.records import streams
from api.services import approving, drafting, evidence, status
from api.wire.statements import Content
from api.worker import Worker
from tests.federation.test_road import release, submit
from tests.support.federation import Federation


class MachineClock(SystemClock):
    """The real clock, in the federation's place."""


def receipted(federation: Federation, statement: str) -> int:
    """How many partners have receipted a statement of Washington."""

    def count(connection: Any) -> int:
        query = (
            select(streams.MESSAGES_OUT.c.id)
            .join(streams.OUTBOX, streams.OUTBOX.c.message == streams.MESSAGES_OUT.c.id)
            .where(
                streams.OUTBOX.c.statement == statement,
                streams.MESSAGES_OUT.c.state == "receipted",
            )
        )
        return len(connection.execute(query).all())

    return federation["us-treasury"].db.read(count)


def latency(federation: Federation, rounds: int, pause: float) -> list[float]:
    """Milliseconds from the commit of a recall (to both partners) to both receipts."""
    node = federation["us-treasury"]
    taken = []
    for number in range(rounds):
        package = submit(federation, title=f"Latency {number}")
        for to in ("uk-fcdo", "ca-gac"):
            release(federation, package, to)
        content = Content(
            "recall/1",
            ("ca-gac", "uk-fcdo"),
            {"package": package, "reason": "Measured.", "instruction": "stop-use"},
        )
        reviewer = federation.officer("us-treasury", "reviewer")
        draft = drafting.create(node, reviewer, content)
        started = time.perf_counter()
        while receipted(federation, draft.row["statement"]) < 2:
            time.sleep(0.002)
        taken.append((time.perf_counter() - started) * 1000)
        time.sleep(pause)
    return taken


def batches(federation: Federation, statements: int) -> tuple[float, float]:
    """Statements per second to receipts and to dispositions, from a full outbox."""
    node = federation["us-treasury"]
    package = submit(federation, title="Batch")
    release(federation, package, "uk-fcdo")
    deadline = time.perf_counter() + 60
    while time.perf_counter() < deadline and "applied" not in _outcomes(federation):
        time.sleep(0.02)
    before = _counts(federation)
    analyst, reviewer = (federation.officer("us-treasury", who) for who in ("analyst", "reviewer"))
    admin = federation.officer("us-treasury", "admin")
    status.switch(node, admin, "on")
    for number in range(statements):
        other = submit(federation, title=f"Batch {number}")
        draft = _release_draft(federation, other, analyst)
        approving.approve_recorded(node, reviewer, draft.row["id"], draft.row["digest"])
    status.switch(node, admin, "off")
    started = time.perf_counter()
    first = second = 0.0
    while not second:
        sent, done = (now - then for now, then in zip(_counts(federation), before, strict=True))
        if sent >= statements and not first:
            first = statements / (time.perf_counter() - started)
        if done >= statements:
            second = statements / (time.perf_counter() - started)
        time.sleep(0.01)
    return first, second


def _release_draft(federation: Federation, package: str, analyst: Any) -> Any:
    content = {
        "recipient": "uk-fcdo",
        "marking": {
            "tlp": "AMBER",
            "releasable_to": ["uk-fcdo"],
            "originator_control": True,
            "permitted_use": ["measurement"],
        },
        "legal_basis": "For the bench.",
    }
    return evidence.release(federation["us-treasury"], analyst, package, content)


def _outcomes(federation: Federation) -> dict[str, int]:
    counts = federation["us-treasury"].db.read(streams.applied_counts)
    return counts.get("uk-fcdo", {})


def _counts(federation: Federation) -> tuple[int, int]:
    node = federation["us-treasury"]
    sent = node.db.read(streams.delivered_counts).get("uk-fcdo", {"receipted": 0})["receipted"]
    return sent, sum(_outcomes(federation).values())


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench delivery")
    parser.add_argument("--statements", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(Path(folder) / "n")
        federation.clock = MachineClock()  # type: ignore[assignment]
        for name, node in list(federation.nodes.items()):
            object.__setattr__(node, "clock", federation.clock)
            federation.nodes[name] = node
        workers = [Worker(node) for node in federation]
        for worker in workers:
            worker.start()
        try:
            taken = sorted(latency(federation, options.rounds, 0.05))
            first, second = batches(federation, options.statements)
        finally:
            threads = [threading.Thread(target=worker.stop) for worker in workers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            federation.close()
    p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    print(f"commit to receipts of both partners: p50 {p50:.0f} ms, p95 {p95:.0f} ms (aim 500)")
    print(f"batches: {first:.0f} statements/s receipted (aim 500), {second:.0f}/s with disposition")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
