"""Subjects as statements describe them, in the shape of a list's entry.

Owns the way from a description's reference to the members that its statement holds: names,
birth dates, identifiers, posts, sources. Whoever calls has asked whether the officer may read the
object that holds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.identity.profiles import KINDS
from api.domain.lists.births import Birth, birth
from api.domain.lists.entries import (
    EntryKind,
    ListedIdentifier,
    ListedName,
    ListEntry,
    Strength,
    each_once,
)
from api.domain.lists.tree import Node as Leaf
from api.domain.threads.sequences import fold
from api.records import designations, statements
from api.records.subjects import Description
from api.services.statements.effects import thread_record
from api.services.statements.effects.base import opened
from api.services.statements.effects.designation_record import standing_of

_NOTHING: Final = Leaf("subject", "", (), ())


@dataclass(frozen=True, slots=True)
class DescribedSubject:
    """What a statement says of one subject.

    Attributes:
        entry: its names, birth dates and so on; its id is the reference.
        schema: FollowTheMoney schema.
        birth_sources: the source of each birth date, empty where none is named.
        sources: what the description and its statement name as sources.
    """

    entry: ListEntry
    schema: str
    birth_sources: tuple[str, ...]
    sources: tuple[str, ...]


def described_subject(connection: Connection, row: Description) -> DescribedSubject | None:
    """Return what the object of a description says of its subject; ``None`` if it is not held."""
    said, told = _found_in(connection, row.kind, row.object, row.key)
    if said is None:
        return None
    kind = KINDS.get(row.schema, EntryKind.OTHER)
    births = [
        (one, _stated(each, "source"))
        for each in _each(said, "birth_dates")
        if (one := _birth(each)) is not None
    ]
    entry = ListEntry(
        id=row.ref,
        kind=kind,
        names=tuple(_name(one) for one in _each(said, "names")),
        source=_NOTHING,
        births=tuple(one for one, _ in births),
        birth_places=each_once([_stated(said, "birth_place")]),
        countries=tuple(str(one) for one in said.get("countries", ())),
        identifiers=tuple(
            ListedIdentifier(_stated(one, "scheme"), _stated(one, "value"))
            for one in _each(said, "identifiers")
        ),
        posts=each_once(_post(one) for one in _each(said, "positions")),
    )
    posts = (_stated(one, "source") for one in _each(said, "positions"))
    sources = each_once(
        [_stated(said, "source"), *(one for _, one in births), *posts, *(str(one) for one in told)]
    )
    return DescribedSubject(entry, row.schema, tuple(one for _, one in births), sources)


def _found_in(
    connection: Connection, kind: str, object_id: str, key: str
) -> tuple[Mapping[str, Any] | None, Sequence[Any]]:
    """Return the described subject inside an object, and the sources that the object names."""
    if kind == "designation":
        standing = standing_of(connection, object_id)
        body: Mapping[str, Any] = standing.body if standing is not None else {}
        return body.get("subject"), body.get("sources", ())
    if kind == "proposal":
        proposal = designations.proposal(connection, object_id)
        body = proposal.body if proposal is not None else {}
    elif kind == "thread":
        record = thread_record.load(connection, object_id)
        if record is None:
            return None, ()
        return _keyed(list(thread_record.descriptions(record, fold(record))), key), ()
    else:
        stored = statements.by_id(connection, object_id)
        body = opened(stored).body if stored is not None else {}
    return _keyed(_each(body, "subjects"), key), ()


def _keyed(said: Sequence[Mapping[str, Any]], key: str) -> Mapping[str, Any] | None:
    return next((one for one in said if one.get("key") == key), None)


def _each(said: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    return [one for one in said.get(member) or () if isinstance(one, Mapping)]


def _stated(said: Mapping[str, Any], member: str) -> str:
    return str(said.get(member) or "")


def _name(said: Mapping[str, Any]) -> ListedName:
    kind = _stated(said, "kind")
    strength = Strength.WEAK if "weak" in kind else Strength.UNSTATED
    return ListedName(_stated(said, "text"), strength, script=_stated(said, "script"), kind=kind)


def _birth(said: Mapping[str, Any]) -> Birth | None:
    return birth(_stated(said, "value"), circa=said.get("precision") == "circa")


def _post(said: Mapping[str, Any]) -> str:
    """Return a post with its bounds as an interval (ISO 8601-2, ``..`` where one is open)."""
    title, first, last = (_stated(said, name) for name in ("title", "from", "to"))
    return f"{title} ({first or '..'}/{last or '..'})" if first or last else title
