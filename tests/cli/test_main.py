"""The root of the command line: help, usage, refusals, exit codes, cold start."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command
from typing_extensions import override

import api
from api.cli import main as main_module
from api.cli import output
from api.cli.exits import ExitCode, exit_of, problem_of
from api.cli.main import app, main
from api.domain import errors
from api.tlog.errors import LogError
from api.wire.errors import WireError
from tests.support.command_line import CommandLine, Ended

PYTHON = [sys.executable, "-P"]
HEAVY = ("sqlalchemy", "fastapi", "cedarpy", "uvicorn", "authlib", "alembic", "boto3", "pydantic")


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command with its whole name."""

    def walk(command: object, name: str) -> Iterator[tuple[str, typer.core.TyperCommand]]:
        children = getattr(command, "commands", None)
        if children is None:
            assert isinstance(command, typer.core.TyperCommand)
            yield name, command
            return
        for child, below in children.items():
            yield from walk(below, f"{name} {child}")

    yield from walk(get_command(app), "comity")


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[n for n, _ in commands()])
def test_every_command_takes_json_and_shows_an_example(
    name: str, command: typer.core.TyperCommand, tmp_path: Path
) -> None:
    result = CommandLine(tmp_path)(*name.split()[1:], "--help")
    assert result.code == 0
    assert "--json" in result.out
    if name not in {"comity logout", "comity whoami"}:
        assert "Example: " in result.out
    assert "\x1b" not in result.out
    assert "╭" not in result.out


def test_version(tmp_path: Path) -> None:
    assert CommandLine(tmp_path)("--version").out == f"comity {api.__version__}\n"


def test_an_unknown_command_is_usage_and_a_near_one_is_suggested(tmp_path: Path) -> None:
    result = CommandLine(tmp_path)("pakage")
    assert result.code == 2
    assert "Did you mean 'package'" in result.err
    assert result.out == ""
    as_json = CommandLine(tmp_path)("pakage", as_json=True)
    assert as_json.problem["code"] == "usage"
    assert as_json.problem["exit"] == 2


def test_no_arguments_show_the_help(tmp_path: Path) -> None:
    for line in ([], ["package"]):
        result = CommandLine(tmp_path)(*line)
        assert result.code == 2
        assert "Usage: comity" in result.err


