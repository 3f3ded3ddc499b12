"""Nodes on PostgreSQL: two processes that meet, a server that is killed, and faults around commits.

A process that is slow at the worst moment is played by holding one thread inside its transaction
while another does the same work; whoever of them wins, the stored rows must fit.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import ComityError
from api.records import log, log_places, packages, streams
from api.records.database import Database
from api.services import recording
from api.services.log import checkpoints
from api.services.road import delivering
from api.wire.messages import MessageKind, compose_request
from tests.support import exchange
from tests.support.acting import recall
from tests.support.bad_peer import BadPeer, contents
from tests.support.bodies import body
from tests.support.campaigns import campaign
from tests.support.check_log import check_everything
from tests.support.databases import Postgres
from tests.support.faults import Faults, Simulation
from tests.support.federation import Federation
from tests.support.signing import UK

NODE = "us-treasury"
MINISTRIES = (NODE, "uk-fcdo", "ca-gac")


@pytest.fixture
def federation(tmp_path: Path, postgres_url: str) -> Iterator[Federation]:
    """One node on PostgreSQL, its partners on SQLite."""
    made = Federation(tmp_path, urls={NODE: postgres_url})
    yield made
    made.close()


class Slow:
    """Holds the thread called ``slow`` inside a function until the other one is done, or can't be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
        self.inside, self.proceed = threading.Event(), threading.Event()
        original = getattr(place, name)

        def held(*arguments: Any, **members: Any) -> Any:
            if threading.current_thread().name == "slow" and not self.inside.is_set():
                self.inside.set()
                self.proceed.wait(1.5)
            return original(*arguments, **members)

        monkeypatch.setattr(place, name, held)

    def meet(self, slow: Callable[[], Any], other: Callable[[], Any]) -> list[Any]:
        """Run both; returns what each gave, or the refusal it met."""
        found: dict[str, Any] = {}

        def run(name: str, work: Callable[[], Any]) -> None:
            try:
                found[name] = work()
            except Exception as error:  # noqa: BLE001 - judged by the test
                found[name] = error

        first = threading.Thread(target=run, args=("slow", slow), name="slow")
        first.start()
        assert self.inside.wait(10)
        second = threading.Thread(target=run, args=("other", other), name="other")
        second.start()
        second.join(0.7)
        self.proceed.set()
        second.join(10)
        first.join(10)
        return [found["slow"], found["other"]]


def failures(found: list[Any]) -> list[Any]:
    """What is no answer and no refusal."""
    return [one for one in found if isinstance(one, Exception) and not isinstance(one, ComityError)]


