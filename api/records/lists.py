"""Published lists as this node holds them: editions, and each entry as it ever stood in one.

Owns the tables ``list_editions`` and ``list_entries``. An entry that is the same in two editions is
one row, named by its digest; an edition names the rows it is made of. Both are recorded: what a
list said when something was decided can be proved from the log.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, Table, Text, func, select

from api.domain.lists import tree
from api.domain.lists.entries import ListEntry, Series
from api.domain.lists.tree import Node
from api.records.metadata import METADATA, RECORDED
from api.records.unit_of_work import Unit

T = TypeVar("T")
_BATCH: Final = 500

LIST_EDITIONS = Table(
    "list_editions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("series", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("by_place", Integer, nullable=False),
    Column("layout", Text, nullable=False),
    Column("as_of", Text, nullable=False),
    Column("as_of_from", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("fetched_at", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("partial", Integer, nullable=False),
    Column("imported_at", Text, nullable=False),
    Column("imported_by", Text, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("members", LargeBinary, nullable=False),
    Index("uq_list_editions_series_number", "series", "number", unique=True),
    Index("ix_list_editions_series_day", "series", "as_of", "number"),
    info=RECORDED,
)

LIST_ENTRIES = Table(
    "list_entries",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("series", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_list_entries_series_entry", "series", "entry"),
    info=RECORDED,
)

_SHOWN = [column for column in LIST_EDITIONS.columns if column.name not in {"head", "members"}]


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of one list, as it was imported.

    Attributes:
        id: names it here.
        series: which list.
        number: how many editions of the series were imported up to it, itself included.
        layout: the layout in which it was read.
        as_of: the day it is of (ISO 8601).
        as_of_from: what says so: ``publisher``, ``file-name`` or ``officer``.
        source: where it was fetched, as the importing officer said.
        fetched_at: when, as the officer said; empty if not said.
        sha256: of the bytes that were given, packed as they were (hex).
        count: entries.
        partial: an extract, whose count says nothing.
        imported_at: when it came here.
        imported_by: officer record of who imported it.
    """

    id: str
    series: Series
    number: int
    layout: str
    as_of: str
    as_of_from: str
    source: str
    fetched_at: str
    sha256: str
    count: int
    partial: bool
    imported_at: str
    imported_by: str

    @property
    def order(self) -> tuple[str, int]:
        """Sorts editions of one series: by day, and of one day as they were imported."""
        return (self.as_of, self.number)


def _edition(row: Mapping[Any, Any]) -> Edition:
    series = Series(
        row["series"],
        row["publisher"],
        row["jurisdiction"],
        row["language"],
        by_place=bool(row["by_place"]),
    )
    return Edition(
        id=row["id"],
        series=series,
        number=row["number"],
        layout=row["layout"],
        as_of=row["as_of"],
        as_of_from=row["as_of_from"],
        source=row["source"],
        fetched_at=row["fetched_at"],
        sha256=row["sha256"],
        count=row["count"],
        partial=bool(row["partial"]),
        imported_at=row["imported_at"],
        imported_by=row["imported_by"],
    )


def add_edition(unit: Unit, edition: Edition, head: Node, members: Mapping[str, str]) -> None:
    """Insert an edition with what the file says of itself and its entries' digests by id."""
    series = edition.series
    unit.insert(
        LIST_EDITIONS,
        {
            "id": edition.id,
            "series": series.id,
            "number": edition.number,
            "publisher": series.publisher,
            "jurisdiction": series.jurisdiction,
            "language": series.language,
            "by_place": int(series.by_place),
            "layout": edition.layout,
            "as_of": edition.as_of,
            "as_of_from": edition.as_of_from,
            "source": edition.source,
            "fetched_at": edition.fetched_at,
            "sha256": edition.sha256,
            "count": edition.count,
            "partial": int(edition.partial),
            "imported_at": edition.imported_at,
            "imported_by": edition.imported_by,
            "head": _squeezed(head),
            "members": _squeezed(sorted(members.items())),
        },
    )


