"""One dishonest member of three: it gets what PROTOCOL says, and the honest two lose nothing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api.records import streams
from api.records.read_only import read_only
from api.wire.types import NODE_TYPES
from tests.support import exchange
from tests.support.acting import recall
from tests.support.bad_peer import BadPeer, contents
from tests.support.campaigns import campaign, short
from tests.support.deployment import ROOT
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation
from tests.support.matrix import Cell, cells, places, written
from tests.support.node_process import served_issuer
from tests.support.processes import Fleet, wait_ready
from tests.support.signing import UK as BRITISH

EVERY = 1 if os.environ.get("COMITY_MATRIX") == "whole" else 31 if short(__file__) else 13
"""A sample that meets every type, every carrier and every audience; ``make matrix`` sends the whole."""


@pytest.mark.parametrize("every", [13, 31])
def test_the_sample_leaves_out_no_row(every: int) -> None:
    whole, sample = (zip(*places(each), strict=True) for each in (1, every))
    assert [set(each) for each in sample] == [set(each) for each in whole]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Washington runs; London's keys are in the hands of the program, Ottawa is away."""
    with ExitStack() as stack:
        issuer = stack.enter_context(served_issuer())
        made = stack.enter_context(Fleet(tmp_path, issuer))
        for name in (US, UK, CA):
            made.add(name)
        made.make()
        made.start(f"{US}-app-1")
        wait_ready(made.sites[US].url)
        yield made


@campaign("test_the_honest_two_go_on_to_the_end")
@pytest.mark.processes
@pytest.mark.timeout(2000)
def test_a_program_with_a_members_keys_gets_the_answers_of_the_protocol(fleet: Fleet) -> None:
    """Over HTTP, against a node in a process of its own: type by carrier by audience."""
    london, washington = fleet.sites[UK], fleet.sites[US]
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "tests.support.bad_member"),
            *("--keystore", str(london.home / "keystore.json")),
            *("--passphrase-file", str(london.home / "passphrase")),
            *("--ministry", UK, "--to", US, "--url", washington.url, "--every", str(EVERY)),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=1500,
    )
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(line["type"], line["brought"], line["audience"]) for line in lines] == places(EVERY)
    assert [line for line in lines if line["status"] != 200] == []
    judged = [line for line in lines if line["type"] not in NODE_TYPES]
    decided = inbox_of(washington.database_url, len(judged))
    assert len(decided) == len(judged)
    for line in judged:
        wanted = written(line["type"], line["brought"], line["audience"])
        assert decided[line["statement"]] == wanted, line
    print(f"{len(lines)} cells answered as written down")


def inbox_of(url: str, count: int) -> dict[str, str]:
    """What a node decided on each statement, once it has decided on so many."""
    end = time.monotonic() + 600
    while True:
        with read_only(url) as connection:
            rows = connection.execute(select(streams.INBOX)).mappings().all()
        if len(rows) >= count:
            return {row["statement"]: row["code"] or "" for row in rows}
        assert time.monotonic() < end, "they were not decided"
        time.sleep(0.2)


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path)
    made.down = {UK}
    yield made
    made.close()


def wrong(all_cells: Iterator[Cell]) -> Iterator[Cell]:
    """Those addressed to somebody else, or badly: what is well addressed may well be applied."""
    return (cell for cell in all_cells if cell.audience != "itself")


class Dishonest:
    """London's keys in one hand, and a log for each of the two that it tells other things."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._bad = {name: BadPeer(BRITISH, name) for name in (US, CA)}
        self._cells = {name: wrong(cells(bad, EVERY)) for name, bad in self._bad.items()}
        self.sent = 0

    def interfere(self, count: int = 8) -> None:
        """Send each of the two the next wrong things."""
        for name, bad in self._bad.items():
            for cell in islice(self._cells[name], count):
                reply = self._federation.receive(name, bad.deliver(cell.item, kind=cell.kind))
                assert reply.status == 200, reply.body
                self.sent += 1


def test_the_honest_two_go_on_to_the_end(federation: Federation) -> None:
    """Release, exhibits, recall and thread between two, while the third does its worst between."""
    london, us, ca = Dishonest(federation), federation[US], federation[CA]

    def settled() -> None:
        london.interfere()
        federation.settle()

    package = exchange.package(federation, US, "Between two")
    release = exchange.release(federation, US, package, CA)
    listed = exchange.designate(federation, US, "A Person", to=(CA,))
    settled()
    assert [row["arrival"] for row in contents(ca)["package_exhibits"]] == ["came"]
    assert told(federation, release) == "applied"
    thread = exchange.request(federation, US, CA, {"s1": listed})
    settled()
    exchange.find(federation, CA, thread, "s1", "decline")
    recalled = recall(federation, US, package)
    settled()
    assert told(federation, recalled) == "applied"
    exchange.say(federation, CA, thread, "closure", reason="Decided.")
    settled()
    assert exchange.agreed(federation, thread).closure is not None
    before = theirs(federation)
    assert {row["state"] for row in before[CA]["packages"]} == {"recalled"}
    london.interfere(1000)
    federation.settle()
    assert london.sent == 2 * sum(1 for *_, audience in places(EVERY) if audience != "itself")
    assert theirs(federation) == before
    for node in (us, ca):
        assert {row["peer"] for row in contents(node)["misbehaviour"]} <= {UK}


def told(federation: Federation, statement: str) -> str:
    """What Ottawa said it did with a statement of Washington's."""
    rows = contents(federation[US])["dispositions"]
    (said,) = [row["outcome"] for row in rows if (row["peer"], row["statement"]) == (CA, statement)]
    return str(said)


THEIRS = ("dispositions", "package_exhibits", "packages", "releases", "threads", "thread_subjects")


def theirs(federation: Federation) -> dict[str, dict[str, list[Any]]]:
    """What the honest two know of each other's; a refused request of London's is a void thread."""
    return {ministry: _not_londons(contents(federation[ministry])) for ministry in (US, CA)}


def _not_londons(known: dict[str, list[Any]]) -> dict[str, list[Any]]:
    londons = {row["id"] for row in known["threads"] if UK in repr(row)}
    return {
        name: [
            row for row in known[name] if UK not in repr(row) and row.get("thread") not in londons
        ]
        for name in THEIRS
    }
