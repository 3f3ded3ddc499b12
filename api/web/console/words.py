"""The console's two languages: message catalogues and the marking of messages in Python.

Owns ``locale/``: English sentences are the message ids, ``fr`` holds their French form. Templates
use ``_()``, ``ngettext()`` and ``{% trans %}``; Python code uses :func:`mark` where a message is
chosen and a template shows it. No sentence is put together from parts.
"""

import functools
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from api.web.languages import LANGUAGES, REGIONAL, Language, preferred

__all__ = ["FOLDER", "LANGUAGES", "REGIONAL", "Language", "catalogue", "mark", "other", "preferred"]

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
