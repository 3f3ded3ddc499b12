"""Who may be whom: candidates for a description, from the index of statements and lists alike.

Owns the way from a profile to its candidates and the upkeep of the index at an import. What comes
out is a suggestion with its reasons; nothing is merged here.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Final

from sqlalchemy import Connection

from api.domain.identity import naming, profiles, scoring
from api.domain.identity.naming import Named
from api.domain.identity.profiles import Profile, Spelling
from api.domain.identity.scoring import Resemblance
from api.domain.lists.entries import ListEntry
from api.records import identity, lists
from api.records.identity import Indexed, Prepared, Sought
from api.records.lists import Edition
from api.records.unit_of_work import Unit

LIST: Final = "list"
"""Kind of the reference of a list's entry: ``list:<series>:<publisher's id>``."""

_MOST_SHARING: Final = 250
_COMPARED: Final = 14
_AT_ONCE: Final = 64
_LEAST_WORTH: Final = 0.1
# Of what is asked of the best's own list, the part that is asked of every other.
_LEAST_ANYWHERE: Final = 0.4
_WEIGHTS: Final = {
    "#": 20.0,
    "=": 12.0,
    "+": 12.0,
    "*": 8.0,
    "^": 6.0,
    "&": 3.0,
    "@": 2.0,
    "~": 1.0,
}


def entry_ref(series: str, entry: str) -> str:
    """Return the reference of a list's entry."""
    return f"{LIST}:{series}:{entry}"


def entry_place(ref: str) -> tuple[str, str] | None:
    """Return series and publisher's id of a reference, ``None`` for one that is of no list."""
    kind, _, rest = ref.partition(":")
    series, colon, entry = rest.partition(":")
    return (series, entry) if kind == LIST and colon else None


def holder(ref: str) -> tuple[str, str]:
    """Return kind and id of the object that holds a description; the series of a list's entry."""
    kind, _, rest = ref.partition(":")
    return kind, rest.partition("#")[0]


@dataclass(frozen=True, slots=True)
class Likeness:
    """A description that may be of the same subject.

    Attributes:
        indexed: the description as the index has it.
        resemblance: score and signals.
    """

    indexed: Indexed
    resemblance: Resemblance

    @property
    def order(self) -> tuple[int, float, str]:
        """Sorts the best first: a name of the very same words before all others."""
        found = self.resemblance
        return (0 if found.equal else 1, -found.score, self.indexed.profile.ref)


@dataclass(frozen=True, slots=True)
class Likenesses:
    """What was found for one description, best first.

    Attributes:
        found: every description that was compared.
        common: some words of the name stand in so many descriptions that they alone find none.
    """

    found: tuple[Likeness, ...]
    common: bool


class _Weights(dict[str, float]):
    """The weight of each word that was looked up; 1 for others."""

    def __missing__(self, word: str) -> float:
        return 1.0


