"""Ownership tests: what each law says of bodies that a listed subject owns or controls."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.domain.regimes.values import Basis, Regime


@dataclass(frozen=True, slots=True)
class OwnershipTest:
    """What a law says of bodies that a listed subject owns, and how that is known."""

    regime: str
    text: str
    basis: Basis
    sources: tuple[str, ...]


def ownership_tests(
    regimes: Mapping[str, Regime], jurisdiction: str = ""
) -> tuple[OwnershipTest, ...]:
    """Return the tests of the regimes that have one, of one jurisdiction or of all."""
    return tuple(
        OwnershipTest(id_, fact.text, fact.basis, fact.sources)
        for id_, regime in regimes.items()
        if jurisdiction in {"", regime.jurisdiction}
        and (fact := regime.facts.get("ownership")) is not None
    )
