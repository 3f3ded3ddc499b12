"""Look-ups across the log and the message tables that exports and checks need.

Owns queries made for walking a whole log in constant memory; owns no table.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from api.records.log import BUNDLES, EVENTS, HEADS
from api.records.rows import every
from api.records.stream_rows import Disposition, InboxItem
from api.records.streams import DISPOSITIONS, INBOX, MESSAGES_IN, MESSAGES_OUT, OUTBOX
from api.wire.messages import MessageKind


@dataclass(frozen=True, slots=True)
class MessageNumber:
    """What names a message: id, partner, kind, and by epoch and number its place in the stream."""

    id: str
    peer: str
    kind: MessageKind
    epoch: int
    seq: int
    digest: str


_LINE_COLUMNS = (
    EVENTS.c.leaf_index,
    EVENTS.c.id,
    EVENTS.c.act,
    EVENTS.c.object_id,
    EVENTS.c.body,
    EVENTS.c.salt_e,
    EVENTS.c.salt_s,
    EVENTS.c.statement,
    EVENTS.c.envelope_digest,
)


def lines(connection: Connection, first: int, until: int) -> list[Row[*tuple[Any, ...]]]:
    """Return what an export line needs of the events ``[first, until)``, in log order.

    Each row has ``leaf_index, id, act, object_id, body, salt_e, salt_s, statement`` and
    ``envelope_digest``.
    """
    query = (
        select(*_LINE_COLUMNS)
        .where(EVENTS.c.leaf_index >= first, EVENTS.c.leaf_index < until)
        .order_by(EVENTS.c.leaf_index)
    )
    return [*connection.execute(query)]


def bundles(connection: Connection, first: int, until: int) -> dict[int, bytes]:
    """Return the bundles of leaf entries with number ``first <= n < until``."""
    query = select(BUNDLES.c.n, BUNDLES.c.data).where(BUNDLES.c.n >= first, BUNDLES.c.n < until)
    return {row.n: bytes(row.data) for row in connection.execute(query)}


def first_since(connection: Connection, instant: str) -> int | None:
    """Return the smallest leaf index of an event recorded at ``instant`` or later."""
    query = select(func.min(EVENTS.c.leaf_index)).where(EVENTS.c.time >= instant)
    return connection.execute(query).scalar_one_or_none()


def last_before(connection: Connection, instant: str) -> int | None:
    """Return the largest leaf index of an event recorded before ``instant``."""
    query = select(func.max(EVENTS.c.leaf_index)).where(EVENTS.c.time < instant)
    return connection.execute(query).scalar_one_or_none()


def count_events(connection: Connection) -> int:
    """Return how many events there are, sequenced or not."""
    return connection.execute(select(func.count()).select_from(EVENTS)).scalar_one()


def sent_in(connection: Connection, first: int, until: int) -> list[MessageNumber]:
    """Return the messages whose ``message.sent`` event lies in ``[first, until)``, by number."""
    query = (
        select(
            MESSAGES_OUT.c.id,
            MESSAGES_OUT.c.peer,
            MESSAGES_OUT.c.kind,
            MESSAGES_OUT.c.epoch,
            MESSAGES_OUT.c.seq,
            MESSAGES_OUT.c.digest,
        )
        .join(EVENTS, EVENTS.c.object_id == MESSAGES_OUT.c.id)
        .where(
            EVENTS.c.act == "message.sent",
            EVENTS.c.leaf_index >= first,
            EVENTS.c.leaf_index < until,
        )
        .order_by(MESSAGES_OUT.c.peer, MESSAGES_OUT.c.epoch, MESSAGES_OUT.c.seq)
    )
    return every(connection, query, MessageNumber)


def received_in(connection: Connection, first: int, until: int) -> list[MessageNumber]:
    """Return the messages whose ``message.received`` event lies in ``[first, until)``."""
    query = (
        select(
            MESSAGES_IN.c.id,
            MESSAGES_IN.c.peer,
            MESSAGES_IN.c.kind,
            MESSAGES_IN.c.epoch,
            MESSAGES_IN.c.seq,
            MESSAGES_IN.c.digest,
        )
        .distinct()
        .join(EVENTS, EVENTS.c.object_id == MESSAGES_IN.c.id)
        .where(
            EVENTS.c.act == "message.received",
            EVENTS.c.leaf_index >= first,
            EVENTS.c.leaf_index < until,
        )
        .order_by(MESSAGES_IN.c.peer, MESSAGES_IN.c.epoch, MESSAGES_IN.c.seq)
    )
    return every(connection, query, MessageNumber)


def carried(connection: Connection, messages: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the statements that sent messages carry, in order."""
    query = (
        select(OUTBOX.c.message, OUTBOX.c.statement)
        .where(OUTBOX.c.message.in_(messages))
        .order_by(OUTBOX.c.message, OUTBOX.c.id)
    )
    found: dict[str, list[str]] = {}
    for message, statement in connection.execute(query):
        found.setdefault(message, []).append(statement)
    return found


def decided(
    connection: Connection, peer: str, messages: Sequence[str]
) -> dict[str, list[InboxItem]]:
    """Return what this node decided on the items of a peer's messages, in order."""
    query = (
        select(INBOX)
        .where(INBOX.c.peer == peer, INBOX.c.message.in_(messages))
        .order_by(INBOX.c.message, INBOX.c.ordinal)
    )
    found: dict[str, list[InboxItem]] = {}
    for item in every(connection, query, InboxItem):
        found.setdefault(item.message, []).append(item)
    return found


def disposed(connection: Connection, peer: str, statements: Sequence[str]) -> list[Disposition]:
    """Return what a peer stated that it did with statements of ours."""
    query = (
        select(DISPOSITIONS)
        .where(DISPOSITIONS.c.peer == peer, DISPOSITIONS.c.statement.in_(statements))
        .order_by(DISPOSITIONS.c.statement)
    )
    return every(connection, query, Disposition)


def stated_ministries(connection: Connection, limit: int) -> list[str]:
    """Return the ministry that each of the oldest events with a body names."""
    query = select(EVENTS.c.body).where(EVENTS.c.body.is_not(None)).order_by(EVENTS.c.seq)
    found = []
    for body in connection.execute(query.limit(limit)).scalars():
        try:
            event = json.loads(body)
        except (ValueError, TypeError):
            continue
        named = event.get("ministry") if isinstance(event, dict) else None
        if isinstance(named, str):
            found.append(named)
    return found


def stated_origins(connection: Connection, limit: int) -> list[str]:
    """Return the name of the log in each of the newest heads."""
    query = select(HEADS.c.note).order_by(HEADS.c.size.desc()).limit(limit)
    notes = [note for note in connection.execute(query).scalars() if isinstance(note, bytes)]
    return [note.partition(b"\n")[0].decode("utf-8", "replace") for note in notes]


def bodies_by_act(connection: Connection) -> dict[str, int]:
    """Return how many events have their body, by act."""
    query = (
        select(EVENTS.c.act, func.count()).where(EVENTS.c.body.is_not(None)).group_by(EVENTS.c.act)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def bodies_before(
    connection: Connection, act: str, instant: str
) -> tuple[int, int | None, int | None]:
    """Return how many events of an act from before an instant have bodies, first and last leaf."""
    place = EVENTS.c.leaf_index
    query = select(func.count(), func.min(place), func.max(place)).where(
        EVENTS.c.act == act, EVENTS.c.time < instant, EVENTS.c.body.is_not(None)
    )
    count, first, last = connection.execute(query).one()
    return count, first, last
