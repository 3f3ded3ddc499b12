"""Puts statements aside that cannot be decided now, and takes them up again.

Owns the writing of ``parked_statements``. A parked statement has a receipt and no disposition; why
it waits is its code (``records/parked.py``). What an administrator does about one is in
``services/road/undecidable.py``; the second hearing is in ``services/road/applying.py``.
"""

from dataclasses import dataclass

from api.domain.events import Act, Actor, Subject
from api.records import parked
from api.records.parked import Parked, Part
from api.records.stream_rows import MessageIn
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.node import Node
from api.services.road.opening import Opened, refusable
from api.services.statements.effects.base import about_of
from api.wire.statements import Statement
from api.wire.types import RELEASE


@dataclass(frozen=True, slots=True)
class Why:
    """Why a statement waits: a code, and where a defect was met its part and kind."""

    code: str
    part: Part | None = None
    error: str = ""


def park(
    node: Node,
    unit: Unit,
    message: MessageIn,
    opened: Opened,
    why: Why,
) -> None:
    """Put a statement aside in the transaction that takes its message.

    Args:
        node: this node.
        unit: the open unit of work.
        message: row of the message that brought it.
        opened: the item.
        why: why it waits.
    """
    statement = opened.sealed.statement if opened.sealed is not None else None
    statement = statement or refusable(opened, message.peer)
    unit.insert(
        parked.PARKED,
        {
            "peer": message.peer,
            "message": message.id,
            "ordinal": opened.ordinal,
            "statement": opened.id,
            "type": statement.type if statement is not None else None,
            "about": about_of(statement) if statement is not None else None,
            "originator": _originator(statement),
            "thread": statement.thread_id if statement is not None else None,
            "seq": statement.seq if statement is not None else None,
            "code": why.code,
            "part": why.part.value if why.part is not None else None,
            "error": why.error or None,
            "at": node.now(),
        },
    )
    recording.record(
        node,
        unit,
        recording.Entry(
            act=Act.STATEMENT_PARKED,
            subject=Subject("statement", opened.id),
            actor=Actor("peer", sub=message.peer),
            origin="peer",
            code=why.code,
            message=message.id,
        ),
    )


def _originator(statement: Statement | None) -> str | None:
    if statement is None or statement.type != RELEASE:
        return None
    named = statement.body.get("originator")
    return named if isinstance(named, str) else statement.issuer


def park_defect(
    node: Node, unit: Unit, message: MessageIn, opened: Opened, part: Part, error: str
) -> None:
    """Put a statement aside whose deciding met a defect; once is enough.

    Where the partner has as many parked as it may have, it is only recorded.
    """
    key = {"peer": message.peer, "message": message.id, "ordinal": opened.ordinal}
    if parked.is_there(unit.connection, key):
        return
    if parked.count_of(unit.connection, message.peer) < parked.MOST:
        park(node, unit, message, opened, Why(parked.UNDECIDABLE, part, error))


def take(unit: Unit, row: Parked) -> bool:
    """Take a parked statement off the shelf; returns whether it was still there."""
    return unit.delete(parked.PARKED, row.key)
