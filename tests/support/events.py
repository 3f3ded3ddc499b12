"""All events of a node's log, in its order."""

from sqlalchemy import Connection, select

from api.records.log import EVENTS
from api.records.log_rows import StoredEvent
from api.records.rows import every


def sequenced(connection: Connection) -> list[StoredEvent]:
    """Rows of the events that have a leaf, in log order."""
    query = select(EVENTS).where(EVENTS.c.leaf_index.is_not(None)).order_by(EVENTS.c.leaf_index)
    return every(connection, query, StoredEvent)
