import json
import zipfile
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from api.cli.profiles import CliContext
from api.cli.verify import _shown_json, register, verify_file
from api.domain.misbehaviour import heads_proof
from api.wire.package_file import STATEMENT
from tests.support.exports import MEMBERS, signed_head
from tests.support.package_files import full, written
from tests.support.signing import US, membership
from tests.tlog.trees import MemoryTree

TREE = MemoryTree()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package file and a membership."""
    folder = tmp_path_factory.mktemp("verify")
    (folder / "case.comity").write_bytes(full().write())
    (folder / "membership.json").write_bytes(membership().raw)
    return folder


def run(*arguments: str, as_json: bool = False) -> Result:
    app = typer.Typer()

    @app.callback()
    def main(ctx: typer.Context) -> None:
        ctx.obj = CliContext(None, Path("home"), json=as_json)

    register(app)
    return CliRunner().invoke(app, ["verify", *arguments])


def test_a_package_with_its_membership(place: Path) -> None:
    result = run(str(place / "case.comity"), "--membership", str(place / "membership.json"))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["1", "container", "ok"]
    assert lines[-1] == "verified"
    assert len(lines) == 14


def test_without_membership_it_fails_unless_integrity_is_enough(place: Path) -> None:
    path = str(place / "case.comity")
    result = run(path)
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1].startswith("intact, origin unproven: give --membership")
    assert run(path, "--integrity-only").exit_code == 0


@pytest.mark.parametrize("globally", [True, False])
def test_json(place: Path, globally: bool) -> None:
    arguments = [str(place / "case.comity"), "--membership", str(place / "membership.json")]
    result = run(*arguments, *([] if globally else ["--json"]), as_json=globally)
    document = json.loads(result.stdout)
    assert (document["ok"], document["verdict"]) == (True, "verified")


def test_a_tampered_package_names_the_step(place: Path, tmp_path: Path) -> None:
    story = full()
    story.members[STATEMENT] = story.members[STATEMENT].replace(b"e", b"f", 1)
    (tmp_path / "bad").write_bytes(written(story.members))
    arguments = [str(tmp_path / "bad"), "--membership", str(place / "membership.json")]
    result = run(*arguments, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["failed"]
    assert "FAILED" in run(*arguments).stdout


def test_a_file_that_is_no_zip(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"hello")
    result = run(str(tmp_path / "bad"), "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["failed"] == ["container"]


def test_a_draft_needs_its_flag_and_a_package_refuses_it(place: Path) -> None:
    assert run(str(place / "case.comity"), "--draft").exit_code == 3


def test_what_looks_like_an_export_is_judged_as_one(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", b"{}")
    result = run(str(path), "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["ok"] is False
    assert run(str(path)).stdout.startswith("failed: ")


def test_a_proof_of_misbehaviour(tmp_path: Path) -> None:
    proof, pinned = tmp_path / "proof.json", tmp_path / "membership.json"
    pinned.write_bytes(MEMBERS.raw)
    roots = (b"\x01" * 32, b"\x02" * 32)
    proof.write_bytes(heads_proof(US.id, *(signed_head(US, 9, root, ()) for root in roots), TREE))
    arguments = [str(proof), "--membership", str(pinned)]
    good = run(*arguments, "--json")
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["facts"]["misbehaviour"] == "inconsistent-heads"
    assert run(*arguments).stdout.splitlines()[-1] == "verified"
    # Without the accused's keys it proves nothing, whatever one is content with.
    alone = run(str(proof), "--integrity-only", "--json")
    assert (alone.exit_code, json.loads(alone.stdout)["failed"]) == (3, ["origin-unproven"])
    proof.write_bytes(heads_proof(US.id, *(signed_head(US, 9, roots[0], ()),) * 2, TREE))
    same = run(*arguments, "--json")
    assert (same.exit_code, json.loads(same.stdout)["failed"]) == (3, ["misbehaviour.not-shown"])
    proof.write_bytes(b"{")
    assert json.loads(run(*arguments, "--json").stdout)["failed"] == ["json.malformed"]
    assert run(*arguments).stdout.startswith("failed: ")


def test_usage(place: Path) -> None:
    assert run(str(place / "none")).exit_code == 2
    assert run(str(place / "case.comity"), "--membership", str(place / "none")).exit_code == 2
    assert run(str(place)).exit_code == 2


def test_titles_cannot_steer_a_terminal(place: Path) -> None:
    assert _shown_json("a\x1b[2Jb\u202ec") == "a\ufffd[2Jb\ufffdc"


def test_a_verdict_can_be_had_without_the_command(place: Path) -> None:
    assert verify_file(place / "case.comity", place / "membership.json").ok
