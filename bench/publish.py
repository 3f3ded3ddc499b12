"""Publish: token, parse, officer signature, policy, hybrid seal, durable commit over HTTP.

Against floor F2 in the same run (``bench/floor.py``): the same cryptography on two threads and the
same rows through the bare driver, nothing else. Prints rates, their ratio and latencies.

    python -m bench publish [--database sqlite|postgresql] [--seconds N]
"""

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from api.adapters.identity.issuer_keys import IssuerKeys
from api.adapters.identity.resource_server import ResourceServer
from api.app import create_app
from api.services.desk import evidence
from api.wire.statements import Content
from api.worker import Worker
from bench.floor import rate, rows_of, works
from tests.support.databases import start_postgres
from tests.support.federation import ISSUER, Federation
from tests.support.issuer import FakeIssuer
from tests.support.signing import US, Signatory

AIMS = {"sqlite": 0.75, "postgresql": 0.55}
AUDIENCE = "https://us-treasury.example"
SUB = "us-treasury:analyst"


def body(number: int) -> dict[str, Any]:
    """A package of ordinary size: one exhibit, three claims."""
    return {
        "title": f"Package {number}",
        "summary": ("A summary of what happened. " * 10).strip(),
        "language": "en",
        "subjects": [{"key": "s1", "schema": "Person", "names": [{"text": "Test Person"}]}],
        "claims": [
            {
                "subject": "s1",
                "act": ("An act. " * 5).strip(),
                "ground": "a ground",
                "exhibits": ["one"],
            }
            for _ in range(3)
        ],
        "exhibits": [
            {
                "label": "one",
                "media_type": "text/plain",
                "size": 10,
                "digest": f"sha256:{hashlib.sha256(b'0123456789').hexdigest()}",
                "kind": "official-record",
                "source": "made for the bench",
            }
        ],
        "exculpatory": "None known.",
        "legal_basis": "For the bench.",
        "compelled": False,
    }


def requests(count: int) -> list[bytes]:
    """Signed submissions, made before anything is timed."""
    analyst = Signatory(SUB)
    made = []
    for number in range(count):
        content = Content("evidence-package/1", (), body(number))
        endorsement = analyst.prepare(content, US.id)
        draft = {"type": content.type, "body": content.body, "endorsement": endorsement}
        made.append(json.dumps(draft).encode())
    return made


def floor(federation: Federation, drafts: list[bytes], seconds: float) -> float:
    """F2 of ``bench/floor.py``: publish once to see the rows, then write such rows and no more."""
    node = federation["us-treasury"]
    parsed = [json.loads(draft) for draft in drafts]
    evidence.submit(node, federation.officer(node.ministry, "analyst"), parsed[0])
    rows = rows_of(node.db.url)
    return rate(node, node.db.url, rows, works(node, parsed, Signatory(SUB)), seconds)


def client(
    port: int, token: str, drafts: list[bytes], connections: int, seconds: float, out: Any
) -> None:
    """A separate process that posts drafts over keep-alive connections and reports latencies."""
    out.put(asyncio.run(_client(port, token, drafts, connections, seconds)))


async def _client(
    port: int, token: str, drafts: list[bytes], connections: int, seconds: float
) -> tuple[int, float, list[float]]:
    latencies: list[float] = []
    queue = iter(drafts)
    deadline = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for draft in queue:
            if time.perf_counter() > deadline:
                break
            head = (
                f"POST /api/v1/packages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(draft)}\r\n\r\n"
            ).encode()
            started = time.perf_counter()
            writer.write(head + draft)
            status = await reader.readuntil(b"\r\n\r\n")
            length = int(status.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            latencies.append(time.perf_counter() - started)
            if b" 201 " not in status.split(b"\r\n")[0]:
                raise RuntimeError(answer[:300])
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return len(latencies), time.perf_counter() - started, latencies


def measure(
    port: int, token: str, drafts: list[bytes], connections: int, seconds: float
) -> tuple[float, list[float]]:
    """Rate per second and latencies of one load."""
    context = multiprocessing.get_context("spawn")
    out: Any = context.Queue()
    process = context.Process(target=client, args=(port, token, drafts, connections, seconds, out))
    process.start()
    count, took, latencies = out.get()
    process.join()
    return count / took, latencies


def percentile(values: list[float], share: float) -> float:
    """A percentile in milliseconds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def run(database: str, seconds: float) -> None:
    """Print the figures for one kind of database."""
    server = start_postgres() if database == "postgresql" else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            _run(Path(folder), database, seconds, server.fresh if server is not None else None)
    finally:
        if server is not None:
            server.stop()


def _run(folder: Path, database: str, seconds: float, fresh: Callable[[], str] | None) -> None:
    urls = [{"us-treasury": fresh()} if fresh else None for _ in range(2)]
    drafts = requests(int(seconds * 1200))
    bare = Federation(folder / "floor", ministries=(US,), urls=urls[0])
    least = floor(bare, drafts, seconds)
    bare.close()
    federation = Federation(folder / "node", ministries=(US,), urls=urls[1])
    node = federation["us-treasury"]
    issuer = FakeIssuer(ISSUER, federation.clock)
    tokens = ResourceServer(
        AUDIENCE, [IssuerKeys(issuer.trusted(), issuer.fetch, federation.clock)], federation.clock
    )
    app = create_app(node, tokens, public_url=AUDIENCE, background=Worker(node))
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    token = issuer.token(SUB, AUDIENCE)
    third = len(drafts) // 3
    single, alone = measure(port, token, drafts[:third], 1, seconds / 2)
    many, crowd = measure(port, token, drafts[third:], 32, seconds)
    server.should_exit = True
    thread.join(20)
    federation.close()
    print(f"{database}: floor F2 {least:.0f}/s, over HTTP with 32 clients {many:.0f}/s")
    print(f"{database}: ratio to F2 {many / least:.2f} (aim {AIMS[database]})")
    print(f"{database}: one client {single:.0f}/s, p50 {percentile(alone, 0.5):.1f} ms (aim 6)")
    middle, tail = percentile(crowd, 0.5), percentile(crowd, 0.95)
    print(f"{database}: 32 clients p50 {middle:.1f} ms, p95 {tail:.1f} ms")


def main(arguments: list[str]) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="bench publish")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--seconds", type=float, default=6.0)
    options = parser.parse_args(arguments)
    for database in ["sqlite", "postgresql"] if options.database == "both" else [options.database]:
        run(database, options.seconds)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
