"""The exchange from the command line, against real nodes: from a proposal to coverage."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import api.adapters.crypto.officer_key  # noqa: F401 - before its cost is patched away
from api.domain.regimes.values import CONDUCT, INVOLVEMENT, SUBJECT_KINDS
from tests.cli.conftest import Desk
from tests.support.bodies import body
from tests.support.command_line import CommandLine, Ended
from tests.support.list_files import OFAC_2021, OFAC_2024
from tests.support.running_node import RunningNodes

NOWHERE = "sha256:" + "0" * 64


def test_a_request_from_its_beginning_to_its_effect(desk: Desk, nodes: RunningNodes) -> None:
    listed = desk.designated("us", "CLI Person", "2020-07-09", "uk-fcdo", "ca-gac")
    nodes.settle()
    thread = desk.approved(
        "us",
        *("mirror", "request", "--to", "uk-fcdo", "--designation", listed, "--title", "One"),
        *(
            "--reason",
            "Listed.",
            "--authority",
            "Public sources.",
            "--permitted-use",
            "designation",
        ),
        *("--respond-by", "2027-01-31T17:00:00.000Z", "--regime", "s1=UK-GHR"),
    )
    nodes.settle()
    shown = desk.run("uk-reviewer", "mirror", "list", "--phase", "open")["items"]
    assert thread in {row["id"] for row in shown}
    waiting = desk.run("uk-analyst", "tasks", "list")["items"]
    assert {"acknowledge", "find"} <= {row["kind"] for row in waiting}
    task = next(row["id"] for row in waiting if row["kind"] == "find")
    assert desk.run("uk-analyst", "tasks", "claim", task)["claim"]["mine"]
    (colleague, *_) = desk.run("uk-analyst", "tasks", "colleagues", task)["items"]
    given = desk.run("uk-analyst", "tasks", "assign", task, "--to", colleague["officer"])
    assert given["claim"]["name"] == colleague["name"]
    desk.run("uk-analyst", "tasks", "hand-back", task, code=6)
    desk.approved("uk", "mirror", "acknowledge", thread, "--note", "Taken up.")
    desk.approved("uk", "mirror", "ask", thread, "--text", "Which post?", "--subject", "s1")
    nodes.settle()
    desk.approved("us", "mirror", "answer", thread, "--question", "q1", "--text", "Secretary.")
    nodes.settle()
    desk.approved(
        "uk",
        *("mirror", "find", thread, "--subject", "s1", "--finding", "mirror"),
        *("--regime", "UK-GHR", "--reason", "Involved."),
    )
    followed = desk.designated("uk", "CLI Person", "2021-03-22", "us-treasury")
    desk.approved("uk", "mirror", "effect", thread, "--subject", "s1", "--designation", followed)
    desk.approved("uk", "mirror", "close", thread, "--reason", "Decided.")
    nodes.settle()
    states = {
        profile: desk.run(profile, "mirror", "show", thread)["state_digest"]
        for profile in ("us-reviewer", "uk-reviewer")
    }
    assert len(set(states.values())) == 1
    table = desk.run(
        "us-auditor",
        *("coverage", "--base", "US:2020-07", "--jurisdiction", "UK", "--as-of", "2021-03-22"),
    )
    mine = [row for row in table["subjects"] if row["name"] == "CLI Person"]
    assert mine == [
        {"name": "CLI Person", "since": "2021-03-22", "lag_days": 256, "regime": "UK-GHR"}
    ]
    late = desk.run("uk-analyst", "mirror", "ask", thread, "--text", "And?", code=6)
    assert late["code"] == "thread.closed"
    held = desk.run("us-auditor", "holdings", "uk-fcdo")
    assert held["delivered"]["mirror-request/1"] >= 1


def test_text_output_and_refusals(comity: CommandLine, desk: Desk, nodes: RunningNodes) -> None:
    listed = desk.designated(
        "us", "Text\u202e Person".replace("\u202e", ""), "2020-07-09", "ca-gac"
    )
    thread = desk.approved(
        "us",
        *("mirror", "request", "--to", "ca-gac", "--designation", listed, "--title", "Text"),
        *("--reason", "Listed.", "--authority", "Public.", "--permitted-use", "designation"),
        *("--respond-by", "2027-01-31T17:00:00.000Z"),
    )
    nodes.settle()
    waiting = desk.run("ca-reviewer", "tasks", "list")["items"]
    shown = comity("tasks", "list", profile="ca-reviewer")
    assert waiting
    assert shown.code == 0, shown.err
    assert all(one["title"] in shown.out and one["id"] in shown.out for one in waiting)
    shown = comity("mirror", "show", thread, profile="ca-reviewer")
    assert "Text Person" in shown.out
    assert "awaiting" in shown.out
    for arguments in (
        ("designation", "show", listed),
        ("designation", "list"),
        ("coverage",),
        ("mirror", "suggest", thread, "--regime", "CA-SEMA"),
        ("subjects", "search", "text person"),
        ("subjects", "verdicts"),
        ("tasks", "list", "--scope", "clocks"),
        ("holdings", "us-treasury"),
    ):
        ended = comity(*arguments, profile="ca-analyst")
        assert ended.code == 0, (arguments, ended.err)
        assert ended.out
    asked = ("mirror", "suggest", thread, "--regime", "CA-SEMA", "--regime", "UK-GHR")
    told = comity(*asked, profile="ca-analyst", as_json=True).document["items"]
    assert {one["regime"] for one in told} == {"CA-SEMA", "UK-GHR"}
    assert comity("mirror", "show", NOWHERE, profile="ca-reviewer").code == 5
    assert comity("mirror", "show", "x", profile="ca-reviewer").code == 2
    assert comity("mirror", "list", profile="ca-auditor").code == 4
    withdrawn = desk.approved("us", "mirror", "withdraw", thread, "--reason", "No longer.")
    assert withdrawn.startswith("sha256:")


def test_a_proposal_is_endorsed_by_somebody_else(
    desk: Desk, submit: Any, nodes: RunningNodes
) -> None:
    held = submit("cli-proposal")
    ground = body("designation-proposal/1")["grounds"][0]
    content = body(
        "designation-proposal/1",
        regime="US-GLOMAG",
        grounds=[{**ground, "evidence": [{"package": held}]}],
        title="From the command line",
    )
    made = desk.run("us-analyst", "proposal", "new", "--body", desk.file(content))
    identifier = made["id"]
    desk.run("us-analyst2", "proposal", "replace", identifier, "--body", desk.file(content))
    desk.run("us-analyst", "proposal", "submit", identifier)
    digest = desk.run("us-analyst", "proposal", "show", identifier)["digest"]
    own = ("proposal", "endorse", identifier, "--digest", digest)
    assert desk.run("us-analyst", *own, code=4)
    blind = desk.run("us-reviewer", "proposal", "endorse", identifier, code=2)
    assert blind["code"] == "proposal.digest-needed"
    desk.run("us-reviewer", "proposal", "return", identifier, "--reason", "Again.")
    desk.run("us-analyst", "proposal", "submit", identifier)
    stale = desk.run("us-reviewer", "proposal", "endorse", identifier, "--digest", NOWHERE, code=6)
    assert stale["code"] == "proposal.stale"
    assert desk.run("us-reviewer", *own, code=4)["code"] == "proposal.not-previewed"
    desk.run("us-reviewer", "proposal", "show", identifier)
    done = desk.run("us-reviewer", *own)
    assert done["state"] == "endorsed"
    shared = desk.approved("us", "proposal", "share", identifier, "--to", "uk-fcdo")
    nodes.settle()
    seen = desk.run("uk-analyst", "proposal", "show", shared)
    assert "internal" not in seen["body"]["reasons"]
    assert identifier in {row["id"] for row in desk.run("us-reviewer", "proposal", "list")["items"]}
    lapsed = desk.run("us-reviewer", "proposal", "lapse", identifier, "--reason", "Overtaken.")
    assert lapsed["state"] == "lapsed"


def test_an_amendment_opens_a_review_that_is_closed(desk: Desk, nodes: RunningNodes) -> None:
    listed = desk.designated("us", "Reviewed Person", "2020-07-09", "uk-fcdo")
    nodes.settle()
    desk.designated(
        "uk",
        "Reviewed Person",
        "2021-03-22",
        "us-treasury",
    )
    change = {
        "changes": {"list_reference": "Item 2"},
        "instants": {"in_force": {"at": "2022-01-01", "zone": "Etc/UTC"}},
    }
    thread = desk.approved(
        "us",
        *("mirror", "request", "--to", "uk-fcdo", "--designation", listed, "--title", "Review"),
        *("--reason", "Listed.", "--authority", "Public.", "--permitted-use", "designation"),
        *("--respond-by", "2027-01-31T17:00:00.000Z"),
    )
    nodes.settle()
    desk.approved(
        "uk",
        *("mirror", "find", thread, "--subject", "s1", "--finding", "mirror"),
        *("--regime", "UK-GHR", "--reason", "Involved."),
    )
    nodes.settle()
    desk.approved("us", "designation", "amend", listed, "--body", desk.file(change))
    nodes.settle()
    tasks = desk.run("uk-reviewer", "tasks", "list", "--limit", "500")["items"]
    reviews = [row for row in tasks if row["kind"] == "review"]
    assert [row["within"]["id"] for row in reviews] == [thread]
    desk.run(
        "uk-reviewer",
        *("tasks", "close", reviews[0]["id"], "--outcome", "kept", "--reason", "Unaffected."),
    )
    notices = [row for row in tasks if row["kind"] == "notice"]
    assert notices, sorted({row["kind"] for row in tasks})
    noted = ("tasks", "close", notices[0]["id"], "--outcome", "noted")
    assert desk.run("uk-reviewer", *noted)["outcome"] == "noted"
    end = {
        "reason": "Ended.",
        "instants": {"in_force": {"at": "2024-01-01", "zone": "Etc/UTC"}},
    }
    desk.approved("us", "designation", "delist", listed, "--body", desk.file(end))
    shown = desk.run("us-auditor", "designation", "show", listed)
    assert (shown["ended_on"], shown["amendments"]) == ("2024-01-01", 1)


def test_a_diary_says_which_periods_run_and_which_ended(desk: Desk, comity: CommandLine) -> None:
    listed = desk.designated("ca", "Diary Person", "2021-03-21", "us-treasury")

    def recorded(event: str, day: str) -> str:
        entry = desk.run("ca-analyst", "diary", "record", listed, event, "--on", day)
        shown = comity("diary", "list", listed, profile="ca-analyst")
        assert shown.code == 0, shown.err
        assert entry["id"] in shown.out
        return shown.out

    asked, decided = "identity-certificate-requested", "identity-certificate-decided"
    assert "due 2021-05-01, ended -" in recorded(asked, "2021-04-01")
    # A period in sitting days that no calendar counts is told in the law's words.
    assert "due within five sitting days" in recorded("made", "2021-03-21")
    assert "due 2021-05-01, ended 2021-04-20" in recorded(decided, "2021-04-20")


def test_verdicts(desk: Desk, nodes: RunningNodes) -> None:
    one = desk.designated("ca", "Verdict Corps", "2020-07-09", "us-treasury")
    other = desk.designated("ca", "Verdict Corps Bureau", "2020-07-09", "us-treasury")
    found = desk.run("ca-analyst", "subjects", "search", "verdict corps")["items"]
    assert [row["object"] for row in found] == [one, other]
    made = desk.run(
        "ca-analyst",
        *("subjects", "verdict", found[0]["ref"], found[1]["ref"]),
        *("--outcome", "not-same", "--reason", "A body of its own."),
    )
    assert made["outcome"] == "not-same"


def test_lists_are_kept_and_compared(comity: CommandLine) -> None:
    def run(*words: str | Path, profile: str = "ca-analyst") -> Ended:
        return comity("lists", *words, profile=profile, as_json=True)

    short = run("import", "ofac", OFAC_2021, "--floor", "1000")
    assert (short.code, short.problem["code"]) == (2, "list.too-short")
    assert run("import", "ofac", OFAC_2021, profile="ca-auditor").code == 4
    for path, day in ((OFAC_2021, "2021-03-10"), (OFAC_2024, "2024-05-07")):
        made = run("import", "ofac", path, "--floor", "1").document
        assert (made["edition"]["series"], made["edition"]["as_of"]) == ("us-ofac-sdn", day)
    assert run("import", "ofac", OFAC_2024, "--floor", "1").document["known"]
    held = run("list").document["items"]
    assert {one["as_of"] for one in held} == {"2021-03-10", "2024-05-07"}
    found = run("diff", "ofac").document
    assert (found["older"]["as_of"], found["newer"]["as_of"]) == ("2021-03-10", "2024-05-07")
    counted = Counter(one["outcome"] for one in found["entries"])
    assert counted == {name: count for name, count in found["counts"].items() if count}
    assert run("diff", "eu").code == 5


def test_a_list_leaves_as_entities_and_comes_back(comity: CommandLine, tmp_path: Path) -> None:
    def run(*words: str | Path) -> Ended:
        return comity("lists", *words, profile="ca-analyst", as_json=True)

    made = run("import", "ofac", OFAC_2024, "--floor", "1").document["edition"]
    out = tmp_path / "sdn"
    index = run("export", made["id"], "--out", out).document
    content = (out / "entities.ftm.json").read_bytes()
    assert json.loads((out / "index.json").read_text("utf-8")) == {"datasets": [index]}
    resource = index["resources"][0]
    assert (index["name"], index["version"]) == ("us_ofac_sdn", "20240507")
    assert resource["size"] == len(content)
    assert resource["checksum"] == hashlib.sha1(content, usedforsecurity=False).hexdigest()
    assert index["entity_count"] == content.count(b"\n") == 2 * made["count"]
    assert run("export", made["id"], "--out", out).problem["code"] == "file.exists"
    assert run("export", "0" * 32, "--out", tmp_path / "none").code == 5
    assert not (tmp_path / "none").exists()
    again = run("import", out / "entities.ftm.json", "--as-of", "2024-05-07").document["edition"]
    assert (again["series"], again["count"]) == ("ftm-us-ofac-sdn", made["count"])


def test_subjects_of_statements_leave_as_entities(comity: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "subjects"
    line = ("subjects", "export", "--out", out)
    index = comity(*line, profile="us-analyst", as_json=True).document
    content = (out / "entities.ftm.json").read_bytes()
    assert json.loads((out / "index.json").read_text("utf-8")) == {"datasets": [index]}
    assert (index["name"], index["entity_count"]) == ("comity_us_treasury", content.count(b"\n"))
    assert all(json.loads(line)["properties"]["notes"] for line in content.splitlines()
               if b"Sanction" not in line)  # fmt: skip
    assert comity(*line, profile="us-analyst", as_json=True).problem["code"] == "file.exists"
    refused = comity(*line[:3], tmp_path / "no", profile="us-auditor", as_json=True)
    assert refused.code == 4


def test_regimes_without_a_node(comity: CommandLine) -> None:
    told = comity("regimes", "list", as_json=True)
    assert "UK-GHR" in {one["id"] for one in told.document["items"]}
    assert "no node was asked" in told.err
    found = comity(
        *("regimes", "check", "CA-JVCFOA", "--kind", "entity", "--conduct", "arbitrary-detention"),
        as_json=True,
    ).document
    assert found["suggestions"][0]["code"] == "regime.subject-kind"
    assert comity("regimes", "check", "XX-NONE", "--kind", "person").code == 5
    assert comity("regimes", "check", "UK-GHR", "--kind", "dragon").code == 2


@pytest.mark.parametrize(
    ("option", "which", "word", "nearest"),
    [
        ("--conduct", "conduct", "tortur", "torture"),
        ("--involvement", "part", "leader-or-officer", "leader-or-official"),
        ("--kind", "kind", "persons", "person"),
    ],
)
def test_a_word_that_no_regime_knows_is_named_with_those_there_are(
    comity: CommandLine, option: str, which: str, word: str, nearest: str
) -> None:
    known = {"kind": SUBJECT_KINDS, "conduct": CONDUCT, "part": INVOLVEMENT}[which]
    case = {"--kind": "person", "--conduct": "killing"} | {option: word}
    line = [part for pair in case.items() for part in pair]
    refused = comity("regimes", "check", "UK-GHR", *line, as_json=True)
    assert (refused.code, refused.problem["code"]) == (2, "regime.words")
    assert refused.problem["detail"] == (
        f"There is no {which} {word}. Did you mean {nearest}? Known: {', '.join(sorted(known))}."
    )
    far = comity("regimes", "check", "UK-GHR", *line, "--conduct", "zzz", as_json=True)
    assert "There is no conduct zzz. Known: arbitrary-detention" in far.problem["detail"]
    assert (which == "conduct") or f"no {which} {word}" in far.problem["detail"]


def test_a_regime_is_shown_with_the_words_of_each_ground(comity: CommandLine) -> None:
    for regime in comity("regimes", "list", as_json=True).document["items"]:
        told = comity("regimes", "show", regime["id"]).out
        for ground in comity("regimes", "show", regime["id"], as_json=True).document["grounds"]:
            block = told.partition(f"\n{ground['id']}: ")[2]
            assert block.splitlines()[1:3] == [
                f"  conduct: {', '.join(ground['conduct'])}",
                f"  part: {ground['part']}",
            ]
            assert ground["conduct"]
