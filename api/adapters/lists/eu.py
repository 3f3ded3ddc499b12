"""The consolidated list of the European Union (financial sanctions files, XML 1.1).

Owns the layout. ``designationDate`` is the day of first listing (on 86 % of the entries of May
2024); the dates of the regulations are those of the last amending act and are not used for it.
"""

import json
import re
import sys
import zlib
from collections.abc import Iterator
from typing import Final

from api.adapters.lists.files import ListFile
from api.adapters.lists.markup import Reading, elements, root_of
from api.domain.lists import tree
from api.domain.lists.births import Birth, birth, years
from api.domain.lists.entries import (
    EntryKind,
    ListedIdentifier,
    ListedName,
    ListEntry,
    Published,
    Series,
    Strength,
    day_or_none,
    each_once,
)
from api.domain.lists.tree import Node

SERIES: Final = Series("eu-fsf", "European Commission", "EU")
FLOOR: Final = 1_500
_KINDS: Final = {"person": EntryKind.PERSON, "enterprise": EntryKind.ENTITY}
_FIRST: Final = ("", "EN")
_NUMBER: Final = re.compile("[0-9]{1,18}")
_NOWHERE: Final = frozenset({"UNKNOWN", ""})


def read(files: list[ListFile]) -> Published:
    """Read the export.

    Raises:
        Invalid: ``list.*``.
    """
    root = root_of(files[0])
    head = Node(root.name, "", tuple(root.attributes.items()))
    entries = _once(elements(files[0], frozenset({"sanctionEntity"}), Reading()))
    day = root.attributes.get("generationDate", "").partition("T")[0]
    return Published(SERIES, "eu-fsf-1.1", day, head, entries, floor=FLOOR)


def _once(nodes: Iterator[Node]) -> Iterator[ListEntry]:
    """Yield entries; a reference that is printed again is yielded again, with all its printings.

    One subject under two programmes is printed twice, at a distance. What was read is kept
    compressed until the end, so that the two can be joined without reading the file twice.
    """
    kept: dict[str, bytes] = {}
    again: dict[str, list[Node]] = {}
    for node in nodes:
        key = _reference(node)
        if key in kept:
            again.setdefault(key, []).append(node)
            continue
        kept[key] = zlib.compress(json.dumps(node).encode(), 1)
        yield _entry(key, [node])
    for key, others in again.items():
        first = tree.unpacked(json.loads(zlib.decompress(kept[key])))
        yield _entry(key, [first, *others])


def _reference(node: Node) -> str:
    return node.get("euReferenceNumber") or node.get("logicalId")


def _entry(key: str, printings: list[Node]) -> ListEntry:
    children = tuple(child for one in printings for child in one.children)
    node = printings[0]._replace(children=children)
    names = tuple(_names(node))
    kind = next((one.get("code") for one in node.at("subjectType")), "")
    return ListEntry(
        id=key,
        kind=_KINDS.get(kind, EntryKind.OTHER),
        names=names,
        source=node if len(printings) == 1 else Node("printings", "", (), tuple(printings)),
        programs=each_once(one.get("programme") for one in node.at("regulation")),
        listed_on=day_or_none(node.get("designationDate")),
        births=tuple(_births(node)),
        birth_places=each_once(_place(one) for one in node.at("birthdate")),
        countries=each_once(_country(one) for one in node.at("citizenship")),
        identifiers=tuple(_identifiers(node)),
        addresses=each_once(_place(one) for one in node.at("address")),
        posts=each_once(
            one.get(name) for one in node.at("nameAlias") for name in ("function", "title")
        ),
        note=" ".join(one.text.strip() for one in node.at("remark")),
    )


def _names(node: Node) -> Iterator[ListedName]:
    """Yield each name once, the main name first.

    The file orders names by nothing that counts: the first can be an alias, or the Lithuanian one.
    The publisher numbers names as they were entered, the main name before its aliases.
    """
    seen: set[tuple[str, str]] = set()
    for one in sorted(node.at("nameAlias"), key=_as_entered):
        text = " ".join(one.get("wholeName").split())
        language = one.get("nameLanguage").lower()
        if not text or (text, language) in seen:
            continue
        weak = one.get("strong") == "false"
        strength = Strength.WEAK if weak else Strength.STRONG if seen else Strength.PRIMARY
        seen.add((text, language))
        yield ListedName(text, strength, language)


def _as_entered(name: Node) -> tuple[bool, bool, int]:
    """Return a name's place: strong before weak, English or no stated language before others."""
    number = name.get("logicalId")
    last = int(number) if _NUMBER.fullmatch(number) else sys.maxsize
    return (name.get("strong") == "false", name.get("nameLanguage") not in _FIRST, last)


def _births(node: Node) -> Iterator[Birth]:
    for one in node.at("birthdate"):
        circa = one.get("circa") == "true"
        written = one.get("birthdate") or _parts(one)
        found = birth(written, circa=circa) if written else None
        found = found or years(one.get("yearRangeFrom"), one.get("yearRangeTo"), circa=circa)
        if found is not None:
            yield found


def _parts(one: Node) -> str:
    year, month, day = (one.get(name) for name in ("year", "monthOfYear", "dayOfMonth"))
    if not year.strip("0"):
        return ""
    if not month.strip("0"):
        return year
    return "-".join(part.zfill(2) for part in (year, month, day) if part.strip("0"))


def _country(one: Node) -> str:
    said = one.get("countryDescription")
    return "" if said in _NOWHERE else said


def _place(one: Node) -> str:
    names = ("street", "poBox", "place", "zipCode", "city", "region")
    parts = [one.get(name) for name in names]
    return ", ".join(part for part in (*parts, _country(one)) if part)


def _identifiers(node: Node) -> Iterator[ListedIdentifier]:
    for one in node.at("identification"):
        number = one.get("number") or one.get("latinNumber")
        if number:
            kind = one.get("identificationTypeDescription") or one.get("identificationTypeCode")
            yield ListedIdentifier(kind, number, _country(one))
