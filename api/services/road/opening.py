"""Opens the items of a stored message: what each is, and whether it may be considered at all.

Owns everything that is judged of a statement before any table is written, in this order:

1. Form, seal and officers' endorsements; its leaf was proven when the message was taken.
2. It is the sender's own, addressed to this ministry, of a type that travels in this kind of
   message, and the policy admits it.
3. Its date fits (``domain.dating``).
4. What came along with it is what its type may bring (``domain.accompanying``), decided from
   payloads alone; then the same forms, seals and endorsements, each leaf as far as leaf hashes of
   its own issuer's log are held here, the policy for its issuer, competence and dates.

A defect met on the way concerns that one item; an outage is raised and the message tried again.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from api.domain import accompanying, dating
from api.domain.dating import Times
from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Invalid
from api.ports.policy import Action, Resource
from api.records.outages import is_outage
from api.records.stream_rows import MessageIn
from api.services.authorising import context, peer_caller
from api.services.log import leaves
from api.services.node import Node
from api.services.road.dating import times_of
from api.services.sealing import Sealed, check_opened
from api.services.statements.effects import EFFECTS
from api.services.statements.effects.designations import sound
from api.tlog.merkle import leaf_hash
from api.wire.digests import digest, digest_bytes
from api.wire.envelope import Envelope, parse_envelope
from api.wire.errors import WireError
from api.wire.message_bodies import Carried, Item, parse_items
from api.wire.messages import MessageBody, MessageKind
from api.wire.statements import Statement, parse_statement
from api.wire.types import NODE_TYPES

SENTENCE: Final = 300


@dataclass(frozen=True, slots=True)
class Brought:
    """A verified statement that came along, with the leaf that its bringer told."""

    sealed: Sealed
    carried: Carried


@dataclass(frozen=True, slots=True)
class Opened:
    """One item of a message, as far as it can be judged without this node's tables.

    Attributes:
        item: as it came.
        ordinal: its place in the message, from 0.
        id: of the statement; of the raw bytes where they are no statement.
        sealed: the verified statement; None where it did not verify.
        brought: the verified statements that came along; empty unless the verdict allows.
        verdict: whether it may be considered, and why not.
        times: what it is dated against.
        defect: kind of the defect that opening it met; empty if none.
    """

    item: Item
    ordinal: int
    id: str
    sealed: Sealed | None
    brought: tuple[Brought, ...]
    verdict: Decision
    times: Times
    defect: str = ""


class _RefusedError(Exception):
    """Carries the refusal of an item out of the steps that judge it."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.code)
        self.decision = decision


def open_items(
    node: Node, message: MessageIn, body: MessageBody, pool: ThreadPoolExecutor
) -> list[Opened]:
    """Open all items of a stored message, several at once."""
    numbered = list(enumerate(parse_items(body.body)))
    return list(pool.map(lambda one: open_item(node, message, body.kind, *one), numbered))


def open_item(
    node: Node, message: MessageIn, kind: MessageKind, ordinal: int, item: Item
) -> Opened:
    """Open one item; see the module."""
    times = times_of(message, ordinal)
    try:
        envelope = parse_envelope(item.envelope)
    except WireError as error:
        unread = refuse(error.code, error.message)
        return Opened(item, ordinal, digest(item.envelope), None, (), unread, times)
    opened = Opened(item, ordinal, digest(envelope.payload), None, (), ALLOWED, times)
    try:
        return _judged(node, message.peer, kind, opened, envelope)
    except Exception as error:
        if is_outage(error):
            raise
        return replace(opened, defect=type(error).__name__)


def _judged(node: Node, peer: str, kind: MessageKind, opened: Opened, envelope: Envelope) -> Opened:
    sealed: Sealed | None = None
    try:
        sealed = _verified(node, envelope, _statement_in(envelope), opened.item.index)
        _require(_admissible(node, peer, sealed.statement, kind))
        if not node.db.recovering:
            _require(dating.may_be_dated(sealed.statement.issued_at, opened.times))
        brought = _brought(node, sealed.statement, opened)
    except _RefusedError as refused:
        return replace(opened, sealed=sealed, verdict=refused.decision)
    return replace(opened, sealed=sealed, brought=brought)


def _require(decision: Decision) -> None:
    if not decision:
        raise _RefusedError(decision)


