"""The legacy CSV files of the Office of Foreign Assets Control: sdn, alt, add and sdn_comments.

Owns the layout: no headings, an empty field is ``-0- ``, programmes are joined as
``GLOMAG] [UHRPA``, remarks that are too long go on in ``sdn_comments.csv``, and what XML gives in
elements (births, numbers, nationality) stands in the remarks. The files state no day.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from api.adapters.lists.files import ListFile
from api.adapters.lists.ofac import FLOORS, KINDS, SDN, links_in, series_of
from api.adapters.lists.tables import rows_of
from api.domain.lists.births import Birth, birth
from api.domain.lists.entries import (
    EntryKind,
    ListedIdentifier,
    ListedName,
    ListEntry,
    Published,
    Strength,
    each_once,
    refuse,
    told_apart,
)
from api.domain.lists.tree import Node

_EMPTY: Final = "-0-"
COLUMNS: Final = {
    "sdn": (
        "ent_num",
        "SDN_Name",
        "SDN_Type",
        "Program",
        "Title",
        "Call_Sign",
        "Vess_type",
        "Tonnage",
        "GRT",
        "Vess_flag",
        "Vess_owner",
        "Remarks",
    ),
    "add": (
        "ent_num",
        "Add_num",
        "Address",
        "City/State/Province/Postal Code",
        "Country",
        "Add_remarks",
    ),
    "alt": ("ent_num", "alt_num", "alt_type", "alt_name", "alt_remarks"),
    "comments": ("ent_num", "Remarks"),
}
_BORN: Final = re.compile(r"(?:^|; )(?:alt\. )?DOB ([^;]+?)(?=;|\.?$)")
_BORN_AT: Final = re.compile(r"(?:^|; )(?:alt\. )?POB ([^;]+?)(?=;|\.?$)")
_NATION: Final = re.compile(r"(?:^|; )(?:alt\. )?(?:nationality|citizen) ([^;]+?)(?=;|\.?$)")
_WEAK: Final = re.compile(r"a\.k\.a\. '([^']+)'")
_NUMBER: Final = re.compile(
    r"(?:^|; )(?:alt\. )?((?:Diplomatic )?Passport|[A-Z][^;]{0,60}? (?:No\.|Number|ID|#|\(USCC\))"
    r"|C\.U\.R\.P\.|R\.F\.C\.|NIT #|RUC #|Vessel Registration Identification|SWIFT/BIC|MMSI|LE "
    r"Number) "
    r"(?:IMO )?([A-Z0-9][A-Z0-9./\- ]*)(?: \(([^)]+)\))?"
)


def kind_of(row: list[str]) -> str:
    """Return which of the four files a line belongs to, or an empty text."""
    if not row or not row[0].strip().isdigit():
        return ""
    for name, columns in COLUMNS.items():
        if len(row) == len(columns):
            kind = row[2].strip().lower() if name == "alt" else ""
            return name if name != "alt" or kind in {"aka", "fka", "nka"} else ""
    return ""


def read(files: list[ListFile]) -> Published:
    """Read ``sdn.csv`` with those of the other three that are there.

    Raises:
        Invalid: ``list.*``.
    """
    by_kind: dict[str, ListFile] = {}
    for file in files:
        kind = kind_of(next(_csv_lines(file), []))
        if not kind or kind in by_kind:
            raise refuse("unknown-layout", "Give sdn.csv, with alt, add and sdn_comments beside.")
        by_kind[kind] = file
    if "sdn" not in by_kind:
        raise refuse("unknown-layout", "These files add to a list; give sdn.csv beside them.")
    more = {
        kind: _by_entry(kind, by_kind[kind]) for kind in ("alt", "add", "comments") & by_kind.keys()
    }
    entries = told_apart(_entries(by_kind["sdn"], more))
    first = next(entries, None)
    series = series_of(first.programs) if first is not None else SDN
    return Published(
        series=series,
        layout="ofac-csv" if "alt" in by_kind else "ofac-csv-without-aliases",
        as_of="",
        head=Node("files", " ".join(sorted(by_kind))),
        entries=chain([first], entries) if first is not None else iter(()),
        floor=FLOORS[series.id],
    )


def _csv_lines(file: ListFile) -> Iterator[list[str]]:
    # The last line of the published file is a lone control character.
    return (row for row in rows_of(file) if len(row) > 1)


def _row(kind: str, cells: list[str]) -> Node:
    columns = COLUMNS[kind]
    if len(cells) != len(columns) or not cells[0].strip().isdigit():
        raise refuse("malformed", "A row of the list has not the published columns.")
    said = (
        (name, "" if cell.strip() == _EMPTY else cell)
        for name, cell in zip(columns, cells, strict=True)
    )
    return Node(kind, "", tuple((name, cell) for name, cell in said if cell))


def _by_entry(kind: str, file: ListFile) -> Mapping[str, list[Node]]:
    found: dict[str, list[Node]] = defaultdict(list)
    for cells in _csv_lines(file):
        row = _row(kind, cells)
        found[row.get("ent_num")].append(row)
    return found


def _entries(file: ListFile, more: Mapping[str, Mapping[str, list[Node]]]) -> Iterator[ListEntry]:
    for cells in _csv_lines(file):
        row = _row("sdn", cells)
        key = row.get("ent_num")
        others = [one for kind in sorted(more) for one in more[kind].get(key, ())]
        yield _entry(Node("sdn-files", "", (), (row, *others)))


def _entry(node: Node) -> ListEntry:
    row = node.children[0]
    kind_text = row.get("SDN_Type").lower()
    kind = KINDS.get(kind_text, EntryKind.OTHER if kind_text else EntryKind.ENTITY)
    person = kind is EntryKind.PERSON
    overflow = "".join(one.get("Remarks") for one in node.at("comments"))
    remarks = f"{row.get('Remarks')}{overflow}"
    aliases = [
        ListedName(said_order(one.get("alt_name"), person=person), kind=one.get("alt_type"))
        for one in node.at("alt")
    ]
    weak = [
        ListedName(said_order(found[1], person=person), Strength.WEAK, kind="aka")
        for found in _WEAK.finditer(remarks)
    ]
    name = ListedName(said_order(row.get("SDN_Name"), person=person), Strength.PRIMARY)
    return ListEntry(
        id=row.get("ent_num"),
        kind=kind,
        names=(name, *aliases, *weak),
        source=node,
        programs=each_once(row.get("Program").split("] [")),
        births=tuple(_births(remarks)),
        birth_places=each_once(found[1] for found in _BORN_AT.finditer(remarks)),
        countries=each_once(found[1] for found in _NATION.finditer(remarks)),
        identifiers=tuple(
            ListedIdentifier(found[1], found[2].strip(), found[3] or "")
            for found in _NUMBER.finditer(remarks)
        ),
        addresses=each_once(
            ", ".join(part for part in (one.get(name) for name in COLUMNS["add"][2:5]) if part)
            for one in node.at("add")
        ),
        posts=each_once([row.get("Title")]),
        links=links_in(remarks),
        note=remarks,
    )


def _births(remarks: str) -> Iterator[Birth]:
    for found in _BORN.finditer(remarks):
        if (one := birth(found[1])) is not None:
            yield one


def said_order(name: str, *, person: bool) -> str:
    """Return ``LAST, First`` of a person as ``First LAST``, as the XML file has it."""
    last, comma, first = name.partition(", ")
    return f"{first} {last}".strip() if person and comma else name
