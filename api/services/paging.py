"""Pages of what a caller may see: full ones, by the same policy as a single read.

Owns the loop that looks further where the policy hides rows, so that a hidden row neither shortens
a page nor ends a list early.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Place = tuple[str, str]

_MOST_ROUNDS = 20


def visible_page(
    fetch: Callable[[Place | None], Sequence[T]],
    allowed: Callable[[Sequence[T]], Sequence[bool]],
    place: Callable[[T], Place],
    *,
    limit: int,
    start: Place | None,
) -> list[T]:
    """Return up to ``limit`` rows that may be seen.

    Args:
        fetch: returns the next rows after a place, at most as many as it likes; none at the end.
        allowed: decides for each row whether it may be seen.
        place: where a row stands in the list.
        limit: at most so many.
        start: place to begin after, or ``None`` for the beginning.
    """
    found: list[T] = []
    at = start
    for _ in range(_MOST_ROUNDS):
        rows = fetch(at)
        if not rows:
            break
        found += [row for row, may in zip(rows, allowed(rows), strict=True) if may]
        if len(found) >= limit:
            break
        at = place(rows[-1])
    return found[:limit]
