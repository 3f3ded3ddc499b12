"""How alike two descriptions are, and why: every signal in words.

Owns the score, 0 to 1, and the signals. A score is an order and a suggestion; whether two
descriptions are of one subject is an officer's verdict. Birth dates veto only where they exclude
each other by years: an equal day and month with another year is one person written down twice.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

from api.domain.identity import bodies, folding
from api.domain.identity.profiles import Profile, Spelling, is_particle
from api.domain.lists.births import Birth, Precision
from api.domain.lists.entries import EntryKind

LIKELY: Final = 0.88
"""Least score at which two descriptions count as likely of one subject. Set by looking at the
GLOMAG entries of May 2024 against Canada's and the European Union's lists."""

_NEAR: Final = 0.86
_SOUND: Final = 0.94
_SOUND_ALONE: Final = 0.72
_CLOSE: Final = 0.78
_INITIALS: Final = 0.8
_LETTERS: Final = 93
_INITIAL: Final = 0.6
_PARTICLE_WEIGHT: Final = 0.2
_WEAK_ALIAS: Final = 0.93
_FINE: Final = 3
_LOOKED_AT: Final = 12
_SHORT: Final = 4
_SAME_NUMBER: Final = 0.99
_YEARS_APART: Final = 2
_OTHER_KIND: Final = 0.35
_OTHER_COUNTRY: Final = 0.86
_PART: Final = 0.8
_OFFICE: Final = 0.82
_BIRTHS_NEAR: Final = -0.05
_BIRTHS_EXCLUDE: Final = 0.55
_BIRTHS_AGREE: Final = 0.35


class SignalKind(StrEnum):
    """What a signal is about."""

    NAME = "name"
    BIRTH = "birth"
    KIND = "kind"
    IDENTIFIER = "identifier"
    COUNTRY = "country"
    POST = "post"


class Bearing(StrEnum):
    """Which way a signal points."""

    SUPPORTS = "supports"
    OPPOSES = "opposes"
    CONFLICTS = "conflicts"
    NEUTRAL = "neutral"


class Suggestion(StrEnum):
    """Which verdict the signals suggest."""

    SAME = "same"
    NOT_SAME = "not-same"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that speaks for or against two descriptions being of one subject.

    Attributes:
        kind: what it is about.
        bearing: which way it points; ``conflicts`` is shown and decides nothing.
        text: in words, with both values.
    """

    kind: SignalKind
    bearing: Bearing
    text: str


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How alike two descriptions are.

    Attributes:
        score: 0 to 1.
        equal: they have a name of the very same words.
        signals: why.
    """

    score: float
    equal: bool
    signals: tuple[Signal, ...]

    @property
    def suggested(self) -> Suggestion:
        """What an officer is offered as a verdict; nothing follows from it."""
        if any(one.bearing is Bearing.OPPOSES for one in self.signals):
            return Suggestion.NOT_SAME
        return Suggestion.SAME if self.score >= LIKELY else Suggestion.UNSURE


Rarity = Callable[[str], float]
"""Weight of a word, about 0.3 for one that stands in many names, 1 for a rare one."""


def evenly(word: str) -> float:
    """Weigh words where nothing is known of how often they occur."""
    return _PARTICLE_WEIGHT if is_particle(word) else 1.0


def weighed(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words whose weights the comparison of a name may ask for."""
    return (*words, *bodies.essential(words))


def weight(word: str, many: int, of: int) -> float:
    """Return the weight of a word that so many of so many descriptions have."""
    if is_particle(word):
        return _PARTICLE_WEIGHT
    return max(0.25, min(1.0, 1.0 - math.log(1 + many) / math.log(max(of, 10))))


def resemblance(one: Profile, other: Profile, rarity: Rarity = evenly) -> Resemblance:
    """Compare two descriptions.

    Args:
        one: what is looked for.
        other: a candidate.
        rarity: weight of a word.
    """
    body = EntryKind.PERSON not in {one.kind, other.kind}
    best, mine, theirs = _best_names(one.spellings, other.spellings, rarity, body=body)
    equal = bool({s.plain for s in one.spellings} & {s.plain for s in other.spellings})
    score = best
    signals: list[Signal] = []
    if mine and theirs:
        signals.append(_named(mine, theirs, score))
        if body:
            score, told = _as_bodies(score, (one, mine), (other, theirs))
            signals += told
    score, more = _judged(score, one, other)
    signals += more
    return Resemblance(round(min(1.0, score), 4), equal, tuple(signals))


def _named(mine: Spelling, theirs: Spelling, score: float) -> Signal:
    bearing = Bearing.SUPPORTS if score >= 0.8 else Bearing.NEUTRAL  # noqa: PLR2004 - by eye
    weak = ", a weak alias" if theirs.weak else ""
    if mine.plain == theirs.plain:
        return Signal(SignalKind.NAME, bearing, f"Equal names: {mine.text} and {theirs.text}{weak}")
    return Signal(
        SignalKind.NAME, bearing, f"Names alike by {score:.0%}: {mine.text}, {theirs.text}{weak}"
    )


