"""Publish: token, parse, officer signature, policy, hybrid seal, durable commit over HTTP.

Against floor F2 in the same run (``bench/floor.py``): the same cryptography on two threads and the
same rows through the bare driver, nothing else. Prints rates, their ratio, latencies and processor
time; with ``--beside`` those of another commit, loaded in turn with this one.

    git worktree add --detach ../before 175b5e4
    python -m bench publish [--database sqlite|postgresql] [--seconds N] [--beside ../before]
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.services.desk import evidence
from api.wire.statements import Content
from bench import _client
from bench.floor import rate, rows_of, works
from tests.support.databases import start_postgres
from tests.support.federation import Federation
from tests.support.signing import US, Signatory

AIMS = {("sqlite", 1): 0.75, ("postgresql", 1): 0.55, ("postgresql", 2): 0.65}
HERE = Path(__file__).parent
_CLIENTS, _ROUNDS = 32, 3
_MOST = 600  # submissions made for each second of a load
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


@dataclass(frozen=True, slots=True)
class Load:
    """What one load gave: publishes a second, latencies in seconds, milliseconds of processor."""

    rate: float
    latencies: list[float]
    processor: float


def measure(served: "Served", connections: int, seconds: float) -> Load:
    """Put one load on a node."""
    context = multiprocessing.get_context("spawn")
    out: Any = context.Queue()
    some = served.next_drafts(int(seconds * _MOST))
    before = served.processor()
    to = (served.ports, served.token, some, connections, seconds, out)
    process = context.Process(target=_client.post, args=to)
    process.start()
    took, latencies = out.get()
    process.join()
    count = len(latencies)
    return Load(count / took, latencies, (served.processor() - before) * 1000 / count)


@dataclass
class Served:
    """A node that serves in other processes (``bench/_serving.py``).

    Attributes:
        ports: of its apps.
        processes: their ids.
        token: of the analyst.
        drafts: submissions that were not sent yet.
    """

    ports: list[int]
    processes: list[int]
    token: str
    drafts: list[str] = field(repr=False)

    def next_drafts(self, count: int) -> list[str]:
        """Take submissions for one load."""
        some, self.drafts = self.drafts[:count], self.drafts[count:]
        return some

    def processor(self) -> float:
        """Return the seconds of processor that its processes have had."""
        ticks = 0
        for process in self.processes:
            told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(told[11]) + int(told[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(folder: Path, url: str, count: int, apps: int) -> Iterator[Served]:
    """Serve the code of a folder until the block ends."""
    command = [sys.executable, "-P", str(HERE / "_serving.py"), url, str(count), str(apps)]
    code = {**os.environ, "PYTHONPATH": str(folder)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, env=code, stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        told["drafts"] = json.loads(Path(told["drafts"]).read_text())
        yield Served(**told)
        process.stdin.close()


def percentile(values: list[float], share: float) -> float:
    """A percentile in milliseconds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of what is printed: whose code, in how many app processes."""

    name: str
    folder: Path
    apps: int = 1


def run(database: str, seconds: float, beside: Path | None) -> None:
    """Print the figures for one kind of database."""
    settings = [Setting("one process", HERE.parent)]
    if database == "postgresql":
        settings.append(Setting("two app processes and a worker", HERE.parent, 2))
    if beside is not None:
        settings.append(Setting(f"the code in {beside.name}", beside))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = _empty(stack, database)
        urls = None if url == "sqlite" else {"us-treasury": url}
        bare = Federation(Path(folder), ministries=(US,), urls=urls)
        least = floor(bare, requests(int(seconds * _MOST)), seconds)
        bare.close()
    print(f"{database}: floor F2 {least:.0f}/s", flush=True)
    _load(settings, seconds, Report(database, least))


def _empty(stack: ExitStack, database: str) -> str:
    """Return the URL of an empty database; each has a server of its own, as commits differ."""
    if database == "sqlite":
        return database
    server = start_postgres()
    stack.callback(server.stop)
    return server.fresh()


def _load(settings: list[Setting], seconds: float, report: "Report") -> None:
    """Load every setting in turn, round after round, so that a busy machine is busy for all."""
    count = int(seconds * _MOST * 1.5) + _ROUNDS
    with ExitStack() as stack:
        served = []
        for each in settings:
            url = _empty(stack, report.database)
            served.append(stack.enter_context(serving(each.folder, url, count, each.apps)))
        alone, crowds = (
            [
                [measure(each, clients, seconds * share / _ROUNDS) for each in served]
                for _ in range(_ROUNDS)
            ]
            for clients, share in ((1, 0.5), (_CLIENTS, 1.0))
        )
    for number, setting in enumerate(settings):
        report.line(setting, *([loads[number] for loads in each] for each in (alone, crowds)))


@dataclass(frozen=True, slots=True)
class Report:
    """Prints figures beside the floor of the same run."""

    database: str
    least: float

    def line(self, setting: Setting, alone: list[Load], crowd: list[Load]) -> None:
        """Print what one setting gave."""
        rate = statistics.median(load.rate for load in crowd)
        processor = statistics.median(load.processor for load in crowd)
        single, latencies = (
            [one for load in each for one in load.latencies] for each in (alone, crowd)
        )
        aim = AIMS[self.database, setting.apps]
        print(f"{self.database}, {setting.name}:")
        print(f"  one client: p50 {percentile(single, 0.5):.1f} ms")
        print(
            f"  {_CLIENTS} clients: {rate:.0f}/s, {rate / self.least:.2f} of F2 (aim {aim}), "
            f"p50 {percentile(latencies, 0.5):.0f} ms, p95 {percentile(latencies, 0.95):.0f} ms, "
            f"{processor:.1f} ms of processor each"
        )


def main(arguments: list[str]) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="bench publish")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--beside", type=Path, help="folder of another commit (git worktree)")
    options = parser.parse_args(arguments)
    for database in ["sqlite", "postgresql"] if options.database == "both" else [options.database]:
        run(database, options.seconds, options.beside)


if __name__ == "__main__":
    main(sys.argv[1:])
