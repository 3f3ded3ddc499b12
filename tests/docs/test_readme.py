"""Every command of the README works, in its order, as a reader would type it after a demo."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.demo import Demo, environment

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETTLED = """
import json, sys, time, urllib.request
asked = urllib.request.Request({url!r}, headers={{"authorization": {bearer!r}}})
end = time.monotonic() + 90
while time.monotonic() < end:
    with urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(asked) as answer:
        streams = [peer["stream"] for peer in json.load(answer)["items"]]
    if all(one["sent"] == one["receipted"] == one["applied"] + one["refused"] for one in streams):
        sys.exit(0)
    time.sleep(0.3)
sys.exit("deliveries did not settle")
"""


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(README) if name == language]


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    assert {name for name, _ in BLOCK.findall(README)} == {"console", "sh"}


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = [line for text in blocks("console") for line in text.splitlines()]
    assert lines
    for line in lines:
        words = line.split("#")[0].split()
        assert words[0] == "make", line
        for target in words[1:]:
            assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target


@foreign.needs("bash")
@pytest.mark.processes
def test_the_commands_work_in_their_order(demo: Demo) -> None:
    settled = demo.folder / "settled.py"
    url = f"{demo.document['nodes']['us-treasury']['url']}/api/v1/peers"
    settled.write_text(SETTLED.format(url=url, bearer=f"Bearer {demo.token('us-auditor')}"))
    # Between two blocks a reader takes as long as a delivery; the script waits instead.
    wait = f'\n"{sys.executable}" settled.py\n'
    script = "set -eu\n" + wait.join(blocks("sh"))
    done = subprocess.run(
        [foreign.oracle("bash"), "-c", script],
        cwd=demo.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (demo.folder / "received.comity").exists()
    for told in ("uk-fcdo", "verified", "received", "origin_proven", "statement.txt"):
        assert told in done.stdout
