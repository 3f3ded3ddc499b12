"""What changed between two editions of one list, as the node holds them.

Owns the reading of both sides, a few hundred entries at a time; the comparison of two entries is
``domain.lists.changes``'.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from api.domain.lists import changes
from api.domain.lists.changes import EntryChange, EntryOutcome
from api.domain.lists.entries import ListEntry
from api.records import lists
from api.records.lists import Edition

_LOADED: Final = 400


@dataclass(frozen=True, slots=True)
class EditionDifference:
    """What changed between two editions of one list.

    Attributes:
        older: the older one.
        newer: the newer one.
        same_layout: every value was compared; else only what both layouts say.
        entries: what became of each entry that is not the same, by outcome and id.
    """

    older: Edition
    newer: Edition
    same_layout: bool
    entries: tuple[EntryChange, ...]

    def count(self, outcome: EntryOutcome) -> int:
        """Return how many entries had this outcome."""
        return sum(one.outcome is outcome for one in self.entries)


def difference(connection: Connection, older: Edition, newer: Edition) -> EditionDifference:
    """Return what changed between two editions of one series."""
    before = lists.members_of(connection, older.id)
    after = lists.members_of(connection, newer.id)
    same_layout = older.layout == newer.layout
    touched = sorted(
        id_
        for id_ in before.keys() | after.keys()
        if not same_layout or before.get(id_) != after.get(id_)
    )
    found: list[EntryChange] = []
    for old, new in _pairs(connection, touched, before, after):
        found += changes.compare(old, new, same_layout=same_layout, by_place=newer.series.by_place)
    ordered = sorted(found, key=lambda one: (one.outcome.value, one.entry))
    return EditionDifference(older, newer, same_layout, tuple(ordered))


def _pairs(
    connection: Connection, ids: list[str], before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[tuple[ListEntry | None, ListEntry | None]]:
    """Yield both sides of each id, a few hundred loaded at a time."""
    for start in range(0, len(ids), _LOADED):
        some = ids[start : start + _LOADED]
        digests = [side[id_] for id_ in some for side in (before, after) if id_ in side]
        loaded = lists.entries(connection, digests)
        for id_ in some:
            yield loaded.get(before.get(id_, "")), loaded.get(after.get(id_, ""))
