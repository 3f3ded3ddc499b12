"""Log lines: their form, and that nothing a person wrote or keeps secret is ever in one."""

import ast
import base64
import hashlib
import logging
import re
import threading
import warnings
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy.exc import IntegrityError

import api
from api.adapters.crypto.keystore import FileKeystore
from api.adapters.crypto.sealed_file import KdfCost
from api.adapters.observing.logs import JsonLines, LogContext, described
from api.domain.errors import Unavailable
from api.jobs.loop import Loop, Pace
from api.ports.observing import Piece, PieceKind
from api.records.officers import OFFICERS
from api.records.unit_of_work import Unit
from api.services.desk import evidence
from api.wire.statements import Content
from tests.support.journeys import package_body
from tests.support.observed_nodes import Captured, captured_logs, observed_nodes
from tests.support.running_node import RunningNodes

SOURCES = sorted(Path(api.__file__).parent.rglob("*.py"))
CALLS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
US, UK = "us-treasury", "uk-fcdo"


def canary(name: str) -> str:
    """A string that stands for a secret; no two are alike."""
    return f"canary{name}{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def forms(secret: str) -> set[str]:
    """How a secret would look if something had encoded it first."""
    raw = secret.encode()
    encoded = {base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
    return {secret, secret.upper(), raw.hex()} | {
        each.decode().rstrip("=")[:-2] for each in encoded
    }


class TestLine:
    def line(self, **members: Any) -> str:
        record = logging.makeLogRecord({"name": "api.x", "levelname": "INFO", **members})
        return JsonLines().format(record)

    def test_is_one_ascii_line_in_which_nothing_steers_a_terminal(self) -> None:
        written = self.line(msg="a\nb\x1b[2J\x7f\x85\u2028ü", reason="\r\n\x00\x9b")
        assert written.isascii()
        assert written.isprintable()
        with captured_logs() as captured:
            logging.getLogger("api.x").info("a\nb\x7f", extra={"reason": "\u2028\x7f"})
        assert captured.lines[0]["event"] == "a\nb\x7f"
        assert captured.lines[0]["reason"] == "\u2028\x7f"

    def test_has_known_members_and_no_other_extra(self) -> None:
        with captured_logs() as captured:
            logging.getLogger("api.x").info("request", extra={"status": 200, "title": "a title"})
        (line,) = captured.lines
        assert set(line) == {"time", "level", "logger", "event", "status"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert (line["level"], line["logger"], line["status"]) == ("info", "api.x", 200)

    def test_is_never_filled_in(self) -> None:
        assert "secret" not in self.line(msg="found %s", args=("secret",))

    def test_of_other_software_shows_where_it_comes_from_and_not_its_text(self) -> None:
        with captured_logs("DEBUG") as captured:
            logging.getLogger("botocore.auth").debug("Authorization: secret")
            logging.getLogger("botocore.auth").warning("Authorization: secret")
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.warn("secret", UserWarning, stacklevel=1)
        lines = captured.lines
        assert [line["logger"] for line in lines] == ["botocore.auth", "py.warnings"]
        assert {line["event"] for line in lines} == {"text withheld"}
        assert lines[0]["source"].startswith("test_logs:")
        assert "secret" not in captured.text

    @pytest.mark.parametrize(
        ("level", "seen"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 1), ("ERROR", 0)]
    )
    def test_level_is_respected(self, level: str, seen: int) -> None:
        with captured_logs(level) as captured:
            for say in (logging.debug, logging.info, logging.warning):
                getattr(logging.getLogger("api.x"), say.__name__)("something")
        assert len(captured.lines) == seen

    def test_carries_the_piece_of_work_it_belongs_to(self) -> None:
        log, context = logging.getLogger("api.x"), LogContext()
        with captured_logs() as captured:
            with context.observe(Piece(PieceKind.REQUEST, "/x", request="req-1")):
                log.info("inside")
                with context.observe(Piece(PieceKind.PEER_CALL, "/peer", peer=UK)):
                    log.info("calling")
            with context.observe(Piece(PieceKind.JOB, "deliver-uk", peer=UK)):
                log.info("working")
            log.info("outside")
        inside, calling, working, outside = captured.lines
        assert inside["request"] == calling["request"] == "req-1"
        assert "peer" not in inside
        assert calling["peer"] == UK
        assert (working["job"], working["peer"]) == ("deliver-uk", UK)
        assert "request" not in outside


class TestErrors:
    def test_show_type_codes_and_places_and_no_text(self) -> None:
        secret = canary("text")
        full = OSError(28, secret, secret)
        with pytest.raises(Unavailable) as caught:
            raise Unavailable("store.unavailable", secret) from full
        found = described(caught.value)
        assert found["type"] == "api.domain.errors.Unavailable"
        assert found["code"] == "store.unavailable"
        assert found["cause"]["errno"] == "ENOSPC"
        assert re.fullmatch(r"[\w.]*test_logs:\d+ test_show_type\w+", found["trace"][0])
        assert secret not in str(found)

    def test_of_the_database_show_the_state_and_no_parameter(self, postgres_url: str) -> None:
        from sqlalchemy import create_engine, text

        engine = create_engine(postgres_url, hide_parameters=True)
        secret = canary("row")
        insert = text("INSERT INTO t VALUES (:name)")
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE t (name text PRIMARY KEY)"))
            connection.execute(insert, {"name": secret})
            with pytest.raises(IntegrityError) as caught:
                connection.execute(insert, {"name": secret})
            connection.rollback()
        engine.dispose()
        assert secret in str(caught.value), "the driver quotes the row: texts must stay out"
        assert described(caught.value)["sqlstate"] == "23505"
        assert secret not in str(described(caught.value))

    def test_that_end_a_thread_are_lines_too(self) -> None:
        def fail() -> None:
            raise ValueError(canary("thread"))

        with captured_logs() as captured:
            thread = threading.Thread(target=fail)
            thread.start()
            thread.join()
        (line,) = captured.lines
        assert line["error"]["type"] == "builtins.ValueError"
        assert canary("thread") not in captured.text


def test_every_call_says_a_constant_and_passes_nothing_to_fill_it_in() -> None:
    """What varies goes into ``extra``, where only known members are written."""
    wrong, seen = [], 0
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            owner = node.func.value
            if not (isinstance(owner, ast.Name) and owner.id in {"_log", "log", "logger"}):
                continue
            if node.func.attr not in CALLS or (owner.id == "log" and node.func.attr == "log"):
                continue
            seen += 1
            texts = node.args[1:] if node.func.attr == "log" else node.args
            constant = len(texts) == 1 and isinstance(texts[0], ast.Constant)
            if not constant:
                wrong.append(f"{path.name}:{node.lineno}")
    assert seen > 8
    assert wrong == []


SECRETS = {
    name: canary(name)
    for name in (
        *("title", "summary", "subject", "act", "ground", "source", "basis", "reason", "recall"),
        *("token", "path", "query", "cursor", "json", "idempotency", "passphrase", "exception"),
        *("parameter", "job", "peer", "release", "agent", "officer", "exhibit", "claim"),
    )
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    """A run of real nodes through which every secret has gone, and what was logged at DEBUG."""
    tmp_path = tmp_path_factory.mktemp("run")
    with (
        captured_logs("DEBUG") as captured,
        observed_nodes(tmp_path, LogContext(), US, UK) as nodes,
    ):
        _write_and_decide(nodes)
        _be_refused(nodes)
        with pytest.MonkeyPatch.context() as patch:
            _break(nodes, patch)
        _fail_in_jobs(nodes, tmp_path)
    return captured


def _write_and_decide(nodes: RunningNodes) -> None:
    federation, us = nodes.federation, nodes[US]
    body = package_body(SECRETS["title"], SECRETS["exhibit"].encode())
    body |= {"summary": SECRETS["summary"], "legal_basis": SECRETS["basis"]}
    body["subjects"][0]["names"][0]["text"] = SECRETS["subject"]
    body["claims"][0] |= {
        "act": SECRETS["act"],
        "ground": SECRETS["ground"],
        "note": SECRETS["claim"],
    }
    body["exhibits"][0]["source"] = SECRETS["source"]
    digest = body["exhibits"][0]["digest"]
    analyst = federation.officer(US, "analyst")
    draft = {
        "type": "evidence-package/1",
        "body": body,
        "endorsement": federation.endorse(analyst, Content("evidence-package/1", (), body)),
    }
    with us.client("analyst") as web, us.client("reviewer") as reviewer:
        sent = web.put(f"/api/v1/exhibits/{digest}", content=SECRETS["exhibit"].encode())
        assert sent.is_success, sent.text
        made = web.post("/api/v1/packages", json=draft)
        assert made.status_code == 201, made.text
        package = made.json()["id"]
        assert SECRETS["title"] in web.get(f"/api/v1/packages/{package}").text
        release = {
            "recipient": UK,
            "marking": {
                "tlp": "AMBER",
                "releasable_to": [UK],
                "originator_control": True,
                "permitted_use": [SECRETS["release"]],
            },
            "legal_basis": SECRETS["basis"],
        }
        approved, returned = (
            web.post(f"/api/v1/packages/{package}/release", json=release) for _ in range(2)
        )
        assert approved.status_code == returned.status_code == 201, returned.text
        seen = reviewer.get(f"/api/v1/drafts/{approved.json()['id']}/preview")
        assert seen.is_success, seen.text
        given = reviewer.post(
            f"/api/v1/drafts/{approved.json()['id']}/approve",
            json={"digest": approved.json()["digest"]},
            headers={"if-match": approved.headers["etag"]},
        )
        assert given.is_success, given.text
        given = reviewer.post(
            f"/api/v1/drafts/{returned.json()['id']}/return",
            json={"reason": SECRETS["reason"]},
            headers={"if-match": returned.headers["etag"]},
        )
        assert given.is_success, given.text
        nodes.settle()
        recall = {"reason": SECRETS["recall"], "instruction": "stop-use"}
        given = reviewer.post(f"/api/v1/packages/{package}/recall", json=recall)
        assert given.is_success, given.text
        nodes.settle()


def _be_refused(nodes: RunningNodes) -> None:
    us = nodes[US]
    with us.client("analyst") as web, us.client() as stranger:
        bearer = {"authorization": f"Bearer {SECRETS['token']}.x.y", "user-agent": SECRETS["agent"]}
        assert stranger.get("/api/v1/packages", headers=bearer).status_code == 401
        assert web.get(f"/api/v1/packages/{SECRETS['path']}").status_code == 404
        assert web.get(f"/{SECRETS['path']}").status_code == 404
        assert web.get("/api/v1/packages", params={"state": SECRETS["query"]}).status_code == 422
        assert web.get("/api/v1/packages", params={"cursor": SECRETS["cursor"]}).is_client_error
        broken = f'{{"type": "{SECRETS["json"]}", "type": 1}}'
        key = {"idempotency-key": SECRETS["idempotency"], "content-type": "application/json"}
        assert web.post("/api/v1/packages", content=broken, headers=key).is_client_error
        assert stranger.post("/peer/messages", content=SECRETS["peer"]).is_client_error


def _break(nodes: RunningNodes, patch: pytest.MonkeyPatch) -> None:
    us = nodes[US]

    def unforeseen(*_: Any, **__: Any) -> None:
        local = SECRETS["exception"]
        raise RuntimeError(f"unforeseen: {local}")

    def twice(*_: Any, **__: Any) -> None:
        row = {"id": SECRETS["parameter"], "name": SECRETS["officer"], "state": "active"}
        rows = [{**row, "created_at": us.node.now()}] * 2

        def asked(unit: Unit) -> None:
            unit.insert(OFFICERS, rows)
            unit.connection.exec_driver_sql("SELECT 1")

        us.node.db.write(asked)

    with us.client("analyst") as web:
        for broken in (unforeseen, twice):
            patch.setattr(evidence, "packages_page", broken)
            answer = web.get("/api/v1/packages")
            assert answer.status_code == 500
            assert answer.json()["code"] == "internal"
            assert answer.headers["x-request-id"] in answer.json()["instance"]
            assert answer.headers["x-content-type-options"] == "nosniff"


def _fail_in_jobs(nodes: RunningNodes, folder: Path) -> None:
    keystore = folder / "keystore.json"
    FileKeystore.create(keystore, lambda: "another passphrase", KdfCost(64, 1, 1))

    def open_keystore() -> bool:
        passphrase = SECRETS["passphrase"]
        FileKeystore.open(keystore, lambda: passphrase)
        return False

    def fail() -> bool:
        raise KeyError(SECRETS["job"])

    def unreachable() -> bool:
        cause = httpx2.ConnectError(f"https://{SECRETS['peer']}.example")
        raise Unavailable("peer.unreachable", SECRETS["peer"]) from cause

    for step in (open_keystore, fail, unreachable):
        loop = Loop(step.__name__, step, None, Pace(1.0), observer=LogContext())
        assert loop._work(Piece(PieceKind.JOB, loop.name)) is False


def test_no_line_of_a_real_run_holds_content_or_secrets(run: Captured) -> None:
    found = [
        name for name, secret in SECRETS.items() if any(form in run.text for form in forms(secret))
    ]
    assert found == []


def test_the_same_run_says_what_happened(run: Captured) -> None:
    """Otherwise the test above would pass on silence."""
    requests = run.of("request")
    routes = {line["route"] for line in requests}
    assert routes >= {"/api/v1/packages", "/api/v1/packages/{package_id}", "none"}
    assert all(line["request"] and line["milliseconds"] >= 0 for line in requests)
    codes = {line["code"] for line in requests if "code" in line}
    assert codes >= {"route.unknown", "json.duplicate-member", "internal"}
    assert {line["status"] for line in requests} >= {200, 201, 401, 404, 422, 500}
    broken = run.of("unexpected error")
    assert [line["error"]["type"] for line in broken] == [
        "builtins.RuntimeError",
        "api.records.collected.Taken",
    ]
    assert {line["request"] for line in broken} <= {line["request"] for line in requests}
    assert [line["job"] for line in run.of("job failed and will be repeated")] == [
        "open_keystore",
        "fail",
    ]
    assert run.of("job waits")[0]["code"] == "peer.unreachable"


def test_a_text_that_is_no_constant_would_be_caught() -> None:
    """The positive control of the canaries: a line made at hand shows what it is given."""
    with captured_logs() as captured:
        logging.getLogger("api.careless").warning(canary("control"))
    assert canary("control") in captured.text