def test_json_before_and_behind_the_command_mean_the_same(tmp_path: Path) -> None:
    comity = CommandLine(tmp_path)
    behind = comity("whoami", as_json=True)
    before = comity("--json", "whoami")
    assert (behind.code, behind.err) == (before.code, before.err)
    assert json.loads(before.err)["code"] == "profile.none"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotSignedIn("a.b", "S."), 4),
        (errors.Refused("a.b", "S.", ("p.q",)), 4),
        (errors.NotFound("a.b", "S."), 5),
        (errors.Conflict("a.b", "S."), 6),
        (errors.Stale("a.b", "S."), 6),
        (errors.Unavailable("a.b", "S."), 7),
        (errors.Full("a.b", "S."), 7),
        (errors.Invalid("a.b", "S."), 2),
        (errors.TooLarge("a.b", "S."), 2),
        (errors.ComityError("a.b", "S."), 1),
        (WireError("a.b", "S."), 3),
        (LogError("a.b", "S."), 3),
    ],
)
def test_every_refusal_has_its_exit_code_and_one_sentence(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert exit_of(error) == code
    result = _failing(error, monkeypatch, tmp_path)
    assert (result.code, result.out) == (code, "")
    assert result.err.splitlines()[0] == "Error: S. [a.b]"
    as_json = _failing(error, monkeypatch, tmp_path, as_json=True)
    assert as_json.problem.items() >= {"code": "a.b", "detail": "S.", "exit": code}.items()


def _failing(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, home: Path, *, as_json: bool = False
) -> Ended:
    def raising(*_arguments: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr("api.cli.profiles.ProfileStore.choose", raising)
    return CommandLine(home)("whoami", as_json=as_json)


def test_the_unexpected_is_1_without_its_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = _failing(RuntimeError("a secret"), monkeypatch, tmp_path)
    assert result.code == 1
    assert "a secret" not in result.err
    assert "RuntimeError" in result.err
    assert "COMITY_DEBUG=1" in result.err
    monkeypatch.setenv("COMITY_DEBUG", "1")
    with pytest.raises(RuntimeError):
        _failing(RuntimeError("a secret"), monkeypatch, tmp_path)


def test_a_file_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = _failing(PermissionError(13, "Permission denied", "/some/file"), monkeypatch, tmp_path)
    assert result.code == 1
    assert result.err == "Error: /some/file: Permission denied. [file.unusable]\n"


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert _failing(KeyboardInterrupt(), monkeypatch, tmp_path).code == 130
    assert _failing(typer.Abort(), monkeypatch, tmp_path).code == 130


def test_a_reader_that_left_is_no_trace() -> None:
    command = [*PYTHON, "-c", "from api.cli.main import run; run()", "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(10) == ExitCode.UNEXPECTED


def test_policies_and_faults_are_listed() -> None:
    faults = [{"pointer": "/body/title", "fault": "missing"}]
    problem = problem_of(errors.Invalid("body.invalid", "S.", errors=faults))
    assert problem["errors"] == faults
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        main_module._tell_refusal(
            errors.Invalid("body.invalid", "S.", errors=faults), as_json=False
        )
    assert stream.getvalue() == "Error: S. [body.invalid]\n  at /body/title: missing\n"


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom api.cli.main import main\nassert main(['--help']) == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([*PYTHON, "-c", script], check=True, capture_output=True, text=True)
    assert done.stderr.strip() == "[]"


def test_the_installed_command_runs_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "__init__.py").write_text("raise SystemExit('the wrong api')")
    comity = Path(sys.executable).with_name("comity")
    environment = {"COMITY_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [comity, "whoami", "--json"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == ExitCode.NOT_ALLOWED
    assert json.loads(done.stderr)["code"] == "profile.none"


def test_main_returns_plain_numbers() -> None:
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert main(["--version"]) == 0


@given(st.text())
def test_safe_text_has_nothing_that_steers_a_terminal(text: str) -> None:
    shown = output.safe(text)
    assert not any(character < " " or "\x7f" <= character < "\xa0" for character in shown)
    assert "\u202e" not in shown


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists, max_leaves=5))
def test_json_text_says_the_same_without_control_characters(value: object) -> None:
    text = output.json_text({"value": value})
    assert json.loads(text) == {"value": value}
    assert output.safe(text) == text


def test_tables_align_wide_and_combining_characters() -> None:
    rows: list[dict[str, str | None]] = [
        {"name": "朱海仑", "state": "one"},
        {"name": "Zhu", "state": "two"},
        {"name": "e\u0301", "state": None},
    ]
    columns: list[output.Column] = [("NAME", "name"), ("STATE", "state")]
    assert list(output.table(rows, columns)) == [
        "NAME    STATE",
        "朱海仑  one",
        "Zhu     two",
        "e\u0301       -",
    ]
    assert list(output.table([], columns)) == ["Nothing to show."]


def test_values_for_people() -> None:
    assert output.moment("2026-11-23T17:25:39.123Z") == "2026-11-23 17:25 UTC"
    assert output.moment(None) == "-"
    assert output.moment("later") == "later"
    assert output.safe(True) == "yes"
    assert output.safe([]) == "-"
    assert output.safe(["a", "b"]) == "a, b"
    assert output.safe({"a": 1}) == '{"a": 1}'
    assert list(output.details({"a": 1, "long": "x", "empty": None})) == ["a     1", "long  x"]
    assert list(output.details({"text": "one\ntwo\x1b[2J"})) == ["text  one", "      two\\u001b[2J"]


class _Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, expected in (
        (_Terminal(), "\rsending  50 %\rsending 100 %\n"),
        (io.StringIO(), ""),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        progress = output.Progress("sending", 4)
        progress.advance(2)
        progress.advance(2)
        assert stream.getvalue() == expected
