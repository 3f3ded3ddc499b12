"""Hears parked statements again, and compares threads and membership with each partner."""

import logging
from datetime import timedelta

from api.domain.errors import ComityError
from api.records import node_state
from api.records.partner_memberships import partner_memberships as memberships_said
from api.services.node import Node
from api.services.operations.status import STOP_SWITCH
from api.services.road import partner_memberships, thread_comparison, undecidable

_log = logging.getLogger(__name__)

EVERY = 900.0
"""Seconds between two comparisons with one partner."""

AGAIN = 30.0
"""Seconds after which a partner is asked again that did not name the membership of this node."""


class Comparing:
    """The comparisons with one partner; its membership is asked for more often until it is ours."""

    def __init__(self, node: Node, peer: str) -> None:
        self._node = node
        self._peer = peer
        self._due = node.clock.now()

    def __call__(self) -> bool:
        """Do what is due; never more is waiting."""
        node, now = self._node, self._node.clock.now()
        if now >= self._due:
            self._due = now + timedelta(seconds=EVERY)
            return reconcile(node, self._peer)
        if not _stopped(node):
            said = node.db.read(memberships_said).get(self._peer)
            if said is None or said.code or said.digest != node.membership.digest:
                _compare_membership(node, self._peer)
        return False


def waits_for_us(node: Node) -> bool:
    """Tell whether anything is parked that :func:`judge_parked` looks at."""
    return bool(node.db.read(undecidable.due))


def judge_parked(node: Node) -> bool:
    """Judge again what waits, in order; returns whether any was settled.

    What cannot be decided waits for an administrator; what one of these meets stops no other.
    """
    settled = False
    for row in node.db.read(undecidable.due):
        try:
            settled = undecidable.look_again(node, row) or settled
        except Exception as error:  # noqa: BLE001 - one statement never keeps others waiting
            _log.warning(
                "a parked statement waits on",
                extra={"peer": row.peer, "code": getattr(error, "code", type(error).__name__)},
            )
    return settled


def reconcile(node: Node, peer: str) -> bool:
    """Compare all threads shared with one partner; one that is away is asked the next time.

    A crash in the middle leaves what was written; the next comparison starts from the beginning.
    """
    if _stopped(node):
        return False
    _compare_membership(node, peer)
    try:
        found = thread_comparison.sweep(node, peer)
    except ComityError as error:
        _log.info("threads not compared", extra={"peer": peer, "code": error.code})
        return False
    if found[thread_comparison.ComparisonOutcome.UNKNOWN]:
        _log.warning("unknown threads", extra={"peer": peer, "count": found["unknown"]})
    if found[thread_comparison.ComparisonOutcome.DIFFERENT]:
        _log.warning("threads differ", extra={"peer": peer, "count": found["different"]})
    return False


def _stopped(node: Node) -> bool:
    return node.db.read(lambda connection: node_state.value(connection, STOP_SWITCH)) == "on"


def _compare_membership(node: Node, peer: str) -> None:
    """Ask a partner which membership it runs with; another one is a matter for administrators."""
    said = partner_memberships.ask(node, peer)
    if said.code is not None:
        _log.warning("membership not compared", extra={"peer": peer, "code": said.code})
    elif said.digest != node.membership.digest:
        _log.warning("another membership", extra={"peer": peer, "count": said.serial})
