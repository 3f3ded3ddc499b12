"""`comity draft`: what the second officer sees and decides."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from api.cli.client import Api
from api.wire.envelope import parse_envelope
from api.wire.package_file import PackageFile
from api.wire.statements import parse_statement
from tests.cli.conftest import UK
from tests.support.command_line import CommandLine
from tests.support.running_node import RunningNodes

Submit = Callable[[str], str]
Release = Callable[..., str]
UNKNOWN = "0" * 32


def test_list_shows_what_waits(comity: CommandLine, submit: Submit, release: Release) -> None:
    draft = release(submit("draft-list"))
    table = comity("draft", "list", "--state", "drafted", "--limit", "500", profile="us-reviewer")
    (row,) = [line for line in table.out.splitlines() if line.startswith(draft)]
    assert row.split()[1:4] == ["drafted", "release/1", UK]


def test_show_gives_the_digest_that_an_approval_binds(
    comity: CommandLine, submit: Submit, release: Release
) -> None:
    draft = release(submit("draft-show"), UK, "--note", "A word.")
    shown = comity("draft", "show", draft, profile="us-reviewer")
    found = comity("draft", "show", draft, profile="us-reviewer", as_json=True).document
    assert f"digest       {found['digest']}\n" in shown.out
    assert "prepared by  us-treasury:analyst (jws)\n" in shown.out
    assert "note         A word.\n" in shown.out


def test_preview_shows_the_partners_side(
    comity: CommandLine, submit: Submit, release: Release
) -> None:
    draft = release(submit("draft-preview"))
    result = comity("draft", "preview", draft, profile="us-reviewer")
    assert result.code == 0
    assert "To uk-fcdo (UK):\n  release/1\n" in result.out
    assert "  exhibit one.txt (13 bytes)\n" in result.out
    assert "Stays here:\n" in result.out


def test_approval_is_recorded_without_a_key_and_signed_with_one(
    comity: CommandLine, submit: Submit, release: Release
) -> None:
    package = submit("draft-forms")
    recorded = comity.approve(release(package, UK), "us-reviewer")
    assert recorded.code == 0
    assert "state        sealed\n" in recorded.out
    signed = comity.approve(release(package, "ca-gac"), "us-reviewer2")
    assert signed.code == 0, signed.err


def test_the_key_of_the_approver_is_in_the_statement(
    comity: CommandLine, submit: Submit, release: Release, tmp_path: Path, nodes: RunningNodes
) -> None:
    package = submit("draft-signed")
    comity.approve(release(package, UK), "us-reviewer2")
    nodes.settle()
    out = tmp_path / "signed-release.comity"
    assert comity("package", "fetch", package, "--out", out, profile="uk-analyst").code == 0
    with out.open("rb") as source:
        raw = PackageFile(source).read("release.json", 1 << 20)
    by = parse_statement(parse_envelope(raw).payload).by
    assert by is not None
    assert by.approved is not None
    assert (by.approved.sub, by.approved.form) == ("us-treasury:reviewer2", "jws")


def test_a_draft_that_moved_is_stale(comity: CommandLine, submit: Submit, release: Release) -> None:
    draft = release(submit("draft-moved"))
    seen = comity("draft", "show", draft, profile="us-reviewer", as_json=True).document
    other = "sha256:" + "1" * 64
    result = comity(
        "draft", "approve", draft, "--digest", other, profile="us-reviewer", as_json=True
    )
    assert (result.code, result.problem["code"]) == (6, "draft.stale")
    given = ("draft", "approve", draft, "--digest", seen["digest"])
    blind = comity(*given, profile="us-reviewer", as_json=True)
    assert (blind.code, blind.problem["code"]) == (4, "draft.not-previewed"), "nobody looked"
    assert comity("draft", "preview", draft, profile="us-reviewer").code == 0
    right = comity(*given, profile="us-reviewer")
    assert (right.code, right.err) == (0, "")
    assert comity.approve(draft, "us-reviewer").code == 6


@pytest.mark.parametrize("more", [(), ("--yes",)])
def test_without_a_terminal_an_approval_needs_the_digest(
    comity: CommandLine, submit: Submit, release: Release, more: tuple[str, ...]
) -> None:
    """At the end of a file nobody looks at anything, whatever option says not to ask."""
    draft = release(submit(f"draft-end-of-file-{len(more)}"))
    result = comity("draft", "approve", draft, *more, profile="us-reviewer", as_json=True)
    assert (result.code, result.problem["code"]) == (2, "draft.digest-needed")
    state = comity("draft", "show", draft, profile="us-reviewer", as_json=True).document["state"]
    assert state == "drafted"


def test_the_preview_is_in_words(comity: CommandLine, submit: Submit, release: Release) -> None:
    draft = release(submit("draft-words"), UK, "--note", "A word.")
    said = comity("draft", "preview", draft, profile="us-reviewer").out
    assert "About the package: draft-words\n" in said
    assert "Marking: TLP:" in said
    assert "note: A word.\n" in said
    assert "Digest: sha256:" in said


def test_nobody_approves_own_work(comity: CommandLine, submit: Submit, release: Release) -> None:
    draft = release(submit("draft-own"))
    result = comity.approve(draft, "us-analyst", as_json=True)
    assert result.code == 4
    assert result.problem["policies"]
    spoken = comity.approve(draft, "us-analyst")
    assert "decided by policy" in spoken.err


def test_a_node_that_swaps_the_candidate_gets_no_signature(
    comity: CommandLine, submit: Submit, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = submit("draft-swapped")
    first, second = release(package, UK), release(package, "ca-gac")
    genuine = Api.post
    sent: list[str] = []

    def swapping(self: Api, path: str, *arguments: object, **options: object) -> object:
        sent.append(path)
        if path.endswith("/candidate"):
            path = path.replace(first, second)
        return genuine(self, path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Api, "post", swapping)
    result = comity.approve(first, "us-reviewer2", as_json=True)
    assert (result.code, result.problem["code"]) == (6, "draft.stale")
    assert sent == [f"/drafts/{first}/candidate"]


def test_return_replace_and_discard(
    comity: CommandLine, submit: Submit, release: Release, tmp_path: Path
) -> None:
    draft = release(submit("draft-returned"))
    returned = comity(
        "draft", "return", draft, "--reason", "Say for what use.", profile="us-reviewer"
    )
    assert "returned because  Say for what use.\n" in returned.out
    body = comity("draft", "show", draft, profile="us-analyst", as_json=True).document["body"]
    body["marking"]["permitted_use"] = ["consideration"]
    path = tmp_path / "body.json"
    path.write_text(json.dumps(body))
    replaced = comity("draft", "replace", draft, "--body", path, profile="us-analyst", as_json=True)
    assert replaced.document["version"] == 2
    assert replaced.document["state"] == "drafted"
    path.write_text("{")
    broken = comity("draft", "replace", draft, "--body", path, profile="us-analyst", as_json=True)
    assert (broken.code, broken.problem["code"]) == (2, "body.malformed")
    path.write_text("[]")
    assert comity("draft", "replace", draft, "--body", path, profile="us-analyst").code == 2
    discarded = comity("draft", "discard", draft, profile="us-analyst", as_json=True)
    assert discarded.document["state"] == "discarded"
    again = comity("draft", "discard", draft, profile="us-analyst", as_json=True)
    assert (again.code, again.problem["code"]) == (6, "draft.discarded")


def test_replace_reads_stdin(
    comity: CommandLine, submit: Submit, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = release(submit("draft-stdin"))
    body = comity("draft", "show", draft, profile="us-analyst", as_json=True).document["body"]
    text = json.dumps(body | {"note": "From a pipe."}).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    replaced = comity("draft", "replace", draft, "--body", "-", profile="us-analyst", as_json=True)
    assert replaced.document["body"]["note"] == "From a pipe."


def test_unknown_drafts(comity: CommandLine) -> None:
    read = ("--digest", "sha256:" + "0" * 64)
    for command in ("show", "preview", "approve", "discard", "confirm"):
        given = read if command in {"approve", "confirm"} else ()
        result = comity("draft", command, UNKNOWN, *given, profile="us-reviewer", as_json=True)
        assert (result.code, result.problem["code"]) == (5, "draft.unknown"), command
    assert comity("draft", "show", "nonsense", profile="us-reviewer").code == 2
