"""The demo as its users run it: told to its end and staying up."""

import base64
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.demo import loopback
from tests.support.campaigns import campaign
from tests.support.demo import MINISTRIES, Demo

pytestmark = [pytest.mark.processes]

ACCOUNTS = [
    "analyst",
    "analyst2",
    "reviewer",
    "reviewer2",
    "auditor",
    "admin",
    "admin2",
    "analyst-alt",
]


@campaign("test_the_exports_verify_and_recount_to_the_same_figures")
def test_the_last_line_says_that_everything_adds_up(demo: Demo) -> None:
    result = demo.result
    assert result["ok"] is True
    assert (result["lost"], result["duplicated"]) == (0, 0)
    assert set(result["nodes"]) == set(MINISTRIES)
    pairs = {(one["from"], one["to"]) for one in result["streams"]}
    assert pairs == {(a, b) for a in MINISTRIES for b in MINISTRIES if a != b}
    for one in result["streams"]:
        assert one["sent"] == one["receipted"] == one["applied"] + one["refused"]
    from_us = [one for one in result["streams"] if one["from"] == "us-treasury"]
    assert all(one["applied"] >= 20 for one in from_us)
    assert result["seconds"] > 0


@campaign("test_an_outsider_recounts_the_streams_from_the_exports_alone")
def test_each_holder_of_the_recalled_package_answered_itself(demo: Demo) -> None:
    told = {one["ministry"]: one["answer"] for one in demo.result["recall_answers"]}
    assert told == {"uk-fcdo": "stopped", "ca-gac": "stopped"}
    (package,) = {one["package"] for one in demo.result["recall_answers"]}
    rows = demo.call("us-analyst", "GET", f"/packages/{package}/holders").json()["items"]
    assert {row["ministry"]: row["answer"] for row in rows} == told
    for holder in ("uk", "ca"):
        own = demo.call(f"{holder}-reviewer", "GET", f"/packages/{package}").json()["recall"]
        assert own["answer"] == "stopped"


@campaign("test_an_outsider_recounts_the_streams_from_the_exports_alone")
@pytest.mark.parametrize("ministry", sorted(MINISTRIES))
def test_every_approval_in_an_export_rests_on_a_look(demo: Demo, ministry: str) -> None:
    """Statements, a proposal, people, roles and keys; told offline, from the export alone."""
    export = demo.result["nodes"][ministry]["export"]
    done = demo.comity("--json", "audit", "approvals", "--export", str(export))
    assert done.returncode == 0, done.stderr
    items = json.loads(done.stdout)["items"]
    assert all(one["seconds"] is not None and one["seconds"] >= 0 for one in items)
    kinds = {one["act"] for one in items}
    assert kinds >= {"draft.approved", "officer.approved", "grant.approved", "key.approved"}
    assert all(one["approver"] not in one["authors"] for one in items)
    if ministry == "us-treasury":
        assert "draft.confirmed" in kinds
    if ministry == "ca-gac":
        assert "proposal.endorsed" in kinds


@campaign("test_an_outsider_recounts_the_streams_from_the_exports_alone")
def test_both_ends_of_every_thread_agree_on_the_findings_as_told(demo: Demo) -> None:
    threads = demo.result["threads"]
    for thread in threads:
        assert set(thread["state_at"]) == {thread["requester"], thread["addressee"]}
        assert len(set(thread["state_at"].values())) == 1
    pairs = sorted((one["requester"], one["addressee"], len(one["findings"])) for one in threads)
    assert pairs == [
        ("ca-gac", "us-treasury", 2),
        ("uk-fcdo", "us-treasury", 2),
        ("us-treasury", "ca-gac", 3),
        ("us-treasury", "ca-gac", 8),
        ("us-treasury", "uk-fcdo", 2),
        ("us-treasury", "uk-fcdo", 8),
    ]
    first = next(
        one
        for one in threads
        if one["addressee"] == "uk-fcdo" and len(one["findings"]) == 8  # the eight of July 2020
    )
    mirrored = [key for key, kind in first["findings"].items() if kind == "mirror"]
    assert mirrored == ["s2", "s3"]


