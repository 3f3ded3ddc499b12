"""Canada's sanctions regulations as the Department of Justice publishes them, English and French.

Owns the layout: a schedule has parts, a part has numbered items, an item has a sentence with the
name, perhaps a birth and aliases in brackets, and the day on which that item came into force. In
consolidations before about 2019 that day can be the consolidation's. Items that were repealed list
nobody; they stay in the head, with the text of the regulations.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from api.adapters.lists.canada import clean
from api.adapters.lists.files import ListFile
from api.adapters.lists.markup import Reading, elements, root_of
from api.domain.lists.births import Birth, birth
from api.domain.lists.entries import (
    EntryKind,
    ListedName,
    ListEntry,
    Published,
    Series,
    Strength,
    day_or_none,
    each_once,
)
from api.domain.lists.tree import Node

_PUBLISHER: Final = "Department of Justice Canada"
_GOODS: Final = ("goods", "marchandises", "technolog", "product", "produits", "chloride")
# Whole words: the parts of bodies that breach "international" peace are of no nationals.
_WHOM: Final = re.compile(
    r"\b(?:(?P<person>individuals?|nationals?|particuliers?|étrangers?|personnes physiques)"
    r"|(?P<entity>entity|entities|entités?))\b",
    re.IGNORECASE,
)
_BRACKET: Final = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_BORN: Final = re.compile(
    r"(?:born|date of birth|née?|date de naissance)\s*:?\s*(?:on|in|le|en|vers)?\s*(.+)",
    re.IGNORECASE,
)
_BORN_AFTER: Final = re.compile(r",\s+(?=(?:born|née?)\s)", re.IGNORECASE)
_KNOWN_AFTER: Final = re.compile(
    r",?\s+(?:(?=(?:also|formerly|previously|aussi|également)\s+(?:known|connue?)\s)|aka\s)"
)
_KNOWN: Final = re.compile(
    r"(?:also|formerly|previously|aussi|également|anciennement)\s+(?:known|connue?|appelée?|désignée?)"
    r"(?:\s+among\s+other\s+names)?(?:\s+(?:as|sous|entre autres))?"
    r"(?:\s+(?:les?\s+noms?|l[\u2019']appellation))?(?:\s+(?:de|d[\u2019']))?\s*(.+)",
    re.IGNORECASE,
)
_LAST: Final = re.compile(r"\s*,?\s+(?:and|or|et|ou)\s+(?=\S+$|\S.*$)")
_INITIALS: Final = re.compile(r"[A-Z][A-Za-z0-9-]*")


def read(files: list[ListFile]) -> Published:
    """Read one regulation with its schedule of listed persons.

    Raises:
        Invalid: ``list.*``.
    """
    root = root_of(files[0])
    reading = Reading()
    schedules = list(elements(files[0], frozenset({"Schedule"}), reading))
    head = reading.as_node()
    number = head.value("Identification", "InstrumentNumber")
    language = root.attributes.get("lang", "en")
    listed, rest = [], []
    for schedule in schedules:
        found = list(_items(schedule, number))
        listed += found
        rest.append(_without(schedule, {id(one.node) for one in found}))
    series = Series(
        f"ca-{number.lower().replace('/', '-')}",
        _PUBLISHER,
        "CA",
        language,
        by_place=True,
    )
    day = root.attributes.get("current-date", "") or root.attributes.get("pit-date", "")
    head = head._replace(children=(*head.children, *rest))
    return Published(series, "ca-regulation", day, head, _entries(listed, number))


@dataclass(frozen=True, slots=True)
class _Item:
    """One listed item: its place, what its part says of the kind, its element."""

    place: str
    part: str
    node: Node


def _items(schedule: Node, number: str) -> Iterator[_Item]:
    heading = schedule.first("ScheduleFormHeading") or Node("none")
    title = (heading.first("TitleText") or Node("none")).whole_text()
    if schedule.at("TableGroup") or any(word in title.lower() for word in _GOODS):
        return
    label = heading.value("Label").title()
    part = ""
    for child in schedule.children:
        if child.tag == "Heading":
            part = (
                child.whole_text()
                if not child.at("Label")
                else " ".join(one.whole_text() for one in child.children)
            )
        elif child.tag == "List":
            if any(word in part.lower() for word in _GOODS):
                continue
            short = part.partition(" ")[2].partition(" ")[0] if part else ""
            place = "/".join(
                [number, label, *([f"{part.split(' ')[0].title()} {short}"] if short else [])]
            )
            for item in child.at("Item"):
                if not _repealed(item):
                    yield _Item(f"{place}/{item.value('Label')}", f"{title} {part}", item)


def _repealed(item: Node) -> bool:
    text = item.first("Text")
    return text is None or text.first("Repealed") is not None or not text.whole_text()


def _without(node: Node, taken: set[int]) -> Node:
    """Return a schedule without the items that became entries."""
    children = tuple(_without(one, taken) for one in node.children if id(one) not in taken)
    return node._replace(children=children)


def _entries(items: list[_Item], number: str) -> Iterator[ListEntry]:
    used: Counter[str] = Counter()
    for item in items:
        used[item.place] += 1
        again = used[item.place]
        yield _entry(item.place if again == 1 else f"{item.place}/{again}", item, number)


def _entry(key: str, item: _Item, number: str) -> ListEntry:
    text = clean((item.node.first("Text") or Node("none")).whole_text())
    names, births = read_text(text)
    whom = _WHOM.search(item.part)
    if births or (whom and whom["person"]):
        kind = EntryKind.PERSON
    else:
        kind = EntryKind.ENTITY if whom else EntryKind.OTHER
    return ListEntry(
        id=key,
        kind=kind,
        names=names,
        source=item.node,
        programs=each_once([number]),
        listed_on=day_or_none(item.node.get("inforce-start-date")),
        births=births,
        note=text,
    )


def read_text(text: str) -> tuple[tuple[ListedName, ...], tuple[Birth, ...]]:
    """Return the names and births in an item's sentence.

    A bracket with a birth gives a birth; one that begins "also known as" gives aliases; one inside
    a name gives spellings of the word before it; a single word after a whole name is its short
    form. What begins so behind the name without a bracket is read alike.
    """
    names: list[ListedName] = []
    births: list[Birth] = []
    inner: list[tuple[str, str]] = []
    # Some items never close their last bracket.
    text += ")" * max(0, text.count("(") - text.count(")"))
    plain = text
    for found in _BRACKET.finditer(text):
        said = found[1].strip()
        if born := _BORN.match(said):
            births += [one] if (one := birth(born[1])) is not None else []
        elif known := _KNOWN.match(said):
            names += [ListedName(one, kind="also known as") for one in _listed_names(known[1])]
        elif found.end() < len(text.rstrip(" .")) and _is_spelling(text[found.end() :]):
            inner.append(
                (
                    text[: found.start()].rsplit(maxsplit=1)[-1]
                    if text[: found.start()].split()
                    else "",
                    said,
                )
            )
        else:
            strength = Strength.WEAK if _INITIALS.fullmatch(said) else Strength.UNSTATED
            names.append(ListedName(said, strength, kind="in brackets"))
        plain = plain.replace(found[0], " ", 1)
    primary, told, born_on = _behind_the_name(clean(plain))
    names += told
    births += born_on
    spelt = [
        ListedName(clean(primary.replace(word, other.strip(), 1)), kind="spelling")
        for word, others in inner
        if word
        for other in re.split(r"[,;]|\bor\b|\bou\b", others)
        if other.strip()
    ]
    return (ListedName(primary, Strength.PRIMARY), *spelt, *names), tuple(births)


def _behind_the_name(text: str) -> tuple[str, list[ListedName], list[Birth]]:
    """Part a name from the aliases or the birth that some items give without brackets."""
    name, *known = _KNOWN_AFTER.split(text, maxsplit=1)
    if known:
        said = _KNOWN.match(known[0])
        others = _listed_names(said[1] if said else known[0])
        return name, [ListedName(one, kind="also known as") for one in others], []
    name, *rest = _BORN_AFTER.split(text, maxsplit=1)
    said = _BORN.match(rest[0]) if rest else None
    told = birth(said[1]) if said else None
    return (name, [], [told]) if told is not None and told.earliest else (text, [], [])


def _is_spelling(rest: str) -> bool:
    """Tell whether a name goes on after a bracket, rather than another bracket."""
    return bool(rest.strip()) and not rest.lstrip().startswith("(")


def _listed_names(text: str) -> tuple[str, ...]:
    parts = [part for one in text.split(",") for part in _LAST.split(one)] if "," in text else []
    return each_once(parts or _LAST.split(text))
