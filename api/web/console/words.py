"""The console's two languages: message catalogues and the marking of messages in Python.

Owns ``locale/``: English sentences are the message ids, ``fr`` holds their French form. Templates
use ``_()``, ``ngettext()`` and ``{% trans %}``; Python code uses :func:`mark` where a message is
chosen and a template shows it. No sentence is put together from parts.
"""

import functools
from io import BytesIO
from pathlib import Path
from typing import Final, Literal, TypeAlias

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

Language: TypeAlias = Literal["en", "fr"]

LANGUAGES: Final[tuple[Language, ...]] = ("en", "fr")
"""In the order of the federation's drafters; the path of a page begins with one of them."""

REGIONAL: Final[dict[Language, str]] = {"en": "en-CA", "fr": "fr-CA"}
"""As sent to sign-in services in ``ui_locales``."""

FOLDER: Final = Path(__file__).resolve().parent / "locale"


def mark(message: str) -> str:
    """Return the message as it is; catalogues are made from the calls of this function."""
    return message


@functools.cache
def catalogue(language: Language) -> NullTranslations:
    """Return the messages of a language, compiled from the committed ``.po`` file."""
    if language == "en":
        return NullTranslations()
    source = FOLDER / language / "LC_MESSAGES" / "console.po"
    compiled = BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled, domain="console")


def other(language: Language) -> Language:
    """Return the language that the toggle leads to."""
    return "fr" if language == "en" else "en"


def preferred(accept: str) -> Language:
    """Return which language a browser asks for (RFC 9110 section 12.5.4); English if neither."""
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