def test_a_sequencer_that_lost_its_lease_integrates_nothing(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fencing: the check of the lease and the writing of the tree cannot be torn apart."""
    node = federation[NODE]
    for number in range(4):
        exchange.package(federation, NODE, f"Package {number}")
    slow = Slow(monkeypatch, log_places, "place")
    other = replace(node, db=Database(node.db.url))

    def take_over() -> int:
        exchange.package(federation, NODE, "One more")
        federation.clock.sleep(120)
        return checkpoints.integrate(other, "second")

    found = slow.meet(lambda: checkpoints.integrate(node, "first"), take_over)
    assert failures(found) == []
    federation.clock.sleep(120)
    checkpoints.integrate(other, "third")
    other.db.close()
    check_everything([node], at_rest=False)


def peer_items(bad: BadPeer, count: int) -> list[Any]:
    content = body("designation/1", jurisdiction="UK", regime="UK-GHR", mirrors=[])
    return [
        bad.commit(bad.statement("designation/1", {**content, "list_reference": f"{number}"}))
        for number in range(count)
    ]


def test_what_was_cosigned_never_shrinks(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests with heads of two sizes meet: the smaller one must not come last."""
    bad = BadPeer(UK, NODE)
    (first,) = peer_items(bad, 1)
    small = bad.deliver(first)
    bad.cosigned = 0
    peer_items(bad, 2)
    raw = bad.message([first], seq=None, prev=None, kind=MessageKind.CHECKPOINT, body={})
    large = compose_request(raw, bad.evidence())
    slow = Slow(monkeypatch, log, "upsert")
    found = slow.meet(
        lambda: federation.receive(NODE, small), lambda: federation.receive(NODE, large)
    )
    assert failures(found) == []
    statuses = [reply.status for reply in found]
    assert 200 in statuses
    (row,) = contents(federation[NODE])["peer_logs"]
    assert row["size"] == (3 if statuses[1] == 200 else 1)
    tiles = [one["data"] for one in contents(federation[NODE])["peer_tiles"] if one["level"] == 0]
    assert bytes(tiles[0]) == b"".join(bad.hashes[: row["size"]])


def test_an_early_message_and_the_one_before_it_meet(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither may wait for the other for good."""
    bad = BadPeer(UK, NODE)
    one, two = peer_items(bad, 2)
    first = bad.message([one])
    bad.sent(first)
    second = bad.message([two])
    bad.cosigned = 0
    requests = [
        compose_request(first, bad.evidence([one])),
        compose_request(second, bad.evidence([two])),
    ]
    slow = Slow(monkeypatch, recording, "record")
    found = slow.meet(
        lambda: federation.receive(NODE, requests[1]),
        lambda: federation.receive(NODE, requests[0]),
    )
    assert failures(found) == []
    bad.cosigned = len(bad.hashes)
    for raw, item in ((first, one), (second, two)):
        assert federation.receive(NODE, compose_request(raw, bad.evidence([item]))).status == 200
    (stream,) = contents(federation[NODE])["streams_in"]
    assert stream["next_seq"] == 3
    federation.step(NODE)
    federation.step(NODE)
    assert len(contents(federation[NODE])["inbox"]) == 2


def test_the_same_message_twice_at_one_moment(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = BadPeer(UK, NODE)
    request = bad.deliver(*peer_items(bad, 1))
    slow = Slow(monkeypatch, recording, "record")
    found = slow.meet(
        lambda: federation.receive(NODE, request), lambda: federation.receive(NODE, request)
    )
    assert failures(found) == []
    assert federation.receive(NODE, request).status == 200
    assert len(contents(federation[NODE])["messages_in"]) == 1


def test_a_release_and_a_recall_meet(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds a package is told of its recall: nobody gets it unseen."""
    package = exchange.package(federation, NODE)
    exchange.release(federation, NODE, package, "uk-fcdo")
    slow = Slow(monkeypatch, recording, "post")
    found = slow.meet(
        lambda: exchange.release(federation, NODE, package, "ca-gac"),
        lambda: recall(federation, NODE, package),
    )
    assert failures(found) == []
    rows = federation[NODE].db.read(lambda connection: packages.holders_of(connection, package))
    row = federation[NODE].db.read(lambda connection: packages.by_id(connection, package))
    assert row is not None
    if row.state == "recalled":
        assert all(one.recall is not None for one in rows), [dict(one) for one in rows]
    federation.settle()
    check_everything(federation)


def test_two_recalls_meet(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> None:
    package = exchange.package(federation, NODE)
    exchange.release(federation, NODE, package, "uk-fcdo")
    federation.settle()
    slow = Slow(monkeypatch, recording, "post")
    found = slow.meet(
        lambda: recall(federation, NODE, package), lambda: recall(federation, NODE, package)
    )
    assert failures(found) == []
    assert len([one for one in found if isinstance(one, str)]) == 1
    federation.settle()
    (row,) = federation[NODE].db.read(lambda connection: packages.holders_of(connection, package))
    assert row.recall_outcome == "applied"
    check_everything(federation)


def test_two_releases_to_one_recipient_meet(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = exchange.package(federation, NODE)
    slow = Slow(monkeypatch, recording, "post")
    found = slow.meet(
        lambda: exchange.release(federation, NODE, package, "uk-fcdo"),
        lambda: exchange.release(federation, NODE, package, "uk-fcdo"),
    )
    assert failures(found) == []
    rows = federation[NODE].db.read(lambda connection: packages.releases_of(connection, package))
    assert [one.state for one in rows].count("active") == 1
    federation.settle()
    check_everything(federation)


def test_two_workers_compose_each_number_once(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = exchange.package(federation, NODE)
    exchange.release(federation, NODE, package, "uk-fcdo")
    checkpoints.integrate(federation[NODE], "test")
    slow = Slow(monkeypatch, recording, "record")
    found = slow.meet(
        lambda: delivering.compose(federation[NODE], "uk-fcdo"),
        lambda: delivering.compose(federation[NODE], "uk-fcdo"),
    )
    assert failures(found) == []
    rows = federation[NODE].db.read(
        lambda connection: streams.unreceipted(connection, "uk-fcdo", 9)
    )
    assert len(rows) == 1
    federation.settle()
    check_everything(federation)


def test_a_read_sees_one_moment(federation: Federation) -> None:
    """Rows committed while a reader reads are not there for it, on either database."""
    for ministry in (NODE, "uk-fcdo"):
        node = federation[ministry]

        def read(connection: Any, ministry: str = ministry) -> tuple[int, int]:
            before = log.count_unsequenced(connection)
            thread = threading.Thread(target=lambda: exchange.package(federation, ministry))
            thread.start()
            thread.join()
            return before, log.count_unsequenced(connection)

        before, after = node.db.read(read)
        assert before == after


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(
            Faults(before_commit=0.08, after_commit=0.08, lost=0.1), id="dies-around-commits"
        ),
        pytest.param(
            Faults(held=0.3, answer_lost=0.2, duplicated=0.1), id="network", marks=campaign()
        ),
    ],
)
def test_faults_on_postgresql(tmp_path: Path, postgres_server: Postgres, faults: Faults) -> None:
    urls = {ministry: postgres_server.fresh() for ministry in MINISTRIES}
    with Simulation(tmp_path, seed=5, faults=faults, urls=urls) as simulation:
        simulation.run(acts=14)
        simulation.finish()
        assert len(simulation.acknowledged) > 1


@campaign("test_a_sequencer_that_lost_its_lease_integrates_nothing")
def test_the_server_is_killed_and_comes_back(tmp_path: Path, postgres_server: Postgres) -> None:
    """While it is gone nothing is acknowledged; then everything goes on where it was."""
    urls = {NODE: postgres_server.fresh()}
    with Simulation(tmp_path, seed=3, urls=urls) as simulation:
        for _ in range(2):
            simulation.run(acts=4)
            postgres_server.kill()
            try:
                before = len(simulation.acknowledged)
                assert not simulation.federation[NODE].db.healthy()
                with pytest.raises(ComityError) as refused:
                    exchange.package(simulation.federation, NODE, "Not now")
                assert refused.value.code == "database.unavailable"
                for _ in range(5):
                    simulation.run_jobs("uk-fcdo")
                    simulation.run_jobs(NODE)
                assert [one for one in simulation.acknowledged[before:] if one[0] == NODE] == []
            finally:
                postgres_server.start()
        simulation.run(acts=4)
        simulation.finish()
