"""What is compared when two descriptions are compared, and the keys by which one finds the other.

Owns the profile of a description (a list's entry, a subject of a statement) and its keys. A key is
found in an index, so that nobody has to be compared with everybody; it proves nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any, Final

from api.domain.identity import bodies, countries, folding
from api.domain.identity import numbers as numbering
from api.domain.identity.numbers import Single
from api.domain.lists.births import Birth, Precision, birth
from api.domain.lists.entries import EntryKind, ListEntry, Strength

_PARTICLES: Final = frozenset(
    "al el ul ibn bin bint ben abu abd bu de la da do dos van von der den di du le y e".split()  # noqa: SIM905
)
_SHORTEST_SOUND: Final = 5
_MOST_WORDS: Final = 7
_MOST_DAYS: Final = 3
_LONGEST_KEY: Final = 60
KINDS: Final = {  # by FollowTheMoney schema
    "Person": EntryKind.PERSON,
    "Organization": EntryKind.ENTITY,
    "Company": EntryKind.ENTITY,
    "LegalEntity": EntryKind.OTHER,
    "PublicBody": EntryKind.ENTITY,
    "Vessel": EntryKind.VESSEL,
    "Airplane": EntryKind.AIRCRAFT,
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """One name, folded.

    Attributes:
        text: as written.
        words: folded, in order.
        weak: its publisher marks it as a weak alias.
        plain: the words in alphabetical order: equal for two orders of one name.
    """

    text: str
    words: tuple[str, ...]
    weak: bool = False
    plain: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put the words in order once: every comparison asks for them."""
        object.__setattr__(self, "plain", " ".join(sorted(self.words)))


@dataclass(frozen=True, slots=True)
class Profile:
    """One description, as far as it is compared.

    Attributes:
        ref: reference of the description; empty for what is looked for.
        kind: what it describes, ``OTHER`` where nothing says so.
        spellings: its names, each folded form once.
        births: birth dates.
        numbers: identifiers that are one subject's own, without blanks and signs.
        countries: as published.
        posts: as published.
        single: numbers of kinds that one subject has once.
    """

    ref: str
    kind: EntryKind
    spellings: tuple[Spelling, ...]
    births: tuple[Birth, ...] = ()
    numbers: frozenset[str] = field(default=frozenset())
    countries: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    single: tuple[Single, ...] = ()

    @property
    def name(self) -> str:
        """The first name, as written."""
        return self.spellings[0].text if self.spellings else ""

    def to_json(self) -> dict[str, Any]:
        """Return what :meth:`of_json` reads."""
        return {
            "kind": self.kind.value,
            "names": [[one.text, int(one.weak), " ".join(one.words)] for one in self.spellings],
            "births": [[one.text, one.earliest, one.latest, one.circa] for one in self.births],
            "numbers": sorted(self.numbers),
            "countries": list(self.countries),
            "posts": list(self.posts),
            "single": [list(one) for one in self.single],
        }

    @classmethod
    def of_json(cls, ref: str, said: dict[str, Any]) -> "Profile":
        """Return the profile that :meth:`to_json` wrote."""
        return cls(
            ref=ref,
            kind=EntryKind(said["kind"]),
            spellings=tuple(
                Spelling(text, tuple(words.split()), bool(weak))
                for text, weak, words in said["names"]
            ),
            births=tuple(Birth(*one) for one in said["births"]),
            numbers=frozenset(said["numbers"]),
            countries=tuple(said["countries"]),
            posts=tuple(said["posts"]),
            single=tuple((kind, number, land) for kind, number, land in said.get("single", ())),
        )


def spellings(names: Iterable[tuple[str, bool]]) -> tuple[Spelling, ...]:
    """Fold names, given as text and whether they are weak; each folded form is kept once."""
    found: dict[tuple[str, ...], Spelling] = {}
    for text, weak in names:
        told = [(folded, weak) for folded in folding.readings(text)]
        # Whether a name in Han characters is a Korean's nobody says.
        told += [(folded, True) for folded in folding.korean_readings(text)]
        for folded, slight in told:
            if folded and (folded not in found or (found[folded].weak and not slight)):
                found[folded] = Spelling(text, folded, slight)
    return tuple(found.values())


