"""Real processes: their log lines and metrics, and an end that loses nothing that was acknowledged."""

import contextlib
import hashlib
import json
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.wire.encoding import format_instant
from tests.support.campaigns import campaign, long
from tests.support.command_line import CommandLine
from tests.support.issuer import FakeIssuer
from tests.support.node_process import MadeNode, make_node, served_issuer

pytestmark = [pytest.mark.processes]


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    with served_issuer() as made:
        yield made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, issuer: FakeIssuer) -> MadeNode:
    return make_node(tmp_path_factory.mktemp("made"), issuer)


class Clients:
    """Administrators who add officers as fast as they are answered."""

    def __init__(self, made: MadeNode, count: int) -> None:
        self.acknowledged: list[str] = []
        self.unanswered = 0
        self.refused: list[int] = []
        self._made = made
        self._threads = [
            threading.Thread(target=self._work, args=(number,)) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, number: int) -> None:
        headers = self._made.signed_in("a1")
        with httpx2.Client(base_url=self._made.url, headers=headers, trust_env=False) as web:
            for attempt in range(100_000):
                sub = f"person-{number}-{attempt}"
                identity = {"iss": self._made.issuer.issuer, "sub": sub}
                body = {"name": sub, "identities": [identity]}
                try:
                    answer = web.post("/api/v1/officers", json=body)
                except httpx2.HTTPError:
                    self.unanswered += 1
                    return
                if answer.status_code == 201:
                    self.acknowledged.append(answer.json()["id"])
                else:
                    self.refused.append(answer.status_code)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


def officers(made: MadeNode) -> dict[str, int]:
    """Officers in the database, and how many events each has."""
    with sqlite3.connect(made.home / "comity.db") as connection:
        rows = connection.execute(
            "SELECT o.id, (SELECT count(*) FROM events e WHERE e.object_id = o.id) FROM officers o"
        )
        found = dict(rows.fetchall())
    connection.close()
    return found


def test_sigterm_under_load_loses_nothing_that_was_acknowledged(made: MadeNode) -> None:
    with made.serving() as process:
        clients = Clients(made, 6)
        while len(clients.acknowledged) < 40:
            assert process.process.poll() is None
            time.sleep(0.01)
        code, seconds = process.end(10)
        clients.join()
    assert code == 0, process.err.read_text()
    assert seconds < 10
    stored = officers(made)
    assert set(clients.acknowledged) <= set(stored)
    assert len(set(clients.acknowledged)) == len(clients.acknowledged)
    # Nothing is there in part: every officer with the event of adding them.
    assert all(stored[officer] == 1 for officer in clients.acknowledged)
    # At most the requests that were never answered are there besides, and the administrators.
    assert len(stored) - len(clients.acknowledged) <= clients.unanswered + 2
    # Whoever was refused heard why: the node was ending.
    assert set(clients.refused) <= {503}
    assert process.of("node starts")
    assert not [line for line in process.lines if line["level"] in {"error", "critical"}]


