"""Names as words that can be compared: without case, accents and script.

Owns transliteration (``anyascii`` plus rules for scripts where it is too literal) and the phonetic
skeleton of a word. What is made here is for finding and scoring only; nobody is shown it as a name.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from anyascii import anyascii

from api.domain.identity import korean, terms

_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_HANGUL: Final = re.compile("[\uac00-\ud7a3]+")
_ARABIC: Final = re.compile("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]")
_WORD: Final = re.compile(r"[a-z0-9]+")

# Joined to the word around them: apostrophes of every kind, modifier letters, tatweel, invisibles.
_SILENT: Final = dict.fromkeys(
    map(
        ord,
        "'`\u00b4\u02b9\u02ba\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u2018\u2019\u201b"
        "\u2032\u055a\uff07\u0640\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad",
    )
)
_BETWEEN: Final = {ord("\u00b7"): " ", ord("\u30fb"): " ", ord("\u2022"): " "}

# Arabic short vowels and other signs are not written as a rule, so they are not compared.
_ARABIC_SIGNS: Final = dict.fromkeys([*range(0x064B, 0x0660), 0x0670])
_ARABIC_LETTERS: Final = str.maketrans(
    {
        "أ": "a",
        "إ": "i",
        "آ": "a",
        "\u0627": "a",
        "ى": "a",
        "ة": "a",
        "ع": "a",
        "ء": "",
        "ئ": "y",
        "ؤ": "w",
        "ق": "q",
        "خ": "kh",
        "غ": "gh",
        "ش": "sh",
        "ث": "th",
        "ذ": "dh",
        "ظ": "z",
        "ض": "d",
        "ص": "s",
        "ط": "t",
        "ح": "h",
        "ج": "j",
        "ي": "y",
        "ی": "y",
        "و": "w",
        "ک": "k",
        "گ": "g",
        "چ": "ch",
        "پ": "p",
        "ژ": "zh",
    }
)
# The same letters as Persian and Urdu read them.
_PERSIAN_LETTERS: Final = {
    **_ARABIC_LETTERS,
    ord("ض"): "z",
    ord("ذ"): "z",
    ord("ث"): "s",
    ord("ق"): "gh",
    ord("ئ"): "",
}
_READ_OTHERWISE: Final = re.compile("[ضذثقئ]")
# Letters that stand at the end of a word only: what follows without a blank is another word.
_WORD_ENDS: Final = re.compile("(?<=[ىة])(?=[^\\W\\d_])")
# Two letters that one would read as the Latin spelling of a third, such as "kh", are kept apart.
_TWO_LETTERS: Final = re.compile("(?<=[كکپ])(?=[هح])|(?<=[تط])(?=[زسصضظثذش])|(?<=د)(?=ج)")
_KINSHIP: Final = {"ابو": "abu", "أبو": "abu", "بن": "bin", "ابن": "ibn", "ام": "umm"}
_ABU: Final = ("ابو", "أبو")

_COMPOUND_SURNAMES: Final = frozenset(
    "欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 夏侯 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 慕容 司徒 令狐"  # noqa: SIM905
    "".split()
)
_LONGEST_PERSON: Final = 4

_DIGRAPHS: Final = (
    ("dsch", "j"),
    ("dzh", "j"),
    ("shch", "s"),
    ("sch", "s"),
    ("tch", "s"),
    ("kh", "h"),
    ("gh", "g"),
    ("sh", "s"),
    ("ch", "s"),
    ("zh", "j"),
    ("dj", "j"),
    ("th", "t"),
    ("dh", "d"),
    ("ph", "f"),
    ("ck", "k"),
    ("ts", "s"),
    ("tz", "s"),
    ("cz", "s"),
)
_WITHOUT_H: Final = tuple(pair for pair in _DIGRAPHS if "h" not in pair[0])
_SOUNDS: Final = str.maketrans("qcgwdbzj", "kkkvtpss")
# A "j" behind a vowel is a glide in German, Polish and Latvian spellings, as "y" in English ones.
_GLIDE: Final = re.compile(r"(?<=[aeiouy])j(?![aeiouy])")
_OPEN: Final = frozenset("aeiouyv")
_DROPPED: Final = dict.fromkeys(map(ord, "aeiouyvh"))
_DOUBLED: Final = re.compile(r"(.)\1+")


@functools.lru_cache(maxsize=65_536)
def words(text: str) -> tuple[str, ...]:
    """Return a name's words in order: Latin letters and digits, lower case.

    Han characters of a person's length become surname and given name (``chen quanguo``), longer
    ones an institution's name with its terms in English; the article of Arabic stands as its own
    word; apostrophes join what they stand in.
    """
    return _folded(_plain(text), _ARABIC_LETTERS, korean.ways()[0])


def readings(text: str) -> tuple[tuple[str, ...], ...]:
    """Return a name's words, in each way in which languages that share its script read them."""
    first = words(text)
    if text.isascii():
        return (first,)
    plain = _plain(text)
    if _HANGUL.search(plain):
        return _korean(plain)
    if _READ_OTHERWISE.search(plain):
        return (first, _folded(plain, _PERSIAN_LETTERS, korean.ways()[0]))
    return (first,)


