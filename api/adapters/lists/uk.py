"""The UK Sanctions List, as CSV (58 columns, one line for each name and address) and as XML.

Owns both layouts. ``Name 6`` is the family name, or the whole name of a body; days are
``dd/mm/yyyy``. A line's "Primary Name Variation" is not the first name.
"""

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from api.adapters.lists.files import ListFile
from api.adapters.lists.markup import Reading, elements
from api.adapters.lists.tables import Table, by_meaning
from api.domain.lists import tree
from api.domain.lists.births import Birth, birth
from api.domain.lists.entries import (
    EntryKind,
    ListedIdentifier,
    ListedLink,
    ListedName,
    ListEntry,
    Published,
    Series,
    Strength,
    day_or_none,
    each_once,
    refuse,
    told_apart,
)
from api.domain.lists.tree import Node

SERIES: Final = Series("uk-sanctions-list", "Foreign, Commonwealth and Development Office", "UK")
FLOOR: Final = 1_500
NEEDED: Final = frozenset({"uniqueid", "name6", "nametype", "regimename", "datedesignated"})
_MONTHS: Final = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
]
_DATE: Final = re.compile(r"(\d{1,2})[-/ ](\d{1,2}|[A-Za-z]{3,9})[-/ ](\d{4})")
_KINDS: Final = {
    "individual": EntryKind.PERSON,
    "entity": EntryKind.ENTITY,
    "ship": EntryKind.VESSEL,
}
_BEFORE_2026: Final = "individualentityship"
"""The heading "Individual, Entity, Ship", which "Designation Type" took the place of."""

_STRENGTHS: Final = {"good quality": Strength.STRONG, "low quality": Strength.WEAK}
_NUMBERS: Final = (
    ("Passport", "passportnumber"),
    ("National identifier", "nationalidentifiernumber"),
    ("Business registration number", "businessregistrationnumbers"),
    ("IMO number", "imonumber"),
    ("Hull identification number", "hullidentificationnumberhin"),
    ("OFSI group", "ofsigroupid"),
    ("UN reference", "unreferencenumber"),
)
_ADDRESS: Final = (
    *(f"addressline{number}" for number in range(1, 7)),
    "addresspostalcode",
    "addresscountry",
)
_LINKS: Final = (
    ("parent-company", "parentcompany"),
    ("subsidiary", "subsidiaries"),
    ("owner", "currentowneroperators"),
    ("previous-owner", "previousowneroperators"),
)


def day(text: str) -> str:
    """Return ``22/03/2021`` or ``08-Oct-2026`` as ISO 8601, or an empty text."""
    found = _DATE.search(text)
    if found is None:
        return ""
    month = found[2]
    number = int(month) if month.isdigit() else _month(month)
    return f"{found[3]}-{number:02d}-{int(found[1]):02d}" if number else ""


def _month(name: str) -> int:
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def read_csv(files: list[ListFile]) -> Published:
    """Read the CSV file.

    Raises:
        Invalid: ``list.*``.
    """
    table = Table(files[0], NEEDED)
    above = " ".join(table.above)
    head = Node("table", above, (("headings", ", ".join(table.headings)),))
    return Published(SERIES, "uk-csv", day(above), head, _grouped(table.rows()), floor=FLOOR)


def _grouped(rows: Iterable[Node]) -> Iterator[ListEntry]:
    """Bring the lines of one designation together; all are kept compressed until the last one."""
    kept: dict[str, list[bytes]] = {}
    now: list[Node] = []
    key = ""
    for row in rows:
        own = by_meaning(row).get("uniqueid", "")
        if not own:
            raise refuse("malformed", "A line of the list names no designation.")
        if own != key and now:
            kept.setdefault(key, []).append(_squeezed(now))
            now = []
        key = own
        now.append(row)
    if now:
        kept.setdefault(key, []).append(_squeezed(now))
    for key, parts in kept.items():
        lines = [tree.unpacked(one) for part in parts for one in json.loads(zlib.decompress(part))]
        yield _entry(key, lines)


def _squeezed(rows: list[Node]) -> bytes:
    return zlib.compress(json.dumps(rows).encode(), 1)


def _entry(key: str, rows: list[Node]) -> ListEntry:
    lines = [by_meaning(row) for row in rows]

    def each(name: str) -> tuple[str, ...]:
        return each_once(line.get(name, "") for line in lines)

    def first(name: str) -> str:
        return next(iter(each(name)), "")

    names = tuple(_names(lines))
    if not names:
        raise refuse("malformed", f"The designation {key[:40]} has no name.")
    return ListEntry(
        id=key,
        kind=_KINDS.get((first("designationtype") or first(_BEFORE_2026)).lower(), EntryKind.OTHER),
        names=names,
        source=Node("lines", "", (), tuple(rows)),
        programs=each("regimename"),
        listed_on=day_or_none(day(first("datedesignated"))),
        births=tuple(_births(each("dob"))),
        birth_places=each_once(
            ", ".join(
                part for part in (line.get("townofbirth"), line.get("countryofbirth")) if part
            )
            for line in lines
        ),
        countries=each("nationalityies"),
        identifiers=tuple(
            ListedIdentifier(kind, number.removeprefix("IMO").strip())
            for kind, name in _NUMBERS
            for number in each(name)
        ),
        addresses=each_once(
            ", ".join(part for name in _ADDRESS if (part := line.get(name))) for line in lines
        ),
        posts=each("position"),
        measures=each_once(part for one in each("sanctionsimposed") for part in one.split("|")),
        links=tuple(
            ListedLink(kind, other)
            for kind, name in _LINKS
            for one in each(name)
            for other in each_once(re.split(r"\(\d+\)|;|\|", one))
        ),
        note=first("ukstatementofreasons") or first("otherinformation"),
    )


