"""A short demo that ends by itself."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.campaigns import campaign
from tests.support.demo import DEMO, MINISTRIES, environment, require_ended

pytestmark = [pytest.mark.processes]


@campaign("tests/demo/test_demo.py::test_an_outsider_recounts_the_streams_from_the_exports_alone")
def test_a_demo_that_is_to_end_says_so_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = subprocess.run(
        [*DEMO, "--exit", "--json", "--until", "listing-2020", "--home", str(home)],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    result = json.loads(done.stdout)
    assert result["ok"] is True
    assert set(result["nodes"]) == set(MINISTRIES)
    assert (result["lost"], result["duplicated"], result["threads"]) == (0, 0, [])
    require_ended(home)
