"""Two statements of one issuer with one number in a thread: kept as proof, and disputed.

Owns the table ``thread_disputes`` and the proofs of this kind. The ruling itself is
``services/log/misbehaviour.py``'s. Nothing else changes: the statement
that was stored first stands, other threads and the stream go on, and the issuer's later statements
in this thread wait for an administrator's ruling.
"""

from api.domain.events import Act, Actor, Subject
from api.records import node_state, statements
from api.records import threads as rows
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.node import Node
from api.services.statements.effects.base import Refusal
from api.wire.digests import digest
from api.wire.errors import WireError
from api.wire.misbehaviour import (
    MisbehaviourKind,
    MisbehaviourProof,
    compose_misbehaviour,
    judge_envelopes,
)


def keep(node: Node, unit: Unit, refusal: Refusal) -> None:
    """Keep both statements; later ones of this issuer in this thread wait for a ruling."""
    statement = refusal.statement
    known = [
        row
        for row in statements.in_thread(unit.connection, str(statement.thread))
        if row.issuer == statement.issuer and row.seq == statement.seq
    ]
    if not known:
        return
    proof = _proof(node, statement.issuer, bytes(known[0].envelope), refusal.envelope)
    if proof is None:
        return
    proof_id = digest(proof)
    if node_state.misbehaviour_by_id(unit.connection, proof_id) is not None:
        return
    unit.insert(
        node_state.MISBEHAVIOUR,
        {
            "id": proof_id,
            "peer": statement.issuer,
            "kind": MisbehaviourKind.STATEMENT_EQUIVOCATION.value,
            "proof": proof,
            "found_at": refusal.at,
        },
    )
    values = {"thread": statement.thread, "issuer": statement.issuer, "proof": proof_id}
    unit.insert(rows.THREAD_DISPUTES, {**values, "opened_at": refusal.at})
    recording.record(
        node,
        unit,
        recording.Entry(
            act=Act.EQUIVOCATION_KEPT,
            subject=Subject("thread", str(statement.thread)),
            actor=Actor("peer", sub=statement.issuer),
            origin="peer",
            outcome="refused",
            code="equivocation",
            message=refusal.message,
        ),
    )


def _proof(node: Node, ministry: str, first: bytes, second: bytes) -> bytes | None:
    """Return a proof that others can judge, or ``None`` where the two do not make one.

    An opener carries no thread and so proves nothing beside a second number 1; what is not sealed
    by the accused proves nothing either.
    """
    proof = MisbehaviourProof(ministry, MisbehaviourKind.STATEMENT_EQUIVOCATION, first, second)
    try:
        judge_envelopes(proof, node.membership)
        return compose_misbehaviour(proof)
    except WireError:
        return None
