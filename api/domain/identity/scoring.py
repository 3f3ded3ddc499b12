"""How alike two descriptions are, and why: every signal in words.

Owns the score, 0 to 1, and the signals. A score is an order and a suggestion; whether two
descriptions are of one subject is an officer's verdict. Birth dates veto only where they exclude
each other by years: an equal day and month with another year is one person written down twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz

from api.domain.identity import bodies, countries, naming, numbers
from api.domain.identity.naming import Named, Rarity, evenly
from api.domain.identity.numbers import Difference
from api.domain.identity.profiles import Profile, Spelling
from api.domain.lists.births import Birth, Precision
from api.domain.lists.entries import EntryKind

LIKELY: Final = 0.88
"""Least score at which two descriptions count as likely of one subject. Set by looking at the
GLOMAG entries of May 2024 against Canada's and the European Union's lists."""

_SAME_NUMBER: Final = 0.99
_OTHER_NUMBER: Final = 0.7
_NUMBER_ALONE: Final = 0.7
_SOMETHING_ALIKE: Final = 0.3
_YEARS_APART: Final = 2
_ABOUT_YEARS: Final = 5
_OTHER_KIND: Final = 0.35
_OTHER_COUNTRY: Final = 0.86
_OTHER_NATIONALITY: Final = 0.95
_OTHER_FORM: Final = 0.87
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


def resemblance(
    one: Profile, other: Profile, rarity: Rarity = evenly, pairs: Sequence[Named] | None = None
) -> Resemblance:
    """Compare two descriptions.

    Args:
        one: what is looked for.
        other: a candidate.
        rarity: weight of a word.
        pairs: their nearest names, where these are known already.
    """
    body = EntryKind.PERSON not in {one.kind, other.kind}
    if pairs is None:
        pairs = naming.nearest(one.spellings, other.spellings)
    score, found = naming.best(pairs, rarity, body=body)
    equal = bool({s.plain for s in one.spellings} & {s.plain for s in other.spellings})
    signals: list[Signal] = []
    if found:
        mine, theirs = found
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
    known = countries.shared(mine.countries, theirs.countries)
    firm = bodies.same_liability(named.words, also.words)
    if bodies.is_office(named.words) and not known and not firm:
        text = "Many states have an office of this name, and no country is in common"
        return min(score, _OFFICE), [Signal(SignalKind.NAME, Bearing.CONFLICTS, text)]
    forms = [
        bodies.liability({w for s in each.spellings for w in s.words}) for each in (mine, theirs)
    ]
    if all(forms) and not forms[0] & forms[1]:
        text = f"Other legal forms: {named.text} and {also.text}"
        return score * _OTHER_FORM, [Signal(SignalKind.NAME, Bearing.CONFLICTS, text)]
    return score, []


def _judged(score: float, one: Profile, other: Profile) -> tuple[float, list[Signal]]:
    """Let identifiers, kinds, births, countries and posts speak; returns score and signals."""
    factor, births = _births(one.births, other.births)
    shared, signals = _by_numbers(one, other, born_alike=factor >= _BIRTHS_AGREE)
    if any(signal.bearing is Bearing.OPPOSES for signal in signals):
        score *= _OTHER_NUMBER
    known = {one.kind, other.kind} - {EntryKind.OTHER}
    if len(known) > 1:
        text = f"One is a {one.kind.value}, the other a {other.kind.value}"
        signals.append(Signal(SignalKind.KIND, Bearing.OPPOSES, text))
        score *= _OTHER_KIND
    score += (1 - score) * factor if factor > 0 and score > 0.6 else 0.0  # noqa: PLR2004
    score *= 1 + factor if factor < 0 else 1.0
    signals += births
    score, told = _by_countries(score, one, other)
    signals += told
    if post := _same_post(one.posts, other.posts):
        signals.append(Signal(SignalKind.POST, Bearing.SUPPORTS, f"Like posts: {post}"))
    if shared:
        # It may be mistyped, or a register's: with nothing alike in the names it is shown, no more.
        score = max(score, _SAME_NUMBER if score > _SOMETHING_ALIKE else _NUMBER_ALONE)
    return score, signals


def _by_numbers(one: Profile, other: Profile, *, born_alike: bool) -> tuple[bool, list[Signal]]:
    """Let numbers speak: returns whether one is shared, and what is to be said of them.

    Lists print numbers on the wrong person, so an equal day of birth outweighs another number.
    """
    if shared := one.numbers & other.numbers:
        series, colon, entry = min(shared).partition(":")
        text = f"Same entry of {series}: {entry}" if colon else f"Same number: {series}"
        return True, [Signal(SignalKind.IDENTIFIER, Bearing.SUPPORTS, text)]
    found = numbers.differing(one.single, other.single)
    if found is None:
        return False, []
    difference, (kind, mine, _), (_, theirs, _) = found
    grave = difference is Difference.OTHERS and not born_alike
    bearing = Bearing.OPPOSES if grave else Bearing.CONFLICTS
    text = {
        Difference.OTHERS: f"Another {kind}: {mine} and {theirs}",
        Difference.TYPED: f"One sign of the {kind} differs: {mine} and {theirs}",
        Difference.REPLACED: f"Another {kind}, which may have been replaced: {mine} and {theirs}",
    }[difference]
    return False, [Signal(SignalKind.IDENTIFIER, bearing, text)]


def _by_countries(score: float, one: Profile, other: Profile) -> tuple[float, list[Signal]]:
    """Let countries speak: bodies of one name in two countries are likely two bodies."""
    mine, theirs = one.countries, other.countries
    if common := countries.shared(mine, theirs):
        text = f"Same country: {common}"
        return score, [Signal(SignalKind.COUNTRY, Bearing.SUPPORTS, text)]
    if not mine or not theirs:
        return score, []
    text = f"No country in common: {min(mine)} and {min(theirs)}"
    person = EntryKind.PERSON in {one.kind, other.kind}
    factor = _OTHER_NATIONALITY if person else _OTHER_COUNTRY
    return score * factor, [Signal(SignalKind.COUNTRY, Bearing.CONFLICTS, text)]


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
    if told := _one_part_differs(pairs):
        return 0.0, [Signal(SignalKind.BIRTH, Bearing.CONFLICTS, told)]
    if _gap((a, b)) <= (_ABOUT_YEARS if a.circa or b.circa else _YEARS_APART):
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


def _one_part_differs(pairs: Sequence[tuple[Birth, Birth]]) -> str:
    """Return in words that two days differ by one part: one person written down twice."""
    for a, b in pairs:
        if a.precision is not Precision.DAY or b.precision is not Precision.DAY:
            continue
        if a.earliest[5:] == b.earliest[5:]:
            return f"Same day and month, another year: {a.text} and {b.text}"
        if a.earliest[:7] == b.earliest[:7]:
            return f"Same month and year, another day: {a.text} and {b.text}"
        if a.earliest[:4] == b.earliest[:4] and a.earliest[8:] == b.earliest[8:]:
            return f"Same day and year, another month: {a.text} and {b.text}"
    return ""
