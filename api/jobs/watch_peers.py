"""Watches over logs: has heads cosigned, compares what partners saw, ends a restore's silence."""

import logging
import threading

from sqlalchemy import Connection

from api.domain.errors import ComityError
from api.records import node_state, peer_logs
from api.records.database import Mark
from api.services.log import add_checkpoint, comparing, guard, tail_answers
from api.services.node import Node
from api.services.operations.status import STOP_SWITCH
from api.services.recovery import recovering
from api.services.road import anchoring
from api.tlog.errors import LogError

_log = logging.getLogger(__name__)
_LONGEST_PAUSE = 64
_RECOVERING = threading.Lock()


class Watch:
    """One round of looking at partners; keeps what it need not ask again.

    A partner that does not answer is asked less and less often, at least every 64 rounds.

    Args:
        node: the node to work for.
        peer: the partner to look at; empty for all. Each has a loop of its own in a running node,
            so that a door that answers slowly keeps nobody else waiting.
    """

    def __init__(self, node: Node, peer: str = "") -> None:
        self._node = node
        self._peers = [peer] if peer else comparing.others(node)
        self._compared = comparing.Compared()
        self._failures: dict[str, int] = {}
        self._pause: dict[str, int] = {}
        self._seen: Mark | None = None

    def has_cause(self) -> bool:
        """Tell whether a round would ask a partner anything, or judge anything of a log.

        Where there are third logs it always would.
        """
        return self._pauses() or any(_has_cause(self._node, peer) for peer in self._peers)

    def __call__(self) -> bool:
        """Do one round; never more is waiting."""
        node = self._node
        if self._pauses():
            for peer in self._peers:
                self._pause[peer] -= 1
            return False
        self._seen = node.db.mark()
        stopped, restoring = node.db.read(_halts)
        if stopped:
            return False
        for peer in self._peers:
            if restoring:
                # Nothing of the log may be missing; what else was forgotten is learnt on the way.
                found = guard.ask(node, peer)
                # What was lost an operator takes back, or is just doing so in another process.
                if found.complete and not found.lost:
                    self._recover()
                continue
            self._cosign_submitted(peer)
            self._ask_to_cosign(peer)
            comparing.compare_all(node, self._compared, witness=peer)
            comparing.judge_refused(node, owner=peer)
        return False

    def _pauses(self) -> bool:
        """Tell whether all that is left to do is to ask again later for a cosignature."""
        return (
            all(self._pause.get(peer, 0) > 0 for peer in self._peers)
            and not any(comparing.others(self._node, peer) for peer in self._peers)
            and self._node.db.unchanged(self._seen)
        )

    def _recover(self) -> None:
        if not _RECOVERING.acquire(blocking=False):
            return  # the loop of another partner is at it
        try:
            recovering.recover(self._node)
        except ComityError as error:
            _log.warning("not recovered", extra={"code": error.code})
        finally:
            _RECOVERING.release()

    def _cosign_submitted(self, peer: str) -> None:
        try:
            add_checkpoint.cosign_submitted(self._node, peer)
        except (ComityError, LogError) as error:
            _log.info("submitted head not cosigned", extra={"peer": peer, "code": error.code})

    def _ask_to_cosign(self, peer: str) -> None:
        if not self._node.db.read(lambda c: anchoring.is_due_for_cosigning(c, peer)):
            return
        if self._pause.get(peer, 0) > 0:
            self._pause[peer] -= 1
            return
        try:
            done = anchoring.ask_to_cosign(self._node, peer)
        except (ComityError, LogError):
            done = False
        self._failures[peer] = 0 if done else self._failures.get(peer, 0) + 1
        self._pause[peer] = min(_LONGEST_PAUSE, 2 ** self._failures[peer] - 1)


def _has_cause(node: Node, peer: str) -> bool:
    if comparing.others(node, peer):
        return True

    def read(connection: Connection) -> bool:
        return (
            node_state.restoring(connection)
            or peer_logs.submitted(connection, peer) is not None
            or anchoring.is_due_for_cosigning(connection, peer)
            or bool(tail_answers.kept(node, connection, node.ministry))
            or bool(node_state.refused_heads(connection))
        )

    return node.db.read(read)


def _halts(connection: Connection) -> tuple[bool, bool]:
    """Return whether the stop switch is on, and whether the node waits after a restore."""
    stopped = node_state.value(connection, STOP_SWITCH) == "on"
    return stopped, node_state.restoring(connection)
