"""The demo's US node moves to PostgreSQL in the middle of the story, and its log goes on."""

import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.demo import cast, launcher, story
from api.demo.home import DemoHome
from api.demo.launcher import Reach
from api.demo.processes import Processes, comity_command, environment
from api.demo.story.narrator import Narrator
from api.demo.story.stage import Stage
from api.wire.export import layout
from api.wire.export.container import ExportFile
from tests.support import foreign
from tests.support.campaigns import campaign

pytestmark = [pytest.mark.processes, foreign.needs("postgresql")]

BEFORE, AFTER = ("listing-2020", "july-2020", "release"), ("partners-read", "supplement")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DemoHome]:
    made = DemoHome(tmp_path / "home")
    yield made
    made.close()


def comity(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        comity_command(*arguments),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def exported(stage: Stage, home: DemoHome, name: str) -> Path:
    """An export of the US log up to now, verified by the command line."""
    target = home.root / name
    auditor = stage.officer(cast.US, "auditor")
    auditor.download("export", "/audit/export", target, purpose="before and after a move")
    verdict = comity("verify", str(target), "--membership", str(home.membership))
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    return target


def entries(path: Path) -> list[bytes]:
    with path.open("rb") as source:
        return b"".join(ExportFile(source).chunks("entries.jsonl")).splitlines()


def size_of(path: Path) -> int:
    with zipfile.ZipFile(path) as container:
        return int(container.read(layout.CHECKPOINT).decode().split("\n")[1])


def leaf(line: bytes) -> tuple[str, str]:
    found = json.loads(line)
    return found["e"], found["s"]


@campaign("tests/operations/test_move.py::test_everything_arrives_and_the_log_goes_on")
def test_the_us_node_moves_and_the_story_goes_on(
    home: DemoHome, postgres_url: str, tmp_path: Path
) -> None:
    with Processes(home.logs) as running:
        up = launcher.launch(home, running, Narrator())
        reach = Reach(up, running)
        stage = Stage(up.staffs, Narrator(), reach)
        try:
            for name in BEFORE:
                story.ACTS[name].play(stage)
            first = exported(stage, home, "before.zip")
            node = next(one for one in up.nodes if one.ministry is cast.US)
            in_use = comity("node", "move", "--to", postgres_url, "--settings", str(node.settings))
            assert in_use.returncode == 6, in_use.stderr
            assert "move.running" in in_use.stderr
            reach.switch_off(cast.US.id)
            moved = comity("node", "move", "--to", postgres_url, "--settings", str(node.settings))
            assert moved.returncode == 0, moved.stderr
            text = node.settings.read_text()
            lines = [
                f"COMITY_DATABASE_URL={postgres_url}" if "DATABASE_URL=" in line else line
                for line in text.splitlines()
            ]
            node.settings.write_text("\n".join(lines) + "\n")
            reach.switch_on(cast.US.id)
            for name in AFTER:
                story.ACTS[name].play(stage)
            second = exported(stage, home, "after.zip")
        finally:
            for officer in stage.officers():
                officer.close()
    assert not node.database.exists()
    assert comity("verify", str(first), "--membership", str(home.membership)).returncode == 0
    old, new = entries(first), entries(second)
    assert size_of(second) > size_of(first)
    assert len(new) > len(old)
    # The same leaves in the same places: one log.
    assert [leaf(line) for line in new[: len(old)]] == [leaf(line) for line in old]
