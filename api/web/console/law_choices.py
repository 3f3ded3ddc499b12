"""What a form offers of the law: regimes, grounds with their provisions, measures.

Owns the choice in the page's language; the law itself is data of the node (``policies/regimes``).
"""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from api.domain.regimes.values import Bilingual, Regime
from api.web.console.page import Visit
from api.web.console.words import Language

_LONGEST: Final = 90  # signs of a regime's name that a line of a choice holds
MEASURES: Final = ("asset-freeze", "entry-ban")
"""Measures that forms offer by name; others are written as words."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One ground under one regime.

    Attributes:
        regime: its id.
        id: of the ground.
        label: in words.
        citation: where the law says so.
    """

    regime: str
    id: str
    label: str
    citation: str


def _said(text: Bilingual, language: Language) -> str:
    return text.fr if language == "fr" else text.en


def words_of_grounds(regimes: Iterable[Regime], language: Language) -> dict[str, str]:
    """Return every ground's words, by its id."""
    return {
        each.id: _said(each.label, language) for one in regimes for each in one.grounds.values()
    }


def of_home(visit: Visit) -> list[Regime]:
    """Return the regimes of this ministry's jurisdiction."""
    home = visit.node.me.jurisdiction
    return [one for one in visit.node.regimes.values() if one.jurisdiction == home]


def of_others(visit: Visit) -> list[Regime]:
    """Return the regimes of other jurisdictions, for suggesting one."""
    home = visit.node.me.jurisdiction
    return [one for one in visit.node.regimes.values() if one.jurisdiction != home]


def options(visit: Visit, regimes: Iterable[Regime]) -> list[tuple[str, str]]:
    """Return regimes as a list to choose from."""
    colon = "\u00a0:" if visit.language == "fr" else ":"

    def named(one: Regime) -> str:
        return textwrap.shorten(_said(one.name, visit.language), _LONGEST, placeholder="…")

    return [(one.id, f"{one.id}{colon} {named(one)}") for one in regimes]


def grounds(visit: Visit, regimes: Iterable[Regime]) -> list[Choice]:
    """Return the grounds of regimes, each with its provision."""
    return [
        Choice(
            regime.id,
            ground.id,
            _said(ground.label, visit.language),
            _said(ground.provision.citation, visit.language),
        )
        for regime in regimes
        for ground in regime.grounds.values()
    ]
