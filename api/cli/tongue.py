"""The command line's language: English or French, chosen by the environment.

Owns ``locale/fr/LC_MESSAGES/cli.po``: headings of tables and what commands say on stderr. Sentences
of refusals are in ``web/languages``, where the node takes them from too. Help texts and ``--json``
stay English. Babel is loaded for French only, so that English starts as fast as before.
"""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

_CATALOGUE: Final = Path(__file__).resolve().parent / "locale/fr/LC_MESSAGES/cli.po"
_VARIABLES: Final = ("COMITY_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


_for_machines: ContextVar[bool] = ContextVar("for_machines", default=False)


@contextmanager
def for_machines(*, as_json: bool) -> Iterator[None]:
    """Speak English whatever the environment says: programs read the output of ``--json``."""
    before = _for_machines.set(as_json)
    try:
        yield
    finally:
        _for_machines.reset(before)


def language() -> str:
    """Return ``fr`` or ``en``: the first of the variables that is set decides (POSIX order)."""
    if _for_machines.get():
        return "en"
    chosen = next((value for name in _VARIABLES if (value := os.environ.get(name))), "")
    return "fr" if chosen.lower().partition("_")[0].partition("-")[0] == "fr" else "en"


def accepted() -> str:
    """Return what a request says in ``Accept-Language``."""
    return "fr-CA, en;q=0.5" if language() == "fr" else "en"


@functools.cache
def _catalogue() -> dict[str, str]:
    from babel.messages.pofile import read_po

    with _CATALOGUE.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale="fr") if one.string}


def say(message: str) -> str:
    """Return a message of the command line in the language chosen; English where there is none."""
    return _catalogue().get(message, message) if language() == "fr" else message


def refusal(sentence: str) -> str:
    """Return a refusal's sentence in the language chosen; English where there is none."""
    if language() != "fr":
        return sentence
    from api.web.languages import french

    return french(sentence) or sentence
