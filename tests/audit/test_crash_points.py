"""A process killed at each write of sequencing, cosigning, export and recovery.

`strace` lets a process die by SIGKILL at the n-th call of one kind. Whatever had left the process by then must be
borne out by what is stored, the database must be whole (`fsck`), and the same work must simply go on.

By default a few points of each kind, chosen by a fixed seed; `COMITY_CRASH_POINTS=all` goes through every one.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.domain.export_check import verify_export
from api.domain.log_trust import log_verifiers
from api.records import log, streams
from api.records.read_only import read_only
from api.services import fsck
from api.services.checkpoints import StoredTiles
from api.tlog.heads import open_checkpoint
from api.tlog.proofs import root_at
from api.wire.digests import digest
from api.wire.message_bodies import Receipt
from api.wire.messages import parse_message
from tests.support import crash_child
from tests.support.crash_child import EXPORT, PURPOSE, US
from tests.support.signing import membership

UK = "uk-fcdo"
ROOT = Path(__file__).parents[2]
EVERY = os.environ.get("COMITY_CRASH_POINTS") == "all"
SAMPLE = 3
# Everything by which these processes change a disk; SQLite uses the first four.
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "write", "link", "unlink")
LEAST = {"sequence": 40, "cosign": 20, "export": 20, "recover": 60}
pytestmark = [
    pytest.mark.processes,
    pytest.mark.xdist_group("crash"),
    pytest.mark.timeout(7200 if EVERY else 300),
]


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("oracle absent: strace")
    tried = subprocess.run(
        [found, "-qq", "-e", "trace=none", "-e", "inject=write:signal=SIGKILL:when=65535", "true"],
        capture_output=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip("oracle absent: strace, which may not trace here")
    return found


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, prepare in (("work", crash_child.prepare), ("lost", crash_child.prepare_recovery)):
        made[name] = tmp_path_factory.mktemp("base") / name
        made[name].mkdir()
        prepare(made[name])
    return made


@dataclass(frozen=True)
class Ended:
    """How a process ended and what had left it."""

    code: int
    said: list[dict[str, Any]]
    calls: Counter[str]


def run(folder: Path, scenario: str, strace: list[str]) -> Ended:
    """One piece of work, traced or not."""
    log_file = folder / "calls.txt"
    command = [*strace, sys.executable, "-B", "-m", "tests.support.crash_child"]
    done = subprocess.run(
        [*command, str(folder), scenario],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    said = [json.loads(line) for line in done.stdout.splitlines() if line.endswith("}")]
    if done.returncode not in {0, -signal.SIGKILL, 128 + signal.SIGKILL}:
        raise AssertionError(done.stderr)
    return Ended(done.returncode, said, counted(log_file))


def counted(log_file: Path) -> Counter[str]:
    """The most calls of each kind that one thread made: strace counts by thread."""
    by_thread: Counter[tuple[str, str]] = Counter()
    if log_file.exists():
        for line in log_file.read_text(errors="replace").splitlines():
            match = re.match(r"(\d+) +(\w+)\(", line)
            if match is not None:
                by_thread[match[1], match[2]] += 1
    most: Counter[str] = Counter()
    for (_, call), count in by_thread.items():
        most[call] = max(most[call], count)
    return most


def traced(strace: str, folder: Path, *inject: str) -> list[str]:
    trace = ["-e", f"trace={','.join(CALLS)}"]
    return [strace, "-f", "-qq", "-o", str(folder / "calls.txt"), *trace, *inject]


def copied(base: Path, tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    shutil.copytree(base, folder)
    return folder


def sound(folder: Path, ministry: str) -> fsck.Report:
    trust = fsck.Trust(membership())
    with read_only(f"sqlite:///{folder}/{ministry}/node.db") as connection:
        report = fsck.check(connection, trust, ministry=ministry)
    assert [finding.to_json() for finding in report.findings] == []
    return report


def heads_are_stored(folder: Path, said: list[dict[str, Any]]) -> None:
    """Every head that left the process can be made again from what is stored."""
    me = membership().member(US)
    with read_only(f"sqlite:///{folder}/{US}/node.db") as connection:
        newest = log.newest_head(connection)
        assert newest is not None
        for each in said:
            opened = open_checkpoint(each["note"].encode(), log_verifiers(me), strict=True)
            assert opened.checkpoint.size == each["head"] <= newest["size"]
            root = root_at(each["head"], StoredTiles(connection))
            assert root == opened.checkpoint.root
            stored = log.head_at(connection, each["head"])
            assert stored is not None
            assert bytes(stored["note"]).decode() == each["note"]


def receipts_are_stored(folder: Path, said: list[dict[str, Any]]) -> None:
    """A receipt that left, and the cosignature in it, are remembered."""
    with read_only(f"sqlite:///{folder}/{UK}/node.db") as connection:
        seen = streams.peer_log(connection, US)
        assert seen is not None
        for each in said:
            receipt = Receipt.from_json(parse_message(each["receipt"].encode())[1].body)
            row = streams.message_in(connection, US, receipt.message)
            assert row is not None
            assert digest(bytes(row["receipt"])) == each["digest"]
            assert receipt.cosignature is not None
            assert seen["size"] >= receipt.cosignature.size


def exports_are_whole(folder: Path, said: list[dict[str, Any]]) -> None:
    """The file is there whole, or it is not there; if it is, its event was committed."""
    path = folder / EXPORT
    assert path.exists() or not said
    if path.exists():
        with path.open("rb") as source:
            report = verify_export(source, membership())
        assert report.manifest.purpose == PURPOSE
        with read_only(f"sqlite:///{folder}/{US}/node.db") as connection:
            assert log.events_page(connection, limit=1, act="export.made")


def recovery_is_whole(folder: Path, said: list[dict[str, Any]]) -> None:
    """What recovery said is stored; a log that partners hold is never continued by another."""
    with read_only(f"sqlite:///{folder}/{US}/node.db") as connection:
        newest = log.newest_head(connection)
    assert newest is not None
    for each in said:
        assert newest["size"] >= each["recovered"]


CHECKS: dict[str, tuple[str, tuple[str, ...], Callable[[Path, list[dict[str, Any]]], None]]] = {
    "sequence": ("work", (US,), heads_are_stored),
    "cosign": ("work", (UK,), receipts_are_stored),
    "export": ("work", (US,), exports_are_whole),
    "recover": ("lost", (US,), recovery_is_whole),
}


def points(calls: Counter[str], scenario: str) -> list[tuple[str, int]]:
    every = [(call, number) for call in CALLS for number in range(1, calls[call] + 1)]
    if EVERY:
        return every
    chosen = random.Random(f"{scenario} 29").sample(every, min(SAMPLE, len(every)))
    # The last sync of a database is where "committed" begins.
    return sorted({*chosen, ("fdatasync", calls["fdatasync"])} - {("fdatasync", 0)})


@pytest.mark.parametrize("scenario", crash_child.SCENARIOS)
def test_killed_at_a_write(
    strace: str, bases: dict[str, Path], tmp_path: Path, scenario: str
) -> None:
    base, ministries, check = CHECKS[scenario]
    whole = copied(bases[base], tmp_path, "whole")
    calls = run(whole, scenario, traced(strace, whole)).calls
    assert calls.total() >= LEAST[scenario], calls
    shutil.rmtree(whole)
    killed = 0
    for call, number in points(calls, scenario):
        folder = copied(bases[base], tmp_path, f"{call}-{number}")
        inject = ("-e", f"inject={call}:signal=SIGKILL:when={number}")
        ended = run(folder, scenario, traced(strace, folder, *inject))
        killed += ended.code != 0
        check(folder, ended.said)
        for ministry in ministries:
            sound(folder, ministry)
        # And on it goes, without anybody repairing anything.
        again = run(folder, scenario, [])
        assert again.code == 0
        check(folder, [*ended.said, *again.said])
        for ministry in ministries:
            sound(folder, ministry)
        shutil.rmtree(folder)
    print(f"{scenario}: killed at {killed} of {calls.total()} calls {dict(calls)}")
    assert killed > 0
