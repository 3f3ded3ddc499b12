"""From commit at A to the receipts of B and C, and statements per second in batches.

Each node is a process of its own, over HTTP; the jobs of the first one's sender run in this one.
Batches are measured in two parts: first to the receipts (the partner authenticates, stores, cosigns
and answers), then, with the partner's loops started, to the dispositions. The floor of the second
is its cryptography alone, on two threads: a release is verified with its package (two seals) and
officers' signatures, and a disposition is sealed by one end and verified by the other.

    python -m bench delivery [--statements N]
"""

import argparse
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api import bootstrap
from api.adapters.system import SystemClock
from api.records import streams
from api.records.statements import STATEMENTS
from api.services.desk import evidence
from api.services.node import Node
from api.services.sealing import open_statement, seal_statement
from api.services.statements import approving, drafting, previewing
from api.settings import Settings
from api.wire.envelope import STATEMENT, parse_envelope, verify_seal
from api.wire.statements import NONCE_BYTES, Content, compose_statement
from api.worker import Worker
from tests.federation.test_road import release, submit
from tests.support.federation import ISSUER, Federation
from tests.support.issuer import FakeIssuer
from tests.support.processes import Fleet, Site, wait_ready

_LOOK = 0.1  # seconds between two counts
_FLOOR = 192


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


class Prepared(Federation):
    """A node of the fleet in this process, before its own runs: what is approved waits for it."""

    def __init__(self, site: Site, stack: ExitStack) -> None:
        installation = bootstrap.build(Settings(_env_file=site.settings))
        stack.callback(installation.close)
        self.nodes = {site.ministry: installation.node}


def latencies(folder: Path, rounds: int) -> list[float]:
    """Run three nodes, the sender's jobs in this process, and measure; sorted."""
    with Fleet(folder, FakeIssuer(ISSUER, SystemClock())) as fleet, ExitStack() as stack:
        us, *partners = (fleet.add(each) for each in ("us-treasury", "uk-fcdo", "ca-gac"))
        fleet.make()
        # Beside a worker that is not started, the door alone.
        us.workers = 1
        for site in (us, *partners):
            fleet.start(f"{site.ministry}-app-1")
            wait_ready(site.url)
        federation = Prepared(us, stack)
        worker = Worker(federation["us-treasury"])
        worker.start()
        try:
            return sorted(latency(federation, rounds, 0.05))
        finally:
            worker.stop()
            fleet.stop()


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
        while receipted(federation, draft.statement) < 2:
            time.sleep(0.01)
        taken.append((time.perf_counter() - started) * 1000)
        time.sleep(pause)
    return taken


def batches(folder: Path, statements: int) -> tuple[float, float, float]:
    """Statements per second to receipts, then to dispositions; the floor of the second."""
    with Fleet(folder, FakeIssuer(ISSUER, SystemClock())) as fleet, ExitStack() as stack:
        us, uk = (fleet.add(ministry) for ministry in ("us-treasury", "uk-fcdo"))
        fleet.make()
        with ExitStack() as preparing:
            federation = Prepared(us, preparing)
            for number in range(statements):
                _approve_release(federation, submit(federation, title=f"Batch {number}"))
        sent = stack.enter_context(closing(sqlite3.connect(us.home / "node.db")))
        # Beside a worker that is not started, the partner's door takes messages and applies none.
        uk.workers = 1
        for site in (uk, us):
            fleet.start(f"{site.ministry}-app-1")
            wait_ready(site.url)
        receipts = _rate(sent, _RECEIPTED, statements)
        fleet.kill("uk-fcdo-app-1")
        uk.workers = 0
        fleet.start("uk-fcdo-app-1")
        dispositions = _rate(sent, _DECIDED, statements)
        fleet.stop()
        with ExitStack() as after:
            floor = _floor(Prepared(us, after)["us-treasury"], Prepared(uk, after)["uk-fcdo"])
    return receipts, dispositions, floor


_RECEIPTED = """
SELECT composed_at, receipted_at, (SELECT count(*) FROM outbox WHERE message = messages_out.id)
FROM messages_out WHERE kind = 'deliver' AND receipted_at IS NOT NULL ORDER BY seq
"""
_DECIDED = "SELECT received_at, received_at, count(*) FROM dispositions GROUP BY 1 ORDER BY 1"


def _rate(database: sqlite3.Connection, query: str, statements: int) -> float:
    """Wait until all statements are answered; returns how many a second, after the first message.

    The node's own instants are taken: to ask it often would slow it down.
    """
    while sum(count for *_, count in database.execute(query)) < statements:
        time.sleep(_LOOK)
    rows = database.execute(query).fetchall()
    first, last = (datetime.fromisoformat(each) for each in (rows[0][1], rows[-1][1]))
    return sum(count for *_, count in rows[1:]) / (last - first).total_seconds()


def _floor(node: Node, partner: Node) -> float:
    """Statements per second of the cryptography between a delivery and its disposition."""

    def envelope_of(kind: str) -> bytes:
        query = select(STATEMENTS.c.envelope).where(STATEMENTS.c.type == kind).limit(1)
        return bytes(node.db.read(lambda connection: connection.execute(query).scalar_one()))

    release, package = envelope_of("release/1"), envelope_of("evidence-package/1")

    told = {"statement": "sha256:" + "0" * 64, "outcome": "applied"}
    answer = {"message": "0" * 32, "outcomes": [told]}

    def one(_: int) -> None:
        for raw in (release, package):
            open_statement(partner, raw)
        said = compose_statement(
            Content("disposition/2", (node.ministry,), answer),
            issuer=partner.ministry,
            issued_at=partner.clock.now(),
            nonce=partner.entropy.token(NONCE_BYTES),
            by=None,
        )
        envelope = parse_envelope(seal_statement(partner, said).envelope)
        verify_seal(envelope, partner.me.keys, STATEMENT)

    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(_FLOOR)))
    return _FLOOR / (time.perf_counter() - started)


def _approve_release(federation: Federation, package: str) -> None:
    node = federation["us-treasury"]
    analyst, reviewer = (federation.officer(node.ministry, who) for who in ("analyst", "reviewer"))
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
    draft = evidence.release(node, analyst, package, content)
    previewing.preview(node, reviewer, draft.id)
    approving.approve_recorded(node, reviewer, draft.id, draft.digest)


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench delivery")
    parser.add_argument("--statements", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        taken = latencies(Path(folder) / "three", options.rounds)
        first, second, floor = batches(Path(folder) / "two", options.statements)
    p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    print(f"commit to receipts of both partners: p50 {p50:.0f} ms, p95 {p95:.0f} ms (aim 250)")
    print(f"batches: {first:.0f} statements/s to the receipt (aim 450)")
    print(
        f"batches: {second:.0f} statements/s from receipt to disposition (aim 150), "
        f"{second / floor:.2f} of the {floor:.0f}/s of the cryptography alone"
    )


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