@campaign("test_the_law_is_asked_before_anything_is_requested")
def test_the_narrator_tells_who_does_what_to_whom(demo: Demo) -> None:
    for line in (
        "Washington, analyst: submits the package",
        "Washington, reviewer: approves the release",
        "London, analyst: reads",
        "Ottawa, analyst: reads",
        "Ottawa, analyst: is told on s5 under CA-JVCFOA",
        "Ottawa, analyst: reads on Xinjiang Public Security Bureau: CA-JVCFOA cannot list",
        "Instead: CA-SEMA, met by SOR/2021-49",
        "216 days passed from the letter to the first mirrored listing in Canada",
        "Washington, reviewer: reads in the preview: XINJIANG PUBLIC SECURITY BUREAU: CA-JVCFOA",
        "imports us-ofac-sdn of 2024-05-07 (14 entries)",
        "GLOMAG on the lists of CA (ca-sor-2021-49 of 2025-07-24): 9 of 14",
        "GLOMAG on the lists of EU (eu-fsf of 2024-05-13): 4 of 14",
        "GLOMAG on the lists of UK (none held): not known",
        "CA lists CHEN, Quanguo, and not XINJIANG PRODUCTION AND CONSTRUCTION CORPS",
        "Ottawa, analyst: has a task, Subjects of a watched programme are not listed by this",
        "London, analyst: asks back",
        "London, analyst: finds on s7 SUN Jinlong: decline",
        "the withdrawal and London's finding have crossed",
        "Washington, reviewer: recalls",
        "Ottawa, reviewer: has 1 review to make",
        "Ottawa has caught up",
        "on 2021-03-22 CA had 2 of 8, says every node",
        "on 2024-12-09 CA had 5 of 8, says every node",
        "(2024-12-09, 1614 days)",
        "Washington, reviewer2: confirms the recall",
    ):
        assert line in demo.narration


def test_the_law_is_asked_before_anything_is_requested(demo: Demo) -> None:
    told = demo.narration.splitlines()
    law = next(n for n, line in enumerate(told) if "CA-JVCFOA cannot list" in line)
    asked = next(n for n, line in enumerate(told) if "asks ca-gac to mirror 8" in line)
    assert law < asked


@campaign("tests/adapters/test_lists.py::test_reading_forgets_what_it_has_read")
def test_lists_that_were_brought_in_say_since_when_and_with_what_lag(demo: Demo) -> None:
    path = "/coverage/programme?programme=GLOMAG&jurisdiction="
    found = demo.call("ca-analyst", "GET", f"{path}CA").json()
    lags = {
        one["list_id"]: one["matches"][0]["lag_days"] for one in found["subjects"] if one["matches"]
    }
    assert lags == {
        "29219": 255,
        "29162": 255,
        "29220": 1614,
        "29160": 1614,
        "29319": 1592,
        "31492": -1,
        "31493": -1,
        "34079": 1095,
        "34119": 1095,
    }
    assert demo.call("uk-analyst", "GET", f"{path}UK").json()["known"] is False


def test_the_exports_verify_and_recount_to_the_same_figures(demo: Demo) -> None:
    for name, node in demo.result["nodes"].items():
        export = Path(node["export"])
        assert export == demo.home / f"{name}-audit.zip"
        verdict = demo.comity(
            "verify", str(export), "--membership", str(demo.home / "membership.json")
        )
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
        assert node["log_size"] > 0
        assert len(bytes.fromhex(node["root"])) == 32


def test_an_outsider_recounts_the_streams_from_the_exports_alone(demo: Demo) -> None:
    exports = {name: Path(node["export"]) for name, node in demo.result["nodes"].items()}
    recorded = {name: list(events(path)) for name, path in exports.items()}
    for stream in demo.result["streams"]:
        sender, recipient = stream["from"], stream["to"]
        receipted = {
            event["message"] for event in recorded[sender] if event["act"] == "message.receipted"
        }
        carried = [
            (message["id"], item["id"])
            for message in messages(exports[sender], sender, recipient)
            for item in message["statements"]
        ]
        applied = [
            event["object"]["id"]
            for event in recorded[recipient]
            if event["act"] == "statement.applied" and event["actor"]["sub"] == sender
        ]
        assert len(carried) == stream["sent"]
        assert sum(1 for message, _ in carried if message in receipted) == stream["receipted"]
        assert sorted(applied) == sorted(statement for _, statement in carried)


