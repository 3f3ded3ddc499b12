"""Published lists over REST: import an edition, read editions and entries, compare two."""

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import IO, Annotated

from fastapi import Path, Query, Request

from api.adapters.lists.files import LARGEST
from api.domain.errors import Invalid, TooLarge
from api.domain.lists.changes import EntryChange, EntryOutcome
from api.domain.lists.entries import ListEntry
from api.domain.lists.tree import Leaf
from api.domain.notation import Nullable, Written
from api.ports.policy import Action
from api.records.lists import Edition
from api.services.desk import lists
from api.services.desk.list_differences import EditionDifference
from api.services.desk.lists import ImportTerms
from api.web import bodies, uploading
from api.web.answers import Answer
from api.web.deps import Doors, NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/lists", tags=["lists"])
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_BINARY = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}
Text = Annotated[str, Query(max_length=500)]


@dataclass(frozen=True, slots=True)
class EditionView:
    """One edition of one published list.

    Attributes:
        series: which list, such as us-ofac-sdn.
        layout: the layout in which the file was read.
        number: editions of the series imported up to it, itself included.
        as_of: the day it is of.
        source: where it was fetched, as the importing officer said.
        sha256: of the bytes as they were given.
        count: entries in it.
        partial: an extract, whose count says nothing.
    """

    id: str
    series: str
    publisher: str
    jurisdiction: str
    language: str
    layout: str
    number: int
    as_of: str
    as_of_from: Annotated[str, Written({"enum": ["publisher", "file-name", "officer"]})]
    source: str
    fetched_at: str
    sha256: str
    count: int
    partial: bool
    imported_at: str
    imported_by: str

    @classmethod
    def of(cls, edition: Edition) -> "EditionView":
        """Return the view of an edition."""
        series = edition.series
        return cls(
            id=edition.id,
            series=series.id,
            publisher=series.publisher,
            jurisdiction=series.jurisdiction,
            language=series.language,
            layout=edition.layout,
            number=edition.number,
            as_of=edition.as_of,
            as_of_from=edition.as_of_from,
            source=edition.source,
            fetched_at=edition.fetched_at,
            sha256=edition.sha256,
            count=edition.count,
            partial=edition.partial,
            imported_at=edition.imported_at,
            imported_by=edition.imported_by,
        )


@dataclass(frozen=True, slots=True)
class ValueChangeView:
    """One value that differs: what stood there, what stands there now."""

    path: str
    old: Nullable[str]
    new: Nullable[str]


@dataclass(frozen=True, slots=True)
class EntryChangeView:
    """What became of one entry.

    Attributes:
        same_place: another subject now has this place in the list.
    """

    outcome: EntryOutcome
    id: str
    name: str
    programs: list[str]
    same_place: bool
    changes: list[ValueChangeView]

    @classmethod
    def of(cls, one: EntryChange) -> "EntryChangeView":
        """Return the view of a change."""
        told = [ValueChangeView(path=each.path, old=each.old, new=each.new) for each in one.changes]
        return cls(
            outcome=one.outcome,
            id=one.entry,
            name=one.name,
            programs=list(one.programs),
            same_place=one.same_place,
            changes=told,
        )


@dataclass(frozen=True, slots=True)
class EditionDifferenceView:
    """What changed between two editions of one list.

    Attributes:
        same_layout: every value was compared; else what both layouts say.
    """

    series: str
    older: EditionView
    newer: EditionView
    same_layout: bool
    counts: dict[EntryOutcome, int]
    entries: list[EntryChangeView]

    @classmethod
    def of(cls, found: EditionDifference) -> "EditionDifferenceView":
        """Return the view of a difference."""
        return cls(
            series=found.newer.series.id,
            older=EditionView.of(found.older),
            newer=EditionView.of(found.newer),
            same_layout=found.same_layout,
            counts={outcome: found.count(outcome) for outcome in EntryOutcome},
            entries=[EntryChangeView.of(one) for one in found.entries],
        )


@dataclass(frozen=True, slots=True)
class ImportView:
    """An import: the edition, and how much changed since the one before it.

    Attributes:
        known: the same bytes were here already; nothing changed.
        compared_with: id of the edition before it, if any.
    """

    edition: EditionView
    known: bool
    compared_with: Nullable[str]
    counts: Nullable[dict[EntryOutcome, int]]


@dataclass(frozen=True, slots=True)
class EditionsView:
    """The editions that are held, by series and day."""

    items: list[EditionView]


@dataclass(frozen=True, slots=True)
class NameView:
    """One name of an entry."""

    text: str
    strength: str
    language: str
    script: str
    kind: str


@dataclass(frozen=True, slots=True)
class BirthView:
    """A birth date as published, and the days it can be."""

    text: str
    earliest: str
    latest: str
    circa: bool
    precision: str


@dataclass(frozen=True, slots=True)
class LeafView:
    """One value of the source, and where it stands there."""

    path: str
    value: str

    @classmethod
    def of(cls, leaf: Leaf) -> "LeafView":
        """Return the view of a leaf."""
        return cls(path=leaf.path, value=leaf.value)


