"""Canada's consolidated autonomous list: ``sema-lmes.xml`` in three vocabularies, and the old CSV.

Owns both layouts. The list has no key of its own: an entry is known by regime, schedule and item,
with its name where there is no item (schedule ``N/A``) or that place is shared. ``Country`` is
the regime, not a nationality. The file states no day.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from api.adapters.lists.files import ListFile
from api.adapters.lists.markup import Reading, elements
from api.adapters.lists.tables import Table, plain
from api.domain.lists.births import Birth, birth
from api.domain.lists.entries import (
    EntryKind,
    ListedIdentifier,
    ListedName,
    ListEntry,
    Published,
    Series,
    Strength,
    each_once,
)
from api.domain.lists.tree import Node

SERIES: Final = Series("ca-sema-lmes", "Global Affairs Canada", "CA", by_place=True)
FLOOR: Final = 1_000
NEEDED_CSV: Final = frozenset({"country", "lastname", "givenname", "schedule", "item"})

# The words of 2020, of the years until August 2026 and of those after; the later ones are bilingual
# (``Country-Pays``) and are cut at the hyphen before they are looked up.
_MEANING: Final = {
    "entity": "entityorship",
    "title": "titleorship",
    "titleorshiptype": "titleorship",
    "dateofbirth": "dateofbirthorshipbuilddate",
}
_SERIAL_ZERO: Final = date(1899, 12, 30)  # day 0 of the serial dates that a spreadsheet writes
_SERIAL: Final = re.compile(r"\d{5}")
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"))
_HALVES: Final = re.compile(r"\s*/\s+|\s+/\s*")
_BAR: Final = re.compile(r"\s*\|\s*")

# What follows a comma and belongs to the name before it.
_TAILS: Final = re.compile(
    r"(?:ltd|limited|inc|incorporated|llc|llp|lp|co|corp|plc|gmbh|ag|s\.?a|s\.?r\.?l|s\.?p\.?a|jsc"
    r"|ojsc|pjsc|ooo|oao|zao|pao|bv|n\.?v|a\.?s|jr|sr|ii|iii|iv)\.?",
    re.IGNORECASE,
)


def read_xml(files: list[ListFile]) -> Published:
    """Read ``sema-lmes.xml``.

    Raises:
        Invalid: ``list.*``.
    """
    reading = Reading()
    nodes = list(elements(files[0], frozenset({"record"}), reading))
    rows = [(node, _by_meaning((one.tag, one.text) for one in node.children)) for node in nodes]
    return Published(SERIES, "ca-sema-xml", "", reading.as_node(), _entries(rows), floor=FLOOR)


def read_csv(files: list[ListFile]) -> Published:
    """Read the retired CSV.

    Raises:
        Invalid: ``list.*``.
    """
    table = Table(files[0], NEEDED_CSV)
    rows = [(node, _by_meaning(node.attributes)) for node in table.rows()]
    head = Node("table", " ".join(table.above), (("headings", ", ".join(table.headings)),))
    return Published(SERIES, "ca-csv", "", head, _entries(rows), floor=FLOOR)


def _by_meaning(cells: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for heading, value in cells:
        name = plain(heading.partition("-")[0])
        found[_MEANING.get(name, name)] = clean(value)
    return found


def clean(text: str) -> str:
    """Return a text without invisible characters, blanks collapsed."""
    return " ".join(text.translate(_INVISIBLE).split())


def _entries(rows: list[tuple[Node, dict[str, str]]]) -> Iterator[ListEntry]:
    places = Counter(_place(cells) for _, cells in rows)
    used: Counter[str] = Counter()
    for node, cells in rows:
        place = _place(cells)
        alone = places[place] == 1 and cells.get("item")
        key = place if alone else f"{place}/{_name(cells)}"
        used[key] += 1
        yield _entry(key if used[key] == 1 else f"{key}/{used[key]}", node, cells)


def _place(cells: Mapping[str, str]) -> str:
    regime = _HALVES.split(cells.get("country", ""))[0]
    return f"{regime}/{cells.get('schedule', '')}/{cells.get('item', '')}"


def _name(cells: Mapping[str, str]) -> str:
    person = " ".join(
        part for part in (cells.get("givenname", ""), cells.get("lastname", "")) if part
    )
    return cells.get("entityorship", "") or person


def _entry(key: str, node: Node, cells: Mapping[str, str]) -> ListEntry:
    imo = cells.get("shipimonumber", "")
    entity = cells.get("entityorship", "")
    kind = EntryKind.VESSEL if imo else EntryKind.ENTITY if entity else EntryKind.PERSON
    person = kind is EntryKind.PERSON
    title = cells.get("titleorship", "")
    aliases = aliases_in(cells.get("aliases", ""))
    names = [
        *([ListedName(_name(cells), Strength.PRIMARY)] if _name(cells) else []),
        *(ListedName(alias, kind="alias") for alias in aliases),
    ]
    return ListEntry(
        id=key,
        kind=kind,
        names=tuple(names),
        source=node,
        programs=each_once(_HALVES.split(cells.get("country", ""))[:1]),
        listed_on=_listed_on(cells.get("dateoflisting", "")),
        births=tuple(_births(cells)) if person else (),
        identifiers=(ListedIdentifier("IMO number", imo),) if imo else (),
        posts=each_once(_BAR.split(title)) if person else (),
        note="" if person else title,
    )


def _listed_on(text: str) -> str:
    found = birth(_unserial(text))
    return found.earliest if found is not None and found.earliest == found.latest else ""


def _births(cells: Mapping[str, str]) -> Iterator[Birth]:
    if (found := birth(_unserial(cells.get("dateofbirthorshipbuilddate", "")))) is not None:
        yield found


def _unserial(text: str) -> str:
    """Return a date as written; a spreadsheet's serial number as the day it stands for."""
    if _SERIAL.fullmatch(text):
        return (_SERIAL_ZERO + timedelta(days=int(text))).isoformat()
    return text


def aliases_in(text: str) -> tuple[str, ...]:
    """Return the aliases in one text: parted by semicolons, else by commas.

    A comma also stands inside names; what follows it stays with the name if it is a legal form.
    """
    if ";" in text:
        return each_once(clean(one) for one in text.split(";"))
    found: list[str] = []
    for part in (clean(one) for one in text.split(",")):
        if found and _TAILS.fullmatch(part):
            found[-1] = f"{found[-1]}, {part}"
        else:
            found.append(part)
    return each_once(found)
