"""From commit at A to the receipts of B and C, and statements per second in batches.

Three nodes in one process with their real job loops; the transport hands bytes over without HTTP,
so the figures are the nodes' own work on the cores of this machine. Batches are measured in two
parts, as they would fall on two machines: first to the receipts (the partner authenticates, stores,
cosigns and answers), then, with the partner's loops started, to the dispositions. The floor of each
part is its cryptography alone, on two threads: a release is verified with its package (two seals)
and officers' signatures, and a disposition is sealed by one end and verified by the other.

    python -m bench delivery [--statements N]
"""

import argparse
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.adapters.system import SystemClock
from api.records import streams
from api.records.statements import STATEMENTS
from api.services.desk import evidence
from api.services.operations import status
from api.services.sealing import open_statement, seal_statement
from api.services.statements import approving, drafting, previewing
from api.wire.envelope import STATEMENT, parse_envelope, verify_seal
from api.wire.statements import NONCE_BYTES, Content, compose_statement
from api.worker import Worker
from bench._machine import Meter
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
        while receipted(federation, draft.statement) < 2:
            time.sleep(0.002)
        taken.append((time.perf_counter() - started) * 1000)
        time.sleep(pause)
    return taken


def batches(federation: Federation, statements: int) -> tuple[float, float, float, str]:
    """Statements per second to receipts, then to dispositions; the floor; and the processor."""
    node, partner = federation["us-treasury"], federation["uk-fcdo"]
    before = _counts(federation)
    analyst, reviewer = (federation.officer("us-treasury", who) for who in ("analyst", "reviewer"))
    admin = federation.officer("us-treasury", "admin")
    sender, receiver = Worker(node), Worker(partner)
    status.switch(node, admin, "on")
    sender.start()
    for number in range(statements):
        other = submit(federation, title=f"Batch {number}")
        draft = _release_draft(federation, other, analyst)
        previewing.preview(node, reviewer, draft.id)
        approving.approve_recorded(node, reviewer, draft.id, draft.digest)
    floor = _floor(federation, statements)
    meter, started = Meter(), time.perf_counter()
    status.switch(node, admin, "off")
    first = statements / _until(federation, 0, before[0] + statements, started)
    started = time.perf_counter()
    receiver.start()
    second = statements / _until(federation, 1, before[1] + statements, started)
    used = meter.each(statements)
    for worker in (sender, receiver):
        worker.stop()
    return first, second, floor, used


def _until(federation: Federation, which: int, wanted: int, started: float) -> float:
    while _counts(federation)[which] < wanted:
        time.sleep(0.005)
    return time.perf_counter() - started


def _floor(federation: Federation, statements: int) -> float:
    """Statements per second of the cryptography between a delivery and its disposition."""
    node, partner = federation["us-treasury"], federation["uk-fcdo"]

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
        list(pool.map(one, range(statements)))
    return statements / (time.perf_counter() - started)


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


def _counts(federation: Federation) -> tuple[int, int]:
    found = federation["us-treasury"].db.read(lambda c: status.sent_counts(c, "uk-fcdo"))
    return found.receipted, found.applied + found.refused


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench delivery")
    parser.add_argument("--statements", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=20)
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
            # What is still on its way would be counted with the batches.
            time.sleep(2)
        finally:
            threads = [threading.Thread(target=worker.stop) for worker in workers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        first, second, floor, used = batches(federation, options.statements)
        federation.close()
    p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    print(f"commit to receipts of both partners: p50 {p50:.0f} ms, p95 {p95:.0f} ms (aim 250)")
    print(f"batches: {first:.0f} statements/s to the receipt (aim 450)")
    print(
        f"batches: {second:.0f} statements/s from receipt to disposition (aim 150), "
        f"{second / floor:.2f} of the {floor:.0f}/s of the cryptography alone"
    )
    print(f"batches: {used}")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
