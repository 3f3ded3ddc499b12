"""The narrator: one line per act on stderr, so that stdout stays for the result.

Owns the form of these lines; decides nothing.
"""

import sys
import threading
import time
from collections.abc import Sequence
from typing import TextIO

_SHORT = 12


class Narrator:
    """Tells what happens while it happens.

    Args:
        out: where to; stderr unless a test listens.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stderr if out is None else out
        self._start = time.monotonic()
        self._guard = threading.Lock()

    @property
    def seconds(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._start

    def scene(self, title: str) -> None:
        """Begin a scene."""
        self._write(f"\n{title}\n")

    def act(self, who: str, what: str) -> None:
        """Tell one act."""
        self._write(f"{self.seconds:6.1f} s  {who}: {what}\n")

    def say(self, text: str) -> None:
        """Say something that nobody in the story does."""
        self._write(f"{self.seconds:6.1f} s  {text}\n")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table, its columns as wide as they need to be."""
        lines = [head, *rows]
        widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self._write(f"          {'  '.join(cells).rstrip()}\n")

    def _write(self, line: str) -> None:
        with self._guard:
            self._out.write(line)
            self._out.flush()


def short(digest: str) -> str:
    """Return a digest as people compare it at a glance."""
    return digest.removeprefix("sha256:")[:_SHORT]
