"""Watches and verdicts as lists show them: with names for what they are about and who set them.

Owns those read models. Names come from the same descriptions that search finds, for what the caller
may read; a reference without a name stays a reference.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.records import identity, lists, officers
from api.records.shared_verdicts import SharedVerdict
from api.records.subjects import Verdict
from api.records.watches import Watch
from api.services.authorising import Caller
from api.services.desk import recalls, subjects, watching
from api.services.desk.identity import LIST, entry_place, holder
from api.services.node import Node


@dataclass(frozen=True, slots=True)
class WatchLine:
    """One watch that stands.

    Attributes:
        watch: the watch.
        name: of the description; empty for a programme, or where none is known.
        officer: name of who set it.
        mine: the caller set it.
    """

    watch: Watch
    name: str
    officer: str
    mine: bool


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One verdict of an officer here.

    Attributes:
        verdict: the verdict.
        one: name of the first description, or empty.
        other: name of the second, or empty.
        officer: name of who gave it.
    """

    verdict: Verdict
    one: str
    other: str
    officer: str


@dataclass(frozen=True, slots=True)
class SharedLine:
    """One verdict that a ministry told others.

    Attributes:
        verdict: the verdict.
        one: name of the first description, or empty.
        other: name of the second, or empty.
    """

    verdict: SharedVerdict
    one: str
    other: str


def watch_lines(node: Node, caller: Caller) -> list[WatchLine]:
    """Return the watches that stand on what the caller may read, oldest first."""
    found = watching.standing_watches(node, caller)
    named = first_names(node, caller, {one.ref for one in found})
    people = _people(node, {one.by for one in found})
    return [
        WatchLine(one, named.get(one.ref, ""), people.get(one.by, ""), one.by == caller.person)
        for one in found
    ]


def verdict_lines(
    node: Node, caller: Caller, *, limit: int, before: tuple[str, str] | None = None
) -> list[VerdictLine]:
    """Return verdicts on what the caller may read, newest first, replaced ones included."""
    found = subjects.verdicts(node, caller, limit=limit, before=before)
    named = first_names(node, caller, {ref for one in found for ref in (one.one, one.other)})
    people = _people(node, {one.by for one in found})
    return [
        VerdictLine(one, named.get(one.one, ""), named.get(one.other, ""), people.get(one.by, ""))
        for one in found
    ]


def shared_lines(node: Node, caller: Caller) -> list[SharedLine]:
    """Return the verdicts that ministries told each other and that stand, oldest first."""
    found = subjects.told(node, caller)
    named = first_names(node, caller, {ref for one in found for ref in (one.one, one.other)})
    return [SharedLine(one, named.get(one.one, ""), named.get(one.other, "")) for one in found]


def first_names(node: Node, caller: Caller, refs: Collection[str]) -> dict[str, str]:
    """Return the first names of descriptions that the caller may read, by reference.

    Entries of lists are public; one that is gone has the name it had.
    """
    places = {ref: holder(ref) for ref in refs}
    inside = {place for place in places.values() if place[0] != LIST}
    seen = recalls.described_to(node, caller, inside)
    kept = [ref for ref, place in places.items() if place[0] == LIST or place in seen]
    return node.db.read(lambda connection: _spelled(connection, kept))


def _spelled(connection: Connection, refs: Sequence[str]) -> dict[str, str]:
    found = {ref: one.name for ref, one in identity.by_refs(connection, refs).items()}
    for ref in refs:
        listed = entry_place(ref)
        if ref not in found and listed is not None:
            entry = lists.last_entry(connection, *listed)
            if entry is not None:
                found[ref] = entry.name
    return found


def _people(node: Node, records: Collection[str]) -> dict[str, str]:
    return node.db.read(lambda connection: officers.names(connection, sorted(records)))
