"""A process killed at each write of sequencing, cosigning, export and recovery.

`strace` lets a process die by SIGKILL at the n-th call of one kind. Whatever had left the process by then must be
borne out by what is stored, the database must be whole (`fsck`), and the same work must simply go on.

By default a few points of each kind, chosen by a seed (`COMITY_CRASH_SEED`); `make crash` goes through every one.
"""

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from api.domain.log_trust import log_verifiers
from api.domain.verification.export import verify_export
from api.records import log, peer_logs, streams
from api.records.read_only import read_only
from api.services.audit import fsck
from api.services.log.own_tiles import StoredTiles
from api.tlog.heads import open_checkpoint
from api.tlog.proofs import root_at
from api.wire.digests import digest
from api.wire.message_bodies import Receipt
from api.wire.messages import parse_message
from tests.support import crash_child, foreign
from tests.support.campaigns import long
from tests.support.crash_child import EXPORT, PURPOSE, US
from tests.support.crash_tracing import CALLS, KILLED, Workshop
from tests.support.signing import membership

UK = "uk-fcdo"
EVERY = os.environ.get("COMITY_CRASH_POINTS") == "all"
SEED = os.environ.get("COMITY_CRASH_SEED", "29")
SAMPLE = 3
LEAST = {"sequence": 40, "cosign": 20, "export": 20, "recover": 60}
pytestmark = [
    foreign.needs("strace"),
    pytest.mark.processes,
    pytest.mark.timeout(7200 if EVERY else 300),
]


@pytest.fixture(scope="module")
def bases(disk_folders: Path) -> dict[str, Path]:
    made = {}
    for name, prepare in (("work", crash_child.prepare), ("lost", crash_child.prepare_recovery)):
        made[name] = Path(tempfile.mkdtemp(prefix=name, dir=disk_folders)) / name
        made[name].mkdir()
        prepare(made[name])
    return made


@pytest.fixture(scope="module")
def workshop(bases: dict[str, Path], disk_folders: Path) -> Iterator[Workshop]:
    """Where strace really kills a process at a call."""
    with Workshop(foreign.oracle("strace")) as made:
        folder = copied(bases["work"], Path(tempfile.mkdtemp(dir=disk_folders)), "probe")
        killed = made.work(folder, "cosign", at=("fdatasync", 1))
        assert killed.code == KILLED
        yield made


def copied(base: Path, place: Path, name: str) -> Path:
    folder = place / name
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
            assert opened.checkpoint.size == each["head"] <= newest.size
            root = root_at(each["head"], StoredTiles(connection))
            assert root == opened.checkpoint.root
            stored = log.head_at(connection, each["head"])
            assert stored is not None
            assert stored.note.decode() == each["note"]


def receipts_are_stored(folder: Path, said: list[dict[str, Any]]) -> None:
    """A receipt that left, and the cosignature in it, are remembered."""
    with read_only(f"sqlite:///{folder}/{UK}/node.db") as connection:
        seen = peer_logs.peer_log(connection, US)
        assert seen is not None
        for each in said:
            receipt = Receipt.from_json(parse_message(each["receipt"].encode())[1].body)
            row = streams.message_in(connection, US, receipt.message)
            assert row is not None
            assert digest(bytes(row.receipt)) == each["digest"]
            assert receipt.cosignature is not None
            assert seen.size >= receipt.cosignature.size


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
        assert newest.size >= each["recovered"]


Check = Callable[[Path, list[dict[str, Any]]], None]
CHECKS: dict[str, tuple[str, tuple[str, ...], Check]] = {
    "sequence": ("work", (US,), heads_are_stored),
    "cosign": ("work", (UK,), receipts_are_stored),
    "export": ("work", (US,), exports_are_whole),
    "recover": ("lost", (US,), recovery_is_whole),
}


def points(calls: Counter[str], scenario: str) -> list[tuple[str, int]]:
    every = [(call, number) for call in CALLS for number in range(1, calls[call] + 1)]
    if EVERY:
        return every
    chosen = random.Random(f"{scenario} {SEED}").sample(every, min(SAMPLE, len(every)))
    # The last sync of a database is where "committed" begins.
    return sorted({*chosen, ("fdatasync", calls["fdatasync"])} - {("fdatasync", 0)})


@pytest.mark.parametrize(
    "scenario", ["sequence", *long(*(each for each in crash_child.SCENARIOS if each != "sequence"))]
)
def test_killed_at_a_write(
    workshop: Workshop, bases: dict[str, Path], disk: Path, scenario: str
) -> None:
    base, ministries, check = CHECKS[scenario]
    whole = workshop.work(copied(bases[base], disk, "whole"), scenario, traced=True)
    assert whole.calls.total() >= LEAST[scenario], whole.calls
    every = whole.calls.total() + whole.shadowed.total()
    assert whole.shadowed.total() <= every // 20, whole.threads
    chosen = points(whole.calls, scenario)
    killed = 0
    for point in chosen:
        folder = copied(bases[base], disk, "killed")
        try:
            ended = workshop.work(folder, scenario, at=point)
            killed += ended.code == KILLED
            require_sound(folder, ministries, check, ended.said)
            # And on it goes, without anybody repairing anything.
            again = workshop.work(folder, scenario)
            assert again.code == 0
            require_sound(folder, ministries, check, [*ended.said, *again.said])
        except BaseException as failure:
            failure.add_note(f"{scenario}, killed at {point[0]} number {point[1]}")
            raise
        shutil.rmtree(folder)
    print(f"{scenario}: killed at {killed} of {whole.calls.total()} calls {dict(whole.calls)}")
    # Threads do not meet alike each time; now and then one call is not made.
    assert killed >= len(chosen) * 0.9 - 1


def require_sound(
    folder: Path, ministries: Sequence[str], check: Check, said: list[dict[str, Any]]
) -> None:
    check(folder, said)
    for ministry in ministries:
        sound(folder, ministry)