@dataclass(frozen=True, slots=True)
class EntryView:
    """One subject of a list."""

    id: str
    kind: str
    name: str
    names: list[NameView]
    programs: list[str]
    listed_on: str
    births: list[BirthView]
    birth_places: list[str]
    countries: list[str]
    identifiers: list[dict[str, str]]
    addresses: list[str]
    posts: list[str]
    measures: list[str]
    links: list[dict[str, str]]
    note: str

    @classmethod
    def of(cls, entry: ListEntry) -> "EntryView":
        """Return the view of an entry."""
        return cls(
            id=entry.id,
            kind=entry.kind.value,
            name=entry.name,
            names=[
                NameView(
                    text=one.text,
                    strength=one.strength.value,
                    language=one.language,
                    script=one.script,
                    kind=one.kind,
                )
                for one in entry.names
            ],
            programs=list(entry.programs),
            listed_on=entry.listed_on,
            births=[
                BirthView(
                    text=one.text,
                    earliest=one.earliest,
                    latest=one.latest,
                    circa=one.circa,
                    precision=one.precision.value,
                )
                for one in entry.births
            ],
            birth_places=list(entry.birth_places),
            countries=list(entry.countries),
            identifiers=[
                {"kind": one.kind, "number": one.number, "country": one.country}
                for one in entry.identifiers
            ],
            addresses=list(entry.addresses),
            posts=list(entry.posts),
            measures=list(entry.measures),
            links=[{"kind": one.kind, "name": one.name, "entry": one.entry} for one in entry.links],
            note=entry.note,
        )


@dataclass(frozen=True, slots=True)
class EditionPageView:
    """An edition with some of its entries, in the order of their ids.

    Attributes:
        head: what the file says of itself.
        more: give it as `after` for the next page; empty on the last.
    """

    edition: EditionView
    head: list[LeafView]
    entries: list[EntryView]
    more: str


@dataclass(frozen=True, slots=True)
class HeldEntryView:
    """One entry with every value of its source."""

    edition: EditionView
    entry: EntryView
    leaves: list[LeafView]


@router.route_for(
    "GET", "", Action.LIST_READ, operation_id="list_editions", response_description="The editions."
)
async def editions(
    node: NodeOf, caller: OfficerOf, series: Annotated[str | None, Query(max_length=100)] = None
) -> Answer[EditionsView]:
    """List the editions of published lists that are held here."""
    found = await run(lists.editions, node, caller, series)
    return Answer(EditionsView([EditionView.of(one) for one in found]))


@router.route_for(
    "POST",
    "",
    Action.LIST_IMPORT,
    status_code=201,
    # The same file again is the same edition: it changes nothing, whatever the key.
    keyed=False,
    operation_id="import_list",
    response_description="The edition, and what changed.",
    openapi_extra={"requestBody": {"required": True, **_BINARY}},
)
async def import_list(  # noqa: PLR0917 - the terms of an import
    request: Request,
    node: NodeOf,
    caller: OfficerOf,
    name: Text = "",
    as_of: Annotated[str, Query(max_length=10)] = "",
    series: Annotated[str, Query(max_length=100)] = "",
    source: Text = "",
    fetched_at: Annotated[str, Query(max_length=40)] = "",
    floor: Annotated[int | None, Query(ge=0)] = None,
    *,
    partial: bool = False,
) -> Answer[ImportView]:
    """Import a published list: the file's own bytes, packed or not; recognised by what it holds."""
    terms = ImportTerms(name, as_of, series, source, fetched_at, floor, partial)
    if bodies.stated_length(request) > LARGEST:
        raise _too_large()
    await run(lists.allow_import, node, caller)
    doors: Doors = request.app.state.doors
    await uploading.apart(doors.spool.check_room, bodies.stated_length(request))
    with doors.spool.named() as file:
        await _receive_list(request, file)
        made = await run(lists.import_list, node, caller, FilePath(file.name), terms)
    found = made.difference
    return Answer(
        ImportView(
            edition=EditionView.of(made.edition),
            known=made.known,
            compared_with=found.older.id if found is not None else None,
            counts={one: found.count(one) for one in EntryOutcome} if found is not None else None,
        ),
        201,
    )


async def _receive_list(request: Request, file: IO[bytes]) -> None:
    try:
        await uploading.receive(request, file, LARGEST)
    except Invalid:
        raise _too_large() from None


def _too_large() -> TooLarge:
    return TooLarge("body.too-large", f"Send at most {LARGEST} bytes.")


@router.route_for(
    "GET",
    "/diff",
    Action.LIST_READ,
    operation_id="compare_editions",
    response_description="What changed.",
)
async def diff(
    node: NodeOf,
    caller: OfficerOf,
    series: Annotated[str, Query(min_length=1, max_length=100)],
    older: Annotated[str, Query(max_length=64)] = "",
    newer: Annotated[str, Query(max_length=64)] = "",
) -> Answer[EditionDifferenceView]:
    """Say what changed between two editions, with old and new values; by default the last two."""
    return Answer(
        EditionDifferenceView.of(await run(lists.compare, node, caller, series, older, newer))
    )


@router.route_for(
    "GET",
    "/{edition_id}",
    Action.LIST_READ,
    operation_id="read_edition",
    response_description="The edition with a page of its entries.",
)
async def edition(
    edition_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
    node: NodeOf,
    caller: OfficerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=300)] = "",
) -> Answer[EditionPageView]:
    """Read an edition with a page of its entries."""
    found = await run(lists.edition, node, caller, edition_id, limit=limit, after=after)
    return Answer(
        EditionPageView(
            edition=EditionView.of(found.edition),
            head=[LeafView.of(one) for one in found.head],
            entries=[EntryView.of(one) for one in found.entries],
            more=found.more,
        )
    )


@router.route_for(
    "GET",
    "/{edition_id}/entry",
    Action.LIST_READ,
    operation_id="read_list_entry",
    response_description="The entry.",
)
async def entry(
    edition_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")],
    node: NodeOf,
    caller: OfficerOf,
    entry_id: Annotated[str, Query(alias="id", min_length=1, max_length=300)],
) -> Answer[HeldEntryView]:
    """Read one entry with every value of its source."""
    found = await run(lists.entry, node, caller, edition_id, entry_id)
    return Answer(
        HeldEntryView(
            edition=EditionView.of(found.edition),
            entry=EntryView.of(found.entry),
            leaves=[LeafView.of(one) for one in found.leaves],
        )
    )
