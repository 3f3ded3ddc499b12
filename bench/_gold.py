"""What is known to be the same, taken from a folder of published lists that the caller names.

Owns the answers that ``bench identity`` is judged by: pairs of entries of two publishers that share
a number of their own (passport, tax, registration, IMO), which is then taken away before anything
is compared; names in other scripts of such pairs; and a table of labelled name pairs. Each set is
cut in two halves by a digest of what it is about: rules are made on ``tune``, figures told of
``report``.
"""

import csv
import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from api.adapters.lists import published
from api.domain.errors import ComityError
from api.domain.identity import profiles
from api.domain.identity.profiles import Profile
from api.domain.lists.entries import EntryKind, ListEntry

HALVES = ("tune", "report")
_LEAST = 7
_MOST_HOLDERS = 2
_SHOWN = re.compile(r"[A-Za-z]")
SCRIPTS = {
    "Cyrillic": "CYRILLIC",
    "Arabic": "ARABIC",
    "Han": "CJK UNIFIED",
    "Hangul": "HANGUL",
    "Greek": "GREEK",
}


def half(about: str) -> str:
    """Return which half something belongs to, by what it is about and nothing else."""
    return HALVES[hashlib.sha256(about.encode()).digest()[0] & 1]


@dataclass(frozen=True, slots=True)
class Held:
    """One list as it is compared.

    Attributes:
        series: which list.
        entries: by reference.
        bare: their profiles without numbers, by reference.
        numbers: their numbers of seven characters and more, by reference.
    """

    series: str
    entries: Mapping[str, ListEntry]
    bare: Mapping[str, Profile]
    numbers: Mapping[str, frozenset[str]]


def lists_in(folder: Path) -> tuple[list[Held], list[str]]:
    """Read every list below a folder: the newest of each series; returns also what was not read."""
    newest: dict[str, tuple[str, Mapping[str, ListEntry]]] = {}
    passed = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        if path.suffix == ".gz" or path.suffix in {".xml", ".csv", ".zip", ".json"}:
            try:
                found = published(path, path.name)
                entries = {one.id: one for one in found.entries}
            except ComityError as error:
                passed.append(f"{path.name}: {error.message[:80]}")
                continue
            known = newest.get(found.series.id)
            if known is None or (found.as_of, len(entries)) > (known[0], len(known[1])):
                newest[found.series.id] = (found.as_of, entries)
    return [_held(series, entries) for series, (_, entries) in sorted(newest.items())], passed


def _held(series: str, entries: Mapping[str, ListEntry]) -> Held:
    bare, numbers = {}, {}
    for entry in entries.values():
        ref = f"list:{series}:{entry.id}"
        profile = profiles.of_entry(ref, entry)
        numbers[ref] = frozenset(one for one in profile.numbers if len(one) >= _LEAST)
        bare[ref] = replace(profile, numbers=frozenset(), single=())
    named = {f"list:{series}:{id_}": entry for id_, entry in entries.items()}
    return Held(series, named, bare, numbers)


def pairs(one: Held, other: Held) -> dict[str, set[str]]:
    """Return, for each entry of a list, those of the other that share a number with it.

    A number that many entries have (a register's, a bank's) tells nobody apart and is left out; so
    is one that a list prints for two persons without a word of their names in common (one of them
    is a misprint), and a pair of a person with something else.
    """
    holders: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for place, held in enumerate((one, other)):
        for ref, numbers in held.numbers.items():
            for number in numbers:
                holders[number][place].append(ref)
    found: dict[str, set[str]] = defaultdict(set)
    for mine, theirs in holders.values():
        if max(len(mine), len(theirs)) <= _MOST_HOLDERS and not (
            _misprinted(one, mine) or _misprinted(other, theirs)
        ):
            for ref in mine:
                for match in theirs:
                    if _is_person(one.bare[ref]) == _is_person(other.bare[match]):
                        found[ref].add(match)
    return {ref: matches for ref, matches in found.items() if matches}


def _misprinted(held: Held, refs: Sequence[str]) -> bool:
    """Tell whether a list gives one number to persons that have no word of a name in common."""
    if len(refs) < _MOST_HOLDERS or not all(_is_person(held.bare[ref]) for ref in refs):
        return False
    words = [{w for s in held.bare[ref].spellings for w in s.words} for ref in refs]
    return not set.intersection(*words)


def twice(other: Held, matches: set[str], found: Iterable[str]) -> set[str]:
    """Return those of the found entries whose person a list has once more among the matches.

    One publisher lists some persons under each of several programmes. An entry with an equal name
    and an agreeing birth is that person: finding it is right, and it is counted neither as found
    nor as false.
    """
    known = [other.bare[ref] for ref in matches if _is_person(other.bare[ref])]
    return {
        ref
        for ref in found
        if ref not in matches and any(_again(other.bare[ref], each) for each in known)
    }


