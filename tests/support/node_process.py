"""A node as operators run it: made by `comity node init`, run by `comity node serve` in a process of its own.

    with served_issuer() as issuer:
        made = make_node(tmp_path, issuer)
        with made.serving() as process:
            httpx2.post(f"{made.url}/api/v1/officers", headers=made.signed_in("a1"), ...)

Its first two administrators are named (accounts ``a1`` and ``b2``). Access tokens come from a `FakeIssuer` that
answers on loopback.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from api.adapters.identity.fetching import FetchFailed
from api.adapters.system import SystemClock
from tests.support.command_line import CommandLine
from tests.support.deployment import ROOT
from tests.support.issuer import FakeIssuer
from tests.support.ports import free_port

COMITY = [sys.executable, "-P", "-c", "from api.cli.main import run; run()"]


@contextmanager
def served_issuer() -> Iterator[FakeIssuer]:
    """A `FakeIssuer` whose discovery document and keys can be fetched over HTTP."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                body = issuer.fetch(f"{issuer.issuer}{self.path}")
            except FetchFailed:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = FakeIssuer(f"http://127.0.0.1:{server.server_port}", SystemClock())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class NodeProcess:
    """A running process; its standard output (log lines) and error (sentences) go to files."""

    process: "subprocess.Popen[bytes]"
    out: Path
    err: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log lines so far; each must be one JSON object."""
        whole = self.out.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    def end(self, patience: float, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end; returns its exit code and how long it took."""
        started = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(patience)
        return code, time.monotonic() - started


@dataclass
class MadeNode:
    """A node's files and address."""

    home: Path
    url: str
    metrics: str
    issuer: FakeIssuer
    settings: Path
    extra: dict[str, str] = field(default_factory=dict)

    def signed_in(self, sub: str) -> dict[str, str]:
        """Headers of an officer."""
        return {"authorization": f"Bearer {self.issuer.token(sub, self.url)}"}

    @contextmanager
    def serving(self, command: str = "serve", **settings: str) -> Iterator[NodeProcess]:
        """Run ``comity node serve`` (or ``work``) until the block ends; killed if it still lives."""
        kept = {name: value for name, value in os.environ.items() if "COMITY" not in name}
        number = len(list(self.home.glob("*.out")))
        out, err = self.home / f"{number}.out", self.home / f"{number}.err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [*COMITY, "node", command, "--settings", str(self.settings)],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**kept, **self.extra, **settings, "PYTHONPATH": python_path()},
            )
        running = NodeProcess(process, out, err)
        try:
            self._wait(running, command)
            yield running
        finally:
            process.kill()
            process.wait()

    def _wait(self, running: NodeProcess, command: str) -> None:
        for _ in range(600):
            if running.process.poll() is not None:
                raise AssertionError(running.err.read_text())
            if command == "serve" and self._ready():
                return
            if command == "work" and running.of("worker started"):
                return
            time.sleep(0.1)
        raise AssertionError(f"not ready: {running.err.read_text()} {running.out.read_text()}")

    def _ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/readyz", trust_env=False).is_success
        except httpx2.HTTPError:
            return False


def make_node(folder: Path, issuer: FakeIssuer, *, partner: str | None = None) -> MadeNode:
    """Make Washington's node and name its administrators.

    Args:
        folder: an empty folder.
        issuer: of its officers' tokens.
        partner: address of London's node; one where nobody listens if not given.
    """
    comity = CommandLine(folder)
    url, metrics = (f"127.0.0.1:{free_port()}" for _ in range(2))
    addresses = {
        "us-treasury": f"http://{url}",
        "uk-fcdo": partner or f"http://127.0.0.1:{free_port()}",
    }
    entries: list[str | Path] = []
    for ministry, address in addresses.items():
        who = ("--ministry", ministry, "--jurisdiction", ministry[:2].upper(), "--url", address)
        made = comity("node", "init", "--home", folder / ministry, *who)
        assert made.code == 0, made.err
        entry = folder / f"{ministry}.json"
        entry.write_text(made.out)
        entries += ["--member", entry]
    home = folder / "us-treasury"
    membership = ("--serial", "1", "--out", home / "membership.json")
    composed = comity("membership", "compose", *entries, *membership)
    assert composed.code == 0, composed.err
    settings = home / "settings.env"
    with settings.open("a") as file:
        file.write(f"COMITY_MEMBERSHIP_DIGEST={composed.out.strip()}\n")
        file.write(f"COMITY_ISSUERS={issuer.issuer}\n")
        file.write(f"COMITY_METRICS_LISTEN={metrics}\nCOMITY_ALLOW_HTTP_PEERS=true\n")
    first, second = (issuer.issuer, "a1", "A. One"), (issuer.issuer, "b2", "B. Two")
    people = ("--first", *first, "--second", *second)
    named = comity("node", "admins", *people, "--settings", settings)
    assert named.code == 0, named.err
    return MadeNode(home, f"http://{url}", f"http://{metrics}/metrics", issuer, settings)


def python_path() -> str:
    """Where children find the package, and what this process was told to find besides."""
    given = os.environ.get("PYTHONPATH")
    return str(ROOT) if not given else f"{ROOT}{os.pathsep}{given}"
