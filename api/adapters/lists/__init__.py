"""Readers of the sanctions lists that governments publish, each in its own layout.

Owns the table of layouts and how a file is recognised: by what it holds, never by its name, within
its first megabyte. A layout that is known and not read is refused by its name.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.adapters.lists import (
    canada,
    eu,
    followthemoney,
    ofac,
    ofac_csv,
    ofac_enhanced,
    regulations,
    uk,
    un,
)
from api.adapters.lists.files import ListFile, encoding_of, unpacked
from api.adapters.lists.markup import Root, root_of
from api.adapters.lists.tables import plain
from api.domain.errors import Invalid
from api.domain.lists.entries import Published, day_of, refuse

_ABOVE: Final = 6


@dataclass(frozen=True, slots=True)
class Reader:
    """How one layout is read.

    Attributes:
        title: the layout in words.
        read: reads it.
        root: tells by the root element whether an XML file has it; ``None`` for a table.
        headings: plain headings that a table of it has; empty for XML.
    """

    title: str
    read: Callable[[list[ListFile]], Published]
    root: Callable[[Root], bool] | None = None
    headings: frozenset[str] = frozenset()


READERS: Final[Mapping[str, Reader]] = {
    "ofac-xml": Reader("OFAC list, plain XML", ofac.read, lambda root: root.name == "sdnList"),
    "ofac-enhanced": Reader(
        "OFAC list, enhanced XML",
        ofac_enhanced.read,
        lambda root: root.name == "sanctionsData" and "deltafile" not in root.namespace.lower(),
    ),
    "ofac-csv": Reader("OFAC list, legacy CSV files", ofac_csv.read),
    "eu-fsf-1.1": Reader(
        "EU financial sanctions, XML 1.1",
        eu.read,
        lambda root: root.name == "export" and root.namespace.endswith("/fsd/export"),
    ),
    "uk-xml": Reader(
        "UK Sanctions List, XML", uk.read_xml, lambda root: root.name == "Designations"
    ),
    "uk-csv": Reader("UK Sanctions List, CSV", uk.read_csv, headings=uk.NEEDED),
    "ca-sema-xml": Reader(
        "Canadian consolidated list, XML", canada.read_xml, lambda root: root.name == "data-set"
    ),
    "ca-csv": Reader(
        "Canadian consolidated list, CSV", canada.read_csv, headings=canada.NEEDED_CSV
    ),
    "ca-regulation": Reader(
        "Canadian regulations, XML", regulations.read, lambda root: root.name == "Regulation"
    ),
    "un-xml": Reader(
        "UN consolidated list, XML", un.read, lambda root: root.name == "CONSOLIDATED_LIST"
    ),
    "ftm": Reader("FollowTheMoney entities, JSON lines", followthemoney.read),
}

# Layouts that are easily taken for one that is read: told apart by root element and, where the
# name is shared, by what it holds beside.
_OTHERS: Final[tuple[tuple[str, Callable[[Root], bool]], ...]] = (
    ("OFAC's advanced XML", lambda root: root.name == "Sanctions"),
    ("an OFAC delta file", lambda root: "deltafile" in root.namespace.lower()),
    ("the UK list of the former OFSI layout", lambda root: "FinancialSanctionsTarget" in root.name),
    ("an older EU layout", lambda root: root.name in {"WHOLE", "export"}),
    ("the Swiss list", lambda root: root.name == "swiss-sanctions-list"),
    ("a Canadian Act", lambda root: root.name == "Statute"),
    ("a web page", lambda root: root.name.lower() == "html"),
    ("a syndication feed", lambda root: root.name in {"rss", "feed"}),
)
_KNOWN: Final = ", ".join(reader.title for reader in READERS.values())


def published(path: Path, name: str = "") -> Published:
    """Recognise a download and begin to read it.

    Args:
        path: the file, packed or not.
        name: how it was called where it came from, for messages.

    Raises:
        Invalid: ``list.unknown-layout``, naming what it looks like; whatever its reader refuses.
    """
    files = unpacked(path, name)
    kinds = {recognised(file) for file in files}
    if len(kinds) != 1:
        raise refuse("unknown-layout", "The archive holds files of several layouts; give one list.")
    layout = kinds.pop()
    if len(files) > 1 and layout != "ofac-csv":
        raise refuse("several-lists", "The archive holds several lists; give one at a time.")
    found = READERS[layout].read(files)
    if found.as_of:
        day_of(found.as_of)
    return found


def recognised(file: ListFile) -> str:
    """Return the layout of one file.

    Raises:
        Invalid: ``list.unknown-layout``, ``list.doctype``, ``list.malformed``, ``list.empty``,
            ``list.packed``.
    """
    head = file.head()
    if not head.strip():
        raise refuse("empty", "The file is empty.")
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:512]
    narrow = start.replace(b"\0", b"")
    if narrow.lower().startswith((b"<!doctype html", b"<html")):
        raise _looks_like("a web page")
    if narrow.startswith(b"<"):
        return _of_root(root_of(file))
    if followthemoney.is_entity(head.partition(b"\n")[0].removeprefix(b"\xef\xbb\xbf")):
        return "ftm"
    if narrow.startswith((b"{", b"[")):
        raise _looks_like("JSON")
    if narrow.startswith(b"%PDF"):
        raise _looks_like("a PDF document")
    return _of_table(file, head)


def _of_root(root: Root) -> str:
    for layout, reader in READERS.items():
        if reader.root is not None and reader.root(root):
            return layout
    for title, test in _OTHERS:
        if test(root):
            raise _looks_like(title)
    raise refuse("unknown-layout", f"The file is XML of a layout that is not read. Read: {_KNOWN}.")


def _of_table(file: ListFile, head: bytes) -> str:
    text = head.decode(encoding_of(file), "ignore").lstrip("\ufeff")
    lines = []
    try:
        for line in csv.reader(io.StringIO(text, newline="")):
            lines.append(line)
            if len(lines) >= _ABOVE:
                break
    except csv.Error:
        raise refuse(
            "unknown-layout", f"The file is no table and no XML. Read: {_KNOWN}."
        ) from None
    for line in lines:
        headings = {plain(cell.partition("-")[0]) for cell in line} | {plain(cell) for cell in line}
        for layout, reader in READERS.items():
            if reader.headings and reader.headings <= headings:
                return layout
    if lines and ofac_csv.kind_of(lines[0]):
        return "ofac-csv"
    if any("groupid" in {plain(cell) for cell in line} for line in lines):
        raise _looks_like("the UK list of the former OFSI layout")
    raise refuse(
        "unknown-layout", f"The file has the headings or columns of no list. Read: {_KNOWN}."
    )


def _looks_like(title: str) -> Invalid:
    return refuse(
        "unknown-layout", f"The file looks like {title}, which is not read. Read: {_KNOWN}."
    )