def _as_bodies(
    score: float, one: tuple[Profile, Spelling], other: tuple[Profile, Spelling]
) -> tuple[float, list[Signal]]:
    """Let speak that a name adds a part to the other, or that many states have such an office."""
    (mine, named), (theirs, also) = one, other
    if added := bodies.part_named(named.words, also.words):
        text = f"One name adds {' '.join(added)}: a part of the other, or another body"
        return score * _PART, [Signal(SignalKind.NAME, Bearing.OPPOSES, text)]
    if bodies.is_office(named.words) and not _shared_countries(mine, theirs):
        text = "Many states have an office of this name, and no country is in common"
        return min(score, _OFFICE), [Signal(SignalKind.NAME, Bearing.CONFLICTS, text)]
    return score, []


def _shared_countries(one: Profile, other: Profile) -> set[str]:
    mine, theirs = ({name.casefold() for name in each.countries} for each in (one, other))
    return mine & theirs


def _judged(score: float, one: Profile, other: Profile) -> tuple[float, list[Signal]]:
    """Let identifiers, kinds, births, countries and posts speak; returns score and signals."""
    signals: list[Signal] = []
    if shared := one.numbers & other.numbers:
        signals.append(
            Signal(SignalKind.IDENTIFIER, Bearing.SUPPORTS, f"Same number: {min(shared)}")
        )
    known = {one.kind, other.kind} - {EntryKind.OTHER}
    if len(known) > 1:
        text = f"One is a {one.kind.value}, the other a {other.kind.value}"
        signals.append(Signal(SignalKind.KIND, Bearing.OPPOSES, text))
        score *= _OTHER_KIND
    factor, told = _births(one.births, other.births)
    score += (1 - score) * factor if factor > 0 and score > 0.6 else 0.0  # noqa: PLR2004
    score *= 1 + factor if factor < 0 else 1.0
    signals += told
    score, told = _countries(score, one, other)
    signals += told
    if post := _same_post(one.posts, other.posts):
        signals.append(Signal(SignalKind.POST, Bearing.SUPPORTS, f"Like posts: {post}"))
    if shared and score > 0.3:  # noqa: PLR2004 - a number may be mistyped or shared by a register
        score = max(score, _SAME_NUMBER)
    return score, signals


def _countries(score: float, one: Profile, other: Profile) -> tuple[float, list[Signal]]:
    """Let countries speak: bodies of one name in two countries are likely two bodies."""
    mine, theirs = one.countries, other.countries
    if common := _shared_countries(one, other):
        text = f"Same country: {min(common)}"
        return score, [Signal(SignalKind.COUNTRY, Bearing.SUPPORTS, text)]
    if not mine or not theirs or EntryKind.PERSON in {one.kind, other.kind}:
        return score, []
    text = f"No country in common: {min(mine)} and {min(theirs)}"
    return score * _OTHER_COUNTRY, [Signal(SignalKind.COUNTRY, Bearing.CONFLICTS, text)]


def _same_post(mine: Sequence[str], theirs: Sequence[str]) -> str:
    for one in mine:
        for other in theirs:
            if fuzz.token_set_ratio(one.lower(), other.lower()) >= 85:  # noqa: PLR2004 - by eye
                return f"{one}; {other}"
    return ""


def _births(mine: Sequence[Birth], theirs: Sequence[Birth]) -> tuple[float, list[Signal]]:
    """Return how births change a score (-1 to 1) and what is to be said of them."""
    left = [one for one in mine if one.earliest]
    right = [one for one in theirs if one.earliest]
    if not left or not right:
        return 0.0, []
    pairs = [(a, b) for a in left for b in right]
    agreeing = [(a, b) for a, b in pairs if a.earliest <= b.latest and b.earliest <= a.latest]
    if agreeing:
        a, b = min(agreeing, key=lambda pair: len({pair[0].precision, pair[1].precision}))
        exact = any(x.precision is y.precision is Precision.DAY for x, y in agreeing)
        support = _BIRTHS_AGREE if exact else _BIRTHS_AGREE / 2
        text = f"Births agree: {a.text} and {b.text}"
        return support, [Signal(SignalKind.BIRTH, Bearing.SUPPORTS, text)]
    a, b = min(pairs, key=_gap)
    if _day_and_month(a, b):
        text = f"Same day and month, another year: {a.text} and {b.text}"
        return 0.0, [Signal(SignalKind.BIRTH, Bearing.CONFLICTS, text)]
    if _gap((a, b)) <= _YEARS_APART or a.circa or b.circa:
        text = f"Births differ a little: {a.text} and {b.text}"
        return _BIRTHS_NEAR, [Signal(SignalKind.BIRTH, Bearing.CONFLICTS, text)]
    text = f"Births exclude each other: {a.text} and {b.text}"
    return -_BIRTHS_EXCLUDE, [Signal(SignalKind.BIRTH, Bearing.OPPOSES, text)]


def _gap(pair: tuple[Birth, Birth]) -> int:
    """Return the whole years between two spans."""
    a, b = pair
    if a.latest < b.earliest:
        return int(b.earliest[:4]) - int(a.latest[:4])
    return max(0, int(a.earliest[:4]) - int(b.latest[:4]))


