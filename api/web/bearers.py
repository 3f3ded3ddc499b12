"""Whose tokens were found good here lately.

Owns what a process needs to count a request for its officer before a worker thread has verified the
token once more. Proves nothing: whoever acts is identified again, every time.
"""

import hashlib
from datetime import datetime
from typing import Final

_MOST: Final = 4096


class Bearers:
    """Officers by digest of a token, until the token ends."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[str, datetime]] = {}

    def person(self, token: str, now: datetime) -> str:
        """Return the officer record that a token was last found to stand for; empty if unknown."""
        person, until = self._known.get(_digest(token)) or ("", now)
        return person if now < until else ""

    def note(self, token: str, person: str, until: datetime) -> None:
        """Remember whom a token that was just verified stands for."""
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[_digest(token)] = person, until


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
