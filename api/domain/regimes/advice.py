"""What a regime's data suggests about a case: eligibility, crosswalk between grounds.

Everything here *suggests*; an officer's recorded finding decides (DESIGN §3.6). Nothing converts
one jurisdiction's threshold into another's. Pure. The
facts themselves are data (`policies/regimes`), with a basis mark that each suggestion passes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from api.domain.regimes.cases import COUNTERPARTS, Case, Suggestion
from api.domain.regimes.checks import eligibility, fitting_grounds
from api.domain.regimes.form import parse
from api.domain.regimes.values import Basis, Ground, Regime, RegimeError

__all__ = [
    "Case",
    "Ground",
    "Match",
    "Regime",
    "RegimeError",
    "Suggestion",
    "crosswalk",
    "eligibility",
    "fitting_grounds",
    "parse",
]

_FIT_ORDER: Final = ("close", "narrower", "re-argue")
_BASIS_ORDER: Final = tuple(Basis)


@dataclass(frozen=True, slots=True)
class Match:
    """A ground of another regime under which a case might be argued.

    Attributes:
        ground: The other regime's ground.
        fit: `close`, `narrower` (covers less) or `re-argue` (another part in the conduct).
        sentence: What carries over and what does not.
        basis: The weaker basis of the two grounds.
    """

    ground: Ground
    fit: Literal["close", "narrower", "re-argue"]
    sentence: str
    basis: Basis


def crosswalk(ground: Ground, from_regime: Regime, to_regime: Regime) -> list[Match]:
    """Suggest grounds of another regime for a case founded on this one, best fit first.

    Raises:
        RegimeError: The ground is not one of `from_regime`.
    """
    if from_regime.grounds.get(ground.id) != ground:
        raise RegimeError("The ground is not one of the regime it is said to come from.")
    matches = [
        match
        for other in to_regime.grounds.values()
        if (match := _match(ground, other)) is not None
    ]
    return sorted(matches, key=lambda match: (_FIT_ORDER.index(match.fit), match.ground.id))


def _match(ground: Ground, other: Ground) -> Match | None:
    shared = ground.conduct & other.conduct
    if not shared or not ground.subject_kinds & other.subject_kinds:
        return None
    same_part = ground.involvement == other.involvement
    if not same_part and other.involvement not in COUNTERPARTS.get(ground.involvement, frozenset()):
        return None
    lost = ground.conduct - other.conduct
    narrower = bool(lost or other.victims or ground.subject_kinds - other.subject_kinds)
    fit: Literal["close", "narrower", "re-argue"] = "re-argue"
    if same_part:
        fit = "narrower" if narrower else "close"
    parts = [f"Shares {_listed(shared)}."]
    if lost:
        parts.append(f"Does not cover {_listed(lost)}.")
    if not same_part:
        parts.append(
            f"The part of the subject has to be argued as: {_listed([other.involvement])}."
        )
    if other.victims:
        parts.append(f"Needs victims of a class: {other.victims}.")
    basis = max(ground.fact.basis, other.fact.basis, key=_BASIS_ORDER.index)
    return Match(other, fit, " ".join(parts), basis)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(word.replace("-", " ") for word in sorted(words))
