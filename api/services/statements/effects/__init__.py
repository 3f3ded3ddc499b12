"""The effect of each statement type, by type and version; see ``base``."""

from collections.abc import Mapping

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.services.node import Node
from api.services.statements.effects import (
    designations,
    identity_verdicts,
    mirroring,
    onward,
    packages,
    recall_answers,
    recalls,
    releases,
    restating,
)
from api.services.statements.effects.base import Effect
from api.wire.statements import Content

EFFECTS: Mapping[str, Effect] = {
    **packages.EFFECTS,
    **releases.EFFECTS,
    **recalls.EFFECTS,
    **onward.EFFECTS,
    **recall_answers.EFFECTS,
    **designations.EFFECTS,
    **identity_verdicts.EFFECTS,
    **mirroring.EFFECTS,
}


def check_content(node: Node, connection: Connection, content: Content) -> str | None:
    """Judge a draft's content: by its type, and as what may be told again.

    Returns:
        The id of the object the statement is about, or ``None``.

    Raises:
        ComityError: the statement could not be issued now.
    """
    about = effect_of(content.type).check(node, connection, content)
    restating.check(node, connection, content)
    return about


def effect_of(type_: str) -> Effect:
    """Return the effect of a statement type.

    Raises:
        Invalid: ``statement.type``: this node makes and takes no such statement here.
    """
    found = EFFECTS.get(type_)
    if found is None:
        raise Invalid("statement.type", "This node does not exchange statements of this type.")
    return found
