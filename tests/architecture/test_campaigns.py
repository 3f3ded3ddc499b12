"""A short run leaves campaigns, keeps a sample of each, and says how many it left."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import run
from tests.support import campaigns
from tests.support.checkout import ROOT

PROBE = """
import pytest
from tests.support.campaigns import campaign, long

def test_sample():
    pass

@campaign("test_sample")
def test_all_day():
    pass

@campaign("test_all_day")
def test_all_night():
    pass

@pytest.mark.parametrize("seed", [1, *long(2, 3)])
def test_seeds(seed):
    pass
"""


def test_a_short_run_says_what_it_left_and_fails_where_no_sample_stays(tmp_path: Path) -> None:
    """With a process for the tests, which alone knows what was left."""
    (tmp_path / "test_probe.py").write_text(PROBE)
    command = ["-q", "-n", "1", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    command += [f"--rootdir={ROOT}", "-c", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *command, f"--basetemp={tmp_path / 'made'}", tmp_path],
        cwd=ROOT,
        env={"HOME": str(tmp_path), campaigns.LEAVES: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "\n2 passed" in said
    assert re.search("left out: 4 tests of campaigns, .*; make test WHOLE=1 runs all\n", said)
    assert re.search("campaigns without a sample that stays: .*::test_all_night\n", said)
    assert done.returncode == 1


@dataclass
class Gathered:
    """What pytest gathers of a test, as far as it matters here."""

    nodeid: str
    mark: Any = None

    def get_closest_marker(self, _name: str) -> Any:
        return self.mark.mark if self.mark else None


HERE = "tests/architecture/test_campaigns.py"
LEFT = {
    "its sample stays": (campaigns.campaign("test_stays"), []),
    "other parameters stay": (campaigns.campaign(), []),
    "its sample is elsewhere": (
        campaigns.campaign(
            "tests/test_durable.py::test_a_new_file_is_its_owners_and_leaves_no_other"
        ),
        [],
    ),
    "its sample is nowhere": (campaigns.campaign("test_gone"), ["test_long"]),
    "nothing is elsewhere": (campaigns.campaign("tests/test_durable.py::test_gone"), ["test_long"]),
}


@pytest.mark.parametrize("why", LEFT)
def test_what_is_left_has_a_sample(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    mark, alone = LEFT[why]
    kept = [Gathered(f"{HERE}::test_stays"), Gathered(f"{HERE}::test_other[1]")]
    long = Gathered(f"{HERE}::test_{'other' if why.startswith('other') else 'long'}[2]", mark)
    items: Any = [*kept, long]
    monkeypatch.setenv(campaigns.LEAVES, "1")
    left, missing = campaigns.left_out(items)
    assert (items, left) == (kept, [long])
    assert missing == [f"{HERE}::{name}" for name in alone]
    monkeypatch.setenv(campaigns.LEAVES, "")
    everything: Any = [*kept, long]
    assert campaigns.left_out(everything) == ([], [])
    assert everything == [*kept, long]


def test_files_that_are_kept_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file by its name; shares that take turns among all files, so that some share has each."""
    file, other = "tests/operations/test_siege.py", "tests/demo/test_demo.py"
    monkeypatch.setenv(campaigns.LEAVES, "1")
    monkeypatch.setenv(campaigns.KEEPS, file)
    assert (campaigns.short(), campaigns.short(file), campaigns.short(other)) == (True, False, True)
    assert not campaigns.short(str(ROOT / file)), "a module asks with its own place"
    long = Gathered(f"{file}::test_long", campaigns.campaign("test_gone"))
    assert campaigns.left_out([long]) == ([], [])
    whole = []
    for number in range(4):
        monkeypatch.setenv(campaigns.KEEPS, f"{number}/4")
        whole += [one for one in [*campaigns.seconds(), "tests/new.py"] if not campaigns.short(one)]
    assert sorted(whole) == sorted([*campaigns.seconds(), "tests/new.py"])


def test_whoever_names_tests_gets_all_of_them() -> None:
    named = ["tests/wire", "tests/test_durable.py", "tests/test_durable.py::test_a"]
    assert all(map(run.names_tests, named))
    assert not any(map(run.names_tests, ["-q", "-k", "wire", "-x", "--maxfail=1"]))
