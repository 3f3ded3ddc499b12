"""A short run leaves campaigns, keeps a sample of each, and says how many it left."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import run
from tests.support import campaigns
from tests.support.checkout import ROOT

PROBE = """
import pytest
from tests.support.campaigns import campaign, long

def test_sample():
    pass

@campaign({sample!r})
def test_all_day():
    pass

@pytest.mark.parametrize("seed", [1, *long(2, 3)])
def test_seeds(seed):
    pass
"""


def ran(folder: Path, sample: str, *options: str, short: bool) -> tuple[int, str]:
    (folder / "test_probe.py").write_text(PROBE.format(sample=sample))
    command = ["-q", "-p", "no:cacheprovider", "-p", "tests.conftest", f"--rootdir={ROOT}"]
    command += ["-c", str(ROOT / "pyproject.toml"), f"--basetemp={folder / 'made'}", *options]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command, str(folder / "test_probe.py")],
        cwd=ROOT,
        env={"HOME": str(folder), **({campaigns.LEAVES: "1"} if short else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_short_run_says_how_many_it_left_and_what_runs_them(tmp_path: Path) -> None:
    code, said = ran(tmp_path, "test_sample", "-n", "1", short=True)
    assert code == 0
    assert "\n2 passed" in said
    assert "left out: 3 tests of campaigns" in said
    assert "make test WHOLE=1" in said


def test_a_whole_run_leaves_nothing(tmp_path: Path) -> None:
    _, said = ran(tmp_path, "test_sample", short=False)
    assert "\n5 passed" in said
    assert "left out" not in said


@pytest.mark.parametrize("sample", ["test_of_nothing", "test_all_day"])
def test_a_campaign_without_a_sample_fails_the_run(tmp_path: Path, sample: str) -> None:
    code, said = ran(tmp_path, sample, "-n", "1", short=True)
    assert code == 1
    assert re.search(r"campaigns without a sample that stays: .*::test_all_day\n", said)


def test_whoever_names_tests_gets_all_of_them() -> None:
    named = ["tests/wire", "tests/test_durable.py", "tests/test_durable.py::test_a"]
    assert all(map(run.names_tests, named))
    assert not any(map(run.names_tests, ["-q", "-k", "wire", "-x", "--maxfail=1"]))
