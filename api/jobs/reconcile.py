"""Hears parked statements again, and compares the state of threads with each partner."""

from sqlalchemy import Connection

from api.records import threads
from api.services import applying
from api.services.node import Node


def judge_parked(node: Node) -> bool:
    """Judge again what waits in each thread, in order; returns whether any was settled."""

    def waiting(connection: Connection) -> list[threads.RowMapping]:
        return threads.parked(connection)

    settled = False
    for row in node.db.read(waiting):
        settled = applying.process_parked(node, row) or settled
    return settled
