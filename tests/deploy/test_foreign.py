"""Tests name the foreign programs that they start, so that their absence is known beforehand."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import foreign

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "tests").rglob("*.py"))
PROBE = """
import pytest
from tests.support import foreign

@pytest.fixture
def node():
    raise AssertionError("this must not start")

{tests}
def test_undeclared():
    foreign.oracle("nginx")
"""


def test_foreign_programs_are_started_by_the_path_that_was_looked_for() -> None:
    by_name = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.elts[0].value}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.List)
        and node.elts
        and isinstance(node.elts[0], ast.Constant)
        and node.elts[0].value in foreign.PROGRAMS
    ]
    assert by_name == []


def test_what_is_absent_is_looked_for_before_the_first_fixture() -> None:
    late = [
        str(path.relative_to(ROOT))
        for path in FILES
        if path != Path(__file__)
        and path.name not in {"conftest.py", "foreign.py"}
        and re.search(r"pytest\.skip\(.*(absent|not installed)", path.read_text("utf-8"))
    ]
    assert late == []


def test_a_name_that_nobody_can_look_for_is_a_fault() -> None:
    with pytest.raises(LookupError):
        foreign.needs("a program that nobody wrote")


def test_nothing_starts_where_the_program_is_absent(tmp_path: Path) -> None:
    """Run with an empty PATH and no interpreter's neighbours: skipped by name, before fixtures."""
    names = ("nginx", "strace", "chromium", "npm jose")
    tests = "\n".join(
        f"@foreign.needs({name!r})\ndef test_{number}(node):\n    pass\n"
        for number, name in enumerate(names)
    )
    (tmp_path / "test_probe.py").write_text(PROBE.format(tests=tests))
    options = ["-q", "-p", "no:cacheprovider", "-p", "tests.conftest", f"--rootdir={ROOT}"]
    options += ["-c", str(ROOT / "pyproject.toml"), f"--basetemp={tmp_path / 'made'}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path / "test_probe.py")],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path), "COMITY_PATH_ONLY": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 4 skipped" in done.stdout, done.stdout + done.stderr
    assert "the test must declare foreign.needs('nginx')" in done.stdout
    assert f"absent: {', '.join(sorted(names))}" in done.stdout