def korean_readings(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of a person's name in Han characters as Koreans read it, or nothing."""
    return () if text.isascii() else _korean(korean.of_hanja("".join(_plain(text).split())))


def _korean(plain: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of a name in Hangul in each way of writing it, each once."""
    found = (_folded(plain, _ARABIC_LETTERS, way) for way in korean.ways()) if plain else ()
    return tuple(dict.fromkeys(found))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_SILENT).translate(_BETWEEN)


def _folded(plain: str, arabic: Mapping[int, str], hangul: Callable[[str], str]) -> tuple[str, ...]:
    if not plain.isascii():
        read = korean.institution if korean.is_institution(_HANGUL.findall(plain)) else hangul
        plain = _HANGUL.sub(lambda found: read(found[0]), _HAN.sub(_chinese, plain))
        if _ARABIC.search(plain):
            plain = _arabic(plain, arabic)
        plain = anyascii(plain)
    return tuple(_WORD.findall(plain.replace("'", "").replace("`", "").lower()))


def _chinese(found: re.Match[str]) -> str:
    run = found[0]
    if len(run) > _LONGEST_PERSON:
        return f" {terms.told(run, _pinyin) or _pinyin(run)} "
    cut = 2 if run[:2] in _COMPOUND_SURNAMES and len(run) > 2 else 1  # noqa: PLR2004
    return f" {_pinyin(run[:cut])} {_pinyin(run[cut:])} "


def _pinyin(run: str) -> str:
    return anyascii(run).lower()


def _arabic(text: str, letters: Mapping[int, str]) -> str:
    parts = []
    for word in _WORD_ENDS.sub(" ", text.translate(_ARABIC_SIGNS)).split():
        if word in _KINSHIP:
            parts.append(_KINSHIP[word])
            continue
        plain = word
        if word.startswith(_ABU) and len(word) > 5:  # noqa: PLR2004 - "abu" and a stem
            parts.append("abu")
            plain = word[3:]
        stem = plain.removeprefix("و") if plain.startswith("وال") else plain
        article = stem.startswith("ال") and len(stem) > 4  # noqa: PLR2004 - "ال" and a stem
        parts.append(f"al {stem[2:]}" if article else stem)
    return _TWO_LETTERS.sub("a", " ".join(parts)).translate(letters)


@functools.lru_cache(maxsize=131_072)
def skeleton(word: str) -> str:
    """Return the consonants of a word by sound, its first letter kept in some form.

    ``muhammad``, ``mohamed`` and Arabic ``mhmd`` share one; so do ``aleksandr`` and ``alexander``.
    """
    sound = f"{word}h" if word.endswith("vic") else word
    if "j" in sound:
        sound = _GLIDE.sub("i", sound)
    for old, new in _DIGRAPHS if "h" in sound else _WITHOUT_H:
        sound = sound.replace(old, new)
    sound = sound.replace("x", "ks").translate(_SOUNDS)
    first = "a" if sound[:1] in _OPEN else sound[:1]
    rest = sound[1:].translate(_DROPPED)
    return _DOUBLED.sub(r"\1", first + rest)
