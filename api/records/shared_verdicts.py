"""Ministries' verdicts on who is who, as their statements say: own ones and partners'.

Owns the table ``shared_verdicts``: index columns beside the signed ``identity-verdict/1``, which
stays the only truth. What officers record for this node alone is ``records.subjects``'.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from sqlalchemy import Column, Connection, Index, Table, Text, or_, select

from api.records.metadata import METADATA, RECORDED
from api.records.rows import Kept, every, first

SHARED_VERDICTS = Table(
    "shared_verdicts",
    METADATA,
    Column("statement", Text, primary_key=True),
    Column("ministry", Text, nullable=False),
    Column("one", Text, nullable=False),
    Column("other", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("signals", Text, nullable=False),
    Column("prepared_by", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("issued_at", Text, nullable=False),
    Column("withdraws", Text),
    Column("replaced_by", Text),
    Index("ix_shared_verdicts_one", "one"),
    Index("ix_shared_verdicts_other", "other"),
    info=RECORDED,
)


def _signals(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


@dataclass(frozen=True, slots=True)
class SharedVerdict:
    """One ``identity-verdict/1``.

    Attributes:
        statement: its id.
        ministry: whose finding it is.
        one: reference of a description; before ``other`` in the order of their text.
        other: reference of another.
        outcome: ``same``, ``not-same`` or ``unsure``.
        reason: how they know, in words.
        signals: what spoke for and against, in words.
        prepared_by: the officer who prepared it, as the statement names them.
        approved_by: the officer who approved it.
        issued_at: the statement's own time.
        withdraws: id of the verdict that it takes back.
        replaced_by: id of the later one of the same ministry on the same two.
    """

    statement: str
    ministry: str
    one: str
    other: str
    outcome: str
    reason: str
    signals: Annotated[tuple[str, ...], Kept(_signals)]
    prepared_by: str
    approved_by: str
    issued_at: str
    withdraws: str | None
    replaced_by: str | None

    @property
    def stands(self) -> bool:
        """Whether it is the ministry's finding now: not replaced, and more than a withdrawal."""
        return self.replaced_by is None and self.withdraws is None


def row_of(values: SharedVerdict) -> dict[str, Any]:
    """Return the columns of a verdict."""
    return {column.name: getattr(values, column.name) for column in SHARED_VERDICTS.columns} | {
        "signals": json.dumps(values.signals, ensure_ascii=False)
    }


def by_id(connection: Connection, statement: str) -> SharedVerdict | None:
    """Return one verdict, whether it stands or not."""
    query = select(SHARED_VERDICTS).where(SHARED_VERDICTS.c.statement == statement)
    return first(connection, query, SharedVerdict)


def newest_of(connection: Connection, ministry: str, one: str, other: str) -> SharedVerdict | None:
    """Return a ministry's verdict on two references that no later one replaced."""
    table = SHARED_VERDICTS.c
    query = select(SHARED_VERDICTS).where(
        table.ministry == ministry,
        table.one == one,
        table.other == other,
        table.replaced_by.is_(None),
    )
    return first(connection, query, SharedVerdict)


def standing(connection: Connection, refs: Sequence[str] | None = None) -> list[SharedVerdict]:
    """Return the verdicts that stand, of all ministries; ``refs`` keeps those that name one."""
    table = SHARED_VERDICTS.c
    query = select(SHARED_VERDICTS).where(table.replaced_by.is_(None), table.withdraws.is_(None))
    if refs is not None:
        query = query.where(or_(table.one.in_(refs), table.other.in_(refs)))
    return every(connection, query.order_by(table.issued_at, table.statement), SharedVerdict)
