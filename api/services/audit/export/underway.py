"""How far an export has come that is being made in this process, for the officer who asked for it.

Owns that number. Another process does not know it; what was made is in the log.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from api.services.node import Node

T = TypeVar("T")

MOVED: Final = "export-moved"
"""The topic that is rung when an export has come further, or to its end."""

_EVERY: Final = 1000
_PERCENT: Final[dict[tuple[str, str], int]] = {}


def percent(node: Node, person: str) -> int | None:
    """Return how much of an officer's export is written; ``None`` when none is being made."""
    return _PERCENT.get((node.ministry, person))


@contextmanager
def followed(node: Node, person: str) -> Iterator[None]:
    """Show that an export is being made for as long as the block lasts."""
    _PERCENT[node.ministry, person] = 0
    node.db.ring(MOVED)
    try:
        yield
    finally:
        _PERCENT.pop((node.ministry, person), None)
        node.db.ring(MOVED)


def counted(node: Node, person: str, lines: Iterable[T], total: int) -> Iterator[T]:
    """Yield lines as they are, and tell now and then how many of them have passed."""
    for number, line in enumerate(lines):
        if number and number % _EVERY == 0:
            _PERCENT[node.ministry, person] = number * 100 // max(total, 1)
            node.db.ring(MOVED)
        yield line
