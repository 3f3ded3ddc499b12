"""Traces: spans of requests, jobs and calls to partners; what they never say; where they never go."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from api.adapters.observing.peers import ObservedPeers
from api.adapters.observing.tracing import Tracing
from api.adapters.peers.http import HttpPeers
from api.app import create_app
from api.bootstrap import watchers_of
from api.domain.errors import Invalid, Unavailable
from api.jobs.loop import Loop, Pace
from api.ports.observing import UNOBSERVED, Piece, PieceKind
from tests.support.journeys import release, submit
from tests.support.observed_nodes import observed_nodes

ROOT = Path(__file__).resolve().parents[2]
US, UK = "us-treasury", "uk-fcdo"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[Tracing]:
    made = Tracing(SimpleSpanProcessor(exporter), US, "0")
    yield made
    made.close()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


class TestSpans:
    def test_of_requests_say_template_and_status(
        self, tmp_path: Path, tracing: Tracing, exporter: InMemorySpanExporter
    ) -> None:
        digest = "sha256:" + "ab" * 32
        sent = {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "baggage": "k=canary"}
        with observed_nodes(tmp_path, tracing, US) as nodes, nodes[US].client("analyst") as web:
            web.get(f"/api/v1/packages/{digest}?token=canary", headers=sent)
            web.get("/canary?q=canary")
            web.get("/healthz")
        found, unknown = exporter.get_finished_spans()
        assert found.name == "GET /api/v1/packages/{package_id}"
        assert found.kind is SpanKind.SERVER
        known = attributes(found)
        assert known.pop("comity.request")
        assert known == {
            "http.request.method": "GET",
            "http.route": "/api/v1/packages/{package_id}",
            "http.response.status_code": 422,
            "comity.code": "query.unknown",
        }
        assert unknown.name == "GET none"
        assert found.status.status_code is StatusCode.UNSET
        # A caller does not choose our trace, nor is a part of it.
        assert found.parent is None
        assert found.context.trace_id != int("1" * 32, 16)
        everything = "".join(span.to_json() for span in exporter.get_finished_spans())
        assert "canary" not in everything
        assert digest not in everything

    def test_of_jobs_hold_those_of_their_calls(
        self, tmp_path: Path, tracing: Tracing, exporter: InMemorySpanExporter
    ) -> None:
        with observed_nodes(tmp_path, tracing, US, UK) as nodes:
            release(nodes.federation, submit(nodes.federation), UK)
            loop = Loop(
                "deliver-uk-fcdo", lambda: step(nodes), None, Pace(1), peer=UK, observer=tracing
            )
            exporter.clear()
            for _ in range(3):
                loop._once()
        spans = exporter.get_finished_spans()
        calls = [span for span in spans if span.kind is SpanKind.CLIENT]
        assert calls[0].parent is not None
        jobs = {span.context.span_id: span for span in spans if span.kind is SpanKind.INTERNAL}
        job = jobs[calls[0].parent.span_id]
        assert job.name == "job deliver-uk-fcdo"
        assert attributes(calls[0])["comity.peer"] == attributes(job)["comity.peer"] == UK
        assert calls[0].name == "POST /peer"
        assert "sha256" not in "".join(span.to_json() for span in spans)

    def test_of_looks_that_found_nothing_are_not_made(
        self, tracing: Tracing, exporter: InMemorySpanExporter
    ) -> None:
        for outcome in ("idle", "worked"):
            with tracing.observe(piece := Piece(PieceKind.JOB, "inbox")):
                piece.outcome = outcome
        assert [span.name for span in exporter.get_finished_spans()] == ["job inbox"]

    def test_of_failures_carry_a_code_and_no_text(
        self, tracing: Tracing, exporter: InMemorySpanExporter
    ) -> None:
        class Away:
            def post(self, *_: Any, **__: Any) -> Any:
                raise Unavailable("peer.unreachable", "canary")

            get = post

        peers = ObservedPeers(Away(), tracing)
        with pytest.raises(Unavailable):
            peers.get(UK, "/log/tile/0/001.p/canary", token="canary", headers={})
        with (
            pytest.raises(ValueError, match="canary"),
            tracing.observe(Piece(PieceKind.JOB, "gaps")),
        ):
            raise ValueError("canary")
        call, job = exporter.get_finished_spans()
        assert call.name == "GET /log"
        assert attributes(call)["comity.code"] == "peer.unreachable"
        assert call.status.status_code is job.status.status_code is StatusCode.ERROR
        assert not call.events
        assert not job.events
        assert "canary" not in call.to_json() + job.to_json()


def step(nodes: Any) -> bool:
    """One round of Washington's jobs: it calls London while something waits."""
    return bool(nodes.federation.step(US))


