"""Facts about regimes in French: what ``policies/regimes`` says in English, in Comity's own words.

Owns ``locale/fr/LC_MESSAGES/law_facts.po``. Provisions of law have French of their own in the data;
these sentences are about the law and bind nobody. A fact that a ministry wrote into an edition of
its own has no French here and is shown as English.
"""

import functools
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po
from markupsafe import Markup

from api.web.console.words import Language

CATALOGUE: Final = Path(__file__).resolve().parent / "locale/fr/LC_MESSAGES/law_facts.po"


@functools.cache
def french() -> dict[str, str]:
    """Return the French of every fact that the program brings."""
    with CATALOGUE.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale="fr") if one.id}


def fact(language: Language, text: str) -> Markup:
    """Return a fact in the language of the page; English on a French page is marked as such."""
    told = french().get(text) if language == "fr" else text
    if told is not None:
        return Markup("{}").format(told)
    return Markup('<span lang="en">{}</span>').format(text)