def of_entry(ref: str, entry: ListEntry, series: str = "") -> Profile:
    """Return the profile of an entry; with a series, its publisher's id is one of its numbers."""
    told = [(one.kind, one.number) for one in entry.identifiers]
    own = {numbering.listed(series, entry.id)} if series else set()
    return Profile(
        ref=ref,
        kind=entry.kind,
        spellings=spellings((one.text, one.strength is Strength.WEAK) for one in entry.names),
        births=entry.births,
        numbers=numbering.telling(told) | own,
        countries=entry.countries,
        posts=entry.posts,
        single=numbering.single((one.kind, one.number, one.country) for one in entry.identifiers),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What a statement says of a subject beside its names.

    Attributes:
        births: birth dates as written.
        identifiers: scheme and value of each.
        countries: ISO 3166 codes.
        posts: titles of posts.
    """

    births: Sequence[str] = ()
    identifiers: Sequence[tuple[str, str]] = ()
    countries: Sequence[str] = ()
    posts: Sequence[str] = ()


NOTHING_SAID: Final = Said()


def of_description(
    ref: str, schema: str, names: Iterable[str], said: Said = NOTHING_SAID
) -> Profile:
    """Return the profile of a subject as a statement describes it.

    A statement's number has no country of its own; where the subject has one only, it is that.
    """
    lands = tuple(countries.called(one) for one in said.countries)
    land = lands[0] if len(lands) == 1 else ""
    return Profile(
        ref=ref,
        kind=KINDS.get(schema, EntryKind.OTHER),
        spellings=spellings((name, False) for name in names),
        births=tuple(one for text in said.births if (one := birth(text)) is not None),
        numbers=numbering.telling(said.identifiers),
        countries=lands,
        posts=tuple(said.posts),
        single=numbering.single((kind, number, land) for kind, number in said.identifiers),
    )


def keys(profile: Profile) -> frozenset[str]:
    """Return every key of a profile."""
    found = {f"#{number}" for number in profile.numbers}
    for spelling in profile.spellings:
        found.update(_keys_of(spelling.words, body=profile.kind is not EntryKind.PERSON))
    if profile.kind is EntryKind.PERSON:
        found.update(_birth_keys(profile))
    return frozenset(one[:_LONGEST_KEY] for one in found)


def _birth_keys(profile: Profile) -> Iterator[str]:
    """Yield the days of birth, each with the sound of each word: who was born then is called so.

    A common name spelt otherwise is found so among the many who have it.
    """
    days = {one.earliest for one in profile.births if one.precision is Precision.DAY}
    told = {word for one in profile.spellings for word in one.words[:_MOST_WORDS]}
    sounds = {folding.skeleton(one) for one in told if one not in _PARTICLES and len(one) > 1}
    for day in sorted(days)[:_MOST_DAYS]:
        for sound in sorted(sounds):
            yield f"*{day.replace('-', '')} {sound}"


def _keys_of(words: tuple[str, ...], *, body: bool) -> Iterator[str]:
    yield exact_key(words)
    yield from joined_keys(words)
    telling = words
    if body:
        telling = bodies.essential(words)
        if short := bodies.initials(words):
            yield f"@{short}"
        yield f"+{''.join(telling)}"
        if len(telling) == 1 and 2 < len(telling[0]) <= 8:  # noqa: PLR2004 - as long as initials are
            yield f"@{telling[0]}"
    else:
        yield from aloud_keys(words)
    telling = tuple(one for one in telling if one not in _PARTICLES and len(one) > 1) or telling
    sounds = list(dict.fromkeys(folding.skeleton(one) for one in telling[:_MOST_WORDS]))
    for sound in sounds:
        yield f"~{sound}"
    for one, other in combinations(sorted(sounds), 2):
        yield f"&{one} {other}"


def aloud_keys(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the keys of a name heard as one word, as it stands and with its last word first.

    Scripts that write few vowels, or put no blank between words, meet Latin spellings so.
    """
    for order in {words, (*words[-1:], *words[:-1])}:
        sound = folding.skeleton("".join(order))
        if len(sound) >= _SHORTEST_SOUND:
            yield f"^{sound}"


def sound_key(word: str) -> str:
    """Return the key that all names with a word of this sound share."""
    return f"~{folding.skeleton(word)}"[:_LONGEST_KEY]


def exact_key(words: tuple[str, ...]) -> str:
    """Return the key that two names share exactly if they have the same words."""
    return f"={' '.join(sorted(words))}"[:_LONGEST_KEY]


def joined_keys(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the keys of a name written as one word, with and without what is joined to it."""
    yield f"+{''.join(words)}"
    if len(words) == 2:  # noqa: PLR2004 - surname first or last
        yield f"+{words[1]}{words[0]}"
    plain = [one for one in words if one not in _PARTICLES]
    if plain and len(plain) < len(words):
        yield f"+{''.join(plain)}"
    for one, other in pairwise(words):
        if one in _PARTICLES:
            yield f"~{folding.skeleton(one + other)}"


def is_particle(word: str) -> bool:
    """Tell whether a word of a person's name says next to nothing by itself."""
    return word in _PARTICLES