class Matcher:
    """Looks for candidates on one connection, remembering what it looked up.

    Args:
        connection: open connection; what was remembered is as old as this object.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._size = max(10, identity.about(connection))
        self._spread: dict[str, int] = {}
        self._weights = _Weights()
        self._loaded: dict[int, Indexed] = {}
        self._members: dict[frozenset[str], dict[int, str]] = {}

    def look(
        self,
        wanted: Profile,
        *,
        series: Collection[str] | None = None,
        compared: int = _COMPARED,
        least: float = _LEAST_WORTH,
    ) -> Likenesses:
        """Return the candidates for a description, itself left out.

        Args:
            wanted: what is looked for.
            series: the lists on which it is looked for; ``None`` for all, and for statements.
            compared: how many are compared word by word; every equal name is, however many.
            least: part of the best candidate's keys, by worth, that others on its list must share.
        """
        return next(self.each([wanted], series=series, compared=compared, least=least))

    def each(
        self,
        wanted: Iterable[Profile],
        *,
        series: Collection[str] | None = None,
        compared: int = _COMPARED,
        least: float = _LEAST_WORTH,
    ) -> Iterator[Likenesses]:
        """Yield the candidates for each of many, with few queries; see :meth:`look`."""
        chosen = None if series is None else self._standing_in(frozenset(series))
        rest = iter(wanted)
        while some := list(islice(rest, _AT_ONCE)):
            sought = self._sought(some)
            places = [
                self._places(found, one.ref, chosen)
                for found, one in zip(self._holders(sought), some, strict=True)
            ]
            ranked = [_ranked(one, chosen or {}, compared, least) for one in places]
            self._load(number for numbers in ranked for number in numbers)
            kept = [[self._loaded[n] for n in numbers if n in self._loaded] for numbers in ranked]
            named = [
                [naming.nearest(one.spellings, other.profile.spellings) for other in others]
                for one, others in zip(some, kept, strict=True)
            ]
            self._weigh(name for each in named for pairs in each for pair in pairs for name in pair)
            for one, others, pairs, how in zip(some, kept, named, sought, strict=True):
                found = map(self._compare, repeat(one), others, pairs)
                in_order = tuple(sorted(found, key=lambda likeness: likeness.order))
                yield Likenesses(in_order, how.left_out > 0)

    def _sought(self, wanted: Sequence[Profile]) -> list[Sought]:
        keys = [profiles.keys(one) for one in wanted]
        self._count(key for some in keys for key in some if key[0] == identity.SOUND)
        return [identity.sought(some, self._spread, most=_MOST_SHARING) for some in keys]

    def _holders(self, sought: Sequence[Sought]) -> Iterator[dict[str, list[int]]]:
        """Yield who has the keys of each, by key."""
        whole = identity.key_holders(self._connection, {key for one in sought for key in one.whole})
        bounded = {
            key: identity.first_key_holders(self._connection, key, most=_MOST_SHARING)
            for key in {key for one in sought for key in one.bounded}
        }
        for one in sought:
            found = {key: whole[key] for key in one.whole if key in whole}
            yield found | {key: bounded[key] for key in one.bounded}

    def _standing_in(self, series: frozenset[str]) -> dict[int, str]:
        if series not in self._members:
            self._members[series] = identity.members(self._connection, series)
        return self._members[series]

    def _places(
        self, holders: Mapping[str, Sequence[int]], ref: str, chosen: Mapping[int, str] | None
    ) -> Mapping[str, Sequence[int]]:
        """Leave out the description itself, and what stands in none of the chosen series."""
        own = identity.number_of(self._connection, ref) if ref else None
        if chosen is None and own is None:
            return holders
        if chosen is None:
            return {key: [one for one in numbers if one != own] for key, numbers in holders.items()}
        return {
            key: [one for one in numbers if one in chosen and one != own]
            for key, numbers in holders.items()
        }

    def _load(self, numbers: Iterable[int]) -> None:
        missing = {one for one in numbers if one not in self._loaded}
        self._loaded.update(identity.load(self._connection, missing))

    def _count(self, sounds: Iterable[str]) -> None:
        """Look up how many descriptions have each of these sounds, as far as not yet known."""
        unknown = {one for one in sounds if one not in self._spread}
        found = identity.spread(self._connection, unknown)
        self._spread.update((key, found[key]) for key in unknown)

    def _weigh(self, compared: Iterable[Spelling]) -> None:
        """Have the weight of each word of these names at hand."""
        names = {name.words for name in compared}
        words = {word for name in names for word in naming.weighed(name)}
        sounds = {word: profiles.sound_key(word) for word in words if word not in self._weights}
        self._count(sounds.values())
        for word, key in sounds.items():
            self._weights[word] = naming.weight(word, self._spread[key], self._size)

    def _compare(self, wanted: Profile, one: Indexed, pairs: Sequence[Named]) -> Likeness:
        found = scoring.resemblance(wanted, one.profile, self._weights.__getitem__, pairs)
        return Likeness(one, found)


def _ranked(
    holders: Mapping[str, Sequence[int]], series: Mapping[int, str], compared: int, part: float
) -> list[int]:
    """Return the profiles to compare: equal names, then by the worth of the keys they share.

    One list rarely has one subject twice, so its best candidate sets what its others must reach;
    another list's spells the name as it likes and need not reach that.

    Args:
        holders: who has each key.
        series: the list of each, where lists were chosen.
        compared: how many beside those with equal names.
        part: of the worth of the best of its list, which others must have.
    """
    worth: dict[int, float] = {}
    exact: set[int] = set()
    for key, numbers in holders.items():
        if not numbers:
            continue
        each = _WEIGHTS[key[0]] / (1 + math.log(len(numbers)))
        for one in numbers:
            worth[one] = worth.get(one, 0.0) + each
        if key[0] in "=+#":
            exact.update(numbers)
    best: dict[str, float] = {}
    if series:
        for one, value in worth.items():
            where = series.get(one, "")
            if value > best.get(where, 0.0):
                best[where] = value
    elif worth:
        best[""] = max(worth.values())
    most = max(best.values(), default=0.0) * _LEAST_ANYWHERE
    least = {where: max(value * part, most * part) for where, value in best.items()}
    ranked = sorted(
        (-value, one)
        for one, value in worth.items()
        if value >= least[series.get(one, "")] and one not in exact
    )
    return [*sorted(exact), *(one for _, one in ranked[:compared])]


def prepared(
    known: Mapping[str, str], series: str, digest: str, entry: ListEntry
) -> Prepared | None:
    """Return what the index gets for a list's entry, or ``None`` if it holds it already.

    Keys are worked out here, before a transaction begins.
    """
    ref = entry_ref(series, entry.id)
    if known.get(ref) == digest:
        return None
    profile = profiles.of_entry(ref, entry, series)
    return Indexed(profile, series, digest, entry.programs).prepared()


def index_edition(
    unit: Unit, edition: Edition, members: Mapping[str, str], made: Mapping[str, Prepared]
) -> None:
    """Make the index hold an edition's entries for its series, touching only what differs.

    Args:
        unit: the open unit of work.
        edition: the newest of its series.
        members: digests of its entries by publisher's id.
        made: what was prepared, by digest.
    """
    series = edition.series.id
    wanted = {entry_ref(series, id_): digest for id_, digest in members.items()}
    known = identity.digests(unit.connection, series)
    identity.remove(unit, [ref for ref in known if ref not in wanted])
    fresh = [digest for ref, digest in sorted(wanted.items()) if known.get(ref) != digest]
    lacking = [digest for digest in fresh if digest not in made]
    loaded = lists.entries(unit.connection, lacking)
    more = {
        digest: one
        for digest, entry in loaded.items()
        if (one := prepared({}, series, digest, entry)) is not None
    }
    identity.put_prepared(unit, [made.get(digest) or more[digest] for digest in fresh])
