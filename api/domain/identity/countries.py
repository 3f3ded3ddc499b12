"""Whether two lists mean one country by what they write: ``Russia`` and ``RUSSIAN FEDERATION``.

Owns that comparison, and the English name of a code. Beside that it names no country; what is shown
is what a list wrote.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from babel import Locale

from api.domain.identity import folding

_STATES_CALLED: Final = frozenset(
    "republic democratic people peoples islamic federal federation kingdom state states of the and"  # noqa: SIM905
    " arab former plurinational bolivarian province administrative region special territory united"
    " peopless sar".split()
)
# Beside the same name these say that it is another country.
_APART: Final = frozenset("south equatorial new bissau papua american".split())  # noqa: SIM905
_ALSO: Final = {
    "united kingdom": "britain",
    "united states": "america",
    "united arab emirates": "emirates",
    "uk": "britain",
    "usa": "america",
    "uae": "emirates",
    "burma": "myanmar",
    "turkey": "turkiye",
    "czech republic": "czechia",
    "cabo verde": "cape verde",
    "congo democratic": "congo kinshasa",
    "democratic republic of the congo": "congo kinshasa",
    "congo peoples republic of": "congo brazzaville",
    "bosnia and herzegowina": "bosnia herzegovina",
    "ivory coast": "cote divoire",
    "swaziland": "eswatini",
    "dprk": "korea north",
    "korea democratic peoples republic of": "korea north",
    "democratic peoples republic of korea": "korea north",
    "republic of korea": "korea south",
    "korea republic of": "korea south",
}


@lru_cache(maxsize=4096)
def _named_by(text: str) -> frozenset[str]:
    """Return the words that name a country, or tell it from another."""
    said = " ".join(folding.words(text))
    for written, meant in _ALSO.items():
        if said == written or (" " in written and said.startswith(f"{written} ")):
            said = meant
    kept = [one for one in said.split() if one not in _STATES_CALLED] or said.split()
    # The people's name for the country's: ``russian``, ``syrian``.
    return frozenset(one[:-1] if one.endswith("an") else one for one in kept)


@lru_cache(maxsize=512)
def called(code: str) -> str:
    """Return the English name of an ISO 3166 code; what is none stays as it is."""
    name: str = Locale("en").territories.get(code.upper(), code) if len(code) == 2 else code  # noqa: PLR2004
    return name


def same(one: str, other: str) -> bool:
    """Tell whether two texts name one country by the same words."""
    return _named_by(one) == _named_by(other)


def shared(mine: Iterable[str], theirs: Iterable[str]) -> str:
    """Return a country that both name, as the first writes it, or an empty text."""
    known = [_named_by(one) for one in theirs]
    for one in sorted(mine):
        words = _named_by(one)
        for other in known:
            within = words <= other or other <= words
            if within and words & _APART == other & _APART:
                return one
    return ""
