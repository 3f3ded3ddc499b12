"""Idempotency keys: what a creating call answered, stored in the transaction that created.

Owns the table ``idempotency_keys``.
"""

from sqlalchemy import Column, Connection, Integer, Table, Text, select
from sqlalchemy.engine import RowMapping

from api.records.metadata import METADATA, RECORDED

IDEMPOTENCY_KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", Text, nullable=False),
    Column("at", Text, nullable=False),
    info=RECORDED,
)


def find(connection: Connection, caller: str, key: str) -> RowMapping | None:
    """Return what was answered to this caller's key."""
    query = select(IDEMPOTENCY_KEYS).where(
        IDEMPOTENCY_KEYS.c.caller == caller, IDEMPOTENCY_KEYS.c.key == key
    )
    return connection.execute(query).mappings().one_or_none()
