"""`comity package` against real nodes: submit, read, release, fetch, recall, pass on."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.cli.conftest import CA, UK, US
from tests.support.command_line import CommandLine
from tests.support.running_node import RunningNodes

UNKNOWN = "sha256:" + "0" * 64
Build = Callable[..., Path]
Submit = Callable[[str], str]
Release = Callable[..., str]


def approve(comity: CommandLine, draft: str) -> str:
    result = comity.approve(draft, "us-reviewer", as_json=True)
    assert result.code == 0, result.err
    statement: str = result.document["statement"]
    return statement


def test_submit_prints_the_id_alone_and_says_the_rest_on_stderr(
    comity: CommandLine, build: Build
) -> None:
    result = comity("package", "submit", build("submit-one"), profile="us-analyst")
    assert result.code == 0
    assert result.out.startswith("sha256:")
    assert len(result.out) == len(UNKNOWN) + 1
    assert result.err == "Submitted with 1 exhibits, 1 of them uploaded now.\n"


def test_a_repeated_submission_is_the_same_package_and_uploads_nothing(
    comity: CommandLine, build: Build
) -> None:
    path = build("submit-twice")
    first = comity("package", "submit", path, profile="us-analyst", as_json=True)
    second = comity("package", "submit", path, profile="us-analyst", as_json=True)
    assert first.document["uploaded"] == 1
    assert (first.document["repeated"], second.document["repeated"]) == (False, True)
    assert second.document == first.document | {"uploaded": 0, "repeated": True}
    third = comity("package", "submit", path, profile="us-analyst")
    assert third.err == "This package was submitted before; nothing was added.\n"


def test_a_sealed_file_that_was_carried_is_verified_and_not_taken_in(
    comity: CommandLine, submit: Submit, release: Release, nodes: RunningNodes, tmp_path: Path
) -> None:
    """By hand or over HTTP: neither command nor door makes a holder of who was handed a file."""
    package = submit("carried")
    approve(comity, release(package))
    carried, pinned = tmp_path / "by-hand.comity", tmp_path / "membership.json"
    assert comity("package", "fetch", package, "--out", carried, profile="us-analyst").code == 0
    pinned.write_bytes(nodes[UK].node.membership.raw)
    read = comity("verify", carried, "--membership", pinned, as_json=True)
    assert read.document["verdict"] == "verified", read.document
    taken = comity("package", "submit", carried, profile="uk-analyst", as_json=True)
    assert (taken.code, taken.problem["code"]) == (3, "package.sealed")
    assert comity("package", "show", package, profile="uk-analyst").code == 5
    nodes.settle()
    assert comity("package", "show", package, profile="uk-analyst").code == 0


def test_a_damaged_file_is_not_submitted(comity: CommandLine, build: Build) -> None:
    path = build("submit-damaged")
    content = bytearray(path.read_bytes())
    at = content.index(b"submit-damaged", content.index(b"exhibits/"))
    content[at] ^= 1
    path.write_bytes(content)
    result = comity("package", "submit", path, profile="us-analyst", as_json=True)
    assert result.code == 3
    assert result.problem["code"] in {"container.checksum", "exhibit.digest"}
    assert result.out == ""


def test_another_file_is_not_submitted(comity: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "other.zip"
    path.write_bytes(b"no package at all")
    result = comity("package", "submit", path, profile="us-analyst")
    assert result.code == 3
    assert result.err.endswith("[container.malformed]\n")
    assert comity("package", "submit", tmp_path / "none", profile="us-analyst").code == 2


def test_only_an_analyst_submits(comity: CommandLine, build: Build) -> None:
    result = comity("package", "submit", build("submit-refused"), profile="us-admin", as_json=True)
    assert result.code == 4
    assert result.problem["code"] == "policy.administrator-evidence"


def test_a_reviewer_uploads_nothing(comity: CommandLine, build: Build) -> None:
    result = comity("package", "submit", build("reviewers"), profile="us-reviewer", as_json=True)
    assert result.code == 4
    assert result.problem["code"] == "policy.no-permit"
    said = "No policy permits exhibit.write here. These roles may: analyst."
    assert result.problem["detail"] == said


def test_list_and_show(comity: CommandLine, submit: Submit) -> None:
    package = submit("list-and-show")
    listed = comity("package", "list", profile="us-analyst", as_json=True).document["items"]
    assert package in [each["id"] for each in listed]
    table = comity("package", "list", "--state", "submitted", profile="us-reviewer").out
    heading, *rows = table.splitlines()
    assert heading.split() == ["ID", "STATE", "ORIGINATOR", "SINCE", "TITLE"]
    (row,) = [line for line in rows if line.startswith(package)]
    assert row.endswith("list-and-show")
    assert row.index("submitted") == heading.index("STATE")
    shown = comity("package", "show", package, profile="us-reviewer").out
    assert "title        list-and-show\n" in shown
    assert "exculpatory  None known.\n" in shown
    assert "one.txt  held   13     text/plain" in shown
    exhibit = first_exhibit(comity, package)
    assert re.search(rf"one\.txt +{exhibit['kind']} +- +{re.escape(exhibit['source'])}", shown)


def first_exhibit(comity: CommandLine, package: str) -> dict[str, str]:
    """The first exhibit as its author described it."""
    found = comity("package", "show", package, profile="us-reviewer", as_json=True).document
    exhibit: dict[str, str] = found["body"]["exhibits"][0]
    return exhibit


def test_a_list_goes_on_over_pages(comity: CommandLine, submit: Submit) -> None:
    made = [submit(f"page-{number}") for number in range(3)]
    result = comity("package", "list", "--limit", "2", profile="us-analyst", as_json=True)
    assert [each["id"] for each in result.document["items"]] == made[:0:-1]
    assert result.document["next"]
    assert "raise --limit" in comity("package", "list", "--limit", "1", profile="us-analyst").err


def test_an_unknown_package_is_5_and_a_malformed_id_is_2(comity: CommandLine) -> None:
    for command in ("show", "holders"):
        result = comity("package", command, UNKNOWN, profile="us-analyst", as_json=True)
        assert (result.code, result.problem["code"]) == (5, "package.unknown")
    assert comity("package", "show", "nonsense", profile="us-analyst").code == 2


def test_the_road_from_release_to_holders(
    nodes: RunningNodes, comity: CommandLine, submit: Submit, release: Release, tmp_path: Path
) -> None:
    package = submit("road")
    statement = approve(comity, release(package, UK, "--permitted-use", "consideration"))
    assert statement.startswith("sha256:")
    nodes.settle()
    holders = comity("package", "holders", package, profile="us-analyst")
    assert holders.out.splitlines()[1].split()[:2] == [UK, "applied"]
    received = comity("package", "list", "--state", "received", profile="uk-analyst").out
    assert package in received

    out = tmp_path / "fetched.comity"
    fetched = comity("package", "fetch", package, "--out", out, profile="uk-analyst", as_json=True)
    assert fetched.code == 0, fetched.err
    assert fetched.document["bytes"] == out.stat().st_size
    assert comity("verify", out, "--integrity-only").code == 0
    membership = tmp_path / "membership.json"
    membership.write_bytes(nodes.federation.membership.raw)
    assert comity("verify", out, "--membership", membership).code == 0
    again = comity(
        *("package", "fetch", package, "--out", tmp_path / "again.comity"),
        *("--membership", membership),
        profile="us-analyst",
        as_json=True,
    )
    assert again.document["verdict"] == "verified"


def test_a_fetched_file_never_overwrites_and_never_appears_half(
    comity: CommandLine, submit: Submit, tmp_path: Path
) -> None:
    package = submit("fetch-once")
    out = tmp_path / "fetched.comity"
    out.write_text("mine")
    assert comity("package", "fetch", package, "--out", out, profile="us-analyst").code == 6
    assert out.read_text() == "mine"
    missing = tmp_path / "missing.comity"
    result = comity("package", "fetch", UNKNOWN, "--out", missing, profile="us-analyst")
    assert result.code == 5
    no_folder = tmp_path / "no" / "folder.comity"
    assert comity("package", "fetch", package, "--out", no_folder, profile="us-analyst").code == 5
    files = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert files == ["fetch-once.comity", "fetch-once.toml", "fetched.comity"]


def test_a_partner_does_not_see_what_was_not_released_to_it(
    comity: CommandLine, submit: Submit
) -> None:
    package = submit("home-only")
    assert comity("package", "show", package, profile="uk-analyst").code == 5


def test_recall_leaves_at_once_and_is_confirmed(
    nodes: RunningNodes, comity: CommandLine, submit: Submit, release: Release
) -> None:
    package = submit("recalled")
    approve(comity, release(package, UK))
    approve(comity, release(package, CA))
    nodes.settle()
    refused = comity("package", "recall", package, "--reason", "Wrong.", profile="us-analyst")
    assert refused.code == 4
    recalled = comity(
        *("package", "recall", package, "--reason", "Wrong.", "--instruction", "destroy"),
        profile="us-reviewer",
    )
    assert recalled.code == 0, recalled.err
    draft = recalled.out.split()[1]
    assert f"comity draft confirm {draft}" in recalled.err
    nodes.settle()
    table = comity("package", "holders", package, profile="us-reviewer", as_json=True).document
    assert {each["recall_outcome"] for each in table["items"]} == {"applied"}
    assert comity.decide("draft", "confirm", draft, "us-reviewer").code == 4
    confirmed = comity.decide("draft", "confirm", draft, "us-reviewer2", as_json=True)
    assert confirmed.document["confirmed_by"]
    twice = comity("package", "recall", package, "--reason", "Again.", profile="us-reviewer")
    assert twice.code == 6


def test_a_recalled_package_is_fetched_with_what_its_originator_asks(
    nodes: RunningNodes, comity: CommandLine, submit: Submit, release: Release, tmp_path: Path
) -> None:
    package = submit("fetched-after-a-recall")
    approve(comity, release(package, UK))
    nodes.settle()
    fetched = partial(comity, "package", "fetch", package, profile="uk-analyst")
    before = fetched("--out", tmp_path / "before.comity")
    assert before.code == 0, before.err
    assert "RECALLED" not in before.err
    why = ("--reason", "A wrong exhibit.", "--instruction", "destroy")
    assert comity("package", "recall", package, *why, profile="us-reviewer").code == 0
    nodes.settle()
    shut = fetched("--out", tmp_path / "shut.comity", as_json=True)
    assert (shut.code, (tmp_path / "shut.comity").exists()) == (6, False)
    assert comity("package", "acknowledge-recall", package, profile="uk-analyst").code == 0
    after = fetched("--out", tmp_path / "after.comity")
    assert after.code == 0, after.err
    assert after.out == f"{tmp_path / 'after.comity'}\n"
    said = [line for line in after.err.splitlines() if not line.startswith("fetching")]
    assert f"RECALLED by {US}: A wrong exhibit." in said
    assert "Asked of holders: destroy" in said
    told = fetched("--out", tmp_path / "told.comity", as_json=True).document
    assert (told["recall"]["reason"], told["recall"]["instruction"]) == (why[1], why[3])


def test_a_reviewer_returns_a_package(comity: CommandLine, submit: Submit) -> None:
    package = submit("returned")
    result = comity(
        "package", "return", package, "--reason", "Name the source.", profile="us-reviewer"
    )
    assert (result.code, result.out) == (0, f"returned {package}\n")
    again = comity("package", "return", package, "--reason", "Again.", profile="us-reviewer")
    assert again.code == 6


def test_a_holder_asks_and_the_originator_consents(
    nodes: RunningNodes, comity: CommandLine, submit: Submit, release: Release
) -> None:
    package = submit("onward")
    approve(comity, release(package, UK, "--releasable-to", UK, "--releasable-to", "CA"))
    nodes.settle()
    asked = comity(
        *("package", "onward-request", package, "--to", CA, "--purpose", "Joint work."),
        profile="uk-analyst",
        as_json=True,
    )
    assert asked.code == 0, asked.err
    assert asked.document["prepared"]["form"] == "jws"
    request = comity.approve(asked.document["id"], "uk-reviewer", as_json=True).document[
        "statement"
    ]
    nodes.settle()
    consent = comity(
        *("package", "onward-consent", package, "--request", request[:20], "--asker", UK),
        *("--to", CA, "--tlp", "AMBER"),
        profile="us-analyst",
        as_json=True,
    )
    assert consent.code == 0, consent.err
    given = approve(comity, consent.document["id"])
    nodes.settle()
    passed = comity(
        *("package", "release", package, "--to", CA, "--tlp", "AMBER", "--consent", given[7:20]),
        *("--legal-basis", "Under consent."),
        profile="uk-analyst",
        as_json=True,
    )
    assert passed.code == 0, passed.err
    assert passed.document["body"]["originator"] == "us-treasury"
    assert passed.document["body"]["consent"] == given
    assert comity.approve(passed.document["id"], "uk-reviewer").code == 0
    nodes.settle()
    assert comity("package", "show", package, profile="ca-analyst").code == 0


def test_a_release_that_the_marking_forbids_is_2(comity: CommandLine, submit: Submit) -> None:
    package = submit("marking")
    result = comity(
        *("package", "release", package, "--to", UK, "--tlp", "RED", "--releasable-to", "CA"),
        *("--legal-basis", "For the test."),
        profile="us-analyst",
        as_json=True,
    )
    assert (result.code, result.problem["code"]) == (2, "marking.not-releasable")
    stranger = comity(
        *("package", "release", package, "--to", "nobody", "--tlp", "RED"),
        *("--legal-basis", "For the test."),
        profile="us-analyst",
    )
    assert stranger.code in {2, 5}
    assert stranger.err.startswith("Error: ")


def test_a_real_process_says_the_same(
    signed_in_home: Path, comity: CommandLine, submit: Submit
) -> None:
    submit("process")
    command = Path(sys.executable).with_name("comity")
    done = subprocess.run(
        [command, "--profile", "us-analyst", "package", "list", "--limit", "1", "--json"],
        check=True,
        capture_output=True,
        text=True,
        env={"COMITY_HOME": str(signed_in_home), "PATH": "/usr/bin:/bin"},
    )
    here = comity("package", "list", "--limit", "1", profile="us-analyst", as_json=True)
    assert json.loads(done.stdout)["items"] == here.document["items"]
    assert done.stderr == here.err
