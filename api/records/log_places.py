"""The places of events in the log: given by the sequencer, or back after a loss.

Owns what changes ``events.seq`` and ``events.leaf_index``, and the rows that stand for events that
were lost. ``services/log/checkpoints.py`` and recoveries call it, nobody else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, bindparam, func, insert, literal, select

from api.records.log import EVENTS


def place(connection: Connection, seqs: Sequence[int], first: int) -> None:
    """Give consecutive leaf indexes to events, and with them the number that goes with the place.

    An event's ``seq`` orders the queue while it waits; once it is a leaf it is its index plus 1.
    On SQLite it is that already, unless leaves were recovered without their events.
    """
    if list(seqs) == list(range(first + 1, first + 1 + len(seqs))):
        wanted = EVENTS.c.seq.between(first + 1, first + len(seqs))
        connection.execute(
            EVENTS.update()
            .where(wanted, EVENTS.c.leaf_index.is_(None))
            .values(leaf_index=EVENTS.c.seq - 1)
        )
    elif connection.dialect.name == "postgresql":
        places = [first + offset for offset in range(len(seqs))]
        many = ARRAY(BigInteger)
        given = func.unnest(literal(list(seqs), many), literal(places, many))
        placed = given.table_valued("of", "place").render_derived(name="placed")
        connection.execute(
            EVENTS.update()
            .where(EVENTS.c.seq == placed.c.of)
            .values(leaf_index=placed.c.place, seq=placed.c.place + 1)
        )
    else:
        # Upwards from the largest, so that no two rows meet under one number.
        moved = [
            {"of": seq, "index": first + offset, "number": first + offset + 1}
            for offset, seq in enumerate(seqs)
        ]
        connection.execute(
            EVENTS.update()
            .where(EVENTS.c.seq == bindparam("of"))
            .values(leaf_index=bindparam("index"), seq=bindparam("number")),
            moved[::-1],
        )


def lost_event(index: int) -> dict[str, Any]:
    """Return what the columns of a leaf hold whose event was lost: nothing but its place."""
    names = ("time", "act", "object_kind", "object_id", "actor", "outcome")
    blank: dict[str, Any] = dict.fromkeys(names, "")
    place = {"seq": index + 1, "id": f"lost-{index}", "leaf_index": index}
    return blank | place | {"body": None, "salt_e": None, "touched": None}


def add_lost(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that mark lost events; see :func:`lost_event`."""
    if rows:
        connection.execute(insert(EVENTS), list(rows))


def make_room(connection: Connection, size: int, matched: Mapping[int, int]) -> None:
    """Move events that have no place yet behind the first ``size`` leaves.

    Args:
        connection: inside the transaction that grows the log to ``size``.
        size: leaves of the log from now on.
        matched: by leaf index, the number of a waiting event that proved to be that leaf.
    """
    waiting = select(EVENTS.c.seq).where(EVENTS.c.leaf_index.is_(None)).order_by(EVENTS.c.seq)
    seqs = list(connection.execute(waiting).scalars())
    places = {seq: index for index, seq in matched.items()}
    # On PostgreSQL waiting events are numbered far above all places already (0003_auditing).
    crowded = connection.dialect.name == "sqlite"
    behind = [seq for seq in seqs if seq not in places and crowded]
    numbers = {seq: size + 1 + offset for offset, seq in enumerate(behind)}
    numbers |= {seq: index + 1 for seq, index in places.items()}
    # By way of negative numbers, so that no two rows meet under one.
    connection.execute(
        EVENTS.update().where(EVENTS.c.seq.in_(list(numbers))).values(seq=-EVENTS.c.seq)
    )
    moved = [{"of": -seq, "number": numbers[seq], "index": places.get(seq)} for seq in numbers]
    if moved:
        statement = EVENTS.update().where(EVENTS.c.seq == bindparam("of"))
        connection.execute(
            statement.values(seq=bindparam("number"), leaf_index=bindparam("index")), moved
        )
