"""Lets processes of `crash_child` work under strace, and die at a call that the test names.

    with Workshop(strace) as workshop:
        whole = workshop.work(folder, "sequence", traced=True)      # whole.calls: what it did to the disk
        killed = workshop.work(folder, "sequence", at=("pwrite64", 17))
        again = workshop.work(folder, "sequence")

One process is started and keeps everything imported; each piece of work is a fork of it.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.crash_child import SAID, UNTRACED
from tests.support.deployment import ROOT

# Everything by which these processes change a disk; SQLite uses the first four.
CALLS = (
    *("pwrite64", "fdatasync", "fsync", "ftruncate", "fallocate", "write", "writev", "pwritev"),
    *("link", "linkat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir"),
)
KILLED = -signal.SIGKILL


class NotTracedError(Exception):
    """The tracer may not, or cannot, do here what it is for."""


@dataclass(frozen=True)
class Ended:
    """How a process ended, what had left it, and which calls each of its threads made."""

    code: int
    said: list[dict[str, Any]]
    threads: dict[str, Counter[str]]

    @property
    def calls(self) -> Counter[str]:
        """The most calls of each kind that one thread made: strace counts by thread."""
        most: Counter[str] = Counter()
        for counts in self.threads.values():
            most |= counts
        return most

    @property
    def shadowed(self) -> Counter[str]:
        """Calls that cannot be named, because another thread makes as many of that kind."""
        return sum(self.threads.values(), Counter()) - self.calls


class Workshop:
    """Starts processes of `crash_child`; ends with the block.

    Args:
        strace: the program, or empty if nothing will be traced.
    """

    def __init__(self, strace: str) -> None:
        self._strace = strace
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-m", "tests.support.crash_child"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def work(
        self,
        folder: Path,
        scenario: str,
        *,
        traced: bool = False,
        at: tuple[str, int] | None = None,
    ) -> Ended:
        """Do one piece of work in a new process.

        Args:
            folder: the nodes' homes.
            scenario: one of `crash_child.SCENARIOS`.
            traced: note the calls.
            at: die by SIGKILL instead of making this call: its kind, and the how manyth of a thread.

        Raises:
            NotTracedError: the tracer did not come.
        """
        traced = traced or at is not None
        order = {"folder": str(folder), "scenario": scenario, "traced": traced}
        self._tell(order)
        answer = self._answer()
        calls = folder / "calls.txt"
        if "process" in answer:
            if traced:
                self._trace(answer["process"], calls, at)
            answer = self._answer()
        code = answer["code"]
        if code == UNTRACED:
            raise NotTracedError
        if code not in {0, KILLED}:
            raise AssertionError(f"{scenario} ended with {code}: {self._failure()}")
        lines = (folder / SAID).read_text().splitlines(keepends=True)
        said = [json.loads(line) for line in lines if line.endswith("}\n")]
        return Ended(code, said, counted(calls) if traced else {})

    def _trace(self, process: int, calls: Path, at: tuple[str, int] | None) -> None:
        """Attach strace and wait until it, and so the process, has ended."""
        kinds = ",".join(f"?{call}" for call in CALLS)
        command = [self._strace, "-f", "-qq", "-o", str(calls), "-e", f"trace={kinds}"]
        if at is not None:
            command += ["-e", f"inject={at[0]}:signal=SIGKILL:when={at[1]}"]
        # Not with --seccomp-bpf: signals injected at its stops are lost.
        done = subprocess.run(
            [*command, "-p", str(process)], capture_output=True, text=True, check=False
        )
        if not select.select([self._process.stdout], [], [], 5.0)[0]:
            os.kill(process, signal.SIGKILL)
            self._answer()
            raise NotTracedError(done.stderr)

    def _tell(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(self._failure())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failure(self) -> str:
        self._process.kill()
        return self._process.communicate()[1]


def counted(log_file: Path) -> dict[str, Counter[str]]:
    """Calls of each thread, from strace's lines ``<thread> <call>(…``; ids are padded with blanks."""
    found: dict[str, Counter[str]] = {}
    for line in log_file.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+) +(\w+)\(", line)
        if match is not None:
            found.setdefault(match[1], Counter())[match[2]] += 1
    return found
