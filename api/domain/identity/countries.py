"""Whether two lists mean one country by what they write: ``Russia`` and ``RUSSIAN FEDERATION``.

Owns that comparison. It names no country; what is shown is what a list wrote.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from api.domain.identity import folding

_STATES_CALLED: Final = frozenset(
    "republic democratic people peoples islamic federal federation kingdom state states of the and"  # noqa: SIM905
    " arab former plurinational bolivarian province administrative region special territory".split()
)
_APART: Final = frozenset({"south", "equatorial", "new"})
_ALSO: Final = {"burma": "myanm", "ivory": "cote", "swazi": "eswat", "uae": "emira", "uk": "kingd"}
_FIRST: Final = 5


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    """Return the beginnings of the words that name a country, or tell it from another."""
    words = folding.words(text)
    kept = [one for one in words if one not in _STATES_CALLED] or list(words)
    stems = (one if one in _APART else one[:_FIRST] for one in kept)
    return frozenset(_ALSO.get(one, one) for one in stems)


def shared(mine: Iterable[str], theirs: Iterable[str]) -> str:
    """Return a country that both name, as the first writes it, or an empty text."""
    known = [_stems(one) for one in theirs]
    for one in sorted(mine):
        stems = _stems(one)
        for other in known:
            if stems & other - _APART and stems & _APART == other & _APART:
                return one
    return ""
