"""Requests without number that were answered: each id of a partner once (PROTOCOL §9).

Owns the table ``answered_requests``. A row goes when a request is answered that is so much later by
its own time that no clock would let both in; the latest row of a partner always stays, and says how
far it was forgotten. So a clock that runs ahead and is set back opens nothing.
"""

from datetime import timedelta

from sqlalchemy import Column, Index, Table, Text, delete, func, select

from api.records.metadata import METADATA, VOLATILE
from api.records.unit_of_work import Taken, Unit
from api.wire.encoding import format_instant, parse_instant

ANSWERED = Table(
    "answered_requests",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Index("ix_answered_requests_at", "peer", "at"),
    info=VOLATILE,
)


def remember(unit: Unit, peer: str, request: str, at: str, *, kept: timedelta) -> None:
    """Write a request down, and let go of those that are too old beside the latest one.

    Args:
        unit: the open unit of work.
        peer: who asked.
        request: the message's id.
        at: instant, the request's own.
        kept: this peer's rows go that are older than its latest one by more.

    Raises:
        Taken: it was answered already, or may have been: it is of a time that was let go of.
    """
    unit.insert(ANSWERED, {"peer": peer, "id": request, "at": at})
    # Asked after the insert, which waits for whoever writes the same row or takes it away.
    latest = select(func.max(ANSWERED.c.at)).where(ANSWERED.c.peer == peer)
    forgotten = parse_instant(unit.connection.execute(latest).scalar_one()) - kept
    if parse_instant(at) < forgotten:
        raise Taken(ANSWERED.name)
    old = delete(ANSWERED).where(ANSWERED.c.peer == peer, ANSWERED.c.at < format_instant(forgotten))
    unit.connection.execute(old)
