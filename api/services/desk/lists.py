"""Published lists in the node: importing an edition, reading editions and entries, comparing two.

Owns the use cases. An import is an event with its provenance; what was there before stays. Files
are read by ``adapters.lists``, before any transaction; who is the same as whom is not asked here.
"""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from api.adapters.lists import published
from api.domain.errors import Invalid, NotFound
from api.domain.events import Act, Subject
from api.domain.lists import tree
from api.domain.lists.entries import ListEntry, Published, day_of, require_enough
from api.domain.lists.tree import Leaf
from api.ports.policy import Action
from api.records import identity as index
from api.records import lists
from api.records.identity import Prepared
from api.records.lists import Edition
from api.records.unit_of_work import Unit
from api.records.watches import FOLLOWED
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, collection, entry_of
from api.services.desk import identity, watching
from api.services.desk.list_differences import EditionDifference, difference
from api.services.node import Node

_CHUNK: Final = 1 << 20
_DAY_IN_NAME: Final = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
_LONGEST: Final = 500
LONGEST_ID: Final = 300
"""Characters of an entry's reference: what addresses name, and an index of the database holds."""
_LOADED: Final = 400
# East of here it is tomorrow already.
_AHEAD: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ImportTerms:
    """What an officer says of a file that is brought in.

    Attributes:
        name: what it was called; a day in it counts where the file itself states none.
        as_of: the day it is of, or empty to take the file's word.
        series: the list that it must be of, or empty.
        source: where it was fetched, or empty.
        fetched_at: when it was fetched (an instant), or empty.
        floor: fewest entries of a whole list, or ``None`` for the reader's own.
        partial: it is an extract, whose count does not matter.
    """

    name: str = ""
    as_of: str = ""
    series: str = ""
    source: str = ""
    fetched_at: str = ""
    floor: int | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """An import that was made.

    Attributes:
        edition: the edition.
        known: the same bytes were here already; nothing changed.
        difference: from the edition before it in its series' order, if there is one that can be
            compared.
    """

    edition: Edition
    known: bool = False
    difference: EditionDifference | None = None


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """One entry as an edition has it, with every leaf of its source."""

    edition: Edition
    entry: ListEntry
    leaves: tuple[Leaf, ...]


@dataclass(slots=True)
class _Gathered:
    """What was read of a file before anything is written: packed entries and digests by id."""

    published: Published
    bodies: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    indexed: dict[str, Prepared] = field(default_factory=dict)


def allow_import(node: Node, caller: Caller) -> Permit:
    """Return the permit to bring in a list; to be asked before any of its bytes are received.

    Raises:
        Refused: the policy denies it.
    """
    return authorise(node, caller, Action.LIST_IMPORT, collection("lists"))


def import_list(node: Node, caller: Caller, path: Path, terms: ImportTerms) -> Imported:
    """Read a published list and keep it as an edition of its series.

    Args:
        node: this node.
        caller: who brings it.
        path: the file, packed or not; read here, never kept.
        terms: what they say of it.

    Raises:
        Invalid: ``list.*``: the file is no list that is read, is broken, too short, states no day,
            or is of another series than was said.
    """
    permit = allow_import(node, caller)
    _check_terms(terms)
    gathered = _gather(node, path, terms)
    series = gathered.published.series
    sha256 = _sha256(path)
    day, said_by = _day(gathered.published, terms)
    if dt.date.fromisoformat(day) > node.clock.now().date() + _AHEAD:
        raise Invalid("list.day", "The day that is given for the list is still to come.")
    known = node.db.read(lambda connection: lists.editions(connection, series.id))
    for one in known:
        if one.sha256 == sha256 and one.as_of == day and one.partial == terms.partial:
            return _compared(node, caller, permit, one, known=True)
    _require_enough(gathered, terms, known)
    edition_id = node.entropy.identifier()

    def write(unit: Unit) -> Edition:
        # Two imports of one series: each gets its own number, and the later one is the newer.
        unit.lock(f"list {series.id}")
        edition = Edition(
            id=edition_id,
            series=series,
            number=lists.next_number(unit.connection, series.id),
            layout=gathered.published.layout,
            as_of=day,
            as_of_from=said_by,
            source=terms.source,
            fetched_at=terms.fetched_at,
            sha256=sha256,
            count=len(gathered.members),
            partial=terms.partial,
            imported_at=node.now(),
            imported_by=caller.person,
        )
        lists.add_entries(unit, series.id, gathered.bodies)
        lists.add_edition(unit, edition, gathered.published.head, gathered.members)
        entry = entry_of(caller, permit, Act.LISTS_IMPORTED, Subject("list-edition", edition_id))
        recording.record(node, unit, entry)
        if lists.newest_editions(unit.connection)[series.id].id == edition_id:
            identity.index_edition(unit, edition, gathered.members, gathered.indexed)
        unit.ring(FOLLOWED)
        return edition

    edition = node.db.write(write)
    return _compared(node, caller, permit, edition, known=False)


