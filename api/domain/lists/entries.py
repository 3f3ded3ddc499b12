"""What every reader makes of a published list: entries alike, beside every leaf of their source.

Owns the values. A reader reads and judges nothing: whether two entries are of one subject is an
officer's verdict, and what a list says of itself stands as published.
"""

import datetime as dt
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from api.domain import nul
from api.domain.errors import Invalid
from api.domain.lists import tree
from api.domain.lists.births import Birth
from api.domain.lists.tree import Node

SHRINK: Final = 0.8
"""A whole list with fewer than this part of the entries it had before is a failed download."""

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIRST_YEAR, _LAST_YEAR = "1900", "2100"
_LEVEL: Final = 1
_NUL: Final = b"\\u0000"


class EntryKind(StrEnum):
    """What is listed."""

    PERSON = "person"
    ENTITY = "entity"
    VESSEL = "vessel"
    AIRCRAFT = "aircraft"
    OTHER = "other"


class Strength(StrEnum):
    """How good a name is, by its publisher's own mark."""

    PRIMARY = "primary"
    STRONG = "strong"
    WEAK = "weak"
    UNSTATED = "unstated"


@dataclass(frozen=True, slots=True)
class ListedName:
    """One name of an entry.

    Attributes:
        text: as one would say it: given names first, family name as written by the publisher.
        strength: the publisher's mark.
        language: ISO 639-1 in lower case, or empty.
        script: ISO 15924 where the publisher gives it (or its own word), or empty.
        kind: the publisher's word, such as ``f.k.a.``.
    """

    text: str
    strength: Strength = Strength.UNSTATED
    language: str = ""
    script: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ListedIdentifier:
    """A number by which somebody is known: kind, number, issuing country; as published."""

    kind: str
    number: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class ListedLink:
    """What an entry says about another: the kind of link, its name and, where given, its id."""

    kind: str
    name: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One subject of a list.

    Attributes:
        id: the publisher's own reference, or its place in the list where it has none.
        kind: what is listed.
        names: first the primary one, then the others as published.
        source: every leaf of the source.
        programs: programmes, regimes or regulations it stands under.
        listed_on: the day of first listing that the list gives (ISO 8601), or empty.
        births: birth dates.
        birth_places: as published.
        countries: nationalities and citizenships, as published.
        identifiers: numbers.
        addresses: each in one line.
        posts: titles, functions and positions.
        measures: what follows from the listing, in the publisher's words.
        links: other subjects that the entry names.
        note: reasons or remarks, as published.
    """

    id: str
    kind: EntryKind
    names: tuple[ListedName, ...]
    source: Node = field(repr=False)
    programs: tuple[str, ...] = ()
    listed_on: str = ""
    births: tuple[Birth, ...] = ()
    birth_places: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[ListedIdentifier, ...] = ()
    addresses: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    links: tuple[ListedLink, ...] = ()
    note: str = ""

    @property
    def name(self) -> str:
        """The primary name; the id where the list gives no name at all."""
        return self.names[0].text if self.names else self.id

    def packed(self) -> bytes:
        """Return the entry as compressed JSON.

        Raises:
            Invalid: ``list.malformed``: a text holds U+0000 or half of a surrogate pair, which a
                table or an escape of JSON can bring, and which not every database holds.
        """
        members = {
            "id": self.id,
            "kind": self.kind,
            "names": [
                (one.text, one.strength, one.language, one.script, one.kind) for one in self.names
            ],
            "source": self.source,
            "programs": self.programs,
            "listed_on": self.listed_on,
            "births": [(one.text, one.earliest, one.latest, one.circa) for one in self.births],
            "birth_places": self.birth_places,
            "countries": self.countries,
            "identifiers": [(one.kind, one.number, one.country) for one in self.identifiers],
            "addresses": self.addresses,
            "posts": self.posts,
            "measures": self.measures,
            "links": [(one.kind, one.name, one.entry) for one in self.links],
            "note": self.note,
        }
        text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise _no_text() from None
        if _NUL in data and nul.stands_in(list(members.values())):
            raise _no_text()
        return zlib.compress(data, _LEVEL)

    @classmethod
    def unpacked(cls, data: bytes) -> "ListEntry":
        """Return the entry that :meth:`packed` made."""
        said: dict[str, Any] = json.loads(zlib.decompress(data).decode("utf-8", "surrogatepass"))
        return cls(
            id=said["id"],
            kind=EntryKind(said["kind"]),
            names=tuple(_name(one) for one in said["names"]),
            source=tree.unpacked(said["source"]),
            programs=tuple(said["programs"]),
            listed_on=said["listed_on"],
            births=tuple(Birth(*one) for one in said["births"]),
            birth_places=tuple(said["birth_places"]),
            countries=tuple(said["countries"]),
            identifiers=tuple(ListedIdentifier(*one) for one in said["identifiers"]),
            addresses=tuple(said["addresses"]),
            posts=tuple(said["posts"]),
            measures=tuple(said["measures"]),
            links=tuple(ListedLink(*one) for one in said["links"]),
            note=said["note"],
        )


def _name(said: Sequence[str]) -> ListedName:
    text, strength, language, script, kind = said
    return ListedName(text, Strength(strength), language, script, kind)


@dataclass(frozen=True, slots=True)
class Series:
    """One list of one publisher, whose editions follow each other.

    Attributes:
        id: such as ``us-ofac-sdn``.
        publisher: who publishes it, in words.
        jurisdiction: whose measures it lists: ``US``, ``EU``, ``CA``, ``UK`` or ``UN``.
        language: of the text, where the publisher has the same list in several.
        by_place: its entries have no key of their own and are known by their place in the list.
    """

    id: str
    publisher: str
    jurisdiction: str
    language: str = "en"
    by_place: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """One edition of a list, being read.

    Attributes:
        series: whose edition.
        layout: the layout that was recognised.
        as_of: the day that the file gives (ISO 8601), or empty.
        head: what the file says about itself, outside its entries.
        entries: in the order of the file, while it is read; an entry whose id comes again takes the
            place of the earlier one.
        stated: how many entries the file says that it holds, or ``None``.
        floor: fewest entries of a whole list of this series.
    """

    series: Series
    layout: str
    as_of: str
    head: Node
    entries: Iterator[ListEntry] = field(repr=False)
    stated: int | None = None
    floor: int = 1


def refuse(code: str, message: str) -> Invalid:
    """Return the refusal of a file: ``list.<code>``."""
    return Invalid(f"list.{code}", message)


def _no_text() -> Invalid:
    return refuse("malformed", "A text of the file holds a character that is none.")


def day_of(text: str) -> str:
    """Return a day written as ISO 8601.

    Raises:
        Invalid: ``list.day``: it is no day of the calendar in that form.
    """
    if _DAY.fullmatch(text):
        try:
            return dt.date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    raise refuse("day", "Write the day as 2021-03-22; the one given is no day of the calendar.")


def day_or_none(text: str) -> str:
    """Return the day that begins a text, as ISO 8601; empty where it is no day of the calendar.

    What a list says of one entry is kept in its source as it stands; a day that is none, or of no
    year in which lists are made, dates nobody.
    """
    try:
        day = day_of(text.strip()[:10])
    except Invalid:
        return ""
    return day if _FIRST_YEAR <= day[:4] <= _LAST_YEAR else ""


def told_apart(entries: Iterable[ListEntry]) -> Iterator[ListEntry]:
    """Yield the entries of a list whose publisher gives each its own reference.

    Raises:
        Invalid: ``list.malformed``: two have one, so that one of them would be lost.
    """
    seen: set[str] = set()
    for one in entries:
        if one.id in seen:
            raise refuse("malformed", "Two entries of the file have one reference.")
        seen.add(one.id)
        yield one


def each_once(values: Iterable[str]) -> tuple[str, ...]:
    """Return the values that say something, each once, in order."""
    return tuple(dict.fromkeys(value for one in values if (value := " ".join(one.split()))))


def require_enough(
    count: int, *, stated: int | None, floor: int, before: int | None, partial: bool
) -> None:
    """Refuse a list that is too short to be whole.

    An empty or cut-off download would look like a mass delisting to whoever compares it.

    Args:
        count: entries that were read.
        stated: how many the file says that it holds.
        floor: fewest entries of a whole list.
        before: entries of the newest whole edition held, if there is one.
        partial: the file is an extract, so that only being empty refuses it.

    Raises:
        Invalid: ``list.empty``, ``list.too-short``, ``list.count-mismatch``.
    """
    if not count:
        raise refuse("empty", "The file holds no entries.")
    if partial:
        return
    if stated is not None and stated != count:
        raise refuse("count-mismatch", "The file says that it holds another number of entries.")
    least = max(floor, int((before or 0) * SHRINK))
    if count < least:
        raise refuse("too-short", f"The file holds {count} entries, fewer than the {least} needed.")
