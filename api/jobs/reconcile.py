"""Hears parked statements again, and compares the state of threads with each partner."""

import logging

from sqlalchemy import Connection

from api.domain.errors import ComityError
from api.records import node_state, threads
from api.records.threads import Waiting
from api.services.node import Node
from api.services.operations.status import STOP_SWITCH
from api.services.road import applying, thread_comparison

_log = logging.getLogger(__name__)

EVERY = 900.0
"""Seconds between two comparisons with one partner."""


def judge_parked(node: Node) -> bool:
    """Judge again what waits in each thread, in order; returns whether any was settled."""

    def waiting(connection: Connection) -> list[Waiting]:
        return threads.parked(connection)

    settled = False
    for row in node.db.read(waiting):
        try:
            settled = applying.process_parked(node, row) or settled
        except Exception:  # noqa: BLE001 - a defect met with one statement is one statement's
            _log.exception("parked statement not judged", extra={"peer": row.peer})
    return settled


def reconcile(node: Node, peer: str) -> bool:
    """Compare all threads shared with one partner; one that is away is asked the next time.

    A crash in the middle leaves what was written; the next comparison starts from the beginning.
    """
    if node.db.read(lambda connection: node_state.value(connection, STOP_SWITCH)) == "on":
        return False
    try:
        found = thread_comparison.sweep(node, peer)
    except ComityError as error:
        _log.info("threads not compared", extra={"peer": peer, "code": error.code})
        return False
    if found[thread_comparison.Outcome.UNKNOWN]:
        _log.warning("unknown threads", extra={"peer": peer, "count": found["unknown"]})
    if found[thread_comparison.Outcome.DIFFERENT]:
        _log.warning("threads differ", extra={"peer": peer, "count": found["different"]})
    return False
