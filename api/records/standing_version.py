"""A number that grows with every change of who officers are and what they may do.

Owns the table ``standing_version``, of one row. The unit of work raises the number in the
transaction that changes a table marked ``STANDING``; every process compares it before it uses what
it remembers of an officer, so that a change holds everywhere from its commit on.
"""

from sqlalchemy import BigInteger, Column, Integer, Table, update

from api.records.metadata import METADATA, VOLATILE

STANDING_VERSION = Table(
    "standing_version",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    info=VOLATILE,
)

# Every call of an officer asks it: as text it need not be built.
CURRENT = "SELECT version FROM standing_version WHERE id = 1"
NEXT = (
    update(STANDING_VERSION)
    .where(STANDING_VERSION.c.id == 1)
    .values(version=STANDING_VERSION.c.version + 1)
)
