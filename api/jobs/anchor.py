"""Anchors partners' heads in the own log when they are due."""

from api.records import node_state
from api.services.node import Node
from api.services.road import anchoring


def anchor(node: Node) -> bool:
    """Anchor what is due; never more is waiting."""
    if not node.db.read(node_state.restoring):
        anchoring.anchor_due(node)
    return False
