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


def delivered_counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return per peer how many delivered statements were sent and receipted."""
    query = (
        select(OUTBOX.c.peer, MESSAGES_OUT.c.state, func.count())
        .join(MESSAGES_OUT, MESSAGES_OUT.c.id == OUTBOX.c.message)
        .where(OUTBOX.c.kind == "deliver")
        .group_by(OUTBOX.c.peer, MESSAGES_OUT.c.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for peer, state, count in connection.execute(query):
        entry = counts.setdefault(peer, {"sent": 0, "receipted": 0})
        entry["sent"] += count
        if state == SentState.RECEIPTED:
            entry["receipted"] += count
    return counts


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


def applied_counts(connection: Connection) -> dict[str, dict[str, int]]:
    """Return per peer what it said it did with our statements: applied, refused."""
    query = select(DISPOSITIONS.c.peer, DISPOSITIONS.c.outcome, func.count()).group_by(
        DISPOSITIONS.c.peer, DISPOSITIONS.c.outcome
    )
    counts: dict[str, dict[str, int]] = {}
    for peer, outcome, count in connection.execute(query):
        counts.setdefault(peer, {})[outcome] = count
    return counts
