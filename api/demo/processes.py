"""The demo's child processes: started, watched, waited for and ended together.

Owns their life. Output of each goes to its own file; a child that dies is named with the end of
what it said.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

from api.demo import loopback
from api.domain.errors import Unavailable

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_GRACE = 15.0
PATIENCE = 600.0
"""Seconds that a living process may take: a slow machine is no fault, an end is noticed at once."""
_ANSWER = 30.0
_TAIL = 6
_SETTINGS = "COMITY_"


@dataclass(frozen=True, slots=True)
class Child:
    """One started process.

    Attributes:
        name: for people, such as ``us-treasury`` or ``sign-in``.
        ready_url: answers 200 when the process can do its work.
        log: file with its output.
        command: its arguments, to start it again.
        process: the process.
    """

    name: str
    ready_url: str
    log: Path
    command: tuple[str, ...]
    process: "subprocess.Popen[bytes]"

    def tail(self) -> str:
        """Return the last lines it wrote."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_TAIL:])


class Processes:
    """All children of one demo; a context manager that ends them.

    Args:
        logs: folder for their output.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, Child] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str], ready_url: str) -> Child:
        """Start a command; returns without waiting until it is ready."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(),
            )
        child = Child(name, ready_url, log, tuple(command), process)
        with self._guard:
            self._children[name] = child
        return child

    def wait_ready(self, child: Child, seconds: float = PATIENCE) -> None:
        """Wait until a child answers; one that has ended is noticed at once.

        Raises:
            Unavailable: ``demo.process-died``, ``demo.process-slow``.
        """
        end = time.monotonic() + seconds
        with loopback.client(_ANSWER) as client:
            while time.monotonic() < end:
                self.require_alive(child)
                try:
                    if client.get(child.ready_url).is_success:
                        return
                except httpx2.HTTPError:
                    pass
                time.sleep(0.1)
        raise Unavailable(
            "demo.process-slow",
            f"{child.name} runs, but was not ready within {seconds:.0f} s; see {child.log}.",
        )

    def require_alive(self, child: Child) -> None:
        """Raise if a child has ended.

        Raises:
            Unavailable: ``demo.process-died``.
        """
        status = child.process.poll()
        if status is not None:
            raise Unavailable(
                "demo.process-died",
                f"{child.name} ended with status {status}; the end of {child.log}:\n{child.tail()}",
            )

    def dead(self) -> list[Child]:
        """Return the children that have ended, each once."""
        with self._guard:
            found = [each for each in self._children.values() if each.process.poll() is not None]
            for child in found:
                del self._children[child.name]
        return found

    @property
    def alive(self) -> bool:
        """Whether any child still runs."""
        with self._guard:
            return any(child.process.poll() is None for child in self._children.values())

    def end(self, name: str) -> None:
        """End one child and forget it; the story's node that is away for a while."""
        with self._guard:
            child = self._children.pop(name)
        _end([child])

    def stop(self) -> None:
        """Ask every child to end, then insist."""
        with self._guard:
            children = list(self._children.values())
            self._children.clear()
        _end(children)


def _end(children: Sequence[Child]) -> None:
    running = [child for child in children if child.process.poll() is None]
    for child in running:
        child.process.terminate()
    end = time.monotonic() + _GRACE
    for child in running:
        try:
            child.process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this program."""
    # -P: a folder called "api" where the demo is started must not be taken for ours.
    return [sys.executable, "-P", "-m", module, *arguments]


def comity_command(*arguments: str) -> list[str]:
    """Return the command that runs ``comity`` with the Python of this process."""
    return [sys.executable, "-P", "-c", "from api.cli.main import run; run()", *arguments]


def environment() -> dict[str, str]:
    """Return the environment of children.

    A checkout that is not installed still finds the package from any working folder, and settings
    of another node in the caller's environment do not reach the demo's.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    given = os.environ.get("PYTHONPATH")
    path = str(_PACKAGE_ROOT) if not given else f"{_PACKAGE_ROOT}{os.pathsep}{given}"
    return {**kept, "PYTHONPATH": path}


def free_ports(count: int) -> list[int]:
    """Return loopback ports that are free now.

    All are held while the last is chosen, so no two are the same. Somebody else may take one before
    its process does; that process then ends at once and the demo says so.
    """
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
