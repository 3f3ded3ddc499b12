"""What members answered when a log's tail was given up: kept, shown, and held against them.

Owns the facts ``tail-answer:<owner>:<member>:<stated_at>`` (PROTOCOL §9, *Heads*). A ministry that
lost the end of its log goes on without it only if every member has signed that it holds none of it
(``services/log/giving_up.py``). Those signed answers are kept at home, travel with the evidence of
the next head to each partner, and are kept there too. Whoever then shows a head of that tail which
it had cosigned before it answered has signed both, and is convicted by the two
(``MisbehaviourKind.HELD_DENIED``); the log's ministry is not.

Must not decide whether a tail may be given up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.domain.events import Act, Actor, Subject
from api.domain.log_trust import open_head_of
from api.domain.misbehaviour import verify_misbehaviour
from api.records import log, node_state
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.node import Node
from api.tlog.errors import LogError
from api.wire.encoding import b64u_decode, b64u_encode, parse_instant
from api.wire.envelope import MESSAGE, verify_signed_then
from api.wire.errors import WireError
from api.wire.held_heads import HeldHead
from api.wire.keys import Purpose
from api.wire.messages import MessageKind, parse_message
from api.wire.misbehaviour import MisbehaviourKind, MisbehaviourProof, compose_misbehaviour

_FACT: Final = "tail-answer:"
_MOST: Final = 8
"""Answers of one member about one log that are kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A member's signed word on what it holds of a log.

    Attributes:
        owner: whose log.
        member: who answered.
        held: what it said.
        raw: the message as it was signed.
    """

    owner: str
    member: str
    held: HeldHead
    raw: bytes

    @property
    def name(self) -> str:
        """The fact that holds it."""
        return f"{_FACT}{self.owner}:{self.member}:{self.held.stated_at}"


def open_answer(node: Node, owner: str, raw: bytes) -> Answer:
    """Return an answer to a log's ministry that another member has signed.

    Raises:
        Invalid: ``log.held``.
    """
    try:
        envelope, body = parse_message(raw)
        verify_signed_then(envelope, node.membership.keys(body.from_, Purpose.MESSAGE), MESSAGE)
        held = HeldHead.from_json(body.body) if body.kind is MessageKind.HELD else None
    except WireError as error:
        raise _no_answer() from error
    if held is None or body.to != owner:
        raise _no_answer()
    return Answer(owner, body.from_, held, raw)


def _no_answer() -> Invalid:
    return Invalid("log.held", "Show what members answered you on what they hold of your log.")


def open_all(node: Node, owner: str, raws: Sequence[bytes]) -> list[Answer]:
    """Return the answers that came with the evidence of a head.

    Raises:
        Invalid: ``log.held``: one is no answer to that ministry.
    """
    return [open_answer(node, owner, raw) for raw in raws]


def keep(node: Node, unit: Unit, owner: str, answers: Sequence[Answer]) -> None:
    """Keep answers that are new here, with an event if there are any."""
    known = node_state.everything(unit.connection)
    fresh = 0
    for answer in answers:
        of_member = f"{_FACT}{owner}:{answer.member}:"
        count = sum(1 for name in known if name.startswith(of_member))
        if answer.name in known or count >= _MOST:
            continue
        known[answer.name] = b64u_encode(answer.raw)
        node_state.put(unit, answer.name, known[answer.name], node.now())
        fresh += 1
    if fresh and owner != node.ministry:
        entry = recording.Entry(
            act=Act.NODE_RESTORED,
            subject=Subject("peer", owner),
            actor=Actor("peer", sub=owner),
            origin="peer",
            code="tail-given-up",
            count=fresh,
        )
        recording.record(node, unit, entry)


def kept(node: Node, connection: Connection, owner: str) -> list[Answer]:
    """Return the answers that are kept about a log, the oldest of each member first."""
    facts = node_state.everything(connection)
    names = sorted(name for name in facts if name.startswith(f"{_FACT}{owner}:"))
    return [open_answer(node, owner, b64u_decode(facts[name])) for name in names]


def due(node: Node, connection: Connection, peer: str) -> tuple[bytes, ...]:
    """Return the answers to show a partner beside a head: until it has cosigned beyond them."""
    answers = kept(node, connection, node.ministry)
    largest = max((answer.held.size for answer in answers), default=0)
    if not answers or log.last_cosigned(connection, peer) > largest:
        return ()
    return tuple(answer.raw for answer in answers)


def denied(node: Node, owner: str, shown: bytes) -> tuple[str, bytes] | None:
    """Return who cosigned a head before it answered that it held none such, and the proof.

    Args:
        node: this node.
        owner: whose log.
        shown: the head with cosignatures, as it was shown.
    """
    for answer in node.db.read(lambda connection: kept(node, connection, owner)):
        kind = MisbehaviourKind.HELD_DENIED
        try:
            proof = compose_misbehaviour(MisbehaviourProof(answer.member, kind, answer.raw, shown))
            verify_misbehaviour(proof, node.membership)
        except (WireError, Invalid):
            continue
        return answer.member, proof
    return None


def given_up(node: Node, owner: str, note: bytes) -> bool:
    """Tell whether a head that nobody cosigned is of a tail of which every member held none.

    By the time in the log's own ML-DSA-44 signature: what it signed after the answers is no tail.
    """
    try:
        opened = open_head_of(node.membership.member(owner), note)
    except LogError:
        return False
    signed_at = max((one.timestamp or 0 for one in opened.log_signatures), default=0)
    covering = {
        answer.member
        for answer in node.db.read(lambda connection: kept(node, connection, owner))
        if answer.held.size < opened.checkpoint.size
        and signed_at < parse_instant(answer.held.stated_at).timestamp()
    }
    return covering == {one.id for one in node.membership.members if one.id != owner}
