"""A demo that stays up, as its users start it: three real nodes with the story told to a point.

with running_demo(folder) as up:
    up.call("us-analyst", "GET", "/me")
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.deployment import ROOT

MINISTRIES = {"us-treasury": "us", "uk-fcdo": "uk", "ca-gac": "ca"}
DEMO = [sys.executable, "-P", "-m", "api.demo"]
COMITY = [sys.executable, "-P", "-c", "from api.cli.main import run; run()"]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@dataclass(frozen=True)
class Up:
    """A demo that stays up."""

    home: Path
    document: dict[str, Any]

    def token(self, profile: str) -> str:
        done = subprocess.run(
            [*COMITY, "--profile", profile, "token"],
            env=environment(COMITY_HOME=str(self.home)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def call(self, profile: str, method: str, path: str, content: Any = None) -> httpx2.Response:
        ministry = next(name for name, p in MINISTRIES.items() if profile.startswith(p))
        url = self.document["nodes"][ministry]["url"]
        headers = {"authorization": f"Bearer {self.token(profile)}"}
        with httpx2.Client(trust_env=False, timeout=30) as client:
            return client.request(method, f"{url}/api/v1{path}", json=content, headers=headers)


@contextmanager
def running_demo(folder: Path) -> Iterator[Up]:
    """Run ``comity demo`` until the block ends; it must end in order."""
    home = folder / "home"
    output = home.parent / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            [*DEMO, "--home", str(home), "--until", "partners-read"],
            env=environment(COMITY_DATABASE_URL="sqlite:////nowhere"),
            cwd=home.parent,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        end = time.monotonic() + 540
        while not (home / "demo.json").exists():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < end, output.read_text()
            time.sleep(0.2)
        yield Up(home, json.loads((home / "demo.json").read_text()))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, output.read_text()
        for pid in pids(home):
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def pids(home: Path) -> list[int]:
    nodes = json.loads((home / "demo.json").read_text())["nodes"]
    return [node["pid"] for node in nodes.values()]
