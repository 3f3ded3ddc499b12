"""Lists published as tables: Canada's autonomous sanctions, and the United Kingdom's list.

Owns the two CSV layouts. Columns are found by their headings without case, blanks and punctuation,
because publishers change those; a heading that is needed and missing refuses the file.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import IO

from api.adapters.lists.entries import LARGEST, Entry, Published, merged, refuse

CANADA, UK = "canada", "uk"
FLOORS = {CANADA: 1_000, UK: 1_500}
_PLAIN = re.compile(r"[^a-z0-9]")
_SERIAL_ZERO = date(1899, 12, 30)  # day 0 of the serial dates that a spreadsheet writes
_MOST_TITLE_LINES = 5
_REPORT_DATE = re.compile(r"(\d{1,2})[-/ ](\w{3,9}|\d{1,2})[-/ ](\d{4})")


def read_canada(source: IO[bytes]) -> Published:
    """Read the consolidated list of Global Affairs Canada.

    Raises:
        Invalid: ``list.*``.
    """
    needed = ("country", "lastname", "givenname", "entityorship", "schedule", "item")
    _, rows = _table(source, needed)
    return Published(CANADA, "", merged(_canadian(row) for row in rows))


def _canadian(row: Mapping[str, str]) -> Entry:
    entity = row["entityorship"]
    person = " ".join(part for part in (row["givenname"], row["lastname"]) if part)
    aliases = [one.strip() for one in row.get("aliases", "").split(";")]
    born = row.get("dateofbirthorshipbuilddate", "")
    kind = "vessel" if row.get("shipimonumber") else ("entity" if entity else "person")
    return Entry(
        id=f"{row['country']}/{row['schedule']}/{row['item']}",
        kind=kind,
        names=tuple(name for name in (entity or person, *aliases) if name),
        programs=(row["country"],),
        listed_on=row.get("dateoflisting", ""),
        births=(_day(born),) if born and kind == "person" else (),
    )


def _day(text: str) -> str:
    """Return a date as written; a spreadsheet's serial number as the day it stands for."""
    if re.fullmatch(r"\d{5}", text):
        return (_SERIAL_ZERO + timedelta(days=int(text))).isoformat()
    return text


def read_uk(source: IO[bytes]) -> Published:
    """Read the UK sanctions list: one row for each name, the report's date in the first line.

    Raises:
        Invalid: ``list.*``.
    """
    titles, rows = _table(source, ("uniqueid", "name6", "regimename", "datedesignated"))
    return Published(UK, _report_date(titles), merged(_british(row) for row in rows))


_BRITISH_KINDS = {"individual": "person", "entity": "entity", "ship": "vessel"}


def _british(row: Mapping[str, str]) -> Entry:
    parts = [row.get(f"name{number}", "") for number in (1, 2, 3, 4, 5, 6)]
    names = (" ".join(part for part in parts if part), row.get("namenonlatinscript", ""))
    kind = row.get("individualentityship", row.get("designationtype", "")).lower()
    born = row.get("dob", "")
    return Entry(
        id=row["uniqueid"],
        kind=_BRITISH_KINDS.get(kind, "other"),
        names=tuple(name for name in names if name),
        programs=(row["regimename"],),
        listed_on=row["datedesignated"],
        births=(born,) if born else (),
        note=row.get("ukstatementofreasons", ""),
    )


def _report_date(titles: Iterable[str]) -> str:
    for title in titles:
        found = _REPORT_DATE.search(title)
        if found is None:
            continue
        day, month, year = found.groups()
        for form in ("%d %b %Y", "%d %B %Y", "%d %m %Y"):
            try:
                return datetime.strptime(f"{day} {month} {year}", form).date().isoformat()  # noqa: DTZ007
            except ValueError:
                continue
    return ""


def lines(text: str) -> Iterator[list[str]]:
    """Return the lines of comma-separated text.

    Raises:
        Invalid: ``list.malformed``: a line break stands where none can.
    """
    try:
        yield from csv.reader(io.StringIO(text, newline=""))
    except csv.Error:
        raise refuse("malformed", "The file is no comma-separated table.") from None


def _table(source: IO[bytes], needed: Sequence[str]) -> tuple[list[str], Iterator[dict[str, str]]]:
    """Return what stands above the headings, and the rows by plain heading."""
    data = source.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise refuse("too-large", "The file is larger than any list.")
    reader = lines(data.decode("utf-8-sig", "replace"))
    above: list[str] = []
    for line in reader:
        headings = [_PLAIN.sub("", cell.lower()) for cell in line]
        if set(needed) <= set(headings):
            return above, _rows(reader, headings)
        above.append(" ".join(line))
        if len(above) > _MOST_TITLE_LINES:
            break
    raise refuse("headings", f"The file lacks one of the columns {', '.join(needed)}.")


def _rows(table: Iterable[list[str]], headings: Sequence[str]) -> Iterator[dict[str, str]]:
    for line in table:
        if any(cell.strip() for cell in line):
            cells = [cell.strip() for cell in line] + [""] * len(headings)
            yield dict(zip(headings, cells, strict=False))
