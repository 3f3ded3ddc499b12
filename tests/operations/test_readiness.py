"""``/readyz`` means it: each check fails for its own reason, and probes do not load the node."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import Full
from api.records import migrating
from api.services.log import checkpoints
from api.services.node import Node
from api.services.operations import readiness, status
from api.services.operations.readiness import Bounds, Readiness, checks
from api.wire.keys import KeyRecord, Purpose
from tests.support import foreign
from tests.support.databases import start_postgres
from tests.support.federation import Federation
from tests.support.journeys import submit
from tests.support.observed_nodes import captured_logs
from tests.support.running_node import running_nodes
from tests.support.signing import US as US_MINISTRY

US = "us-treasury"


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path, ministries=(US_MINISTRY,))
    yield made
    made.close()


@pytest.fixture
def node(federation: Federation) -> Node:
    checkpoints.integrate(federation[US], "test")
    return federation[US]


def failing(node: Node, bounds: Bounds | None = None) -> list[str]:
    return [name for name, passed in checks(node, bounds or Bounds()).items() if not passed]


class TestChecks:
    def test_all_pass_on_a_node_at_rest(self, node: Node, tmp_path: Path) -> None:
        assert failing(node, Bounds(places={"store": tmp_path})) == []

    def test_database_and_what_is_read_from_it(self, node: Node) -> None:
        path = Path(str(node.db.engine.url.database))
        node.db.engine.dispose()
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        try:
            assert set(failing(node)) == {"database", "schema", "clock", "sequencer"}
        finally:
            path.rmdir()
            path.with_suffix(".away").rename(path)
        assert failing(node) == []

    def test_schema_of_another_revision(self, node: Node) -> None:
        with node.db.engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'other'")
            connection.exec_driver_sql("COMMIT")
        assert migrating.at_head(node.db.engine) is False
        assert failing(node) == ["schema"]

    @pytest.mark.parametrize("purpose", [Purpose.SEAL, Purpose.MESSAGE, Purpose.LOG_PQ])
    def test_keys_of_every_purpose(self, node: Node, purpose: Purpose) -> None:
        class Lacking:
            def keys(self, wanted: Purpose) -> tuple[KeyRecord, ...]:
                found = node.signer.keys(wanted)
                return found[1:] if wanted is purpose else found

        assert failing(replace(node, signer=Lacking())) == ["keys"]  # type: ignore[arg-type]

    def test_keys_that_the_membership_revokes(self, node: Node) -> None:
        kid = node.signer.keys(Purpose.SEAL)[0].kid
        me = node.me
        keys = tuple(replace(k, revoked_from=0) if k.kid == kid else k for k in me.keys)
        members = tuple(replace(m, keys=keys) if m is me else m for m in node.membership.members)
        revoked = replace(node, membership=replace(node.membership, members=members))
        assert failing(revoked) == ["keys"]

    def test_store_that_takes_no_writes(self, node: Node) -> None:
        class Filled:
            def probe(self) -> None:
                raise Full("store.full", "no room")

        assert failing(replace(node, store=Filled())) == ["store"]  # type: ignore[arg-type]

    def test_clock_before_the_newest_event(self, federation: Federation, node: Node) -> None:
        federation.clock.at -= timedelta(seconds=3)
        assert failing(node) == [], "another machine may be a little ahead"
        federation.clock.at -= timedelta(minutes=10)
        assert failing(node) == ["clock"]

    def test_sequencer_that_does_not_come(self, federation: Federation, node: Node) -> None:
        submit(federation)
        federation.clock.sleep(60)
        assert failing(node) == []
        federation.clock.sleep(61)
        assert failing(node) == ["sequencer"]
        checkpoints.integrate(node, "test")
        assert failing(node) == []

    def test_disk_without_room(self, node: Node, tmp_path: Path) -> None:
        assert failing(node, Bounds(room=1 << 62, places={"store": tmp_path})) == ["disk"]
        assert failing(node, Bounds(places={"store": tmp_path / "gone"})) == ["disk"]


@foreign.needs("postgresql")
def test_a_database_server_that_dies_and_comes_back(tmp_path: Path) -> None:
    server = start_postgres()
    federation = None
    try:
        urls = {US: server.fresh()}
        federation = Federation(tmp_path, ministries=(US_MINISTRY,), urls=urls)
        node = federation[US]
        checkpoints.integrate(node, "test")
        assert failing(node) == []
        assert status.figures(node).sequencer == "test"
        server.kill()
        probe = Readiness(node)
        found = probe.now()
        assert {"database", "schema", "clock", "sequencer"} <= set(found.failing)
        server.start()
        assert failing(node) == []
    finally:
        if federation is not None:
            federation.close()
        server.stop()


class TestProbes:
    def test_many_at_once_are_one_look(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        looks: list[float] = []
        real = readiness.checks

        def counted(*given: Any) -> readiness.Checks:
            looks.append(time.monotonic())
            time.sleep(0.05)
            return real(*given)

        monkeypatch.setattr(readiness, "checks", counted)
        probe = Readiness(node)
        found: list[bool] = []
        threads = [
            threading.Thread(target=lambda: found.append(probe.now().ready)) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [True] * 20
        assert len(looks) == 1
        probe._known_at -= 1.1
        assert probe.now().ready
        assert len(looks) == 2

    def test_a_look_that_hangs_fails_in_time_and_is_not_started_again(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readiness, "_PATIENCE", 0.05)
        monkeypatch.setattr(readiness, "_FRESH", 0.0)
        go, looks = threading.Event(), []
        real = readiness.checks

        def hanging(*given: Any) -> readiness.Checks:
            looks.append(1)
            assert go.wait(20)
            return real(*given)

        monkeypatch.setattr(readiness, "checks", hanging)
        probe = Readiness(node)
        for _ in range(3):
            assert probe.now().checks == {"in-time": False, "use-cases": True}
        assert len(looks) == 1
        go.set()
        monkeypatch.setattr(readiness, "_PATIENCE", 20.0)
        assert probe.now().ready

    def test_what_fails_is_logged_once_and_so_is_the_end_of_it(
        self, federation: Federation, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readiness, "_FRESH", 0.0)
        probe = Readiness(node)
        with captured_logs() as captured:
            probe.now()
            federation.clock.at -= timedelta(minutes=10)
            probe.now()
            probe.now()
            federation.clock.at += timedelta(minutes=20)
            probe.now()
        assert [(line["event"], line.get("reason")) for line in captured.lines] == [
            ("not ready", "clock"),
            ("ready again", None),
        ]


def test_over_http(tmp_path: Path) -> None:
    with running_nodes(tmp_path, US) as nodes, nodes[US].client() as web:
        checkpoints.integrate(nodes[US].node, "test")
        answer = web.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["status"] == "ready"
        assert set(answer.json()["checks"]) == {
            *("database", "schema", "keys", "store", "clock", "sequencer", "disk", "in-time"),
            "use-cases",
        }
        assert answer.json()["details"]["restoring"] is False
        assert answer.json()["details"]["misbehaviour"] == 0
        nodes.federation.clock.at -= timedelta(days=1)
        nodes[US].app.state.readiness._known_at -= 2
        answer = web.get("/readyz")
        assert answer.status_code == 503
        body = answer.json()
        assert [name for name, passed in body["checks"].items() if not passed] == ["clock"]
        assert body["details"] == {}
        assert len(answer.content) < 400
        assert web.get("/healthz").json() == {"status": "ok"}
