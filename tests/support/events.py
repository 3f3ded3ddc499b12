"""All events of a node's log, in its order."""

from typing import Any

from sqlalchemy import Connection, select

from api.records.log import EVENTS


def sequenced(connection: Connection) -> list[Any]:
    """Rows of the events that have a leaf, in log order."""
    query = select(EVENTS).where(EVENTS.c.leaf_index.is_not(None)).order_by(EVENTS.c.leaf_index)
    return list(connection.execute(query).mappings())
