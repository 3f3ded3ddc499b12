"""How alike two names are, word by word whatever their order and spelling.

Owns that number, 0 to 1. It knows nothing of births, countries or anything else beside the names.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler, Levenshtein

from api.domain.identity import bodies, folding
from api.domain.identity.profiles import Spelling, is_particle

_NEAR: Final = 0.86
_SOUND: Final = 0.94
_SOUND_ALONE: Final = 0.72
_CLOSE: Final = 0.78
_INITIALS: Final = 0.8
_LETTERS: Final = 93
_INITIAL: Final = 0.8
_PARTICLE_WEIGHT: Final = 0.2
_WEAK_ALIAS: Final = 0.93
_FINE: Final = 3
_LOOKED_AT: Final = 8
_FAR: Final = 25
_SHORT: Final = 4
_SAID_BY_KIND: Final = 0.12
_NUMBER_WEIGHT: Final = 2.0
_LONG_NUMBER: Final = 5
_TELLING: Final = 1.3
_UNTOLD: Final = 0.8
_ALIKE_ALOUD: Final = 0.86
_HEARD_ONLY: Final = 0.05
_VOWELS: Final = dict.fromkeys(map(ord, "aeiouy"))
_FORMALLY: Final = 0.93
_SPELT: Final = 0.75
_OTHER_START: Final = 0.9
_SOUNDS: Final = 5
_ONE_NAME: Final = 0.8
_PARTED: Final = 0.7
_ENOUGH: Final = 5_000
_EACH_ITS_OWN: Final = 0.93
_FEW_VOWELS: Final = 0.25
_TURNED_ROUND: Final = 0.75
_OUT_OF_ORDER: Final = 0.99
_CHILD_OF: Final = frozenset({"bin", "ibn", "ben", "bint"})
_FEMININE: Final = re.compile(r"(?:[oe]v|in)a$")

Rarity = Callable[[str], float]
"""Weight of a word, about 0.3 for one that stands in many names, 1 for a rare one."""

Named = tuple[Spelling, Spelling]
"""A name of each of two descriptions."""


def evenly(word: str) -> float:
    """Weigh words where nothing is known of how often they occur."""
    return _PARTICLE_WEIGHT if is_particle(word) else 1.0


def weighed(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words whose weights the comparison of a name may ask for."""
    return (*words, *bodies.essential(tuple(words)))


def weight(word: str, many: int, of: int) -> float:
    """Return the weight of a word that so many of so many descriptions have.

    A few descriptions cannot say that a word is common.
    """
    if is_particle(word):
        return _PARTICLE_WEIGHT
    return max(0.25, min(1.0, 1.0 - math.log(1 + many) / math.log(max(of, _ENOUGH))))


def nearest(mine: Sequence[Spelling], theirs: Sequence[Spelling]) -> list[Named]:
    """Return the few pairs of names that are worth a look word by word, by a coarse comparison."""
    plain = [one.plain for one in theirs]
    coarse = [
        (likeness, place, one)
        for one in mine
        for _, likeness, place in process.extract(
            one.plain, plain, scorer=fuzz.token_set_ratio, limit=_FINE
        )
    ]
    coarse.sort(key=lambda found: -found[0])
    least = coarse[0][0] - _FAR if coarse else 0.0
    return [(one, theirs[place]) for near, place, one in coarse[:_LOOKED_AT] if near >= least]


def best(pairs: Sequence[Named], rarity: Rarity, *, body: bool) -> tuple[float, Named | None]:
    """Return the best score of any of these pairs of names, and the pair."""
    found: tuple[float, Named | None] = (0.0, None)
    for one, other in pairs:
        score = name_score(one.words, other.words, rarity, body=body)
        if one.weak or other.weak:
            score *= _WEAK_ALIAS
        if score > found[0]:
            found = (score, (one, other))
            if score >= 1:
                break
    return found


def name_score(
    mine: Sequence[str], theirs: Sequence[str], rarity: Rarity = evenly, *, body: bool
) -> float:
    """Return how alike two names are, 0 to 1, word by word whatever their order."""
    formal = False
    weigh = rarity
    if body:
        initials = bodies.initials(mine), bodies.initials(theirs)
        one, another = mine, theirs
        whole = sorted(mine) == sorted(theirs)
        given = len(mine)
        mine, theirs = bodies.essential(tuple(mine)), bodies.essential(tuple(theirs))
        if (*mine,) == (initials[1],) or (*theirs,) == (initials[0],):
            return _INITIALS
        formal = (whole and len(mine) < given) or bodies.same_liability(one, another)
        weigh = _for_bodies(rarity)
    if not body and min(len(mine), len(theirs)) == 1:
        # A person's name of one word is the name of many, however the other one parts it.
        return min(_ONE_NAME, _in_full(mine, theirs, weigh, body=body, formal=formal))
    return _in_full(mine, theirs, weigh, body=body, formal=formal)


