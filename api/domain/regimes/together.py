"""Regimes that stand beside each other: read from their documents, and checked against each other.

Owns that check. Must not know where documents come from.
"""

from collections.abc import Mapping
from typing import Any

from api.domain.regimes.form import parse
from api.domain.regimes.values import Regime, RegimeError


def regimes_of(documents: Mapping[str, Any]) -> Mapping[str, Regime]:
    """Read regimes, by id in alphabetical order.

    Args:
        documents: decoded documents by regime id.

    Raises:
        RegimeError: A document is malformed or holds another regime, or an alternative that it
            offers does not exist, is of another jurisdiction, or covers other conduct than said.
    """
    regimes: dict[str, Regime] = {}
    for name, document in sorted(documents.items()):
        regime = parse(document)
        if regime.id != name:
            raise RegimeError(f"The document of {name} holds the regime {regime.id}.")
        regimes[regime.id] = regime
    for regime in regimes.values():
        _check_alternatives(regime, regimes)
    return regimes


def _check_alternatives(regime: Regime, regimes: Mapping[str, Regime]) -> None:
    for other in regime.alternatives:
        offered = regimes.get(other.regime)
        if offered is None or offered.jurisdiction != regime.jurisdiction:
            raise RegimeError(f"{regime.id} offers {other.regime}, which is not a way to go there.")
        covered = frozenset().union(*(ground.conduct for ground in offered.grounds.values()))
        if other.conduct != covered:
            raise RegimeError(f"{regime.id} says of {other.regime} what its grounds do not say.")
