"""Auditors ask by act, actor, outcome, object and period; what can match nothing is refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.door import MINISTRY, Door, open_door

EVENTS = "/api/v1/audit/events"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        draft = opened.release_draft()
        opened.federation.clock.sleep(3600)
        assert opened.ask("auditor", "GET", f"/api/v1/drafts/{draft['id']}").status_code == 404
        assert opened.ask("analyst2", "GET", EVENTS).status_code == 403
        opened.federation.settle()
        yield opened


def found(door: Door, **query: str) -> list[dict[str, Any]]:
    answer = door.ask("auditor", "GET", EVENTS, params={"limit": "500", **query})
    assert answer.status_code == 200, answer.text
    return [item["event"] for item in answer.json()["items"]]


def test_each_filter_narrows_and_all_together_do(door: Door) -> None:
    everything = found(door)
    analyst = door.ask("analyst", "GET", "/api/v1/me").json()["officer"]
    (made,) = found(door, act="draft.created")
    cases: dict[str, tuple[str, Any]] = {
        "act": ("draft.created", lambda e: e["act"] == "draft.created"),
        "outcome": ("refused", lambda e: e["outcome"] == "refused"),
        "object": (made["object"]["id"], lambda e: e["object"] == made["object"]),
        "from": (made["time"], lambda e: e["time"] >= made["time"]),
        "to": (made["time"], lambda e: e["time"] < made["time"]),
    }
    for name, (value, fits) in cases.items():
        expected = [event for event in everything if fits(event)]
        assert 0 < len(expected) < len(everything), name
        assert found(door, **{name: value}) == expected, name
    own = [e for e in everything if e["actor"].get("sub") == f"{MINISTRY}:analyst"]
    assert own
    assert found(door, actor=analyst) == own
    assert found(door, actor=f"{MINISTRY}:analyst") == own
    nodes = [e for e in everything if e["actor"]["kind"] == "node"]
    assert nodes
    assert found(door, actor="node") == nodes
    assert found(door, actor=analyst, act="draft.created", outcome="done") == [made]
    assert found(door, actor=analyst, outcome="refused") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"act": "nonsense"}, "audit.act"),
        ({"act": "draft.aproved"}, "audit.act"),
        ({"outcome": "fine"}, "audit.outcome"),
        ({"actor": "nobody-here"}, "audit.actor"),
        ({"actor": "0" * 32}, "audit.actor"),
        ({"from": "yesterday"}, "audit.period"),
        (
            {"from": "2026-11-24T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z"},
            "audit.period",
        ),
    ],
)
def test_what_can_match_nothing_is_refused(door: Door, query: dict[str, str], code: str) -> None:
    answer = door.ask("auditor", "GET", EVENTS, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_misspelt_act_is_told_its_neighbours(door: Door) -> None:
    problem = door.ask("auditor", "GET", EVENTS, params={"act": "draft.aproved"}).json()
    assert "draft.approved" in problem["detail"]
    sample = {"name": "x", "rule": {"count": 1, "seed": "s", "acts": ["draft.aproved"]}}
    answer = door.ask("auditor", "POST", "/api/v1/audit/samples", json=sample)
    assert answer.json()["code"] == "audit.act"


def test_an_act_that_old_logs_have_can_be_asked_for(door: Door) -> None:
    assert found(door, act="officer.changed") == []


def test_a_leaf_is_read_by_its_place(door: Door) -> None:
    listed = door.ask("auditor", "GET", EVENTS, params={"act": "draft.created"}).json()["items"]
    leaf = listed[0]["index"]
    assert door.ask("auditor", "GET", f"{EVENTS}/{leaf}").json() == listed[0]
    beyond = door.ask("auditor", "GET", f"{EVENTS}/999999")
    assert (beyond.status_code, beyond.json()["code"]) == (404, "event.unknown")
    assert door.ask("admin", "GET", f"{EVENTS}/{leaf}").status_code == 403


def test_pages_keep_their_filter(door: Door) -> None:
    page = door.ask("auditor", "GET", EVENTS, params={"limit": "1", "outcome": "refused"}).json()
    more = door.ask(
        "auditor",
        "GET",
        EVENTS,
        params={"limit": "1", "outcome": "refused", "cursor": page["next"]},
    ).json()
    events = [each["event"] for each in (*page["items"], *more["items"])]
    assert [event["outcome"] for event in events] == ["refused", "refused"]
    other = door.ask("auditor", "GET", EVENTS, params={"limit": "1", "cursor": page["next"]})
    assert other.status_code >= 400


def test_approvals_are_for_auditors(door: Door) -> None:
    assert door.ask("auditor", "GET", "/api/v1/audit/approvals").status_code == 200
    assert door.ask("reviewer", "GET", "/api/v1/audit/approvals").status_code == 403
