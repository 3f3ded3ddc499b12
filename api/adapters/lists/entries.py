"""What every reader makes of a published list: entries alike, with a floor under their number.

Owns the values and the refusals. A reader reads and judges nothing: whether two entries are of one
subject is an officer's verdict, and a list's own dates mean what its publisher says (the European
Union's file gives the date of the last amending act).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from api.domain.errors import Invalid

LARGEST: Final = 256 * 1024 * 1024
"""Most bytes of an unpacked list."""

SHRINK: Final = 0.8
"""A list with fewer than this part of the entries it had before is taken for a failed download."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One subject of a list.

    Attributes:
        id: the publisher's own reference.
        kind: ``person``, ``entity``, ``vessel`` or ``other``.
        names: first the primary one, then aliases, as written.
        programs: programmes, regimes or regulations it stands under.
        listed_on: the day that the list gives, or empty where it gives none.
        births: birth dates as written.
        note: reasons or remarks, as published.
    """

    id: str
    kind: str
    names: tuple[str, ...]
    programs: tuple[str, ...] = ()
    listed_on: str = ""
    births: tuple[str, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the members that say something."""
        members: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "names": list(self.names),
            "programs": list(self.programs),
            "listed_on": self.listed_on,
            "births": list(self.births),
            "note": self.note,
        }
        return {name: value for name, value in members.items() if value}


@dataclass(frozen=True, slots=True)
class Published:
    """One list as published on one day.

    Attributes:
        source: ``ofac``, ``eu``, ``canada`` or ``uk``.
        as_of: the day that the file gives, or empty.
        entries: in the order of the file, each id once.
        stated: how many entries the file says that it holds, or ``None``.
    """

    source: str
    as_of: str
    entries: tuple[Entry, ...] = field(repr=False)
    stated: int | None = None


def refuse(code: str, message: str) -> Invalid:
    """Return the refusal of a file: ``list.<code>``."""
    return Invalid(f"list.{code}", message)


def merged(rows: Iterable[Entry]) -> tuple[Entry, ...]:
    """Bring rows of one id together: several layouts have one row for each name."""
    found: dict[str, Entry] = {}
    for row in rows:
        old = found.get(row.id)
        found[row.id] = row if old is None else _joined(old, row)
    return tuple(found.values())


def _joined(old: Entry, new: Entry) -> Entry:
    return Entry(
        id=old.id,
        kind=old.kind,
        names=_each_once(*old.names, *new.names),
        programs=_each_once(*old.programs, *new.programs),
        listed_on=old.listed_on or new.listed_on,
        births=_each_once(*old.births, *new.births),
        note=old.note or new.note,
    )


def _each_once(*values: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def require_enough(published: Published, floor: int, before: int | None) -> None:
    """Refuse a list that is too short to be whole.

    An empty or cut-off download would look like a mass delisting to whoever compares it.

    Args:
        published: the list.
        floor: fewest entries of a whole list of this source.
        before: entries of the list imported before, if there is one.

    Raises:
        Invalid: ``list.too-short``, ``list.count-mismatch``.
    """
    count = len(published.entries)
    if published.stated is not None and published.stated != count:
        raise refuse("count-mismatch", "The file says that it holds another number of entries.")
    least = max(floor, int((before or 0) * SHRINK))
    if count < least:
        raise refuse("too-short", f"The file holds {count} entries, fewer than the {least} needed.")
