"""The list of the Office of Foreign Assets Control (US) as plain XML, in both its namespaces.

Owns the layout. It gives no date of the single listing. Which of the two lists a file is, the
Specially Designated Nationals or the other ones, shows in the programmes of its first entry.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from api.adapters.lists.files import ListFile
from api.adapters.lists.markup import Reading, elements
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
    each_once,
    refuse,
    told_apart,
)
from api.domain.lists.tree import Node

PUBLISHER: Final = "Office of Foreign Assets Control"
SDN: Final = Series("us-ofac-sdn", PUBLISHER, "US")
NON_SDN: Final = Series("us-ofac-non-sdn", PUBLISHER, "US")
FLOORS: Final = {SDN.id: 5_000, NON_SDN.id: 200}
KINDS: Final = {
    "individual": EntryKind.PERSON,
    "entity": EntryKind.ENTITY,
    "vessel": EntryKind.VESSEL,
    "aircraft": EntryKind.AIRCRAFT,
}

# Programmes whose subjects are not blocked: a file that begins with one of these is not the SDN
# list, which begins with the oldest entries of CUBA.
_NON_SDN_PROGRAMS: Final = frozenset(
    {"NS-PLC", "NS-MBS", "CMIC-EO13959", "561-RELATED", "561LIST", "FSE-IR", "FSE-SY", "SSI"}
    | {"UKRAINE-EO13662", "CAPTA"}
)
_DIGITS: Final = 9
_LINKED: Final = re.compile(r"\(?Linked To: ([^;]+?)\)?(?=[.;]?\s*(?:;|\(Linked To:|$))")
_STRENGTHS: Final = {"strong": Strength.STRONG, "weak": Strength.WEAK}


def series_of(programs: tuple[str, ...]) -> Series:
    """Return which of the two lists an entry with these programmes begins."""
    known = {one.upper() for one in programs}
    return NON_SDN if known and known <= _NON_SDN_PROGRAMS else SDN


def read(files: list[ListFile]) -> Published:
    """Read the plain XML list.

    Raises:
        Invalid: ``list.*``.
    """
    reading = Reading()
    nodes = elements(files[0], frozenset({"sdnEntry"}), reading)
    entries = told_apart(_entry(node) for node in nodes)
    first = next(entries, None)
    head = reading.as_node()
    count = head.value("publshInformation", "Record_Count")
    series = series_of(first.programs) if first is not None else SDN
    return Published(
        series=series,
        layout="ofac-xml",
        as_of=american_day(head.value("publshInformation", "Publish_Date")),
        head=head,
        entries=chain([first], entries) if first is not None else iter(()),
        stated=_entry_count(count),
        floor=FLOORS[series.id],
    )


def _entry_count(count: str) -> int | None:
    """Return how many entries the file says that it holds.

    Raises:
        Invalid: ``list.malformed``: more than any list has; int() refuses thousands of digits.
    """
    if not count.isascii() or not count.isdigit():
        return None
    if len(count) > _DIGITS:
        raise refuse("malformed", "The file states a number of entries that no list has.")
    return int(count)


def american_day(text: str) -> str:
    """Return ``03/10/2021`` as ``2021-03-10``; anything else as it is, to be refused as a day."""
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    return f"{found[3]}-{int(found[1]):02d}-{int(found[2]):02d}" if found else text


def _entry(node: Node) -> ListEntry:
    remarks = node.value("remarks")
    identifiers = tuple(
        ListedIdentifier(one.value("idType"), one.value("idNumber"), one.value("idCountry"))
        for one in node.at("idList", "id")
    )
    places = ("nationalityList", "nationality"), ("citizenshipList", "citizenship")
    countries = each_once(one.value("country") for path in places for one in node.at(*path))
    return ListEntry(
        id=node.value("uid"),
        kind=KINDS.get(node.value("sdnType").lower(), EntryKind.OTHER),
        names=tuple(_names(node)),
        source=node,
        programs=each_once(one.text for one in node.at("programList", "program")),
        births=tuple(_births(node)),
        birth_places=each_once(
            one.value("placeOfBirth") for one in node.at("placeOfBirthList", "placeOfBirthItem")
        ),
        countries=countries,
        identifiers=identifiers + tuple(_vessel(node)),
        addresses=each_once(address(one) for one in node.at("addressList", "address")),
        posts=each_once([node.value("title")]),
        links=links_in(remarks),
        note=remarks,
    )


def _names(node: Node) -> Iterator[ListedName]:
    yield ListedName(_name(node), Strength.PRIMARY)
    for one in node.at("akaList", "aka"):
        strength = _STRENGTHS.get(one.value("category").lower(), Strength.UNSTATED)
        if text := _name(one):
            yield ListedName(text, strength, kind=one.value("type"))


def _name(node: Node) -> str:
    return " ".join(part for part in (node.value("firstName"), node.value("lastName")) if part)


def _births(node: Node) -> Iterator[Birth]:
    for one in node.at("dateOfBirthList", "dateOfBirthItem"):
        if (found := birth(one.value("dateOfBirth"))) is not None:
            yield found


def _vessel(node: Node) -> Iterator[ListedIdentifier]:
    for name, kind in (("callSign", "Call sign"),):
        if number := node.value("vesselInfo", name):
            yield ListedIdentifier(kind, number, node.value("vesselInfo", "vesselFlag"))


def address(node: Node) -> str:
    """Return an address in one line, without its key."""
    return ", ".join(one.text.strip() for one in node.children if one.text and one.tag != "uid")


def links_in(remarks: str) -> tuple[ListedLink, ...]:
    """Return whom remarks name by ``Linked To:``."""
    names = each_once(found[1].rstrip(")") for found in _LINKED.finditer(remarks))
    return tuple(ListedLink("linked-to", balanced(name)) for name in names)


def balanced(name: str) -> str:
    """Give a name back what the sentence around it took: a closing bracket, a full stop."""
    whole = f"{name})" if name.count("(") > name.count(")") else name
    last = whole.rpartition(" ")[2]
    # The full stop of the sentence was also that of an abbreviation such as ``S.A.``.
    return f"{whole}." if "." in last and not last.endswith(".") else whole
