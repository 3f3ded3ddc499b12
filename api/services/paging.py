"""Pages of what a caller may see: full ones, by the same policy as a single read.

Owns the loop that looks further where the policy hides rows, so that a hidden row neither shortens
a page nor ends a list early, however many of them stand in a row.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Place = tuple[str, str]

_LARGEST = 1000
"""Most rows that one look fetches; each look that found too little doubles the next one."""


def visible_page(
    fetch: Callable[[Place | None, int], Sequence[T]],
    allowed: Callable[[Sequence[T]], Sequence[bool]],
    place: Callable[[T], Place],
    *,
    limit: int,
    start: Place | None,
) -> list[T]:
    """Return ``limit`` rows that may be seen, fewer only where the list ends.

    Args:
        fetch: returns the next rows after a place, as many as asked; fewer only at the end.
        allowed: decides for each row whether it may be seen.
        place: where a row stands in the list.
        limit: at most so many.
        start: place to begin after, or ``None`` for the beginning.
    """
    found: list[T] = []
    at, size = start, limit
    while rows := fetch(at, size):
        found += [row for row, may in zip(rows, allowed(rows), strict=True) if may]
        if len(found) >= limit or len(rows) < size:
            break
        at, size = place(rows[-1]), min(size * 2, _LARGEST)
    return found[:limit]