def _again(one: Profile, other: Profile) -> bool:
    names = [{s.plain for s in each.spellings if len(s.words) > 1} for each in (one, other)]
    born = any(
        a.earliest and b.earliest and a.earliest <= b.latest and b.earliest <= a.latest
        for a in one.births
        for b in other.births
    )
    return bool(_is_person(one) and born and names[0] & names[1])


def namesakes(one: Held, other: Held) -> dict[str, set[str]]:
    """Return pairs that have an equal Latin name, and for persons an equal day of birth as well.

    They are good for judging names in other scripts, which have no part in making them.
    """
    found: dict[str, set[str]] = defaultdict(set)
    named: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for ref, profile in one.bare.items():
        for key in _latin(profile):
            named[key].append(ref)
    for match, profile in other.bare.items():
        for key in _latin(profile):
            for ref in named.get(key, ()):
                found[ref].add(match)
    return {ref: matches for ref, matches in found.items() if len(matches) == 1}


def _latin(profile: Profile) -> Iterator[tuple[str, ...]]:
    """Yield what two lists must have in common: a Latin name of two words and a day of birth."""
    person = _is_person(profile)
    days = [one.earliest for one in profile.births if one.earliest == one.latest != ""]
    for spelling in profile.spellings:
        if spelling.text.isascii() and len(spelling.words) > 1 and not spelling.weak:
            if not person:
                yield (spelling.plain,)
            for day in days if person else ():
                yield (spelling.plain, day)


def _is_person(profile: Profile) -> bool:
    return profile.kind is EntryKind.PERSON


@dataclass(frozen=True, slots=True)
class Query:
    """A name in one script, and the entries that it is a name of."""

    script: str
    text: str
    person: bool
    of: frozenset[str]


def script_of(text: str) -> str:
    """Return the one script that all letters of a name are in, or an empty text."""
    found = set()
    for letter in text:
        if letter.isalpha():
            name = unicodedata.name(letter, "")
            found.add(next((k for k, start in SCRIPTS.items() if name.startswith(start)), ""))
    return found.pop() if len(found) == 1 else ""


def native_names(known: Mapping[str, set[str]], other: Held) -> Iterator[Query]:
    """Yield the names in other scripts that the second list has for entries of known pairs."""
    back: dict[str, set[str]] = defaultdict(set)
    for ref, matches in known.items():
        for match in matches:
            back[match].add(ref)
    for match, refs in sorted(back.items()):
        profile = other.bare[match]
        for text in dict.fromkeys(spelling.text for spelling in profile.spellings):
            if not _SHOWN.search(text) and (script := script_of(text)):
                yield Query(script, text, _is_person(profile), frozenset(refs))


def without_native(held: Held, scripts: Sequence[str]) -> tuple[Held, list[Query]]:
    """Return a list without its names in other scripts, and the persons' names in some of them."""
    bare, queries = {}, []
    for ref, profile in held.bare.items():
        shown = tuple(one for one in profile.spellings if _SHOWN.search(one.text))
        bare[ref] = replace(profile, spellings=shown)
        taken = dict.fromkeys(one.text for one in profile.spellings if one not in shown)
        queries += [
            Query(script, text, person=True, of=frozenset({ref}))
            for text in taken
            if shown and _is_person(profile) and (script := script_of(text)) in scripts
        ]
    return replace(held, bare=bare), queries


@dataclass(frozen=True, slots=True)
class Labelled:
    """Two names and whether they are of one subject."""

    one: str
    other: str
    person: bool
    same: bool
    category: str


def labelled_in(folder: Path) -> list[Labelled]:
    """Read a folder's tables of labelled names (``schema, name1, name2, is_match``)."""
    found = []
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as source:
            reader = csv.DictReader(source)
            if not {"schema", "name1", "name2", "is_match"} <= set(reader.fieldnames or ()):
                continue
            found += [
                Labelled(
                    row["name1"],
                    row["name2"],
                    row["schema"] == "Person",
                    row["is_match"].lower() in {"true", "1", "yes"},
                    row.get("case_group") or "",
                )
                for row in reader
            ]
    return found


def f1(hits: int, false: int, missed: int) -> tuple[float, float, float]:
    """Return precision, recall and their harmonic mean."""
    precision = hits / (hits + false) if hits + false else 0.0
    recall = hits / (hits + missed) if hits + missed else 0.0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0


def in_half(queries: Iterable[Query], chosen: str) -> Sequence[Query]:
    """Return the queries whose subjects belong to a half."""
    return [one for one in queries if half(min(one.of)) == chosen]
