"""Korean names in Latin letters, as both Korean states and the lists write them.

Owns the ways of writing one name: syllables joined or apart, McCune and Reischauer's system, that
of the South, and the surnames that people write as they please. What is made here is for finding
and scoring; nobody is shown it as a name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.domain.identity import hanja, terms

_LONGEST_PERSON: Final = 4
_FIRST: Final = 0xAC00

# Syllables in their three parts, as newspapers and most lists write them.
_INITIALS: Final = "k kk n t tt r m p pp s ss . j jj ch k t p h".replace(".", "").split(" ")
_VOWELS: Final = "a ae ya yae o e yo ye o wa wae oe yo u wo we wi yu u ui i".split()  # noqa: SIM905
_FINALS: Final = ". k k k n n n t l k m l l l p l m p p t t ng t t k t p t".replace(".", "").split(
    " "
)
# McCune and Reischauer write a consonant otherwise where a name begins, and between voiced sounds.
_BEGINNING: Final[Mapping[str, str]] = {"j": "ch"}
_VOICED: Final[Mapping[str, str]] = {"k": "g", "t": "d", "p": "b", "j": "j"}
_PLAIN: Final = frozenset({0, 3, 7, 12})
_OPEN: Final = frozenset({"", "n", "m", "ng", "l"})
# The South's own system.
_SOUTH_INITIALS: Final = "g kk n d tt r m b pp s ss . j jj ch k t p h".replace(".", "").split(" ")
_SOUTH_VOWELS: Final = (
    "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()  # noqa: SIM905
)

# As the North writes surnames that begin otherwise in the South, as McCune and Reischauer do, and
# as people of the South write theirs.
# Two-syllable surnames are rare enough to be left out.
_MCCUNE: Final = {"i": "yi", "ri": "yi", "ro": "no", "rim": "im", "ryang": "yang", "ryu": "yu"}
_NORTHERN: Final = {"i": "ri", "no": "ro", "im": "rim", "yang": "ryang"}
_AS_PEOPLE_WRITE: Final = {
    "pak": "park",
    "i": "lee",
    "ri": "lee",
    "ro": "noh",
    "no": "noh",
    "im": "lim",
    "rim": "lim",
    "ryang": "yang",
    "ryu": "yoo",
}


@dataclass(frozen=True, slots=True)
class _Syllable:
    """One syllable by the places of its parts in the tables above."""

    initial: int
    vowel: int
    final: int


def ways() -> Sequence[Callable[[str], str]]:
    """Return the ways to read a run of Hangul, the commonest first."""
    return _WAYS


def is_institution(runs: Sequence[str]) -> bool:
    """Tell whether several words of Hangul name an institution and no person."""
    return len(runs) > 1 and any(terms.told(run, _joined) for run in runs)


def institution(run: str) -> str:
    """Read a run as part of an institution's name: its terms in English, the rest aloud."""
    return f" {terms.told(run, _joined) or _joined(run)} "


def of_hanja(run: str) -> str:
    """Return in Hangul a name in Han characters as Koreans read it, or empty if it is none."""
    return hanja.in_hangul(run) if 1 < len(run) <= _LONGEST_PERSON else ""


def _person(run: str, surname: Callable[[str], str], given: Callable[[str], str]) -> str:
    """Read a run as surname and given name, if it is as long as a person's name."""
    if len(run) > _LONGEST_PERSON or len(run) == 1:
        return institution(run)
    return f" {surname(run[0])} {given(run[1:])} "


def _joined(run: str) -> str:
    """Read each syllable by itself."""
    return "".join(_spoken(one) for one in _syllables(run))


def _apart(run: str) -> str:
    return " ".join(_spoken(one) for one in _syllables(run))


def _northern(surname: str) -> str:
    said = _joined(surname)
    return _NORTHERN.get(said, said)


def _as_people_write(surname: str) -> str:
    said = _joined(surname)
    return _AS_PEOPLE_WRITE.get(said, said)


def _surname_by_mccune(surname: str) -> str:
    said = _joined(surname)
    return _MCCUNE.get(said) or _by_mccune(surname)


def _by_mccune(run: str) -> str:
    """Read a word by McCune and Reischauer's system, without its signs."""
    said: list[str] = []
    before = None
    for one in _syllables(run):
        sound = _INITIALS[one.initial]
        if before is None:
            sound = _BEGINNING.get(sound, sound) if one.initial in _PLAIN else sound
        elif one.initial in _PLAIN:
            sound = _VOICED[sound] if before in _OPEN else _BEGINNING.get(sound, sound)
        before = _FINALS[one.final]
        said.append(sound + _VOWELS[one.vowel] + before)
    return "".join(said)


def _by_south(run: str) -> str:
    """Read a word by the South's system: no sound of ``r`` or of ``ny`` begins it."""
    parts = _syllables(run)
    said = [_SOUTH_INITIALS[one.initial] + _south_rest(one) for one in parts]
    first = parts[0]
    glide = _VOWELS[first.vowel][:1] in {"y", "i"}
    if glide and _INITIALS[first.initial] in {"r", "n"}:
        said[0] = _south_rest(first)
    elif _INITIALS[first.initial] == "r":
        said[0] = f"n{_south_rest(first)}"
    return "".join(said)


def _south_rest(one: _Syllable) -> str:
    return _SOUTH_VOWELS[one.vowel] + _FINALS[one.final]


def _spoken(one: _Syllable) -> str:
    return _INITIALS[one.initial] + _VOWELS[one.vowel] + _FINALS[one.final]


def _syllables(run: str) -> list[_Syllable]:
    found = []
    for one in run:
        first, rest = divmod(ord(one) - _FIRST, 588)
        found.append(_Syllable(first, *divmod(rest, 28)))
    return found


_WAYS: Final[Sequence[Callable[[str], str]]] = (
    lambda run: _person(run, _northern, _joined),
    lambda run: _person(run, _as_people_write, _joined),
    lambda run: _person(run, _northern, _apart),
    lambda run: _person(run, _surname_by_mccune, _by_mccune),
    lambda run: _person(run, _as_people_write, _by_south),
)