def _statement_in(envelope: Envelope) -> Statement:
    try:
        return parse_statement(envelope.payload)
    except WireError as error:
        raise _RefusedError(refuse(error.code, error.message)) from error


def _verified(node: Node, envelope: Envelope, statement: Statement, index: int | None) -> Sealed:
    try:
        return check_opened(node, envelope, statement, log_index=index)[0]
    except (WireError, Invalid) as error:
        raise _RefusedError(refuse(error.code, error.message)) from error


def _admissible(node: Node, peer: str, statement: Statement, kind: MessageKind) -> Decision:
    if statement.issuer != peer:
        return refuse("statement.issuer", "A peer delivers its own statements.")
    if node.ministry not in statement.to:
        return refuse("statement.audience", "This statement is addressed to others.")
    if (statement.type in NODE_TYPES) is not (kind is MessageKind.DISPOSITION):
        return refuse("statement.kind", "What a node says of itself travels in its own messages.")
    if statement.type in NODE_TYPES and statement.to != (node.ministry,):
        return refuse("statement.audience", "A node speaks to one other node at a time.")
    if statement.type not in NODE_TYPES and statement.type not in EFFECTS:
        return refuse("statement.type", "This node takes no statements of this type.")
    return _policy(node, statement, frozenset(statement.to))


def _policy(node: Node, statement: Statement, audience: frozenset[str]) -> Decision:
    """Ask the policy whether its issuer may have this statement taken up here."""
    resource = Resource(
        "statement",
        statement.id,
        {
            "statement_type": statement.type.partition("/")[0],
            "issuer": statement.issuer,
            "to": audience,
            "ministry": node.ministry,
        },
    )
    principal = peer_caller(node, statement.issuer).principal
    decision = node.decider.decide(principal, Action.STATEMENT_APPLY, resource, context(node))
    if not decision.allowed:
        return refuse(decision.code, " ".join(decision.reasons)[:SENTENCE])
    return ALLOWED


def _brought(node: Node, item: Statement, opened: Opened) -> tuple[Brought, ...]:
    """Step 4: judge what came along, first by the closed relation, then each for itself."""
    carried = opened.item.accompanying
    read = [_readable(one.envelope) for one in carried]
    _require(accompanying.may_bring(item, [statement for _, statement in read]))
    found = []
    for one, (envelope, statement) in zip(carried, read, strict=True):
        sealed = _verified(node, envelope, statement, _proven(node, one, statement.issuer))
        if statement.issuer != node.ministry:
            # Its audience is the carrier's; whether its issuer may be heard at all is its own.
            _require(_policy(node, statement, frozenset({node.ministry})))
        _require(sound(node, statement))
        if not node.db.recovering:
            _require(dating.not_ahead(statement.issued_at, opened.times.received_at))
        found.append(Brought(sealed, one))
    return tuple(found)


def _readable(raw: bytes) -> tuple[Envelope, Statement]:
    try:
        envelope = parse_envelope(raw)
    except WireError as error:
        raise _RefusedError(refuse(error.code, error.message)) from error
    return envelope, _statement_in(envelope)


def _proven(node: Node, carried: Carried, issuer: str) -> int | None:
    """Return the leaf of a brought statement if leaf hashes held here say that it is there.

    Without a leaf hash to compare, only a key that is current counts; a leaf that is not the one
    told refuses the item, because then its bringer told something untrue.
    """
    held = node.db.read(lambda connection: leaves.held(node, connection, issuer, carried.index))
    if held is None:
        return None
    entry = carried.opening.entry(digest_bytes(digest(carried.envelope)))
    if leaf_hash(entry) != held:
        sentence = "What comes along has another leaf in its own issuer's log than is told."
        raise _RefusedError(refuse(accompanying.CODE, sentence))
    return carried.index


def refusable(opened: Opened, peer: str) -> Statement | None:
    """Return what is being refused, as far as it can be read and is the sender's own."""
    try:
        statement = (
            opened.sealed.statement
            if opened.sealed is not None
            else parse_statement(parse_envelope(opened.item.envelope).payload)
        )
    except WireError:
        return None
    return statement if statement.issuer == peer and statement.type in EFFECTS else None


def ids(opened: Sequence[Opened]) -> list[str]:
    """Return the ids of the items and of all that came along, for one look-up."""
    brought = (each.sealed.statement.id for one in opened for each in one.brought)
    return list(dict.fromkeys([*(one.id for one in opened), *brought]))