def _births(texts: Iterable[str]) -> Iterator[Birth]:
    for text in texts:
        if (found := birth(text)) is not None:
            yield found


def _names(lines: list[dict[str, str]]) -> Iterator[ListedName]:
    """Yield each name once, that of a line marked as primary name first."""
    found: dict[str, ListedName] = {}
    for line in sorted(lines, key=lambda one: one.get("nametype", "").lower() != "primary name"):
        kind = line.get("nametype", "")
        primary = kind.lower() == "primary name"
        marked = _STRENGTHS.get(line.get("aliasstrength", "").lower(), Strength.UNSTATED)
        strength = Strength.PRIMARY if primary and not found else marked
        parts = (line.get(f"name{number}", "") for number in (1, 2, 3, 4, 5, 6))
        text = " ".join(part for part in parts if part)
        if text:
            found.setdefault(text, ListedName(text, strength, kind=kind))
        if other := line.get("namenonlatinscript", ""):
            language = line.get("nonlatinscriptlanguage", "")
            script = line.get("nonlatinscripttype", "")
            found.setdefault(other, ListedName(other, marked, language, script, kind))
    return iter(found.values())


def read_xml(files: list[ListFile]) -> Published:
    """Read the XML file (root ``Designations``), found by the names of its elements.

    No real file was at hand: this follows the published schema.

    Raises:
        Invalid: ``list.*``.
    """
    reading = Reading()
    nodes = elements(files[0], frozenset({"Designation"}), reading)
    first = next(nodes, None)
    head = reading.as_node()
    said = next(
        (one.text for one in head.children if one.tag in {"DateGenerated", "ReportDate"}), ""
    )
    known = iter(()) if first is None else chain([first], nodes)
    entries = told_apart(_of_element(node) for node in known)
    return Published(SERIES, "uk-xml", day(said) or said[:10], head, entries, floor=FLOOR)


def _of_element(node: Node) -> ListEntry:
    details = node.first("IndividualDetails", "Individual") or Node("Individual")
    kind = node.value("IndividualEntityShip") or node.value("DesignationType")
    names = [*_element_names(node), *_native_names(node)]
    imposed = node.first("SanctionsImposedIndicators") or Node("none")
    return ListEntry(
        id=node.value("UniqueID"),
        kind=_KINDS.get(kind.lower(), EntryKind.OTHER),
        names=tuple(sorted(names, key=lambda one: one.strength is not Strength.PRIMARY)),
        source=node,
        programs=each_once([node.value("RegimeName")]),
        listed_on=day_or_none(day(node.value("DateDesignated")) or node.value("DateDesignated")),
        births=tuple(_births(each_once(one.text for one in details.at("DOBs", "DOB")))),
        birth_places=each_once(
            ", ".join(part.text.strip() for part in one.children if part.text)
            for one in details.at("BirthDetails", "Location")
        ),
        countries=each_once(one.text for one in details.at("Nationalities", "Nationality")),
        identifiers=tuple(_element_numbers(node, details)),
        addresses=each_once(
            ", ".join(part.text.strip() for part in one.children if part.text)
            for one in node.at("Addresses", "Address")
        ),
        posts=each_once(one.text for one in details.at("Positions", "Position")),
        measures=each_once(
            [*node.value("SanctionsImposed").split("|")]
            + [one.tag for one in imposed.children if one.text.strip().lower() == "true"]
        ),
        note=node.value("UKStatementofReasons") or node.value("OtherInformation"),
    )


def _element_names(node: Node) -> Iterator[ListedName]:
    for one in node.at("Names", "Name"):
        kind = one.value("NameType")
        strength = _STRENGTHS.get(one.value("AliasStrength").lower(), Strength.UNSTATED)
        strength = Strength.PRIMARY if kind.lower() == "primary name" else strength
        parts = (one.value(f"Name{number}") for number in (1, 2, 3, 4, 5, 6))
        if text := " ".join(part for part in parts if part):
            yield ListedName(text, strength, kind=kind)


def _native_names(node: Node) -> Iterator[ListedName]:
    for one in node.at("NonLatinNames", "NonLatinName"):
        if text := one.value("NameNonLatinScript"):
            language = one.value("NonLatinScriptLanguage")
            yield ListedName(text, Strength.UNSTATED, language, one.value("NonLatinScriptType"))


def _element_numbers(node: Node, details: Node) -> Iterator[ListedIdentifier]:
    for kind, path, name in (
        ("Passport", ("PassportDetails", "Passport"), "PassportNumber"),
        (
            "National identifier",
            ("NationalIdentifierDetails", "NationalIdentifier"),
            "NationalIdentifierNumber",
        ),
    ):
        for one in details.at(*path):
            if number := one.value(name):
                yield ListedIdentifier(kind, number)
    for kind, name in (("OFSI group", "OFSIGroupID"), ("UN reference", "UNReferenceNumber")):
        if number := node.value(name):
            yield ListedIdentifier(kind, number)
    for one in node.at("ShipDetails", "Ship", "ShipImoNumber", "IMONumber"):
        yield ListedIdentifier("IMO number", one.text.strip().removeprefix("IMO").strip())
