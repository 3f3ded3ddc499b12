"""Keeps the log up to date with committed events."""

from api.services import checkpoints
from api.services.node import Node


def sequence(node: Node, holder: str) -> bool:
    """Integrate one batch; returns whether more is surely waiting (the batch was full)."""
    return checkpoints.integrate(node, holder) >= checkpoints.BATCH
