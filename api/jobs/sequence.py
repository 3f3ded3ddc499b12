"""Keeps the log up to date with committed events, and stops where memory has gone missing."""

from api.services.log import checkpoints, guard, remembering
from api.services.node import Node


def sequence(node: Node, holder: str) -> bool:
    """Integrate one batch; returns whether more is surely waiting (the batch was full)."""
    return checkpoints.integrate(node, holder) >= checkpoints.BATCH


class Sequencer:
    """Integrates for one process, and guards against a database that went back in time.

    A file put back by hand, or a fail-over to a standby that lacked the tail, leaves a database
    whose newest head is smaller than one this node has signed already. Before each batch the
    database is compared with the head remembered outside of it (``services/log/remembering.py``).
    Beside that, before its first batch a process asks the partners what they hold: one that is away
    stops nothing, one that shows more, or another history, stops everything.

    Args:
        node: the node to work for.
        holder: name of this process, for the lease.
    """

    def __init__(self, node: Node, holder: str) -> None:
        self._node = node
        self._holder = holder
        self._asked = False

    def __call__(self) -> bool:
        """Integrate one batch; returns whether more is surely waiting."""
        if not self._asked:
            if not remembering.check(self._node):
                return False
            if any(guard.noticed(self._node, peer) for peer in self._node.others()):
                return False
            self._asked = True
        return sequence(self._node, self._holder)
