"""Numbers by which one subject is told from others: passports, registers, ships, entries of lists.

Owns which published numbers count, which kinds one subject has once in a country, and what two
descriptions' numbers say of each other. A number may be mistyped; what follows is scoring's.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from rapidfuzz.distance import Levenshtein

from api.domain.identity import countries

_PLAIN: Final = re.compile(r"[^0-9a-z]")
_SHORTEST: Final = 5
_LIST: Final = re.compile(r"(?:ca|eu|uk|un|us)-[a-z0-9-]+")
_ALSO_LISTS: Final = {"ofac-uid": "us-ofac-sdn", "eu-reference": "eu-fsf"}

# Numbers that are not one subject's alone, or not stable, support nothing.
_WEAK: Final = (
    "gender",
    "risk",
    "sanctions",
    "website",
    "email",
    "phone",
    "date",
    "type",
    "model",
    "target",
    "information",
    "directive",
    "gazette",
    "un reference",
    "ofsi",
    "transactions",
    "operator",
    "bic",
)

_PASSPORT, _NATIONAL = "passport", "national id"
_ONCE: Final = {
    "IMO number": re.compile(r"\bimo\b|vessel registration identification"),
    "tax number": re.compile(r"\btax\b|fiscal|\binn\b"),
    _NATIONAL: re.compile(r"national.id\b|identi(?:fication|ty) card|\bnational-id\b"),
    _PASSPORT: re.compile(r"passport"),
}

Single = tuple[str, str, str]
"""Kind, number without blanks and signs, and issuing country as published (may be empty)."""


class Difference(StrEnum):
    """What two numbers of one kind, which are not equal, say."""

    TYPED = "typed"
    REPLACED = "replaced"
    OTHERS = "others"


def plain(number: str) -> str:
    """Return a number in small letters, without blanks, signs and the word IMO."""
    return _PLAIN.sub("", number.lower()).removeprefix("imo")


def listed(series: str, entry: str) -> str:
    """Return the number that a list's entry is by its publisher's id."""
    return f"{series}:{entry.lower()}"


def telling(told: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the identifiers, given as kind and number, that can tell one subject from others."""
    found = set()
    for kind, number in told:
        scheme = kind.strip().lower()
        series = _ALSO_LISTS.get(scheme, scheme)
        if _LIST.fullmatch(series):
            found.add(listed(series, number.strip()))
            continue
        bare = plain(number)
        strong = len(bare) >= _SHORTEST and any(one.isdigit() for one in bare)
        if strong and not any(word in scheme for word in _WEAK):
            found.add(bare)
    return frozenset(found)


def single(told: Iterable[Single]) -> tuple[Single, ...]:
    """Return the numbers, given with kind and country, of which a subject has one in a country."""
    found = {
        (name, bare, country)
        for kind, number, country in told
        for name, words in _ONCE.items()
        if words.search(kind.lower()) and len(bare := plain(number)) >= _SHORTEST
    }
    return tuple(sorted(found))


def differing(
    mine: Iterable[Single], theirs: Iterable[Single]
) -> tuple[Difference, Single, Single] | None:
    """Return the gravest difference of two descriptions that have no number in common.

    A register numbers a subject once: two numbers of one form, one kind and one country are two
    subjects' (``OTHERS``), unless they differ by a letter (``TYPED``). A passport or national id is
    replaced in time (``REPLACED``). Countries not both known leave nothing to say; a ship's
    number needs none.
    """
    others = list(theirs)
    found = [
        (difference, one, other)
        for one in mine
        for other in others
        if (difference := _difference(one, other)) is not None
    ]
    if not found:
        return None
    rank = list(Difference)
    same_kind = {one[0] for difference, one, _ in found if difference is Difference.TYPED}
    kept = [
        each for each in found if each[0] is not Difference.OTHERS or each[1][0] not in same_kind
    ]
    return max(kept, key=lambda each: rank.index(each[0]), default=None)


def _difference(one: Single, other: Single) -> Difference | None:
    kind, mine, land = one
    same_land = bool(land and other[2] and countries.shared([land], [other[2]]))
    if kind != other[0] or not (same_land or kind == "IMO number"):
        return None
    if Levenshtein.distance(mine, other[1]) <= 1:
        return Difference.TYPED
    if kind in {_PASSPORT, _NATIONAL}:
        return Difference.REPLACED
    return Difference.OTHERS if len(mine) == len(other[1]) else None
