"""Statements that wait for one before them or for a ruling, and their second hearing.

Owns the table ``parked_statements``. A parked statement has a receipt and no disposition yet; it is
judged again when something was applied in its thread or an administrator ruled.
"""

from api.domain.events import Act, Actor, Subject
from api.records import threads
from api.records.threads import Waiting
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.node import Node
from api.services.statements.effects.base import Refusal


def park(node: Node, unit: Unit, refusal: Refusal | None, ordinal: int) -> None:
    """Put a statement aside in the transaction that takes its message.

    Args:
        node: this node.
        unit: the open unit of work.
        refusal: the statement and why it waits; it was read, or it could not have been judged.
        ordinal: its place in the message.
    """
    if refusal is None:
        raise TypeError("only a statement that was read can wait")
    statement = refusal.statement
    unit.insert(
        threads.PARKED,
        {
            "peer": refusal.peer,
            "message": refusal.message,
            "ordinal": ordinal,
            "statement": statement.id,
            "thread": statement.thread_id,
            "seq": statement.seq,
            "code": refusal.decision.code,
            "at": refusal.at,
        },
    )
    recording.record(
        node,
        unit,
        recording.Entry(
            act=Act.STATEMENT_PARKED,
            subject=Subject("statement", statement.id),
            actor=Actor("peer", sub=refusal.peer),
            origin="peer",
            code=refusal.decision.code,
            message=refusal.message,
        ),
    )


def take(unit: Unit, parked: Waiting) -> bool:
    """Take a parked statement off the shelf; returns whether it was still there."""
    key = {"peer": parked.peer, "message": parked.message, "ordinal": parked.ordinal}
    return unit.delete(threads.PARKED, key)
