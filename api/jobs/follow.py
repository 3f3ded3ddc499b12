"""Follows the programmes that officers watch: who is uncovered here, and who no longer is."""

from typing import Final

from api.services.desk.uncovered import follow_coverage
from api.services.node import Node

EVERY: Final = 900.0
"""Seconds between two looks; an import, a watch, a designation or a verdict wakes it before."""


def follow(node: Node) -> bool:
    """Look at every watched programme once; returns False: a look leaves nothing behind."""
    follow_coverage(node)
    return False
