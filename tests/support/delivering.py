"""What a node's loops do for one partner, one after the other."""

from api.jobs.deliver import compose, send
from api.services.node import Node


def deliver(node: Node, peer: str) -> bool:
    """Compose what waits and send the oldest message; returns whether anything moved."""
    composed = compose(node, peer)
    return send(node, peer) or composed
