"""The consolidated list of the United Nations Security Council (XML).

Owns the layout. Values repeat under ``VALUE``; an alias is ``Good`` or ``Low`` in quality.
"""

from collections.abc import Iterator
from typing import Final

from api.adapters.lists.files import ListFile
from api.adapters.lists.markup import Reading, elements, root_of
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
    told_apart,
)
from api.domain.lists.tree import Node

SERIES: Final = Series("un-sc-consolidated", "United Nations Security Council", "UN")
FLOOR: Final = 500
_QUALITY: Final = {"low": Strength.WEAK, "good": Strength.STRONG}
_KINDS: Final = {"INDIVIDUAL": EntryKind.PERSON, "ENTITY": EntryKind.ENTITY}


def read(files: list[ListFile]) -> Published:
    """Read the list.

    Raises:
        Invalid: ``list.*``.
    """
    root = root_of(files[0])
    head = Node(root.name, "", tuple(root.attributes.items()))
    nodes = elements(files[0], frozenset(_KINDS), Reading())
    entries = told_apart(_entry(node) for node in nodes)
    day = root.attributes.get("dateGenerated", "")[:10]
    return Published(SERIES, "un-xml", day, head, entries, floor=FLOOR)


def _entry(node: Node) -> ListEntry:
    prefix = node.tag
    return ListEntry(
        id=node.value("REFERENCE_NUMBER") or node.value("DATAID"),
        kind=_KINDS[prefix],
        names=tuple(_names(node, prefix)),
        source=node,
        programs=each_once([node.value("UN_LIST_TYPE")]),
        listed_on=day_or_none(node.value("LISTED_ON")),
        births=tuple(_births(node)),
        birth_places=each_once(_line(one) for one in node.at("INDIVIDUAL_PLACE_OF_BIRTH")),
        countries=each_once(one.text for one in node.at("NATIONALITY", "VALUE")),
        identifiers=tuple(
            ListedIdentifier(
                one.value("TYPE_OF_DOCUMENT") or one.value("TYPE_OF_DOCUMENT2"),
                one.value("NUMBER"),
                one.value("ISSUING_COUNTRY") or one.value("COUNTRY_OF_ISSUE"),
            )
            for one in node.at("INDIVIDUAL_DOCUMENT")
            if one.value("NUMBER")
        ),
        addresses=each_once(_line(one) for one in node.at(f"{prefix}_ADDRESS")),
        posts=each_once(
            one.text for path in ("DESIGNATION", "TITLE") for one in node.at(path, "VALUE")
        ),
        note=node.value("COMMENTS1"),
    )


def _line(node: Node) -> str:
    return ", ".join(one.text.strip() for one in node.children if one.text and one.tag != "NOTE")


def _names(node: Node, prefix: str) -> Iterator[ListedName]:
    parts = (node.value(f"{ordinal}_NAME") for ordinal in ("FIRST", "SECOND", "THIRD", "FOURTH"))
    yield ListedName(" ".join(part for part in parts if part), Strength.PRIMARY)
    if native := node.value("NAME_ORIGINAL_SCRIPT"):
        yield ListedName(native, Strength.STRONG)
    for one in node.at(f"{prefix}_ALIAS"):
        if text := one.value("ALIAS_NAME"):
            quality = one.value("QUALITY")
            yield ListedName(text, _QUALITY.get(quality.lower(), Strength.UNSTATED), kind=quality)


def _births(node: Node) -> Iterator[Birth]:
    for one in node.at("INDIVIDUAL_DATE_OF_BIRTH"):
        circa = "approx" in one.value("TYPE_OF_DATE").lower()
        written = one.value("DATE") or one.value("YEAR")
        found = birth(written, circa=circa) if written else None
        found = found or years(one.value("FROM_YEAR"), one.value("TO_YEAR"), circa=circa)
        if found is not None:
            yield found
