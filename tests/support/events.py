"""Events of a node's log, in its order: all of them, or those of some acts."""

from sqlalchemy import Connection, select

from api.records import audit
from api.records.audit import EventRow, EventsWanted
from api.records.log import EVENTS
from api.records.log_rows import StoredEvent
from api.records.rows import every


def sequenced(connection: Connection) -> list[StoredEvent]:
    """Rows of the events that have a leaf, in log order."""
    query = select(EVENTS).where(EVENTS.c.leaf_index.is_not(None)).order_by(EVENTS.c.leaf_index)
    return every(connection, query, StoredEvent)


def told_of(connection: Connection, *acts: str) -> list[EventRow]:
    """Events of these acts, oldest first."""
    return audit.events(connection, EventsWanted(acts=acts), limit=10_000)[::-1]