def events(export: Path) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(export) as container:
        for line in container.read("entries.jsonl").splitlines():
            text = json.loads(line)["event"]
            yield json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def messages(export: Path, sender: str, recipient: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(export) as container:
        streams = json.loads(container.read("streams.json"))["streams"]
    return [
        message
        for stream in streams
        if (stream["from"], stream["to"]) == (sender, recipient)
        for message in stream["messages"]
        if message["kind"] == "deliver"
    ]


def test_demo_json_says_who_is_where(demo: Demo) -> None:
    document = json.loads((demo.home / "demo.json").read_text())
    assert set(document) >= {"issuer", "nodes", "users", "profiles_dir"}
    for name, node in document["nodes"].items():
        assert set(node) >= {"url", "jurisdiction", "database_url", "store", "pid", "membership"}
        assert node["database_url"].startswith("sqlite:///")
        assert name in MINISTRIES
        os.kill(node["pid"], 0)
    assert Path(document["profiles_dir"]) == demo.home / "profiles"
    users = {user["username"]: user for user in document["users"]}
    assert set(users) == {f"{p}-{a}" for p in MINISTRIES.values() for a in ACCOUNTS}
    assert users["uk-auditor"]["roles"] == ["auditor"]
    assert users["us-analyst"]["roles"] == ["analyst"]


def test_passkeys_count_at_the_consoles_that_are_printed(demo: Demo) -> None:
    """Set by two administrators, so that a passkey made at once is good (WebAuthn: a domain)."""
    for name, prefix in MINISTRIES.items():
        url = demo.document["nodes"][name]["url"]
        found = demo.call(f"{prefix}-auditor", "GET", "/relying-parties").json()["items"]
        if not loopback.knows_its_name():
            assert (found, url[:17]) == ([], "http://127.0.0.1:")
            continue
        (place,) = found
        assert (place["state"], place["rp_id"], place["origins"]) == ("active", "localhost", [url])
        assert url.startswith("http://localhost:")


def test_profiles_and_keys_are_their_owners_alone(demo: Demo) -> None:
    for path in (demo.home / "profiles").glob("*.json"):
        assert path.stat().st_mode & 0o077 == 0
        profile = json.loads(path.read_text())
        assert profile["demo_password"]
        assert profile["tokens"]["access_token"].count(".") == 2
        if "key_file" in profile:
            assert (demo.home / profile["key_file"]).stat().st_mode & 0o077 == 0
    alt = json.loads((demo.home / "profiles/us-analyst-alt.json").read_text())
    own = json.loads((demo.home / "profiles/us-analyst.json").read_text())
    assert alt["key_file"] == own["key_file"]


def test_a_profile_token_works_with_a_plain_call(demo: Demo) -> None:
    me = demo.call("us-analyst", "GET", "/me").json()
    assert (me["ministry"], me["roles"]) == ("us-treasury", ["analyst"])
    assert demo.call("ca-auditor", "GET", "/me").json()["roles"] == ["auditor"]


def test_a_second_account_makes_no_second_pair_of_eyes(demo: Demo) -> None:
    package = next(
        item["id"]
        for item in demo.call("uk-analyst", "GET", "/packages").json()["items"]
        if item["state"] == "received"
    )
    asked = {
        "type": "onward-request/1",
        "to": ["us-treasury"],
        "body": {"package": package, "recipient": "ca-gac", "purpose": "A test of four eyes."},
    }
    draft = demo.call("uk-analyst", "POST", "/drafts", asked).json()
    place = f"/drafts/{draft['id']}/approve"
    assert demo.call("uk-analyst-alt", "GET", "/me").json()["roles"] == ["analyst", "reviewer"]
    refused = demo.call("uk-analyst-alt", "POST", place, {"digest": draft["digest"]})
    assert refused.status_code == 403
    assert "guard.own-work" in refused.json()["policies"]
    unseen = demo.call("uk-reviewer", "POST", place, {"digest": draft["digest"]})
    assert unseen.json()["code"] == "draft.not-previewed"
    demo.call("uk-reviewer", "GET", f"/drafts/{draft['id']}/preview")
    approved = demo.call("uk-reviewer", "POST", place, {"digest": draft["digest"]})
    assert approved.json().get("state") == "sealed", approved.text
