"""Refused callers whom nobody knows: one event a minute for each door, with the count."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.adapters.observing.counting import Counting
from api.app import _end_counting, _start_counting
from api.domain.errors import Unavailable
from api.records import log
from api.services import recording
from api.services.node import Node
from api.services.operations.refusals import AnonymousRefusals
from api.services.road import fetching
from api.wire.canonical import canonical, parse
from api.wire.limits import MESSAGE
from api.wire.messages import MessageKind
from tests.support.federation import Federation
from tests.support.running_node import RunningNode, running_nodes
from tests.support.signing import US as US_MINISTRY

US, UK = "us-treasury", "uk-fcdo"


def events(node: Node) -> list[dict[str, Any]]:
    """Refused accesses in the audit log, oldest first."""
    rows = node.db.read(lambda c: log.events_page(c, limit=100, act="access.refused"))
    return [json.loads(bytes(row.body)) for row in reversed(rows)]


def counts(running: RunningNode) -> AnonymousRefusals:
    """The counts of a running application."""
    (middleware,) = running.app.user_middleware
    found = middleware.kwargs["refusals"]
    assert isinstance(found, AnonymousRefusals)
    return found


def test_a_flood_of_failed_sign_ins_is_one_event(tmp_path: Path) -> None:
    with running_nodes(tmp_path, US) as nodes:
        us = nodes[US]
        before = len(events(us.node))
        with us.client() as stranger:
            for _ in range(25):
                assert stranger.get("/api/v1/me").status_code == 401
            garbage = {"authorization": "Bearer x.y.z"}
            assert stranger.get("/api/v1/me", headers=garbage).status_code == 401
        assert len(events(us.node)) == before
        counts(us).record(us.node)
        counts(us).record(us.node)
        (event,) = events(us.node)[before:]
    assert event["object"] == {"kind": "door", "id": "rest", "version": 1}
    assert event["count"] == 26
    assert event["outcome"] == "refused"
    assert event["code"] == "access.several-reasons"
    assert event["origin"] == "rest"
    assert event["actor"] == {"kind": "node"}


def test_one_reason_is_named(tmp_path: Path) -> None:
    with running_nodes(tmp_path, US) as nodes:
        us = nodes[US]
        with us.client() as stranger:
            stranger.get("/api/v1/me")
        counts(us).record(us.node)
        assert [(each["code"], each["count"]) for each in events(us.node)] == [("token.missing", 1)]


def test_each_door_has_its_own_event(tmp_path: Path) -> None:
    """A message nobody signed, and a checkpoint of no member, are refusals of strangers too."""
    with running_nodes(tmp_path, US, UK) as nodes:
        us, uk = nodes[US], nodes[UK]
        with us.client() as stranger:
            foreign = "nobody.example/log\n1\n" + "A" * 43 + "=\n\n— x " + "A" * 100 + "\n"
            stranger.post("/log/add-checkpoint", content=f"old 0\n\n{foreign}".encode())
            stranger.get("/log/checkpoint")
            for message in forged(nodes.federation, uk.node):
                assert stranger.post("/peer/messages", content=message).is_client_error
            assert stranger.post("/peer/messages", content=b"{}").is_client_error
        counts(us).record(us.node)
        found = {each["object"]["id"]: each for each in events(us.node)}
    assert found["peer"]["count"] == 2
    assert found["peer"]["code"] == "access.several-reasons"
    assert "log" in found
    assert "rest" not in found


UNREADABLE = {
    "json.malformed": b"{",
    "json.not-utf8": b"\xff",
    "json.too-deep": b"[" * 40 + b"]" * 40,
    "json.duplicate-member": b'{"a":1,"a":1}',
    "message.request": b"[]",
    "body.too-large": b" " * (MESSAGE + 1),
    "envelope.typ": json.dumps(
        {
            "evidence": {"checkpoint": "x", "consistency": None, "inclusion": [], "leaves": ""},
            "message": {"payload": "", "signatures": []},
        },
        separators=(",", ":"),
    ).encode(),
}


@pytest.mark.parametrize("code", UNREADABLE)
def test_what_cannot_be_read_at_the_peers_door_is_counted_too(tmp_path: Path, code: str) -> None:
    """Whoever is refused before a signature verified is nobody, for whichever reason."""
    with running_nodes(tmp_path, US) as nodes:
        us = nodes[US]
        with us.client() as stranger:
            for _ in range(3):
                answer = stranger.post("/peer/messages", content=UNREADABLE[code])
                assert answer.json()["code"] == code, answer.text
        counts(us).record(us.node)
        found = [(each["object"]["id"], each["code"], each["count"]) for each in events(us.node)]
    assert found == [("peer", code, 3)]


def forged(federation: Federation, sender: Node) -> list[bytes]:
    """A message that claims to be a member's, with a signature that is not."""
    federation.settle()
    sent: list[bytes] = []

    class Keep:
        def post(self, _peer: str, _path: str, body: bytes, **_: Any) -> Any:
            sent.append(body)
            raise Unavailable("peer.unreachable", "kept")

    with pytest.raises(Unavailable):
        fetching.ask(
            replace(sender, transport=Keep()),  # type: ignore[arg-type]
            US,
            MessageKind.FETCH,
            {"epoch": 1, "first": 1, "last": 1},
        )
    request: Any = parse(sent[0], limit=1 << 24)
    signature = request["message"]["signatures"][0]
    flipped = "A" if signature["signature"][5] != "A" else "B"
    signature["signature"] = signature["signature"][:5] + flipped + signature["signature"][6:]
    return [canonical(request)]


def test_known_callers_have_events_of_their_own(tmp_path: Path) -> None:
    with running_nodes(tmp_path, US) as nodes:
        us = nodes[US]
        with us.client("auditor") as auditor:
            assert auditor.post("/api/v1/node/stop-switch", json={"position": "on"}).is_client_error
        counts(us).record(us.node)
        (event,) = events(us.node)
    assert event["actor"]["kind"] == "officer"
    assert "count" not in event


@pytest.fixture
def node(tmp_path: Path) -> Any:
    federation = Federation(tmp_path, ministries=(US_MINISTRY,))
    yield federation[US]
    federation.close()


def test_nothing_is_lost_while_the_database_is_away(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = AnonymousRefusals()
    refusals.note("rest", "token.expired")
    refusals.note("peer", "signature.false")
    real = recording.record

    def away(*_: Any) -> str:
        raise Unavailable("database.unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(recording, "record", away)
        with pytest.raises(Unavailable):
            refusals.record(node)
        refusals.note("rest", "token.expired")
    assert recording.record is real
    refusals.record(node)
    assert {each["object"]["id"]: each["count"] for each in events(node)} == {"peer": 1, "rest": 2}


def test_counting_from_many_threads_misses_none(node: Node) -> None:
    refusals = AnonymousRefusals()

    def knock() -> None:
        for _ in range(500):
            refusals.note("rest", "token.expired")

    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        refusals.record(node)
    for thread in threads:
        thread.join()
    refusals.record(node)
    assert sum(each["count"] for each in events(node)) == 4000


def test_an_orderly_end_records_the_last_counts(node: Node) -> None:
    refusals = AnonymousRefusals()
    loop = _start_counting(node, refusals)
    refusals.note("rest", "token.expired")
    _end_counting(loop, node, refusals)
    assert [each["count"] for each in events(node)] == [1]


def test_the_metric_counts_at_once() -> None:
    counting = Counting()
    counting.refused("rest", "token.expired")
    name, labels = "comity_refused_accesses_total", {"door": "rest", "code": "token.expired"}
    assert counting.registry.get_sample_value(name, labels) == 1
