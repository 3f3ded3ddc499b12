"""Keeps the log up to date with committed events, and stops where memory has gone missing."""

import threading
import time
from typing import Final

from typing_extensions import override

from api.records.database import Mark
from api.services.log import checkpoints, guard, remembering
from api.services.node import Node

_PATIENCE: Final = 2.0
"""Seconds for which a process that starts waits for its partners' answers."""


class Sequencer:
    """Integrates for one process, and guards against a database that went back in time.

    A file put back by hand, or a fail-over to a standby that lacked the tail, leaves a database
    whose newest head is smaller than one this node has signed already. Before each batch the
    database is compared with the head remembered outside of it (``services/log/remembering.py``).
    Beside that, before its first batch a process asks all partners at once what they hold: one that
    is away or slow stops nothing, one that shows more, or another history, stops everything,
    whenever its answer comes.

    Args:
        node: the node to work for.
        holder: name of this process, for the lease.
    """

    def __init__(self, node: Node, holder: str) -> None:
        self._node = node
        self._holder = holder
        self._asked = False
        self._empty: Mark | None = None
        self._until = 0.0

    def __call__(self) -> bool:
        """Integrate one batch; returns whether more is surely waiting."""
        if not self._asked:
            if not remembering.check(self._node):
                return False
            if _more_is_held(self._node):
                return False
            self._asked = True
        return self._integrate() >= checkpoints.BATCH

    def _integrate(self) -> int:
        """Integrate one batch and keep the lease, unless nothing was committed since the last."""
        db, now = self._node.db, time.monotonic()
        if now < self._until and db.unchanged(self._empty):
            return 0
        rung = db.rung
        count = checkpoints.integrate(self._node, self._holder)
        mark = db.mark() if count == 0 else None
        # A bell rung meanwhile may tell of what was committed behind the look.
        self._empty = mark if mark is not None and mark.rung == rung else None
        self._until = now + checkpoints.RENEWED_SECONDS
        return count


class _Question(threading.Thread):
    """Asks one partner what it holds of this node's log, in a thread that nobody has to wait for.

    Attributes:
        more: whether it holds more; stays true where asking itself fails.
    """

    def __init__(self, node: Node, peer: str) -> None:
        super().__init__(name=f"comity-ask-{peer}", daemon=True)
        self._node = node
        self._peer = peer
        self.more = True

    @override
    def run(self) -> None:
        self.more = guard.noticed(self._node, self._peer)


def _more_is_held(node: Node) -> bool:
    """Ask all partners at once; whoever has not answered after some seconds counts as away."""
    end = time.monotonic() + _PATIENCE
    asked = [_Question(node, peer) for peer in node.others()]
    for each in asked:
        each.start()
    for each in asked:
        each.join(max(0.0, end - time.monotonic()))
    return any(each.more and not each.is_alive() for each in asked)