def _in_full(
    mine: Sequence[str], theirs: Sequence[str], weigh: Rarity, *, body: bool, formal: bool
) -> float:
    """Compare two names as wholes and word by word; the best of these counts."""
    joined, other = "".join(mine), "".join(theirs)
    if not body and _two_persons(mine, theirs):
        return _TURNED_ROUND
    if joined == other or joined == "".join(reversed(theirs)):
        return _equal(max(mine, theirs, key=len), weigh, body=body, formal=formal)
    parted = len(mine) != len(theirs)
    if parted:
        mine, theirs = _merged(mine, theirs), _merged(theirs, mine)
    score = _by_words(mine, theirs, weigh, body=body)
    if not body and _out_of_order(mine, theirs):
        score *= _OUT_OF_ORDER
    if score < _ALIKE_ALOUD and not body:
        unlike = parted or _few_vowels(joined) or _few_vowels(other)
        if unlike and _aloud(mine, theirs):
            score = max(score, _as_heard(mine, theirs))
    if body and bodies.numerals(mine) != bodies.numerals(theirs):
        return score
    return max(score, _whole(joined, other, parted=parted))


def _out_of_order(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whether two names of the same words differ by more than where the surname stands."""
    return sorted(mine) == sorted(theirs) and tuple(mine) not in map(tuple, _orders(theirs))


def _two_persons(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whether two names of like words are a father's and a son's, or a woman's and a man's."""
    fathers = _fathers(mine), _fathers(theirs)
    if all(fathers) and fathers[0] == tuple(reversed(fathers[1])) and fathers[0] != fathers[1]:
        return True
    there, here = set(theirs), set(mine)
    outer = (0, -1) if mine and theirs else ()
    return any(_woman_of(mine[at], there) or _woman_of(theirs[at], here) for at in outer)


def _fathers(words: Sequence[str]) -> tuple[str, ...]:
    """Return whose child a name says somebody is: the sounds before and after "son of"."""
    place = next((n for n, word in enumerate(words) if word in _CHILD_OF and n > 0), None)
    if place is None or place + 1 >= len(words):
        return ()
    return folding.skeleton(words[place - 1]), folding.skeleton(words[place + 1])


def _woman_of(word: str, there: set[str]) -> bool:
    """Tell whether a surname is the feminine of one in the other name, and not itself in there."""
    return bool(_FEMININE.search(word)) and word not in there and word[:-1] in there


def _few_vowels(joined: str) -> bool:
    """Tell whether a name comes from a script that does not write its short vowels."""
    return sum(joined.count(one) for one in "aeiou") < _FEW_VOWELS * len(joined)


def _for_bodies(rarity: Rarity) -> Rarity:
    """Weigh a body's words: those that say what sort of body it is little, long numbers much."""

    def weigh(word: str) -> float:
        if word in bodies.SORTS:
            return _SAID_BY_KIND
        if len(word) >= _LONG_NUMBER and word.isdigit():
            return _NUMBER_WEIGHT
        return rarity(word)

    return weigh


def _by_words(mine: Sequence[str], theirs: Sequence[str], rarity: Rarity, *, body: bool) -> float:
    pairs = _pairs(mine, theirs)
    left, said = _covered(mine, {i: sim for (i, _), sim in pairs.items()}, rarity)
    right, _ = _covered(theirs, {j: sim for (_, j), sim in pairs.items()}, rarity)
    if not left or not right:
        return 0.0
    both = 2 * left * right / (left + right)
    some = max(left, right)
    if body:
        score = 0.88 * both + 0.12 * some
    elif sum(1 for sim in pairs.values() if sim > _INITIAL) >= 2:  # noqa: PLR2004
        # One shared word of a person's name says little.
        score = 0.55 * both + 0.45 * some
        if _unmatched(mine, {i for i, _ in pairs}) and _unmatched(theirs, {j for _, j in pairs}):
            score *= _EACH_ITS_OWN
    else:
        score = 0.9 * both
    return score * _told_by(said)


def _unmatched(words: Sequence[str], matched: set[int]) -> bool:
    """Tell whether a name has a word of weight that the other has not."""
    return any(
        place not in matched and len(word) > 1 and not is_particle(word)
        for place, word in enumerate(words)
    )


def _told_by(weights: float) -> float:
    """Return what a likeness of words of so much weight is worth: common words name many."""
    return min(1.0, _UNTOLD + (1 - _UNTOLD) * weights / _TELLING)


def _equal(words: Sequence[str], rarity: Rarity, *, body: bool, formal: bool) -> float:
    """Return what two equal names are worth: one short word may name many."""
    if len(words) > 1:
        return max(_told_by(sum(map(rarity, words))), _FORMALLY if formal else 0.0)
    if not body:
        return _ONE_NAME
    if len(words[0]) > _SHORT:
        return 0.97
    return _FORMALLY if formal else 0.82


def _whole(one: str, other: str, *, parted: bool) -> float:
    """Return the likeness of two names written without blanks, if it is nearly total.

    Names of as many words were compared word by word: one letter more may differ here.
    """
    long = min(len(one), len(other)) > 7  # noqa: PLR2004 - one letter of a short name is a name
    if not parted and Levenshtein.distance(one, other) > 1:
        return 0.0
    if not long or fuzz.ratio(one, other, score_cutoff=_LETTERS) <= _LETTERS:
        return 0.0
    return JaroWinkler.similarity(one, other)


def _as_heard(mine: Sequence[str], theirs: Sequence[str]) -> float:
    """Return what two names that sound alike are worth, by the consonants they are written with.

    A sound is coarse: of several names that have it, the one with the same letters goes first.
    """
    letters = [
        ["".join(order).translate(_VOWELS) for order in _orders(words)] for words in (mine, theirs)
    ]
    near = max(
        Levenshtein.normalized_similarity(one[0], other)
        for one, others in (letters, letters[::-1])
        for other in others
    )
    return _ALIKE_ALOUD - _HEARD_ONLY * (1 - near)


def _orders(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield a name as it stands, and with an outer word at the other end."""
    yield words
    yield (*words[-1:], *words[:-1])
    yield (*words[1:], *words[:1])


def _aloud(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whether two names sound alike, wherever their words are parted."""
    return _turned(mine, theirs) and _turned(theirs, mine)


def _turned(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whether a name sounds like another, whose outer word may stand at the other end."""
    sound = folding.skeleton("".join(mine))
    if len(sound) < _SOUNDS:
        return False
    return any(folding.skeleton("".join(order)) == sound for order in _orders(theirs))


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
        skip = bool(joined) and word not in there and _one_word(joined, there)
        found.append(joined if skip else word)
    return tuple(found)


def _one_word(joined: str, there: set[str]) -> bool:
    """Tell whether two neighbours are a word of the other name, or sound and look like words of it.

    Letters are compared first: most pairs end there, and a sound costs more.
    """
    if joined in there:
        return True
    alike = Levenshtein.normalized_similarity
    if process.extractOne(joined, there, scorer=alike, score_cutoff=_PARTED) is None:
        return False
    sound = folding.skeleton(joined)
    # Two consonants are any word's.
    return len(sound) > 2 and any(folding.skeleton(one) == sound for one in there)  # noqa: PLR2004


def _pairs(mine: Sequence[str], theirs: Sequence[str]) -> dict[tuple[int, int], float]:
    """Match words with words, the most alike first, each once."""
    found: dict[tuple[int, int], float] = {}
    right = set(range(len(theirs)))
    left = []
    for i, one in enumerate(mine):
        for j in right:
            if theirs[j] == one:
                found[i, j] = 1.0
                right.remove(j)
                break
        else:
            left.append(i)
    if not left or not right:
        return found
    told = [(sim, i, j) for i in left for j in right if (sim := _alike(mine[i], theirs[j])) > 0]
    told.sort(reverse=True)
    open_left = set(left)
    for sim, i, j in told:
        if i in open_left and j in right:
            found[i, j] = sim
            open_left.remove(i)
            right.remove(j)
    return found


@lru_cache(maxsize=65_536)
def _alike(one: str, other: str) -> float:
    if len(one) == 1 or len(other) == 1:
        return _INITIAL if one[0] == other[0] else 0.0
    if one.isdigit() or other.isdigit():
        return 0.0
    near: float = JaroWinkler.similarity(one, other)
    sound = folding.skeleton(one)
    if len(sound) > 1 and sound == folding.skeleton(other):
        if near <= 0.55:  # noqa: PLR2004 - the vowels alone make two words
            return near
        return max(_SOUND if near >= _CLOSE else _SOUND_ALONE, near)
    if near < _NEAR or Levenshtein.normalized_similarity(one, other) < _SPELT:
        return 0.0
    return near if sound[:1] == folding.skeleton(other)[:1] else near * _OTHER_START


def _covered(
    words: Sequence[str], matched: dict[int, float], rarity: Rarity
) -> tuple[float, float]:
    """Return which part of a name, by weight of its words, found its like, and that weight."""
    weights = [rarity(word) for word in words]
    hit = sum(weights[place] * sim for place, sim in matched.items())
    total = sum(weights)
    return (hit / total if total else 0.0), hit
