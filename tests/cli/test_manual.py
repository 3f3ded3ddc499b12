"""The manual page says what the commands say, in a form that man takes; the shell completes ids."""

import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from api.cli import manual, short_references
from api.cli.main import app, main
from tests.support import foreign

LEAVES = dict(manual.leaves(get_command(app), "comity"))


def page() -> str:
    return "\n".join(manual.lines(get_command(app))) + "\n"


def test_every_command_and_option_is_on_the_page() -> None:
    text = page().replace("\\-", "-")
    assert len(LEAVES) > 100
    for name, leaf in LEAVES.items():
        assert f"\n.SS {name}" in text, name
        for each in leaf.params:
            for option in each.opts if each.param_type_name == "option" else ():
                assert option in text, (name, option)


@pytest.mark.parametrize("words", [(), ("package",), ("package", "build"), ("mirror", "find")])
def test_help_says_what_the_option_says(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    option = capsys.readouterr().out
    assert main(["help", *words]) == 0
    assert capsys.readouterr().out.strip() == option.strip()


def test_help_of_what_is_no_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "package", "relaese"]) == 5
    assert "Did you mean release" in capsys.readouterr().err
    assert main(["help", "package", "build", "more"]) == 5


def test_nothing_on_the_page_is_taken_for_a_request() -> None:
    known = {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".RS", ".RE", ".EX", ".EE"}
    for line in page().splitlines():
        if line.startswith((".", "'")):
            assert line.split()[0] in known, line


@foreign.needs("groff")
def test_groff_formats_it_without_a_warning(tmp_path: Path) -> None:
    source = tmp_path / "comity.1"
    assert main(["man", "--out", str(source)]) == 0
    command = [foreign.oracle("groff"), "-Kutf8", "-man", "-Tutf8", "-ww", str(source)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    assert b"COMITY(1)" in done.stdout


def test_the_page_is_written_once(tmp_path: Path) -> None:
    target = tmp_path / "comity.1"
    assert main(["man", "--out", str(target)]) == 0
    assert target.read_text().startswith(".TH COMITY 1")
    assert main(["man", "--out", str(target)]) != 0


def test_profiles_are_completed(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COMITY_HOME", str(tmp_path))
    (tmp_path / "profiles").mkdir()
    for name in ("us-analyst", "us-auditor", "uk-analyst"):
        (tmp_path / "profiles" / f"{name}.json").write_text("{}")
    assert short_references.profiles("us-a") == ["us-analyst", "us-auditor"]
