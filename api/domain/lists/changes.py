"""What changed between two editions of one list.

Owns the comparison. Within one layout every value counts; between two layouts only what both say
is compared (name, kind, programmes, births), and by meaning, so that ``LAST, First`` and
``First LAST`` are one name. Whether a change matters to anybody is not known here.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from api.domain.lists import tree
from api.domain.lists.entries import ListEntry
from api.domain.lists.tree import Change

_WORD: Final = re.compile(r"[^\W_]+")


class EntryOutcome(StrEnum):
    """What became of an entry."""

    ADDED = "added"
    REMOVED = "removed"
    AMENDED = "amended"


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One entry that is not the same in two editions.

    Attributes:
        outcome: what became of it.
        entry: the publisher's id.
        name: its primary name, in the newer edition where it stands there.
        programs: its programmes, in both editions together.
        changes: for an amendment, each value that differs.
        same_place: the list has no keys of its own, and another subject now has this place (an
            addition and a removal with one id).
    """

    outcome: EntryOutcome
    entry: str
    name: str
    programs: tuple[str, ...]
    changes: tuple[Change, ...] = field(default=())
    same_place: bool = False


def compare(
    old: ListEntry | None, new: ListEntry | None, *, same_layout: bool, by_place: bool
) -> list[EntryChange]:
    """Return what became of one id between two editions; empty if nothing did.

    Args:
        old: the entry in the older edition.
        new: the entry in the newer one.
        same_layout: both editions have one layout.
        by_place: the list has no keys of its own, so that one id can be of two subjects.
    """
    if old is None or new is None:
        return [_whole(one, outcome) for one, outcome in _sides(old, new) if one is not None]
    if by_place and not _one_subject(old, new):
        return [
            _whole(old, EntryOutcome.REMOVED, same_place=True),
            _whole(new, EntryOutcome.ADDED, same_place=True),
        ]
    changes = tree.differences(old.source, new.source) if same_layout else _by_meaning(old, new)
    if not changes:
        return []
    programs = tuple(dict.fromkeys((*old.programs, *new.programs)))
    return [EntryChange(EntryOutcome.AMENDED, new.id, new.name, programs, tuple(changes))]


def _sides(
    old: ListEntry | None, new: ListEntry | None
) -> list[tuple[ListEntry | None, EntryOutcome]]:
    return [(old, EntryOutcome.REMOVED), (new, EntryOutcome.ADDED)]


def _whole(one: ListEntry, outcome: EntryOutcome, *, same_place: bool = False) -> EntryChange:
    return EntryChange(outcome, one.id, one.name, one.programs, same_place=same_place)


def words(name: str) -> tuple[str, ...]:
    """Return a name's words without case, accents and order: equal for two layouts of one name."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return tuple(sorted(_WORD.findall(plain)))


def _one_subject(old: ListEntry, new: ListEntry) -> bool:
    """Tell whether a place in a list still has the subject it had: a name of theirs shares a word.

    Two births that exclude each other say that it has not.
    """
    before = {word for one in old.names for word in words(one.text)}
    after = {word for one in new.names for word in words(one.text)}
    known = [
        [one for one in entry.births if one.earliest and not one.circa] for entry in (old, new)
    ]
    apart = all(known) and not any(
        one.earliest <= other.latest and other.earliest <= one.latest
        for one in known[0]
        for other in known[1]
    )
    shared = len(before & after)
    if apart:
        return shared >= max(2, min(len(before), len(after)))
    return shared >= min(2, len(before), len(after))


def _by_meaning(old: ListEntry, new: ListEntry) -> list[Change]:
    found = []
    if words(old.name) != words(new.name):
        found.append(Change("name", old.name, new.name))
    if old.kind is not new.kind:
        found.append(Change("kind", old.kind.value, new.kind.value))
    sides = (
        ("programs", old.programs, new.programs),
        ("births", _spans(old), _spans(new)),
    )
    for member, was, now in sides:
        if set(was) != set(now):
            found.append(Change(member, _joined(set(was) - set(now)), _joined(set(now) - set(was))))
    return found


def _spans(entry: ListEntry) -> tuple[str, ...]:
    """Return births as spans, whatever words they were written in."""
    return tuple(
        f"{'circa ' if one.circa else ''}{one.earliest} to {one.latest}"
        if one.earliest
        else one.text
        for one in entry.births
    )


def _joined(values: Iterable[str]) -> str | None:
    return " | ".join(sorted(values)) or None
