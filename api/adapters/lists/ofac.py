"""The list of the Office of Foreign Assets Control (US): plain XML, and the legacy CSV files.

Owns both layouts. Neither gives a date or a reason of the single listing. Sources: the published
files themselves; in the CSV layout programs are joined as ``GLOMAG] [UHRPA`` and an empty field is
``-0- ``, aliases stand in a second file.
"""

from collections.abc import Iterator
from typing import IO
from xml.etree.ElementTree import Element

from api.adapters.lists.entries import LARGEST, Entry, Published, merged, refuse
from api.adapters.lists.markup import children as at
from api.adapters.lists.markup import elements, text
from api.adapters.lists.tables import lines

SOURCE = "ofac"
FLOOR = 5_000
_EMPTY = "-0-"
_COLUMNS = 12
_KINDS = {"individual": "person", "entity": "entity", "vessel": "vessel", "aircraft": "other"}


def read_xml(source: IO[bytes]) -> Published:
    """Read the plain XML list (``sdn.xml``).

    Raises:
        Invalid: ``list.*``.
    """
    day, stated = "", None
    entries: list[Entry] = []
    for root, element in elements(source, "sdnEntry"):
        if not entries:
            day = _iso(text(root, "publshInformation", "Publish_Date"))
            count = text(root, "publshInformation", "Record_Count")
            stated = int(count) if count.isdigit() else None
        entries.append(_entry(element))
    return Published(SOURCE, day, merged(entries), stated)


def _entry(element: Element) -> Entry:
    aliases = [_name(alias) for alias in at(element, "akaList", "aka")]
    births = [text(one, "dateOfBirth") for one in at(element, "dateOfBirthList", "dateOfBirthItem")]
    return Entry(
        id=text(element, "uid"),
        kind=_KINDS.get(text(element, "sdnType").lower(), "other"),
        names=(_name(element), *aliases),
        programs=tuple(one.text or "" for one in at(element, "programList", "program")),
        births=tuple(birth for birth in births if birth),
        note=text(element, "remarks"),
    )


def _name(element: Element) -> str:
    return " ".join(
        part for part in (text(element, "firstName"), text(element, "lastName")) if part
    )


def _iso(day: str) -> str:
    """Return ``03/10/2021`` as ``2021-03-10``."""
    month, _, rest = day.partition("/")
    date, _, year = rest.partition("/")
    return f"{year}-{month}-{date}" if year else ""


def read_csv(source: IO[bytes], aliases: IO[bytes] | None = None) -> Published:
    """Read the legacy CSV list (``sdn.csv``), with ``alt.csv`` for the aliases if it is there.

    Raises:
        Invalid: ``list.*``.
    """
    entries = [_row(row) for row in _rows(source)]
    kinds = {entry.id: entry.kind for entry in entries}
    entries += [
        Entry(row[0], kinds[row[0]], (row[3],))
        for row in (_rows(aliases) if aliases is not None else ())
        if len(row) > 3 and row[0] in kinds  # noqa: PLR2004 - number, its number, kind, alias
    ]
    return Published(SOURCE, "", merged(entries))


def _rows(source: IO[bytes]) -> Iterator[list[str]]:
    data = source.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise refuse("too-large", "The file is larger than any list.")
    # The last line of the published file is a lone control character.
    for row in lines(data.decode("utf-8", "replace")):
        if len(row) > 1:
            yield ["" if cell.strip() == _EMPTY else cell.strip() for cell in row]


def _row(row: list[str]) -> Entry:
    if len(row) < _COLUMNS or not row[0].isdigit():
        raise refuse("malformed", "A row of the list has not the published columns.")
    kind = _KINDS.get(row[2].lower(), "entity" if not row[2] else "other")
    programs = tuple(part for part in row[3].split("] [") if part)
    return Entry(row[0], kind, (row[1],), programs, note=row[11])
