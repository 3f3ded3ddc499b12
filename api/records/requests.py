"""Idempotency keys: what a creating call made, stored in the transaction that created it.

Owns the table ``idempotency_keys``.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, Connection, Integer, Table, Text, bindparam, select

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

CREATED: Final = 201
"""The one status that keyed calls answer with."""


@dataclass(frozen=True, slots=True)
class KeyedCall:
    """One row of ``idempotency_keys``.

    Attributes:
        caller: officer record id.
        key: value of the ``Idempotency-Key`` header.
        request: digest of the act and of all that the caller sent.
        status: HTTP status of the first answer.
        response: JSON object of the ids that the call made.
        at: when, RFC 3339 UTC with milliseconds.
    """

    caller: str
    key: str
    request: str
    status: int
    response: str
    at: str


_FIND = select(IDEMPOTENCY_KEYS).where(
    IDEMPOTENCY_KEYS.c.caller == bindparam("caller"), IDEMPOTENCY_KEYS.c.key == bindparam("key")
)


def find(connection: Connection, caller: str, key: str) -> KeyedCall | None:
    """Return what this caller's call with this key made."""
    row = connection.execute(_FIND, {"caller": caller, "key": key}).mappings().one_or_none()
    return None if row is None else KeyedCall(**row)
