"""What is stored of a thread's two sequences, in one look.

Owns the look-up over statements, voids and disputes; no table of its own.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, exists, or_, select

from api.records.node_state import MISBEHAVIOUR
from api.records.rows import every
from api.records.statements import STATEMENTS, StatementStanding, StoredStatement
from api.records.threads import THREAD_DISPUTES, THREAD_VOIDS

RESUME = "resume"
"""The ruling after which an issuer's later statements are judged again."""


@dataclass(frozen=True, slots=True)
class PlacedStatement(StoredStatement):
    """A judged statement of a thread.

    Attributes:
        voided: it was refused: it keeps its number and has no effect.
        disputed: its issuer equivocated in this thread, and nobody ruled that it goes on.
    """

    voided: bool
    disputed: bool


_DISPUTED = (
    exists()
    .where(
        THREAD_DISPUTES.c.proof == MISBEHAVIOUR.c.id,
        THREAD_DISPUTES.c.thread == STATEMENTS.c.thread,
        THREAD_DISPUTES.c.issuer == STATEMENTS.c.issuer,
        or_(MISBEHAVIOUR.c.ruling.is_(None), MISBEHAVIOUR.c.ruling != RESUME),
    )
    .label("disputed")
)
_PLACED = (
    select(STATEMENTS, THREAD_VOIDS.c.statement.is_not(None).label("voided"), _DISPUTED)
    .join(
        THREAD_VOIDS,
        and_(
            THREAD_VOIDS.c.statement == STATEMENTS.c.id,
            THREAD_VOIDS.c.thread == STATEMENTS.c.thread,
        ),
        isouter=True,
    )
    .where(
        STATEMENTS.c.thread == bindparam("wanted"),
        STATEMENTS.c.standing == StatementStanding.JUDGED,
    )
    .order_by(STATEMENTS.c.issuer, STATEMENTS.c.seq)
)


def placed(connection: Connection, thread: str) -> list[PlacedStatement]:
    """Return a thread's judged statements by issuer and number, with voids and disputes."""
    return every(connection, _PLACED, PlacedStatement, {"wanted": thread})