def _day_and_month(a: Birth, b: Birth) -> bool:
    both = a.precision is Precision.DAY and b.precision is Precision.DAY
    return both and a.earliest[5:] == b.earliest[5:]


def _best_names(
    mine: Sequence[Spelling], theirs: Sequence[Spelling], rarity: Rarity, *, body: bool
) -> tuple[float, Spelling | None, Spelling | None]:
    """Return the best score of any two names, and these two.

    A coarse comparison of all picks the few that are looked at word by word.
    """
    plain = [one.plain for one in theirs]
    coarse = [
        (likeness, one, theirs[place])
        for one in mine
        for _, likeness, place in process.extract(
            one.plain, plain, scorer=fuzz.token_set_ratio, limit=_FINE
        )
    ]
    coarse.sort(key=lambda found: -found[0])
    best: tuple[float, Spelling | None, Spelling | None] = (0.0, None, None)
    for _, one, other in coarse[:_LOOKED_AT]:
        score = name_score(one.words, other.words, rarity, body=body)
        if one.weak or other.weak:
            score *= _WEAK_ALIAS
        if score > best[0]:
            best = (score, one, other)
    return best


def name_score(
    mine: Sequence[str], theirs: Sequence[str], rarity: Rarity = evenly, *, body: bool
) -> float:
    """Return how alike two names are, 0 to 1, word by word whatever their order."""
    if body:
        initials = bodies.initials(mine), bodies.initials(theirs)
        mine, theirs = bodies.essential(mine), bodies.essential(theirs)
        if (*mine,) == (initials[1],) or (*theirs,) == (initials[0],):
            return _INITIALS
    joined, other = "".join(mine), "".join(theirs)
    if joined == other or joined == "".join(reversed(theirs)):
        return _equal(max(mine, theirs, key=len), body=body)
    mine, theirs = _merged(mine, theirs), _merged(theirs, mine)
    pairs = _pairs(mine, theirs)
    left = _covered(mine, {i: sim for (i, _), sim in pairs.items()}, rarity)
    right = _covered(theirs, {j: sim for (_, j), sim in pairs.items()}, rarity)
    if not left or not right:
        return _whole(joined, other)
    both = 2 * left * right / (left + right)
    some = max(left, right)
    matched = sum(1 for sim in pairs.values() if sim > _INITIAL)
    if body:
        score = 0.88 * both + 0.12 * some
    elif matched >= 2:  # noqa: PLR2004 - one shared word of a person's name says little
        score = 0.55 * both + 0.45 * some
    else:
        score = 0.9 * both
    return max(score, _whole(joined, other))


def _equal(words: Sequence[str], *, body: bool) -> float:
    """Return what two equal names are worth: one short word may name many."""
    if len(words) > 1:
        return 1.0
    short = len(words[0]) <= _SHORT
    if body:
        return 0.82 if short else 0.97
    return 0.8


def _whole(one: str, other: str) -> float:
    """Return the likeness of two names written without blanks, if it is nearly total."""
    long = min(len(one), len(other)) > 7  # noqa: PLR2004 - one letter of a short name is a name
    if not long or fuzz.ratio(one, other) <= _LETTERS:
        return 0.0
    return JaroWinkler.similarity(one, other)


def _merged(words: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Join neighbours that the other name writes as one word: ``quan guo`` and ``quanguo``."""
    there = set(others)
    found: list[str] = []
    skip = False
    for place, word in enumerate(words):
        if skip:
            skip = False
            continue
        joined = word + words[place + 1] if place + 1 < len(words) else ""
        skip = bool(joined) and joined in there
        found.append(joined if skip else word)
    return tuple(found)


def _pairs(mine: Sequence[str], theirs: Sequence[str]) -> dict[tuple[int, int], float]:
    """Match words with words, the most alike first, each once."""
    told = [
        (sim, i, j)
        for i, one in enumerate(mine)
        for j, other in enumerate(theirs)
        if (sim := _alike(one, other)) > 0
    ]
    told.sort(reverse=True)
    found: dict[tuple[int, int], float] = {}
    left: set[int] = set()
    right: set[int] = set()
    for sim, i, j in told:
        if i not in left and j not in right:
            found[i, j] = sim
            left.add(i)
            right.add(j)
    return found


def _alike(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if len(one) == 1 or len(other) == 1:
        return _INITIAL if one[0] == other[0] else 0.0
    if one.isdigit() or other.isdigit():
        return 0.0
    near = JaroWinkler.similarity(one, other)
    if folding.skeleton(one) == folding.skeleton(other) and len(folding.skeleton(one)) > 1:
        if near <= 0.55:  # noqa: PLR2004 - the vowels alone make two words
            return near
        return max(_SOUND if near >= _CLOSE else _SOUND_ALONE, near)
    return near if near >= _NEAR else 0.0


def _covered(words: Sequence[str], matched: dict[int, float], rarity: Rarity) -> float:
    """Return which part of a name, by weight of its words, found its like."""
    total = sum(map(rarity, words))
    hit = sum(rarity(words[place]) * sim for place, sim in matched.items())
    return hit / total if total else 0.0
