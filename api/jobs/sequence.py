"""Keeps the log up to date with committed events, and stops where memory has gone missing."""

from api.services.log import checkpoints, guard
from api.services.log.comparing import others
from api.services.node import Node


def sequence(node: Node, holder: str) -> bool:
    """Integrate one batch; returns whether more is surely waiting (the batch was full)."""
    return checkpoints.integrate(node, holder) >= checkpoints.BATCH


class Sequencer:
    """Integrates for one process, and guards against a database that went back in time.

    A file put back by hand, or a fail-over to a standby that lacked the tail, leaves a database
    whose newest head is smaller than one this node has signed already. So before its first batch a
    process asks the partners what they hold (one that is away stops nothing), and later it
    remembers what it has seen itself.

    Args:
        node: the node to work for.
        holder: name of this process, for the lease.
    """

    def __init__(self, node: Node, holder: str) -> None:
        self._node = node
        self._holder = holder
        self._floor = -1

    def __call__(self) -> bool:
        """Integrate one batch; returns whether more is surely waiting."""
        size = checkpoints.newest(self._node).size
        if self._floor < 0:
            if any(guard.noticed(self._node, peer) for peer in others(self._node)):
                return False
        elif size < self._floor:
            guard.begin(self._node, "noticed")
        more = sequence(self._node, self._holder)
        self._floor = checkpoints.newest(self._node).size
        return more
