"""From a request committed at A to the finding applied at A, over HTTP on loopback.

Two nodes with their real job loops in one process, each behind its own HTTP server; messages travel
as between machines. The addressee's officers are quick: as soon as the request has arrived, one
drafts a finding and another approves it, and that time counts.

    python -m bench mirror_round_trip [--rounds N]

Aim: p95 of at most 1 s.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx2

from api.adapters.system import SystemClock, SystemEntropy
from api.ports.peers import PeerReply
from api.records import threads
from api.services.node import Node
from api.worker import Worker
from tests.support.exchange import UK, US, approve, designate, draft, request
from tests.support.federation import Federation
from tests.support.running_node import RunningNodes, running_nodes

AIM = 1000.0


class Loopback:
    """Reaches the other node by its address on this machine."""

    def __init__(self, nodes: RunningNodes) -> None:
        self._nodes = nodes
        self._client = httpx2.Client(timeout=30, trust_env=False)

    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        """Send as ``api.ports.peers.PeerTransport`` has it."""
        url = f"{self._nodes[peer].url}{path}"
        answer = self._client.post(url, content=body, headers={"content-type": content_type})
        return PeerReply(answer.status_code, answer.content)

    def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
        """Read as ``api.ports.peers.PeerTransport`` has it."""
        sent = {**headers, "authorization": f"Bearer {token}"}
        answer = self._client.get(f"{self._nodes[peer].url}{path}", headers=sent)
        return PeerReply(answer.status_code, answer.content)


def found(node: Node, thread: str) -> bool:
    """Whether a node has applied a finding in the thread."""
    row = node.db.read(lambda connection: threads.by_id(connection, thread))
    return row is not None and row.addressee_seq > 0


def answer(federation: Federation, stop: threading.Event) -> None:
    """The addressee's officers: a finding on every request that has none."""
    uk = federation[UK]
    bell = uk.db.bell("applied")
    done: set[str] = set()
    while not stop.is_set():
        bell.wait(0.5)
        bell.clear()
        rows = uk.db.read(lambda c: threads.page(c, threads.Wanted("open"), limit=20))
        for row in rows:
            if row.id in done or row.addressee_seq:
                continue
            done.add(row.id)
            members: dict[str, Any] = {
                "subject": "s1",
                "finding": "mirror",
                "regime": "UK-GHR",
                "reasons": {"releasable": "Involved."},
                "relies_on": [],
            }
            made = draft(federation, UK, "mirror-finding/1", (US,), members, row.id)
            approve(federation, UK, made)


def rounds(federation: Federation, count: int) -> list[float]:
    """Milliseconds of each round trip."""
    us = federation[US]
    taken = []
    for number in range(count):
        listed = designate(federation, US, f"Round {number}", to=(UK,))
        time.sleep(0.1)
        thread = request(federation, US, UK, {"s1": listed}, {"s1": f"Round {number}"})
        started = time.perf_counter()
        while not found(us, thread):
            time.sleep(0.002)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def main(arguments: list[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="bench mirror_round_trip")
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nodes(Path(folder) / "n", US, UK) as nodes,
    ):
        federation = nodes.federation
        federation.clock = SystemClock()  # type: ignore[assignment]
        transport = Loopback(nodes)
        for node in federation:
            object.__setattr__(node, "clock", federation.clock)
            object.__setattr__(node, "entropy", SystemEntropy())
            object.__setattr__(node, "transport", transport)
        workers = [Worker(node) for node in federation]
        stop = threading.Event()
        officers = threading.Thread(target=answer, args=(federation, stop), daemon=True)
        for worker in workers:
            worker.start()
        officers.start()
        try:
            taken = sorted(rounds(federation, options.rounds))
        finally:
            stop.set()
            officers.join()
            for worker in workers:
                worker.stop()
    p50, p95 = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
    print(
        f"request committed at A to finding applied at A, {len(taken)} times: "
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, longest {taken[-1]:.0f} ms (aim {AIM:.0f})"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