@contextmanager
def listening() -> Iterator[SimpleNamespace]:
    """A server that keeps what it was sent."""
    got = SimpleNamespace(requests=[], url="")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            got.requests.append((self.path, dict(self.headers.items()), body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the base class's names

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    got.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_trace_is_never_sent_to_a_partner(tracing: Tracing) -> None:
    with listening() as partner:
        member = SimpleNamespace(url=partner.url)
        membership: Any = SimpleNamespace(member=lambda _: member)
        peers = HttpPeers(membership, allow_http=True)
        observed = ObservedPeers(peers, tracing)
        with tracing.observe(Piece(PieceKind.JOB, "deliver")):
            observed.post(UK, "/peer/messages", b"{}", content_type="application/json")
            observed.get(UK, "/log/checkpoint", token="t", headers={})
        peers.close()
    assert len(partner.requests) == 2
    for _, headers, _ in partner.requests:
        names = {name.lower() for name in headers}
        assert not names & {"traceparent", "tracestate", "baggage", "b3", "x-request-id"}


def test_the_framework_s_own_telemetry_stays_off(
    tmp_path: Path, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI would record query strings and exception texts wherever it finds a provider."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    with observed_nodes(tmp_path, UNOBSERVED, US) as nodes, nodes[US].client() as web:
        app = create_app(nodes[US].node, nodes[US].app.state.doors.tokens, public_url="http://x")
        assert app._native_telemetry.enabled() is False
        assert app._telemetry["auto_configure"] is False
        assert web.get("/healthz").is_success
        assert web.get("/healthz?token=canary").status_code == 422
    assert exporter.get_finished_spans() == ()


IMPORTED = """
import sys
import api.app, api.bootstrap, api.worker, api.cli.node_run
print(sorted(name for name in sys.modules if name.startswith(("opentelemetry.sdk",
    "opentelemetry.exporter", "prometheus_client", "api.adapters.observing", "api.web.metrics"))))
"""


def test_what_nobody_asked_for_is_not_imported() -> None:
    """The framework brings OpenTelemetry's bare API along; nothing that records or sends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMITY_")}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        check=True,
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == str(
        [f"api.adapters.observing{part}" for part in ("", ".logs", ".peers", ".together")]
    )


def settings(**given: str) -> Any:
    return SimpleNamespace(**{"metrics_listen": "", "otel_endpoint": "", "ministry": US, **given})


def test_watchers_are_those_that_the_settings_ask_for() -> None:
    plain = watchers_of(settings())
    assert plain.counting is plain.tracing is None
    counted = watchers_of(settings(metrics_listen="127.0.0.1:0"))
    assert counted.counting is not None


def test_an_endpoint_without_the_extra_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(Invalid) as caught:
        watchers_of(settings(otel_endpoint="http://127.0.0.1:4318"))
    assert caught.value.code == "telemetry.absent"


def test_spans_reach_a_collector() -> None:
    """With the extra installed: OTLP over HTTP, at the end at the latest."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="extra telemetry absent")
    with listening() as collector:
        tracing = Tracing.to_collector(f"{collector.url}/", US, "0")
        with tracing.observe(piece := Piece(PieceKind.REQUEST, "/api/v1/me", method="GET")):
            piece.outcome = "200"
        tracing.close()
    (sent,) = collector.requests
    path, headers, body = sent
    assert path == "/v1/traces"
    assert {name.lower(): value for name, value in headers.items()}[
        "content-type"
    ] == "application/x-protobuf"
    assert b"GET /api/v1/me" in body
    assert json.dumps(US).strip('"').encode() in body


def test_an_absent_collector_does_not_hold_up_the_end(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="extra telemetry absent")
    tracing = Tracing.to_collector("http://127.0.0.1:9", US, "0")
    with tracing.observe(piece := Piece(PieceKind.REQUEST, "/api/v1/me", method="GET")):
        piece.outcome = "200"
    closing = threading.Thread(target=tracing.close)
    closing.start()
    closing.join(4)
    assert not closing.is_alive()