def _compared(
    node: Node, caller: Caller, permit: Permit, edition: Edition, *, known: bool
) -> Imported:
    """Compare an edition with the one before it, and tell whom that concerns."""
    found = node.db.read(lambda connection: _from_before(connection, edition))
    if found is not None:
        watching.tell(node, caller, permit, found)
    return Imported(edition, known=known, difference=None if known else found)


def _check_terms(terms: ImportTerms) -> None:
    if terms.as_of:
        day_of(terms.as_of)
    if terms.fetched_at:
        _require_instant(terms.fetched_at)
    if max(len(terms.name), len(terms.source), len(terms.fetched_at)) > _LONGEST:
        raise Invalid("list.terms", f"Say where it is from in at most {_LONGEST} characters.")


def _require_instant(text: str) -> None:
    try:
        zoned = dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise Invalid("list.terms", "Say when it was fetched as 2026-11-23T17:25:39Z.")


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _gather(node: Node, path: Path, terms: ImportTerms) -> _Gathered:
    """Read the whole file; entries are kept packed, so that memory holds one of them at a time."""
    found = published(path, terms.name)
    if terms.series and found.series.id != terms.series:
        raise Invalid("list.other-series", f"The file is an edition of {found.series.id}.")
    gathered = _Gathered(found)
    series = found.series.id
    known = node.db.read(lambda connection: index.digests(connection, series))
    for entry in found.entries:
        if not entry.id:
            raise Invalid("list.malformed", "An entry of the file has no reference.")
        if len(entry.id) > LONGEST_ID:
            raise Invalid("list.malformed", "An entry has a reference longer than any list gives.")
        digest = _digest(found, entry)
        before = gathered.members.get(entry.id)
        if before is not None:
            gathered.bodies.pop(before, None)
        gathered.members[entry.id] = digest
        gathered.bodies[digest] = (entry.id, entry.packed())
        if (indexed := identity.prepared(known, series, digest, entry)) is not None:
            gathered.indexed[digest] = indexed
    return gathered


def _digest(found: Published, entry: ListEntry) -> str:
    """Return the name of an entry: of its series, layout, id and of all that its source says."""
    named = f"{found.series.id}\n{found.layout}\n{entry.id}\n{tree.digest(entry.source)}"
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()


def _day(found: Published, terms: ImportTerms) -> tuple[str, str]:
    if terms.as_of:
        return terms.as_of, "officer"
    if found.as_of:
        return day_of(found.as_of), "publisher"
    if named := _DAY_IN_NAME.search(terms.name):
        return day_of(named[1]), "file-name"
    raise Invalid("list.day-missing", "The file states no day: say with as_of which day it is of.")


def _require_enough(gathered: _Gathered, terms: ImportTerms, known: list[Edition]) -> None:
    day, _ = _day(gathered.published, terms)
    whole = [one for one in known if not one.partial and one.as_of <= day]
    found = gathered.published
    require_enough(
        len(gathered.members),
        stated=found.stated,
        floor=found.floor if terms.floor is None else terms.floor,
        before=whole[-1].count if whole else None,
        partial=terms.partial,
    )


def _from_before(connection: Connection, edition: Edition) -> EditionDifference | None:
    known = [
        one
        for one in lists.editions(connection, edition.series.id)
        if one.order < edition.order and one.partial == edition.partial
    ]
    return difference(connection, known[-1], edition) if known else None


def editions(node: Node, caller: Caller, series: str | None = None) -> list[Edition]:
    """Return the editions that are held, by series and day."""
    authorise(node, caller, Action.LIST_READ, collection("lists"))
    return node.db.read(lambda connection: lists.editions(connection, series))


