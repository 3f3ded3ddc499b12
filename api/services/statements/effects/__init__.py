"""The effect of each statement type, by type and version; see ``base``."""

from collections.abc import Mapping

from api.domain.errors import Invalid
from api.services.statements.effects import (
    designations,
    mirroring,
    onward,
    packages,
    recall_answers,
    recalls,
    releases,
)
from api.services.statements.effects.base import Effect

EFFECTS: Mapping[str, Effect] = {
    **packages.EFFECTS,
    **releases.EFFECTS,
    **recalls.EFFECTS,
    **onward.EFFECTS,
    **recall_answers.EFFECTS,
    **designations.EFFECTS,
    **mirroring.EFFECTS,
}


def effect_of(type_: str) -> Effect:
    """Return the effect of a statement type.

    Raises:
        Invalid: ``statement.type``: this node makes and takes no such statement here.
    """
    found = EFFECTS.get(type_)
    if found is None:
        raise Invalid("statement.type", "This node does not exchange statements of this type.")
    return found
