"""Watches over logs: has heads cosigned, compares what partners saw, ends a restore's silence."""

from api.domain.errors import ComityError
from api.records import node_state
from api.services.log import comparing, guard
from api.services.node import Node
from api.services.operations.status import STOP_SWITCH
from api.services.recovery import recovering
from api.services.road import anchoring
from api.tlog.errors import LogError

_LONGEST_PAUSE = 64


class Watch:
    """One round of looking at partners; keeps what it need not ask again.

    A partner that does not answer is asked less and less often, at least every 64 rounds.

    Args:
        node: the node to work for.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._compared = comparing.Compared()
        self._failures: dict[str, int] = {}
        self._pause: dict[str, int] = {}

    def __call__(self) -> bool:
        """Do one round; never more is waiting."""
        node = self._node
        if node.db.read(lambda connection: node_state.value(connection, STOP_SWITCH)) == "on":
            return False
        if node.db.read(node_state.restoring):
            found = guard.ask(node)
            if found.complete and not found.behind:
                # Nothing of the log is missing; what else was forgotten is learnt on the way.
                recovering.recover(node)
            return False
        self._ask_to_cosign()
        comparing.compare_all(node, self._compared)
        comparing.judge_refused(node)
        return False

    def _ask_to_cosign(self) -> None:
        for peer in anchoring.due_for_cosigning(self._node):
            if self._pause.get(peer, 0) > 0:
                self._pause[peer] -= 1
                continue
            try:
                done = anchoring.ask_to_cosign(self._node, peer)
            except (ComityError, LogError):
                done = False
            self._failures[peer] = 0 if done else self._failures.get(peer, 0) + 1
            self._pause[peer] = min(_LONGEST_PAUSE, 2 ** self._failures[peer] - 1)
