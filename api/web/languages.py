"""The two languages in which refusals are told: which one is asked for, and the French sentences.

Owns ``locale/fr/LC_MESSAGES/refusals.po``. A refusal is raised with its English sentence; what
shows it looks its French form up here. ``…`` in a message stands for a part that depends on the
case: known words in it, between commas, are translated, all else is carried over. A sentence
without a French form stays English, and the caller can tell, so that it is marked as such.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from babel.messages.pofile import read_po

Language: TypeAlias = Literal["en", "fr"]

LANGUAGES: Final[tuple[Language, ...]] = ("en", "fr")
"""In the order of the federation's drafters; the path of a console's page begins with one."""

REGIONAL: Final[dict[Language, str]] = {"en": "en-CA", "fr": "fr-CA"}
"""As sent in ``Content-Language``, and to sign-in services in ``ui_locales``."""

REFUSALS: Final = Path(__file__).resolve().parent / "locale/fr/LC_MESSAGES/refusals.po"
PART: Final = "…"
"""Stands in a message for a part that depends on the case."""


def preferred(accept: str) -> Language:
    """Return which language a client asks for (RFC 9110 section 12.5.4); English if neither."""
    weights: dict[str, float] = {}
    for part in accept.split(","):
        name, _, parameter = part.strip().partition(";")
        tag = name.strip().lower().split("-")[0]
        _, _, weight = parameter.strip().partition("=")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            value = 0.0
        weights[tag] = max(weights.get(tag, 0.0), value)
    return "fr" if weights.get("fr", 0.0) > weights.get("en", 0.0) else "en"


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A message with parts: what finds them, and the French pieces around them."""

    found: re.Pattern[str]
    pieces: Sequence[str]

    def told(self, sentence: str, words: Mapping[str, str]) -> str | None:
        match = self.found.fullmatch(sentence)
        if match is None:
            return None
        told = [self.pieces[0]]
        for part, piece in zip(match.groups(), self.pieces[1:], strict=True):
            told += [", ".join(words.get(one, one) for one in part.split(", ")), piece]
        return "".join(told)


@functools.cache
def _known_sentences() -> tuple[dict[str, str], list[_Pattern]]:
    """Return whole sentences, and messages with parts, the longest first."""
    with REFUSALS.open("rb") as file:
        catalogue = read_po(file, locale="fr")
    whole: dict[str, str] = {}
    parted: list[tuple[str, str]] = []
    for one in catalogue:
        if not one.id or not one.string:
            continue
        english, french = str(one.id), str(one.string)
        if PART in english:
            parted.append((english, french))
        else:
            whole[english] = french
    parted.sort(key=lambda pair: -len(pair[0]))
    return whole, [_pattern(*pair) for pair in parted]


def _pattern(english: str, french: str) -> _Pattern:
    escaped = "(.*?)".join(re.escape(piece) for piece in english.split(PART))
    return _Pattern(re.compile(escaped, re.DOTALL), french.split(PART))


def french(sentence: str) -> str | None:
    """Return a refusal's sentence in French; ``None`` if it has no French form."""
    whole, parted = _known_sentences()
    if sentence in whole:
        return whole[sentence]
    return next((told for one in parted if (told := one.told(sentence, whole)) is not None), None)