@pytest.mark.parametrize("command", ["serve", *long("work")])
def test_a_service_manager_hears_when_it_is_up(
    made: MadeNode, tmp_path: Path, command: str
) -> None:
    """So a unit of Type=notify is started when it answers, and a runbook's next line finds it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"comity-{tmp_path.name}"
        manager.bind(f"\0{name}")
        manager.settimeout(20)
        with made.serving(command, NOTIFY_SOCKET=f"@{name}"):
            assert manager.recv(64) == b"READY=1"


def sit_at_the_console(made: MadeNode, sub: str) -> dict[str, str]:
    """Open a session as signing in does; returns its cookie."""
    cookie, now = "c" * 43, datetime.now(UTC)
    row = {
        "id": "0" * 32,
        "cookie": hashlib.sha256(cookie.encode()).hexdigest(),
        "iss": made.issuer.issuer,
        "sub": sub,
        **dict.fromkeys(("auth_time", "created_at", "seen_at"), format_instant(now)),
        "ends_at": format_instant(now + timedelta(hours=1)),
        "agent": "a test",
    }
    names = ", ".join(row)
    with contextlib.closing(sqlite3.connect(made.home / "comity.db")) as connection, connection:
        connection.execute(
            f"INSERT INTO console_sessions ({names}) VALUES ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )
    return {"comity-us-treasury": cookie}


def test_sigterm_ends_the_feeds_of_pages_at_once(made: MadeNode) -> None:
    with made.serving(COMITY_CONSOLE_CLIENT="console") as process:
        cookies = sit_at_the_console(made, "a1")
        with (
            httpx2.Client(base_url=made.url, cookies=cookies, trust_env=False) as web,
            web.stream("GET", "/console/feed") as told,
        ):
            assert told.status_code == 200
            lines = told.iter_lines()
            assert next(lines).startswith("retry: ")
            code, _ = process.end(20)
            # A feed that had been cut off would have no end.
            assert list(lines) == [""]
    assert code == 0, process.err.read_text()


def test_log_lines_and_metrics_of_a_process(made: MadeNode) -> None:
    canary = "canary-in-a-path"
    with made.serving(COMITY_LOG_LEVEL="DEBUG") as process:
        web = httpx2.Client(base_url=made.url, trust_env=False)
        with web:
            web.get(f"/{canary}?q={canary}")
            web.get("/api/v1/me", headers={"authorization": f"Bearer {canary}"})
            me = web.get("/api/v1/me", headers=made.signed_in("a1") | {"x-request-id": "req-12345"})
            assert me.status_code == 200
        metrics = httpx2.get(made.metrics, trust_env=False).text
        families = {each.name: each for each in text_string_to_metric_families(metrics)}
        public = httpx2.get(f"{made.url}/metrics", trust_env=False)
        assert public.status_code == 404
        assert process.end(10)[0] == 0
    assert canary not in process.out.read_text() + process.err.read_text() + metrics
    assert made.issuer.token("a1", made.url)[:20] not in process.out.read_text()
    requests = process.of("request")
    assert {line["route"] for line in requests} >= {"/api/v1/me", "none", "/readyz"}
    assert [line["status"] for line in requests if line.get("caller_request") == "req-12345"] == [
        200
    ]
    assert families["comity_log_leaves"].samples[0].value > 0
    assert families["comity_sequencer_lease_held"].samples[0].value == 1
    # The end recorded who had been refused since the start.
    with sqlite3.connect(made.home / "comity.db") as connection:
        query = "SELECT count(*) FROM events WHERE act = 'access.refused' AND object_kind = 'door'"
        assert connection.execute(query).fetchone() == (1,)
    connection.close()


@campaign("test_sigterm_under_load_loses_nothing_that_was_acknowledged")
def test_a_partner_that_hangs_does_not_hold_up_the_end(tmp_path: Path, issuer: FakeIssuer) -> None:
    """The partner takes the connection and never answers; calls to it wait for half a minute."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = make_node(tmp_path, issuer, partner=f"http://127.0.0.1:{silent.getsockname()[1]}")
        with made.serving() as process:
            _wait_for_a_call(silent)
            code, seconds = process.end(10, signal.SIGINT)
    assert code == 0, process.err.read_text()
    assert seconds < 10
    assert process.of("job cut off")


HALF = "PUT /api/v1/exhibits/sha256:{zeros} HTTP/1.1\r\nhost: x\r\n{token}content-length: 99999\r\n\r\nhalf"


def _opened(made: MadeNode, text: str) -> socket.socket:
    host, port = made.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=60)
    token = "".join(f"{name}: {value}\r\n" for name, value in made.signed_in("a1").items())
    connection.sendall(text.format(zeros="0" * 64, token=token).encode())
    return connection


OPEN = {
    "an idle upload": HALF,
    "half a body": "POST /api/v1/officers HTTP/1.1\r\nhost: x\r\n{token}content-length: 99\r\n\r\n{{",
    "half a message": "POST /peer/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n{{",
    "half a head": "GET /api/v1/me HTTP/1.1\r\nhost:",
    "nothing": "",
}


