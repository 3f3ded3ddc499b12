"""Heads of partners' logs as messages brought them, for what later items are dated against.

Owns look-ups in ``messages_in``; the table is ``records.streams``'s.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from api.records.streams import MESSAGES_IN


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A head that a stored message brought: its size and the time in its ML-DSA-44 signature."""

    size: int
    head_at: str | None


def head_too_small(connection: Connection, peer: str, index: int) -> SeenHead | None:
    """Return the largest head that a peer's messages brought and that lacks a leaf of its log."""
    query = (
        select(MESSAGES_IN.c.head_size, MESSAGES_IN.c.head_at)
        .where(MESSAGES_IN.c.peer == peer, MESSAGES_IN.c.head_size <= index)
        .order_by(MESSAGES_IN.c.head_size.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return SeenHead(row[0], row[1]) if row is not None else None


def last_head_too_small(connection: Connection, peer: str, index: int) -> str | None:
    """Return when a message of a peer last brought a head that lacks a leaf of its log."""
    query = select(func.max(MESSAGES_IN.c.received_at)).where(
        MESSAGES_IN.c.peer == peer, MESSAGES_IN.c.head_size <= index
    )
    return connection.execute(query).scalar_one_or_none()
