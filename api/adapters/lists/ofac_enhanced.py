"""The enhanced list of the Office of Foreign Assets Control (``SDN_ENHANCED.XML``).

Owns the layout: an entity has a stable id, a date of publication for each list it stands on, and
features with spans of days. No real file was at hand when this was written; the published layout
and public programs that read it were followed, so every value is found by the name of its element
and whatever is not understood stays in the source.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from api.adapters.lists.files import ListFile
from api.adapters.lists.markup import Reading, elements
from api.adapters.lists.ofac import FLOORS, KINDS, NON_SDN, SDN
from api.domain.lists.births import Birth, birth
from api.domain.lists.entries import (
    EntryKind,
    ListedIdentifier,
    ListedLink,
    ListedName,
    ListEntry,
    Published,
    Strength,
    day_or_none,
    each_once,
    told_apart,
)
from api.domain.lists.tree import Node

_SDN_LIST: Final = "SDN"
_COUNTRIES: Final = ("nationality country", "citizenship country", "nationality", "citizenship")
_POSTS: Final = ("title", "position")


def read(files: list[ListFile]) -> Published:
    """Read the enhanced list.

    Raises:
        Invalid: ``list.*``.
    """
    reading = Reading()
    nodes = elements(files[0], frozenset({"entity"}), reading)
    first = next(nodes, None)
    head = reading.as_node()
    nodes = chain([first], nodes) if first is not None else iter(())
    entries = told_apart(_entry(node) for node in nodes)
    on = [one.whole_text() for one in first.at("sanctionsLists", "sanctionsList")] if first else []
    series = SDN if not on or any(_SDN_LIST in one.upper().split() for one in on) else NON_SDN
    day = head.value("publicationInfo", "dataAsOf") or head.value(
        "publicationInfo", "datePublished"
    )
    return Published(
        series=series,
        layout="ofac-enhanced",
        as_of=day[:10],
        head=head,
        entries=entries,
        floor=FLOORS[series.id],
    )


def _entry(node: Node) -> ListEntry:
    general = node.first("generalInfo") or Node("generalInfo")
    lists = node.at("sanctionsLists", "sanctionsList")
    days = sorted(day for one in lists if (day := one.get("datePublished")[:10]))
    features = [
        (_told(one, "type"), _told(one, "value"), one) for one in node.at("features", "feature")
    ]
    named = (*_COUNTRIES, "place of birth", "birthdate", *_POSTS)
    return ListEntry(
        id=node.get("id") or general.value("identityId"),
        kind=KINDS.get(general.value("entityType").lower(), EntryKind.OTHER),
        names=tuple(_names(node)),
        source=node,
        programs=each_once(
            one.whole_text() for one in node.at("sanctionsPrograms", "sanctionsProgram")
        ),
        listed_on=day_or_none(days[0]) if days else "",
        births=tuple(_births(features)),
        birth_places=each_once(
            value for kind, value, _ in features if kind.lower() == "place of birth"
        ),
        countries=each_once(value for kind, value, _ in features if kind.lower() in _COUNTRIES),
        identifiers=tuple(_documents(node))
        + tuple(
            ListedIdentifier(kind, value)
            for kind, value, _ in features
            if value and kind.lower() not in named
        ),
        addresses=each_once(_address(one) for one in node.at("addresses", "address")),
        posts=each_once(
            [general.value("title"), *(v for kind, v, _ in features if kind.lower() in _POSTS)]
        ),
        measures=each_once(one.whole_text() for one in node.at("sanctionsTypes", "sanctionsType")),
        links=tuple(_links(node)),
        note=general.value("remarks"),
    )


def _told(node: Node, name: str) -> str:
    """Return what a child element says."""
    child = node.first(name)
    return child.whole_text() if child is not None else ""


def _names(node: Node) -> Iterator[ListedName]:
    """Yield names, those marked primary first; the schema allows none or several of these."""
    told = [(one, _flag(one, "isPrimary")) for one in node.at("names", "name")]
    for name, primary in sorted(told, key=lambda one: not one[1]):
        weak = _flag(name, "isLowQuality")
        strength = Strength.WEAK if weak else Strength.PRIMARY if primary else Strength.STRONG
        for one in name.at("translations", "translation"):
            if text := _full(one):
                yield ListedName(text, strength, "", _told(one, "script"), _told(name, "aliasType"))


def _full(translation: Node) -> str:
    first = _told(translation, "formattedFirstName")
    last = _told(translation, "formattedLastName")
    if first or last:
        return f"{first} {last}".strip()
    return _told(translation, "formattedFullName")


def _flag(node: Node, name: str) -> bool:
    return (_told(node, name) or node.get(name)).lower() == "true"


def _births(features: list[tuple[str, str, Node]]) -> Iterator[Birth]:
    for kind, value, feature in features:
        if kind.lower() not in {"birthdate", "date of birth"}:
            continue
        date = feature.first("valueDate") or Node("valueDate")
        first, last = _told(date, "fromDateBegin")[:10], _told(date, "toDateEnd")[:10]
        circa = _told(date, "isApproximate").lower() == "true"
        if first and last:
            yield Birth(value or f"{first} to {last}", first, last, circa)
        elif (found := birth(value or first, circa=circa)) is not None:
            yield found


def _documents(node: Node) -> Iterator[ListedIdentifier]:
    for one in node.at("identityDocuments", "identityDocument"):
        number = _told(one, "documentNumber") or _told(one, "number")
        if number:
            yield ListedIdentifier(_told(one, "type"), number, _told(one, "issuingCountry"))


def _address(node: Node) -> str:
    parts = [
        _told(part, "value")
        for translation in node.at("translations", "translation")
        for part in translation.at("addressParts", "addressPart")
    ]
    return ", ".join(part for part in (*parts, _told(node, "country")) if part)


def _links(node: Node) -> Iterator[ListedLink]:
    for one in node.at("relationships", "relationship"):
        other = one.first("relatedEntity")
        if other is not None:
            kind = _told(one, "type") or "related"
            yield ListedLink(kind, other.whole_text(), other.get("entityId") or other.get("id"))
