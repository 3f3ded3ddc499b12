"""Names as words that can be compared: without case, accents and script.

Owns transliteration (``anyascii`` plus rules for scripts where it is too literal) and the phonetic
skeleton of a word. What is made here is for finding and scoring only; nobody is shown it as a name.
"""

import functools
import re
import unicodedata
from typing import Final

from anyascii import anyascii

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
_COMPOUND_SURNAMES: Final = frozenset(
    "欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 夏侯 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 慕容 司徒 令狐"  # noqa: SIM905
    "".split()
)
_LONGEST_PERSON: Final = 4

# Two-syllable Korean surnames are rare enough to be left out; vowels as newspapers write them.
_KOREAN: Final = (("yeo", "yo"), ("eo", "o"), ("eu", "u"), ("ae", "e"), ("oe", "e"))
_KOREAN_SURNAMES: Final = {"gim": "kim", "i": "ri", "bak": "pak", "no": "ro", "im": "rim"}

_DIGRAPHS: Final = (
    ("shch", "s"),
    ("sch", "s"),
    ("tch", "s"),
    ("dzh", "j"),
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
    ("x", "ks"),
    ("q", "k"),
    ("c", "k"),
    ("w", "v"),
)
_DROPPED: Final = re.compile(r"[aeiouyvh]+")
_DOUBLED: Final = re.compile(r"(.)\1+")


@functools.lru_cache(maxsize=65_536)
def words(text: str) -> tuple[str, ...]:
    """Return a name's words in order: Latin letters and digits, lower case.

    Han characters of a person's length become surname and given name (``chen quanguo``); the
    article of Arabic stands as its own word; apostrophes join what they stand in.
    """
    plain = unicodedata.normalize("NFKC", text).translate(_SILENT).translate(_BETWEEN)
    if not plain.isascii():
        plain = _HANGUL.sub(_korean, _HAN.sub(_chinese, plain))
        if _ARABIC.search(plain):
            plain = _arabic(plain)
        plain = anyascii(plain)
    return tuple(_WORD.findall(plain.replace("'", "").replace("`", "").lower()))


def _chinese(found: re.Match[str]) -> str:
    run = found[0]
    if len(run) > _LONGEST_PERSON:
        return f" {anyascii(run).lower()} "
    cut = 2 if run[:2] in _COMPOUND_SURNAMES and len(run) > 2 else 1  # noqa: PLR2004
    return f" {anyascii(run[:cut]).lower()} {anyascii(run[cut:]).lower()} "


def _korean(found: re.Match[str]) -> str:
    run = found[0]
    told = [anyascii(one).lower() for one in run]
    for old, new in _KOREAN:
        told = [one.replace(old, new) for one in told]
    if len(run) > _LONGEST_PERSON or len(run) == 1:
        return f" {''.join(told)} "
    surname = _KOREAN_SURNAMES.get(told[0], told[0])
    return f" {surname} {''.join(told[1:])} "


def _arabic(text: str) -> str:
    parts = []
    for word in text.translate(_ARABIC_SIGNS).split():
        stem = word.removeprefix("و") if word.startswith("وال") else word
        article = stem.startswith("ال") and len(stem) > 4  # noqa: PLR2004 - "ال" and a stem
        parts.append(f"al {stem[2:]}" if article else stem)
    return " ".join(parts).translate(_ARABIC_LETTERS)


@functools.lru_cache(maxsize=131_072)
def skeleton(word: str) -> str:
    """Return the consonants of a word by sound, its first letter kept in some form.

    ``muhammad``, ``mohamed`` and Arabic ``mhmd`` share one; so do ``aleksandr`` and ``alexander``.
    """
    sound = word
    for old, new in _DIGRAPHS:
        sound = sound.replace(old, new)
    sound = sound.replace("g", "k").replace("d", "t").replace("b", "p").replace("z", "s")
    sound = sound.replace("j", "s")
    first = "a" if sound[:1] in tuple("aeiouyv") else sound[:1]
    rest = _DROPPED.sub("", sound[1:])
    return _DOUBLED.sub(r"\1", first + rest)
