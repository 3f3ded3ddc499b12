"""How much of what was sent stands where, by partner: for status, metrics and reports.

Owns counts over the tables of ``records.streams``; owns no table.
"""

from sqlalchemy import Connection, func, select

from api.records.statements import STATEMENTS
from api.records.stream_rows import SentState
from api.records.streams import DISPOSITIONS, MESSAGES_OUT, OUTBOX


def queue_lengths(connection: Connection) -> dict[str, dict[str, int]]:
    """Return per peer: ``waiting`` (not composed), ``unreceipted``, ``dead``."""
    lengths: dict[str, dict[str, int]] = {}
    rows = connection.execute(
        select(OUTBOX.c.peer, func.count())
        .where(OUTBOX.c.message.is_(None))
        .group_by(OUTBOX.c.peer)
    )
    for peer, count in rows:
        lengths.setdefault(peer, {})["waiting"] = count
    rows = connection.execute(
        select(MESSAGES_OUT.c.peer, MESSAGES_OUT.c.state, func.count())
        .where(MESSAGES_OUT.c.state.in_((SentState.COMPOSED, SentState.DEAD)))
        .group_by(MESSAGES_OUT.c.peer, MESSAGES_OUT.c.state)
    )
    for peer, state, count in rows:
        name = "unreceipted" if state == SentState.COMPOSED else "dead"
        lengths.setdefault(peer, {})[name] = count
    return lengths


def oldest_unreceipted(connection: Connection) -> dict[str, str]:
    """Return per peer when its oldest unreceipted message was composed."""
    query = (
        select(MESSAGES_OUT.c.peer, func.min(MESSAGES_OUT.c.composed_at))
        .where(MESSAGES_OUT.c.state == SentState.COMPOSED)
        .group_by(MESSAGES_OUT.c.peer)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def delivered_counts(connection: Connection, peer: str) -> dict[str, int]:
    """Return by state of their messages how many statements were sent to a peer."""
    query = (
        select(MESSAGES_OUT.c.state, func.count())
        .join(OUTBOX, MESSAGES_OUT.c.id == OUTBOX.c.message)
        .where(OUTBOX.c.peer == peer, OUTBOX.c.kind == "deliver")
        .group_by(MESSAGES_OUT.c.state)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def receipted_by_type(connection: Connection, peer: str, until: str) -> dict[str, int]:
    """Return by type how many statements a peer had signed for at an instant."""
    query = (
        select(STATEMENTS.c.type, func.count())
        .join(OUTBOX, OUTBOX.c.statement == STATEMENTS.c.id)
        .join(MESSAGES_OUT, MESSAGES_OUT.c.id == OUTBOX.c.message)
        .where(OUTBOX.c.peer == peer, MESSAGES_OUT.c.receipted_at <= until)
        .group_by(STATEMENTS.c.type)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def decided_counts(connection: Connection, peer: str) -> dict[str, int]:
    """Return by outcome how many of our statements a peer decided on: applied, refused."""
    query = (
        select(DISPOSITIONS.c.outcome, func.count())
        .where(DISPOSITIONS.c.peer == peer)
        .group_by(DISPOSITIONS.c.outcome)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
