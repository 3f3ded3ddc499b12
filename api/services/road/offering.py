"""Offers heads of this node's log to partners, in steps that no request outgrows.

Owns the ``checkpoint`` message, and the rule that a request brings at most ``STEP`` leaf hashes
(PROTOCOL §9, *Heads*): a partner that was away while the log grew is first offered heads in
between, as they were signed then, each with the leaves since the one before. None is signed anew,
so where no head lies in a stretch (a log that was grown back), that stretch goes whole.
"""

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import Unavailable
from api.records import heads, log, streams
from api.services import sealing
from api.services.log import add_checkpoint, checkpoints, guard, tail_answers
from api.services.log.add_checkpoint import Answered, CosigningOutcome
from api.services.log.checkpoints import Head
from api.services.node import Node
from api.wire.canonical import parse
from api.wire.errors import WireError
from api.wire.messages import (
    ConsistencyPath,
    Evidence,
    MessageBody,
    MessageKind,
    compose_message,
    compose_request,
)

PATH: Final = "/peer/messages"
STEP: Final = 32_768
"""Most leaf hashes in one request: 1 MiB, and a third more as text."""

_HINTS = 3


def read_problem(body: bytes) -> tuple[str, int | None]:
    """Return code and size from a partner's problem document (empty, ``None`` if absent)."""
    try:
        problem = parse(body, limit=64 * 1024)
    except WireError:
        return "", None
    if not isinstance(problem, dict):
        return "", None
    code, size = problem.get("code"), problem.get("size")
    return (code if isinstance(code, str) else "", size if isinstance(size, int) else None)


def within_reach(node: Node, old: int) -> bool:
    """Tell whether the newest head brings at most ``STEP`` leaves to who cosigned ``old``."""
    return checkpoints.newest(node).size - old <= STEP


def lead_up(node: Node, peer: str, old: int) -> int:
    """Offer heads in between until the newest one is within reach.

    Args:
        node: this node.
        peer: the partner.
        old: size that it cosigned last, as far as is known here.

    Returns:
        The size that it has cosigned now.

    Raises:
        Unavailable: ``peer.unreachable``; ``log.behind``: it does not take them.
    """
    hints = 0
    while not within_reach(node, old):
        head = _towards_newest(node, old)
        if head.size >= checkpoints.newest(node).size:
            # No head lies in between: the newest one goes, whatever it brings.
            return old
        answered = _offer(node, peer, old, head)
        if answered.outcome is CosigningOutcome.COSIGNED and keep(node, peer, head, answered):
            old = head.size
        elif (
            answered.outcome is CosigningOutcome.OTHER_SIZE
            and answered.size != old
            and hints < _HINTS
        ):
            old, hints = answered.size, hints + 1
        else:
            if answered.outcome is CosigningOutcome.CONTRADICTION:
                guard.noticed(node, peer)
            raise Unavailable("log.behind", "The partner does not take the heads in between.")
    return old


def offer_newest(node: Node, peer: str) -> Answered:
    """Offer the newest head, after those in between; stores the cosignature.

    Raises:
        Unavailable: ``peer.unreachable``, ``log.behind``.
    """
    old = node.db.read(lambda connection: log.last_cosigned(connection, peer))
    answered = Answered(CosigningOutcome.LATER)
    for _ in range(_HINTS):
        old = lead_up(node, peer, old)
        head = checkpoints.newest(node)
        answered = _offer(node, peer, old, head)
        if answered.outcome is CosigningOutcome.COSIGNED and not keep(node, peer, head, answered):
            return Answered(CosigningOutcome.REFUSED)
        if answered.outcome is not CosigningOutcome.OTHER_SIZE or answered.size >= head.size:
            return answered
        old = answered.size
    return answered


def keep(node: Node, peer: str, head: Head, answered: Answered) -> bool:
    """Store cosignature lines of a head, if they are this partner's; returns whether they are."""
    if not add_checkpoint.check_lines(node, peer, answered.lines, head.note):
        return False
    rows = [{"size": head.size, "line": line, "cosigner": peer} for line in answered.lines]
    node.db.write(lambda unit: heads.add_cosignatures(unit.connection, rows))
    return True


def _towards_newest(node: Node, old: int) -> Head:
    row = node.db.read(lambda connection: log.head_towards(connection, old, STEP))
    if row is None:
        return checkpoints.newest(node)
    return Head(row.size, row.root_hash, row.note)


def _offer(node: Node, peer: str, old: int, head: Head) -> Answered:
    """Send one ``checkpoint`` message; a member that knows none is asked by add-checkpoint."""
    reply = node.transport.post(
        peer, PATH, _message(node, peer, old, head), content_type="application/json"
    )
    if reply.status == 200:  # noqa: PLR2004
        lines = reply.body.decode("utf-8", "replace").split("\n")
        return Answered(CosigningOutcome.COSIGNED, tuple(line for line in lines if line))
    code, size = read_problem(reply.body)
    if code in {"message.kind", "route.unknown"}:
        return add_checkpoint.submit(node, peer, old, head)
    if code == "log.inconsistent":
        return Answered(CosigningOutcome.CONTRADICTION)
    if code == "log.size" and size is not None:
        return Answered(CosigningOutcome.OTHER_SIZE, size=size)
    return Answered(CosigningOutcome.REFUSED)


def _message(node: Node, peer: str, old: int, head: Head) -> bytes:
    evidence, substantive, stream = node.db.read(
        lambda connection: (
            replace(
                _evidence(connection, old, head), held=tail_answers.due(node, connection, peer)
            ),
            checkpoints.substantive_size(connection),
            streams.stream_out(connection, peer),
        )
    )
    payload = compose_message(
        MessageBody(
            from_=node.ministry,
            to=peer,
            id=node.entropy.identifier(),
            kind=MessageKind.CHECKPOINT,
            epoch=stream.epoch if stream is not None else 1,
            seq=None,
            prev=None,
            body={},
            substantive_size=substantive,
            issued_at=node.now(),
        )
    )
    return compose_request(sealing.seal_message(node, payload), evidence)


def _evidence(connection: Connection, old: int, head: Head) -> Evidence:
    path = checkpoints.prove_consistency(connection, old, head.size)
    return Evidence(
        checkpoint=head.note.decode(),
        consistency=ConsistencyPath(old, tuple(path)) if old > 0 else None,
        leaves=b"".join(checkpoints.leaf_hashes(connection, old, head.size)),
    )
