"""One demo that is told to its end and stays up, as its users start it: three real nodes.

with running_demo(folder) as demo:
    demo.call("us-analyst", "GET", "/me")
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.deployment import ROOT

MINISTRIES = {"us-treasury": "us", "uk-fcdo": "uk", "ca-gac": "ca"}
DEMO = [sys.executable, "-P", "-m", "api.demo"]
COMITY = [sys.executable, "-P", "-c", "from api.cli.main import run; run()"]
STARTING, STOPPING = 1200, 60


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMITY_")}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@dataclass(frozen=True)
class Demo:
    """A demo that stays up, and the folder that a reader of the README would stand in.

    `folder` looks like a checkout after ``make demo``: ``.demo`` is the demo's home and
    ``.venv/bin`` has ``comity``. `result` is the line that ended standard output when the story
    was told, `narration` what was said until then.
    """

    folder: Path
    document: dict[str, Any]
    result: dict[str, Any]
    narration: str
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / ".demo"

    def comity(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMITY, *arguments],
            env=environment(COMITY_HOME=str(self.home)),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def token(self, profile: str) -> str:
        """A token of one of the demo's people, asked for once."""
        if profile not in self._tokens:
            done = self.comity("--profile", profile, "token")
            assert done.returncode == 0, done.stderr
            self._tokens[profile] = done.stdout.strip()
        return self._tokens[profile]

    def call(self, profile: str, method: str, path: str, content: Any = None) -> httpx2.Response:
        ministry = next(name for name, p in MINISTRIES.items() if profile.startswith(p))
        url = self.document["nodes"][ministry]["url"]
        headers = {"authorization": f"Bearer {self.token(profile)}"}
        with httpx2.Client(trust_env=False, timeout=30) as client:
            return client.request(method, f"{url}/api/v1{path}", json=content, headers=headers)


def checkout_in(folder: Path) -> None:
    """Put the command where ``make demo`` leaves it."""
    command = folder / ".venv" / "bin" / "comity"
    command.parent.mkdir(parents=True)
    program = COMITY[-1]
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -c "{program}" "$@"\n')
    command.chmod(0o755)


@contextmanager
def running_demo(folder: Path, *scenes: str) -> Iterator[Demo]:
    """Run ``comity demo --json`` until the block ends; it must then end in order.

    Args:
        folder: an empty folder.
        scenes: options that say how much is told; everything if none.
    """
    checkout_in(folder)
    home = folder / ".demo"
    said, told = folder / "said", folder / "told"
    with said.open("w") as errors, told.open("w") as output:
        process = subprocess.Popen(
            [*DEMO, "--json", "--home", str(home), *scenes],
            # A setting of another node must not reach the demo's.
            env=environment(COMITY_DATABASE_URL="sqlite:////nowhere"),
            cwd=folder,
            stdout=output,
            stderr=errors,
        )
    try:
        end = time.monotonic() + STARTING
        while not told.read_text().endswith("}\n"):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < end, said.read_text()
            time.sleep(0.2)
        document = json.loads((home / "demo.json").read_text())
        result = json.loads(told.read_text().splitlines()[-1])
        yield Demo(folder, document, result, said.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(STOPPING) == 130, said.read_text()
        require_ended(home)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(STOPPING)


def require_ended(home: Path) -> None:
    """No node of a demo is left."""
    nodes = json.loads((home / "demo.json").read_text())["nodes"]
    for node in nodes.values():
        with pytest.raises(ProcessLookupError):
            os.kill(node["pid"], 0)
