"""One demo for the pages that show commands: started once, left up while they run."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMITY = "from api.cli.main import run; run()"
_STARTING, _STOPPING = 540, 60


@dataclass(frozen=True)
class Running:
    """A demo that is up, and the folder a reader of the README would stand in.

    `folder` looks like a checkout after ``make demo``: ``.demo`` is the demo's home and
    ``.venv/bin`` has ``comity``.
    """

    folder: Path
    document: dict[str, Any]

    @property
    def home(self) -> Path:
        return self.folder / ".demo"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COMITY_")}
        return {**kept, "PYTHONPATH": str(ROOT)}

    def comity(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.folder / ".venv/bin/comity"), *arguments],
            env={**self.environment(), "COMITY_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("checkout")
    command = folder / ".venv" / "bin" / "comity"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -c "{COMITY}" "$@"\n')
    command.chmod(0o755)
    home = folder / ".demo"
    output = folder / "output"
    with output.open("w") as file:
        demo = subprocess.Popen(
            [sys.executable, "-P", "-m", "api.demo", "--home", str(home)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + _STARTING
        while not (home / "demo.json").exists():
            assert demo.poll() is None, output.read_text()
            assert time.monotonic() < end, output.read_text()
            time.sleep(0.2)
        yield Running(folder, json.loads((home / "demo.json").read_text()))
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.wait(_STOPPING)