def compare(
    node: Node, caller: Caller, series: str, older: str = "", newer: str = ""
) -> EditionDifference:
    """Return what changed between two editions of a series; by default between the last two.

    Args:
        node: this node.
        caller: who asks.
        series: which list.
        older: id of an edition, or its day; of several on one day, the last that was imported
            (the last but one, if the newer is of the same day and not named by id).
        newer: likewise.

    Raises:
        NotFound: ``list.no-edition``.
        Invalid: ``list.partial``: an extract says nothing about what it leaves out.
    """
    authorise(node, caller, Action.LIST_READ, collection("lists"))

    def read(connection: Connection) -> EditionDifference:
        held = lists.editions(connection, series)
        whole = [one for one in held if not one.partial] if not (older or newer) else held
        second = _chosen(whole, newer)
        earlier = [one for one in whole if one.order < second.order]
        first = _chosen(earlier if not older or older == newer else whole, older)
        if first.order > second.order:
            first, second = second, first
        if first.partial != second.partial:
            raise Invalid("list.partial", "An extract cannot be compared with a whole list.")
        return difference(connection, first, second)

    return node.db.read(read)


def _chosen(held: list[Edition], named: str) -> Edition:
    fitting = [one for one in held if named in {"", one.id, one.as_of}]
    if not fitting:
        raise NotFound("list.no-edition", "No such edition is held; see lists list.")
    return fitting[-1]


def entry(node: Node, caller: Caller, edition_id: str, entry_id: str) -> HeldEntry:
    """Return one entry of an edition with every leaf of its source.

    Raises:
        NotFound: ``list.no-edition``, ``list.no-entry``.
    """
    authorise(node, caller, Action.LIST_READ, collection("lists"))

    def read(connection: Connection) -> HeldEntry:
        edition = lists.edition(connection, edition_id)
        if edition is None:
            raise NotFound("list.no-edition", "No such edition is held; see lists list.")
        digest = lists.members_of(connection, edition_id).get(entry_id, "")
        found = lists.entries(connection, [digest]).get(digest)
        if found is None:
            raise NotFound("list.no-entry", "The edition has no entry of that reference.")
        return HeldEntry(edition, found, tuple(tree.leaves(found.source)))

    return node.db.read(read)


@dataclass(frozen=True, slots=True)
class EditionPage:
    """Some entries of an edition, in the order of their ids.

    Attributes:
        edition: which edition.
        head: what its file says of itself.
        entries: at most as many as were asked for.
        more: id after which the next page begins, or empty.
    """

    edition: Edition
    head: tuple[Leaf, ...]
    entries: tuple[ListEntry, ...]
    more: str = ""


def edition(
    node: Node, caller: Caller, edition_id: str, *, limit: int, after: str = ""
) -> EditionPage:
    """Return an edition with a page of its entries.

    Raises:
        NotFound: ``list.no-edition``.
    """
    authorise(node, caller, Action.LIST_READ, collection("lists"))

    def read(connection: Connection) -> EditionPage:
        part = part_of(connection, edition_id, limit=limit, after=after)
        head = tuple(tree.leaves(lists.head_of(connection, edition_id)))
        return EditionPage(part.edition, head[:_LOADED], part.entries, part.more)

    return node.db.read(read)


@dataclass(frozen=True, slots=True)
class EditionPart:
    """Some entries of an edition, in the order of their ids.

    Attributes:
        edition: which edition.
        ids: of all its entries.
        entries: at most as many as were asked for.
        more: id after which the next part begins, or empty.
    """

    edition: Edition
    ids: frozenset[str]
    entries: tuple[ListEntry, ...]
    more: str


def part_of(connection: Connection, edition_id: str, *, limit: int, after: str) -> EditionPart:
    """Return the entries of an edition that follow an id, at most so many.

    Raises:
        NotFound: ``list.no-edition``.
    """
    found = lists.edition(connection, edition_id)
    if found is None:
        raise NotFound("list.no-edition", "No such edition is held; see lists list.")
    members = lists.members_of(connection, edition_id)
    ids = sorted(id_ for id_ in members if id_ > after)
    shown = ids[:limit]
    loaded = lists.entries(connection, [members[id_] for id_ in shown])
    return EditionPart(
        found,
        frozenset(members),
        tuple(loaded[members[id_]] for id_ in shown),
        shown[-1] if len(ids) > limit else "",
    )
