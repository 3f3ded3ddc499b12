"""How many bytes went to and came from each partner in a day, so that a restart forgets no share.

Owns the table ``peer_traffic``: one row for each partner, kind of bytes and day (UTC). Older days
go when the next is begun. A lost row gives a partner another day's share, and nothing else.
"""

from sqlalchemy import BigInteger, Column, Connection, Table, Text, bindparam, delete, select

from api.records.metadata import METADATA, VOLATILE
from api.records.unit_of_work import Unit

TRAFFIC = Table(
    "peer_traffic",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("share", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    info=VOLATILE,
)

# Asked before each range of an exhibit: built once.
_OF_DAY = select(TRAFFIC.c.bytes).where(
    TRAFFIC.c.peer == bindparam("of"),
    TRAFFIC.c.share == bindparam("kind"),
    TRAFFIC.c.day == bindparam("on"),
)


def of_day(connection: Connection, peer: str, share: str, day: str) -> int:
    """Return the bytes of one kind that were counted for a partner on a day (``YYYY-MM-DD``)."""
    found = connection.execute(_OF_DAY, {"of": peer, "kind": share, "on": day})
    return int(found.scalar_one_or_none() or 0)


def add(unit: Unit, peer: str, share: str, day: str, amount: int) -> int:
    """Count bytes of a day; returns what is counted now. Days before go."""
    unit.lock(f"traffic of {peer}")
    known = of_day(unit.connection, peer, share, day)
    key = {"peer": peer, "share": share, "day": day}
    if unit.update(TRAFFIC, key, {"bytes": known + amount}) is None:
        old = delete(TRAFFIC).where(TRAFFIC.c.peer == peer, TRAFFIC.c.day < day)
        unit.connection.execute(old)
        unit.insert(TRAFFIC, {**key, "bytes": amount})
    return known + amount
