"""Who opened what: the looks at packages and exhibits that stand in the log.

Owns one query over ``events``; keeps nothing.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from api.records.log import EVENTS


def readers(
    connection: Connection, kind: str, acts: Sequence[str], objects: Sequence[str]
) -> set[tuple[str, str, str]]:
    """Return ``(object, act, actor)`` of every act that was done on one of these objects.

    Args:
        connection: open.
        kind: of the objects.
        acts: names of events.
        objects: ids.

    Returns:
        Actors as ``kind:iss:sub``.
    """
    query = (
        select(EVENTS.c.object_id, EVENTS.c.act, EVENTS.c.actor)
        .where(
            EVENTS.c.object_kind == kind,
            EVENTS.c.object_id.in_(objects),
            EVENTS.c.act.in_(acts),
            EVENTS.c.outcome == "done",
        )
        .distinct()
    )
    return {(str(one[0]), str(one[1]), str(one[2])) for one in connection.execute(query)}
