"""Lists in pages of a fixed length, with a signed cursor in the address of the next one.

Owns the page length and how a cursor is carried; the cursor itself is ``web/cursors``'.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from api.web import cursors
from api.web.console.page import Column, Visit

T = TypeVar("T")
LENGTH: Final = 25
Place = tuple[str, str]


def page_of(
    visit: Visit,
    name: str,
    fetch: Callable[[int, Place | None], Sequence[T]],
    place: Callable[[T], Sequence[Any]],
) -> Column:
    """Return one page of a list.

    Args:
        visit: whose ``cursor`` says where the page begins.
        name: of the list with its filters; a cursor of another list is refused.
        fetch: returns at most so many items after a place.
        place: returns an item's place.

    Raises:
        Invalid: ``cursor.invalid``.
    """
    at = cursors.read(visit.node, visit.caller, name, visit.query.get("cursor") or None)
    before = (str(at[0]), str(at[1])) if at else None
    found = list(fetch(LENGTH + 1, before))
    shown, following = found[:LENGTH], None
    if len(found) > LENGTH:
        cursor = cursors.make(visit.node, visit.caller, name, list(place(shown[-1])))
        query = {**visit.query, "cursor": cursor}
        following = f"{visit.to(visit.path)}?{urlencode(query)}"
    return Column(shown, following)
