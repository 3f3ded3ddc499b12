"""Real node processes are killed with SIGKILL in the middle of their work, again and again.

A client publishes without pause and keeps every acknowledged id. In the end nothing acknowledged is
missing, nothing is half there, nothing was applied twice, and every log and stream is whole.
`COMITY_LONG=1` kills for a minute, and 60 kills on PostgreSQL.
"""

import base64
import io
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.domain.verification.export import verify_export
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from api.services.authorising import officer_caller
from api.services.node import Node
from api.services.operations import status
from api.wire.export import layout
from tests.support import campaigns
from tests.support.check_log import Copy, check_everything
from tests.support.databases import Postgres
from tests.support.exports import take_apart
from tests.support.issuer import FakeIssuer
from tests.support.node_process import served_issuer
from tests.support.processes import Acknowledged, Fleet, Publisher, wait_ready

LONG = os.environ.get("COMITY_LONG") == "1"
TURNS = 20 if LONG else 5
US, UK = "us-treasury", "uk-fcdo"
SAMPLE = "tests/audit/test_crash_points.py::test_killed_at_a_write"
pytestmark = [pytest.mark.processes]


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with served_issuer() as made:
        yield made


def require_everything(copies: dict[str, Copy], acknowledged: Acknowledged) -> None:
    """All that was acknowledged is there, once."""
    us, uk = copies[US], copies[UK]
    exhibits = us.index("exhibits", "digest")
    assert acknowledged.exhibits <= {
        digest for digest, row in exhibits.items() if row["state"] == "held"
    }
    packages = us.index("packages", "id")
    for title, package in acknowledged.packages.items():
        assert packages[package]["title"] == title
    titles = [row["title"] for row in us.rows["packages"]]
    assert len(titles) == len(set(titles)), "a keyed call happened twice"
    statements = us.index("statements", "id")
    there = {row["statement"]: row["state"] for row in uk.rows["inbox"]}
    for release in acknowledged.releases:
        assert release in statements
        assert there[release] == "applied"


def killing(
    fleet: Fleet, choose: Callable[[random.Random], str], seconds: float, pause: float
) -> None:
    """Kill a process again and again, at moments that nobody chose."""
    source = random.Random(time.time_ns())
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(pause * source.uniform(0.3, 1.7))
        name = choose(source)
        fleet.kill(name)
        fleet.start(name)


def finished(fleet: Fleet, publisher: Publisher, *, said_nothing: bool = True) -> None:
    """End the processes in order, settle what they stored, and check all of it."""
    done = publisher.acknowledged
    print(f"{fleet.kills} kills, {len(done.packages)} packages, {len(done.releases)} releases")
    assert publisher.surprises == []
    fleet.stop()
    with fleet.revived() as nodes:
        copies = check_everything(nodes)
        require_everything(copies, done)
        for digest in done.exhibits:
            stored = nodes[US].store.head(digest)
            assert stored is not None
            assert sum(map(len, nodes[US].store.read(digest, 0, stored.size))) == stored.size
        for node in nodes:
            figures = status.figures(node)
            assert (figures.queues, figures.unsequenced, figures.awaited) == ({}, 0, 0)
            assert (figures.misbehaviour, figures.refused_heads) == (0, 0)
        applied = exported_acts(nodes[UK], fleet.issuer.issuer).get("statement.applied", set())
        assert done.releases <= applied
        released = exported_acts(nodes[US], fleet.issuer.issuer).get("package.released", set())
        assert len(released) >= len(done.releases)
    said = fleet.said()
    assert not said_nothing or "Traceback" not in said, said[-4000:]


def exported_acts(node: Node, iss: str) -> dict[str, set[str]]:
    """What an auditor's export says happened: ids of objects by act; the export must verify."""
    auditor = officer_caller(node, iss, f"{node.ministry}:auditor", origin="rest", request="test")
    with exporting.export(node, auditor, Wanted("after the kills")).file as file:
        data = file.read()
    assert verify_export(io.BytesIO(data), node.membership).cosigners
    found: dict[str, set[str]] = {}
    for line in take_apart(data)[layout.ENTRIES].splitlines():
        text = json.loads(line)["event"]
        event = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        found.setdefault(event["act"], set()).add(event["object"]["id"])
    return found


@campaigns.campaign(SAMPLE)
@pytest.mark.timeout(600)
def test_nodes_killed_mid_publish_and_mid_delivery(disk: Path, issuer: FakeIssuer) -> None:
    """SQLite: one process a node. The publishing one dies most, the receiving one now and then."""
    with Fleet(disk, issuer) as fleet:
        us, uk = fleet.add(US), fleet.add(UK)
        fleet.start_all()
        with Publisher(us, issuer, UK) as publisher:
            source = random.Random(time.time_ns())
            for turn in range(TURNS):
                victim = (uk if turn % 3 == 1 else us).ministry
                time.sleep(source.uniform(0.2, 0.9))
                fleet.kill(f"{victim}-app-1")
                fleet.start(f"{victim}-app-1")
                wait_ready(fleet.sites[victim].url)
            time.sleep(0.5)
        done = publisher.acknowledged
        assert len(done.packages) > fleet.kills
        assert done.releases
        finished(fleet, publisher)


@campaigns.campaign(SAMPLE)
@pytest.mark.timeout(600)
def test_app_and_worker_processes_killed_on_postgresql(
    disk: Path, issuer: FakeIssuer, postgres_server: Postgres
) -> None:
    """Two app and two worker processes on one PostgreSQL; every second one of them is killed."""
    with Fleet(disk, issuer) as fleet:
        us = fleet.add(US, database_url=postgres_server.fresh(), apps=2, workers=2)
        fleet.add(UK)
        names = list(us.commands())
        fleet.start_all()
        with Publisher(us, issuer, UK, threads=3) as publisher:
            killing(fleet, lambda source: source.choice(names), 60.0 if LONG else 12.0, 1.0)
            for url in us.urls:
                wait_ready(url)
            time.sleep(1.0)
        done = publisher.acknowledged
        assert done.packages
        assert done.releases
        finished(fleet, publisher)


@campaigns.campaign(SAMPLE)
@pytest.mark.timeout(600)
def test_postgresql_itself_killed_under_running_processes(
    disk: Path, issuer: FakeIssuer, postgres_server: Postgres
) -> None:
    """The server dies and comes back; the processes live on and find it again by themselves."""
    with Fleet(disk, issuer) as fleet:
        us = fleet.add(US, database_url=postgres_server.fresh(), apps=1, workers=1)
        fleet.add(UK)
        fleet.start_all()
        with Publisher(us, issuer, UK) as publisher:
            for _ in range(6 if LONG else 2):
                time.sleep(1.0)
                postgres_server.kill()
                time.sleep(0.3)
                postgres_server.start()
            before = len(publisher.acknowledged.packages)
            end = time.monotonic() + 30
            while len(publisher.acknowledged.packages) <= before and time.monotonic() < end:
                time.sleep(0.1)
        assert len(publisher.acknowledged.packages) > before
        finished(fleet, publisher, said_nothing=False)
