"""Metrics: what is counted while it happens, what is read at a scrape, and where they are served."""

import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.adapters.observing.counting import Counting, status_class
from api.domain import events
from api.domain.errors import Conflict, Invalid, Unavailable
from api.domain.events import Act
from api.jobs.loop import Loop, Pace
from api.jobs.process_inbox import process_inbox
from api.ports.observing import Piece, PieceKind
from api.services import recording
from api.services.log import checkpoints
from api.services.operations import status
from api.web.metrics import Listener, NodeFigures, Subject, listen, parse_address
from tests.support.federation import Federation
from tests.support.journeys import release, submit
from tests.support.observed_nodes import observed_nodes
from tests.support.signing import UK as UK_MINISTRY
from tests.support.signing import US as US_MINISTRY

ROOT = Path(__file__).resolve().parents[2]
US, UK = "us-treasury", "uk-fcdo"


def values(counting: Counting, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Samples of one name, by their labels; series that say when they were made are left out."""
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in counting.registry.collect()
        for sample in family.samples
        if sample.name == name
    }


def figures(subject: Subject) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in NodeFigures(subject).collect()
    }


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path, ministries=(US_MINISTRY, UK_MINISTRY))
    yield made
    made.close()


class TestCounting:
    def test_requests_by_template_method_and_class(self, tmp_path: Path) -> None:
        counting = Counting()
        with observed_nodes(tmp_path, counting, US) as nodes:
            us = nodes[US]
            with us.client("analyst") as web, us.client() as stranger:
                digest = "sha256:" + "0" * 64
                assert web.get("/api/v1/packages").status_code == 200
                assert web.get(f"/api/v1/packages/{digest}").status_code == 404
                assert web.get("/secret-path?token=x").status_code == 404
                assert stranger.get("/api/v1/packages").status_code == 401
                assert web.delete("/api/v1/packages").status_code == 405
        requests = {
            tuple(value for _, value in labels): count
            for labels, count in values(counting, "comity_http_requests_total").items()
        }
        assert requests == {
            ("GET", "/api/v1/packages", "2xx"): 1,
            ("GET", "/api/v1/packages/{package_id}", "4xx"): 1,
            ("GET", "none", "4xx"): 1,
            ("GET", "/api/v1/packages", "4xx"): 1,
            ("DELETE", "/api/v1/packages", "4xx"): 1,
        }
        durations = values(counting, "comity_http_request_seconds_count")
        assert sum(durations.values()) == 5
        refused = values(counting, "comity_refused_accesses_total")
        assert refused == {(("code", "token.missing"), ("door", "rest")): 1}

    def test_publishing_and_delivery_are_acts(self, tmp_path: Path) -> None:
        counting = Counting()
        with observed_nodes(tmp_path, counting, US, UK) as nodes:
            package = submit(nodes.federation)
            release(nodes.federation, package, UK)
            nodes.settle()
        acts = {
            dict(labels)["act"]: count
            for labels, count in values(counting, "comity_acts_total").items()
        }
        assert acts["package.submitted"] == acts["package.released"] == 1
        # The release one way, its disposition the other.
        assert acts["message.sent"] == acts["message.received"] == acts["message.receipted"] == 2
        assert acts["statement.applied"] >= 1
        calls = values(counting, "comity_peer_calls_total")
        assert calls[(("outcome", "200"), ("peer", UK))] >= 1

    def test_what_was_not_committed_is_not_counted(self, federation: Federation) -> None:
        counting = Counting()
        node = federation[US]
        node.db._observer = counting
        with pytest.raises(Conflict):
            node.db.write(lambda unit: _record_and_fail(federation, unit))
        assert values(counting, "comity_acts_total") == {}

    @pytest.mark.parametrize(
        ("fault", "outcome"),
        [
            (None, "worked"),
            (Conflict("x.moved", "moved"), "idle"),
            (Unavailable("peer.unreachable", "away"), "waits"),
            (ValueError("boom"), "failed"),
        ],
    )
    def test_jobs_by_how_they_end(self, fault: Exception | None, outcome: str) -> None:
        counting = Counting()

        def step() -> bool:
            if fault is not None:
                raise fault
            loop.stop()
            return True

        loop = Loop("sequence", step, None, Pace(0.01), observer=counting)
        loop.start()
        if fault is not None:
            # The first piece has been counted as soon as the loop pauses.
            while not values(counting, "comity_jobs_total"):
                pass
            loop.stop()
        assert loop.join(5)
        key = (("job", "sequence"), ("outcome", outcome))
        assert values(counting, "comity_jobs_total")[key] >= 1
        timed = values(counting, "comity_job_seconds_count")
        assert bool(timed) == (outcome != "idle")

    def test_status_classes(self) -> None:
        assert [status_class(each) for each in ("204", "499", "", "0", "abc")] == [
            "2xx",
            "4xx",
            "none",
            "none",
            "none",
        ]


def _record_and_fail(federation: Federation, unit: Any) -> None:
    entry = recording.Entry(act=Act.ACCESS_REFUSED, subject=events.Subject("door", "rest"))
    recording.record(federation[US], unit, entry)
    raise Conflict("x.moved", "given up")


class TestFigures:
    def test_of_queue_log_and_partners(self, federation: Federation) -> None:
        us = federation[US]
        release(federation, submit(federation), UK)
        before = figures(Subject(us))
        assert before["comity_outbox_waiting"][(UK,)] == 1
        assert before["comity_unsequenced_events"][()] > 0
        assert before["comity_sequencer_lease_held"][()] == 0
        federation.clock.sleep(90)
        late = figures(Subject(us))
        assert late["comity_unsequenced_age_seconds"][()] >= 90
        assert late["comity_unwitnessed_age_seconds"][()] >= 90

        federation.down.add(UK)
        federation.step(US)
        federation.clock.sleep(3600)
        waiting = figures(Subject(us))
        assert waiting["comity_unreceipted_messages"][(UK,)] == 1
        assert waiting["comity_queue_age_seconds"][(UK,)] >= 3600
        assert waiting["comity_outbox_waiting"][(UK,)] == 0
        assert waiting["comity_delivery_failures"][(UK,)] >= 1
        assert waiting["comity_log_leaves"][()] == waiting["comity_unwitnessed_leaves"][()] > 0

        federation.down.clear()
        federation.settle()
        settled = figures(Subject(us))
        assert settled["comity_unreceipted_messages"][(UK,)] == 0
        assert settled["comity_queue_age_seconds"][(UK,)] == 0
        assert settled["comity_cosigned_leaves"][(UK,)] > 0
        assert settled["comity_unwitnessed_leaves"][()] < settled["comity_log_leaves"][()]
        assert settled["comity_unsequenced_age_seconds"][()] == 0

    def test_of_the_recipient_count_awaited_exhibits_and_the_lease(
        self, federation: Federation
    ) -> None:
        uk = federation[UK]
        release(federation, submit(federation), UK)
        for _ in range(4):
            federation.step(US)
        process_inbox(uk, federation.pool)
        checkpoints.integrate(uk, "test")
        found = figures(Subject(uk))
        assert found["comity_exhibits_awaited"][()] == 1
        assert found["comity_sequencer_lease_held"][()] == 1
        federation.clock.sleep(60)
        assert figures(Subject(uk))["comity_sequencer_lease_held"][()] == 0

    def test_of_stop_switch_dead_letters_and_restore(self, federation: Federation) -> None:
        us = federation[US]
        status.switch(us, federation.officer(US, "admin"), "on")
        found = figures(Subject(us))
        assert found["comity_stop_switch"][()] == 1
        assert found["comity_dead_letters"][(UK,)] == 0
        assert found["comity_restoring"][()] == found["comity_misbehaviour"][()] == 0
        assert found["comity_figures_up"][()] == 1

    def test_of_keys_certificate_and_disk(self, federation: Federation, tmp_path: Path) -> None:
        until = federation.clock.at + timedelta(days=12)
        found = figures(Subject(federation[US], until, {"store": tmp_path}))
        assert found["comity_keys"][("seal", "current")] == 2
        assert 11.9 < found["comity_certificate_expiry_days"][()] <= 12
        assert found["comity_attention"] == {("certificate.expires",): 1}
        assert found["comity_disk_free_bytes"][("store",)] > 0
        assert 0 <= found["comity_disk_used_ratio"][("store",)] <= 1
        assert "comity_certificate_expiry_days" not in figures(Subject(federation[US]))

    def test_are_kept_for_a_moment_and_say_when_the_database_is_away(
        self, federation: Federation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        us, read = federation[US], []
        real = status.figures

        def counted(node: Any) -> status.Status:
            read.append(node)
            return real(node)

        monkeypatch.setattr(status, "figures", counted)
        collector = NodeFigures(Subject(us))
        for _ in range(5):
            assert list(collector.collect())
        assert len(read) == 1

        def away(_: Any) -> status.Status:
            raise Unavailable("database.unavailable", "away")

        monkeypatch.setattr(status, "figures", away)
        found = figures(Subject(us))
        assert found["comity_figures_up"][()] == 0
        assert "comity_log_leaves" not in found
        assert found["comity_keys"]

    def test_are_read_in_few_milliseconds(self, federation: Federation) -> None:
        """A scrape every few seconds must not be felt; the bound is a hundred times the usual."""
        release(federation, submit(federation), UK)
        federation.settle()
        started = datetime.now(UTC)
        status.figures(federation[US])
        assert datetime.now(UTC) - started < timedelta(seconds=2)


class TestListener:
    @pytest.fixture
    def listener(self, federation: Federation) -> Iterator[Listener]:
        made = listen(Counting().registry, Subject(federation[US]), ("127.0.0.1", 0))
        yield made
        made.close()

    def test_serves_text_that_prometheus_reads(self, listener: Listener) -> None:
        answer = httpx2.get(f"http://127.0.0.1:{listener.port}/metrics", trust_env=False)
        families = {each.name for each in text_string_to_metric_families(answer.text)}
        assert families >= {"comity_log_leaves", "comity_queue_age_seconds", "comity_build_info"}
        assert "process_resident_memory_bytes" in answer.text

    def test_every_figure_has_a_text_and_a_house_name(self, listener: Listener) -> None:
        answer = httpx2.get(f"http://127.0.0.1:{listener.port}/metrics", trust_env=False)
        for family in text_string_to_metric_families(answer.text):
            assert family.documentation, family.name
            assert family.name.startswith(("comity_", "process_", "python_")), family.name

    def test_a_taken_address_is_a_refusal(self, federation: Federation) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = ("127.0.0.1", taken.getsockname()[1])
            with pytest.raises(Conflict, match="metrics"):
                listen(Counting().registry, Subject(federation[US]), address)

    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("127.0.0.1:9464", ("127.0.0.1", 9464)),
            ("[::1]:9464", ("::1", 9464)),
            ("localhost:0", ("localhost", 0)),
        ],
    )
    def test_addresses(self, text: str, address: tuple[str, int]) -> None:
        assert parse_address(text, 8080) == address

    @pytest.mark.parametrize("text", ["9464", ":9464", "host:", "host:x", "host:70000", "host:-1"])
    def test_no_addresses(self, text: str) -> None:
        with pytest.raises(Invalid, match="host:port"):
            parse_address(text, 8080)

    @pytest.mark.parametrize("text", ["0.0.0.0:8080", "127.0.0.1:8080", "[::]:8080"])
    def test_the_public_port_is_refused_on_any_address(self, text: str) -> None:
        with pytest.raises(Invalid, match="port of their own"):
            parse_address(text, 8080)


def test_the_operations_page_names_what_there_is(federation: Federation) -> None:
    """Every figure is explained or listed there, and nothing is named that is not served."""
    page = (ROOT / "docs" / "operations.md").read_text()
    counting = Counting()
    subject = Subject(federation[US], federation.clock.at, {"store": ROOT})
    families = [*counting.registry.collect(), *NodeFigures(subject).collect()]
    served = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in families
        if family.name.startswith("comity_")
    }
    named = set(re.findall(r"\bcomity_[a-z_]+", page))
    assert named - served == set()
    assert served - named == {"comity_build_info", "comity_disk_free_bytes"}


def test_a_label_never_holds_what_a_caller_wrote() -> None:
    counting = Counting()
    with counting.observe(piece := Piece(PieceKind.REQUEST, "none", method="X" * 5000)):
        piece.outcome = "400"
    (labels,) = values(counting, "comity_http_requests_total")
    assert dict(labels)["method"] == "other"
