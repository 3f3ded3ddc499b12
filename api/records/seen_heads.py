"""Heads of partners' logs as messages brought them, for what later items are dated against.

Owns look-ups in ``messages_in``; the table is ``records.streams``'s.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from api.records.streams import MESSAGES_IN


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A head that a stored message brought: its size and the time in its ML-DSA-44 signature."""

    size: int
    head_at: str | None


@dataclass(frozen=True, slots=True)
class TooSmall:
    """What a peer's messages brought of heads that lack one leaf of its log.

    Attributes:
        largest: the largest such head; ``None`` for none.
        last_at: when a message last brought such a head.
    """

    largest: SeenHead | None = None
    last_at: str | None = None


def too_small(connection: Connection, peer: str, indexes: Iterable[int]) -> dict[int, TooSmall]:
    """Return for each leaf of a peer's log what was brought of heads that lack it.

    Three statements however many leaves: two for the first leaf, one for the heads up to the last.
    """
    wanted = sorted(set(indexes))
    if not wanted:
        return {}
    heads = _between(connection, peer, wanted[0], wanted[-1])
    sizes = [size for size, _, _ in heads]
    before = TooSmall(_largest(connection, peer, wanted[0]), _last_at(connection, peer, wanted[0]))
    reached = [before]
    for size, head_at, received_at in heads:
        last_at = max(filter(None, (reached[-1].last_at, received_at)), default=None)
        reached.append(TooSmall(SeenHead(size, head_at), last_at))
    return {index: reached[bisect_right(sizes, index)] for index in wanted}


def _largest(connection: Connection, peer: str, index: int) -> SeenHead | None:
    query = (
        select(MESSAGES_IN.c.head_size, MESSAGES_IN.c.head_at)
        .where(MESSAGES_IN.c.peer == peer, MESSAGES_IN.c.head_size <= index)
        .order_by(MESSAGES_IN.c.head_size.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return SeenHead(row[0], row[1]) if row is not None else None


def _last_at(connection: Connection, peer: str, index: int) -> str | None:
    query = select(func.max(MESSAGES_IN.c.received_at)).where(
        MESSAGES_IN.c.peer == peer, MESSAGES_IN.c.head_size <= index
    )
    return connection.execute(query).scalar_one_or_none()


def _between(
    connection: Connection, peer: str, first: int, last: int
) -> list[tuple[int, str | None, str | None]]:
    """Return size, signed time and receipt of the heads that lack the last leaf, not the first."""
    if first == last:
        return []
    query = (
        select(MESSAGES_IN.c.head_size, MESSAGES_IN.c.head_at, MESSAGES_IN.c.received_at)
        .where(
            MESSAGES_IN.c.peer == peer,
            MESSAGES_IN.c.head_size > first,
            MESSAGES_IN.c.head_size <= last,
        )
        .order_by(MESSAGES_IN.c.head_size)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]
