"""Requests without number that were answered: each id of a partner once (PROTOCOL §9).

Owns the table ``answered_requests``. A row is needed as long as the request's own time still fits;
older ones go when the next is written.
"""

from sqlalchemy import Column, Table, Text, delete

from api.records.metadata import METADATA, VOLATILE
from api.records.unit_of_work import Unit

ANSWERED = Table(
    "answered_requests",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    info=VOLATILE,
)


def remember(unit: Unit, peer: str, request: str, at: str, *, forget_before: str) -> None:
    """Write a request down, and let go of those that no time would fit any more.

    Args:
        unit: the open unit of work.
        peer: who asked.
        request: the message's id.
        at: instant.
        forget_before: instant; this peer's rows from before it go.

    Raises:
        Taken: it was answered already.
    """
    old = delete(ANSWERED).where(ANSWERED.c.peer == peer, ANSWERED.c.at < forget_before)
    unit.connection.execute(old)
    unit.insert(ANSWERED, {"peer": peer, "id": request, "at": at})