def _squeezed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _wrung(data: bytes) -> Any:
    return json.loads(zlib.decompress(data).decode("utf-8", "surrogatepass"))


def add_entries(unit: Unit, series: str, bodies: Mapping[str, tuple[str, bytes]]) -> None:
    """Insert those of the entries that are not there yet.

    Args:
        unit: the open unit of work.
        series: whose entries.
        bodies: publisher's id and packed entry by digest.
    """
    known = known_digests(unit.connection, bodies)
    rows = [
        {"digest": digest, "series": series, "entry": entry, "body": body}
        for digest, (entry, body) in bodies.items()
        if digest not in known
    ]
    for some in _batches(rows):
        unit.insert(LIST_ENTRIES, some)


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, _BATCH)):
        yield some


def known_digests(connection: Connection, digests: Iterable[str]) -> set[str]:
    """Return those of the digests that are there."""
    found: set[str] = set()
    for some in _batches(digests):
        query = select(LIST_ENTRIES.c.digest).where(LIST_ENTRIES.c.digest.in_(some))
        found.update(connection.execute(query).scalars())
    return found


def editions(connection: Connection, series: str | None = None) -> list[Edition]:
    """Return editions by series, each in its order."""
    query = select(*_SHOWN).order_by(
        LIST_EDITIONS.c.series, LIST_EDITIONS.c.as_of, LIST_EDITIONS.c.number
    )
    if series is not None:
        query = query.where(LIST_EDITIONS.c.series == series)
    return [_edition(row) for row in connection.execute(query).mappings()]


def edition(connection: Connection, edition_id: str) -> Edition | None:
    """Return one edition."""
    query = select(*_SHOWN).where(LIST_EDITIONS.c.id == edition_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _edition(row)


def next_number(connection: Connection, series: str) -> int:
    """Return the number that the next edition of a series gets."""
    query = select(func.max(LIST_EDITIONS.c.number)).where(LIST_EDITIONS.c.series == series)
    return (connection.execute(query).scalar_one() or 0) + 1


def newest_editions(connection: Connection) -> dict[str, Edition]:
    """Return the newest edition of each series: a whole one, or an extract where none is whole."""
    found: dict[str, Edition] = {}
    for one in editions(connection):
        old = found.get(one.series.id)
        if old is None or old.partial or not one.partial:
            found[one.series.id] = one
    return found


def members_of(connection: Connection, edition_id: str) -> dict[str, str]:
    """Return the digests of an edition's entries by publisher's id."""
    query = select(LIST_EDITIONS.c.members).where(LIST_EDITIONS.c.id == edition_id)
    return dict(_wrung(connection.execute(query).scalar_one()))


def head_of(connection: Connection, edition_id: str) -> Node:
    """Return what an edition's file says of itself."""
    query = select(LIST_EDITIONS.c.head).where(LIST_EDITIONS.c.id == edition_id)
    return tree.unpacked(_wrung(connection.execute(query).scalar_one()))


def holds_entry(connection: Connection, series: str, entry: str) -> bool:
    """Tell whether any edition of a series has or had an entry of this id."""
    query = select(LIST_ENTRIES.c.digest).where(
        LIST_ENTRIES.c.series == series, LIST_ENTRIES.c.entry == entry
    )
    return connection.execute(query.limit(1)).first() is not None


def last_entry(connection: Connection, series: str, entry: str) -> ListEntry | None:
    """Return an entry as the latest edition that has it does; ``None`` if none ever had it."""
    for one in reversed(editions(connection, series)):
        digest = members_of(connection, one.id).get(entry)
        if digest is not None:
            return entries(connection, [digest])[digest]
    return None


def entries(connection: Connection, digests: Sequence[str]) -> dict[str, ListEntry]:
    """Return entries by digest; unknown ones are absent."""
    found: dict[str, ListEntry] = {}
    for some in _batches(digests):
        query = select(LIST_ENTRIES.c.digest, LIST_ENTRIES.c.body)
        for digest, body in connection.execute(query.where(LIST_ENTRIES.c.digest.in_(some))):
            found[digest] = ListEntry.unpacked(body)
    return found