@campaign("test_sigterm_under_load_loses_nothing_that_was_acknowledged")
def test_whatever_is_open_does_not_hold_up_the_end(made: MadeNode) -> None:
    with made.serving() as process:
        held = [_opened(made, text) for text in OPEN.values() for _ in range(3)]
        try:
            assert httpx2.get(f"{made.url}/healthz", trust_env=False).is_success
            code, seconds = process.end(30)
        finally:
            for connection in held:
                connection.close()
    assert code == 0, process.err.read_text()
    assert seconds < 20
    assert not [line for line in process.lines if line["level"] in {"error", "critical"}]
    left = list((made.home / "exhibits").rglob("*.part")) + list(
        (made.home / "exhibits" / "incoming").iterdir()
    )
    assert left == []


MALFORMED = {
    "no request": b"hello\r\n\r\n",
    "two lengths": b"POST /peer/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na",
    "length and chunks": b"POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad chunk": b"POST /peer/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "a space in a name": b"GET / HTTP/1.1\r\nho st: x\r\n\r\n",
    "a bad version": b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, issuer: FakeIssuer) -> Iterator[MadeNode]:
    made = make_node(tmp_path_factory.mktemp("served"), issuer)
    with made.serving():
        yield made


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_framing_is_refused_in_the_same_form(served: MadeNode, name: str) -> None:
    with _opened(served, "") as connection:
        connection.sendall(MALFORMED[name])
        head, _, body = _all_of(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), head
    assert b"content-type: application/problem+json" in head.lower()
    problem = json.loads(body)
    assert problem["status"] == 400
    assert problem["code"] == "http.malformed"
    assert problem["instance"].startswith("urn:comity:request:")


def test_each_answer_is_dated_with_its_own_second(served: MadeNode) -> None:
    with httpx2.Client(base_url=served.url, trust_env=False) as web:
        for _ in range(2):
            before = int(time.time())
            (date,) = web.get("/healthz").headers.get_list("date")
            assert before <= parsedate_to_datetime(date).timestamp() <= time.time()
            time.sleep(1.1)


def test_an_early_refusal_reaches_a_caller_that_still_sends(served: MadeNode) -> None:
    """The connection is closed for whoever goes on sending, and the answer is not lost in a reset."""
    with _opened(served, HALF.replace("{token}", "").replace("99999", "50000000")) as connection:
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                connection.sendall(bytes(100_000))
        answer = _all_of(connection)
    assert answer.startswith(b"HTTP/1.1 401 "), answer[:200]
    assert b"connection: close" in answer.lower()


def _all_of(connection: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            found += piece
    return found


def _wait_for_a_call(silent: socket.socket) -> None:
    silent.settimeout(30)
    connection, _ = silent.accept()
    connection.settimeout(30)
    assert connection.recv(16)
    # Kept open until the process is gone: closing it would be an answer.
    _KEPT.append(connection)


_KEPT: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _close_kept() -> Iterator[None]:
    yield
    while _KEPT:
        _KEPT.pop().close()


@campaign("test_sigterm_under_load_loses_nothing_that_was_acknowledged")
def test_a_worker_ends_in_order_too(made: MadeNode) -> None:
    with made.serving("work") as process:
        metrics = httpx2.get(made.metrics, trust_env=False).text
        assert "comity_jobs_total" in metrics
        code, seconds = process.end(10)
    assert code == 0
    assert seconds < 10
    assert process.of("worker stopped")


@pytest.mark.parametrize(
    ("listen", "code"),
    [("0.0.0.0:{port}", "metrics.public-port"), ("{port}", "metrics.address")],
)
def test_metrics_never_take_the_public_port(
    made: MadeNode, monkeypatch: pytest.MonkeyPatch, listen: str, code: str
) -> None:
    port = made.url.rpartition(":")[2]
    monkeypatch.setenv("COMITY_METRICS_LISTEN", listen.format(port=port))
    refused = CommandLine(made.home)("node", "serve", "--settings", made.settings, as_json=True)
    assert (refused.code, refused.problem["code"]) == (2, code)
