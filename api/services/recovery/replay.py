"""Takes a restored node's own statements back from the messages that partners hold.

Owns the replay. Every recovered statement has its place in the log, and so has every disposition
by which this node said what it did with a partner's statement. In that order each own statement
takes its effect again, and each partner's message is applied again where its disposition stood:
the tables come to where they were, as far as partners know of it. What nobody else ever saw
(drafts, packages that were not released, officers) is gone with the disk.

Where an effect refuses now, because it rested on something that is gone, the statement is kept
without effect and counted, so that people can look. A statement that was due to others too is left
in the outbox for them.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from api.domain.drafts import DraftState
from api.domain.errors import ComityError
from api.domain.events import Act, Subject
from api.records import drafts, officers, packages, statements, streams
from api.records.statements import Filed, Leaf, StatementStanding
from api.records.stream_rows import ReceivedState, SentState, StreamState
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.node import Node
from api.services.recovery.lost_messages import Lost
from api.services.recovery.regrown_log import KnownLeaf
from api.services.road import applying, delivering
from api.services.sealing import Sealed, open_statement
from api.services.statements.effects import EFFECTS
from api.services.statements.effects.base import Issued, about_of
from api.wire.canonical import canonical
from api.wire.digests import digest, digest_bytes
from api.wire.envelope import parse_envelope
from api.wire.errors import WireError
from api.wire.message_bodies import Carried, Item
from api.wire.messages import MessageKind
from api.wire.statements import DISPOSITION, EVIDENCE_PACKAGE, Statement, parse_statement


@dataclass(slots=True)
class Adopted:
    """What the replay came to.

    Attributes:
        messages: own messages that are known again.
        statements: own statements that are known again.
        without_effect: ids of those whose effect could not be repeated.
    """

    messages: int = 0
    statements: int = 0
    without_effect: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Step:
    """One leaf of the replay: an item, and the peers it was delivered to."""

    item: Item
    kind: MessageKind
    peers: tuple[str, ...]


def known_leaves(lost: Sequence[Lost]) -> dict[int, KnownLeaf]:
    """Return what messages tell about the leaves of the statements they carry."""
    found = {}
    for message in lost:
        for item in message.items:
            found[item.index] = _known_leaf(item)
            for carried in item.accompanying:
                if _issuer_of(carried) == message.body.from_:
                    found[carried.index] = _known_leaf(carried)
    return found


def _issuer_of(carried: Carried) -> str:
    return parse_statement(parse_envelope(carried.envelope).payload).issuer


def _known_leaf(one: Item | Carried) -> KnownLeaf:
    raw_digest = digest(one.envelope)
    entry = one.opening.entry(digest_bytes(raw_digest))
    statement = digest(parse_envelope(one.envelope).payload)
    return KnownLeaf(entry, statement, raw_digest, one.opening.salt_s)


def adopt(node: Node, lost: Sequence[Lost], pool: ThreadPoolExecutor) -> Adopted:
    """Replay recovered statements in the order of the log, then take their messages back.

    Args:
        node: this node, with a database for recovery, its log grown back.
        lost: own messages of all streams, each stream's in order.
        pool: threads for verification.

    Every step is a transaction of its own and safe to repeat after a crash.
    """
    adopted = Adopted()
    for step in _steps(lost):
        _replay(node, step, pool, adopted)
    for message in lost:
        _take_back(node, message)
        adopted.messages += 1
    return adopted


def _steps(lost: Sequence[Lost]) -> list[_Step]:
    items: dict[int, tuple[Item, MessageKind]] = {}
    peers: dict[int, list[str]] = {}
    for message in lost:
        for item in message.items:
            items.setdefault(item.index, (item, message.body.kind))
            peers.setdefault(item.index, []).append(message.peer)
    return [_Step(*items[index], tuple(peers[index])) for index in sorted(items)]


def _replay(node: Node, step: _Step, pool: ThreadPoolExecutor, adopted: Adopted) -> None:
    sealed, brought = _open(node, step)
    if sealed is None:
        return
    for other, carried in brought:
        _adopt_brought(node, other, carried, adopted)
    known = _is_known(node, sealed)
    if step.kind is MessageKind.DISPOSITION:
        if not known:
            _adopt_said(node, sealed, step.peers[0])
        if sealed.statement.type == DISPOSITION:
            _apply_until(node, step.peers[0], str(sealed.statement.body["message"]), pool)
    if known:
        return
    if step.kind is not MessageKind.DISPOSITION and not _with_effect(node, sealed):
        _without_effect(node, sealed, step.peers)
        adopted.without_effect.append(sealed.statement.id)
    adopted.statements += 1


def _open(node: Node, step: _Step) -> tuple[Sealed | None, list[tuple[Sealed, Carried]]]:
    """Open a statement and what it brought; whatever does not verify is left out."""
    try:
        sealed = open_statement(node, step.item.envelope, log_index=step.item.index)[0]
    except (WireError, ComityError):
        return None, []
    brought = []
    for one in step.item.accompanying:
        try:
            brought.append((open_statement(node, one.envelope, log_index=one.index)[0], one))
        except (WireError, ComityError):
            continue
    return sealed, brought


def _is_known(node: Node, sealed: Sealed) -> bool:
    row = node.db.read(lambda connection: statements.by_id(connection, sealed.statement.id))
    return row is not None


def _entry(sealed: Sealed, *, in_log: bool) -> recording.Entry:
    """Return the event of one adopted statement; its leaf commits to it unless an old one does."""
    entry = recording.Entry(
        act=Act.LOG_RECOVERED,
        subject=Subject("statement", sealed.statement.id),
        origin="operator",
    )
    if in_log:
        return entry
    return recording.concerning(entry, sealed.statement.id, sealed.digest)


def _store(unit: Unit, sealed: Sealed, about: str | None, at: str) -> None:
    stored = Filed(sealed.envelope, sealed.digest, "own", about, at)
    statements.store(unit, sealed.statement, stored)


def _with_effect(node: Node, sealed: Sealed) -> bool:
    """Store an own statement with its effect; returns whether the effect was possible."""
    effect = EFFECTS.get(sealed.statement.type)
    if effect is None:
        return False
    at, person = sealed.statement.issued_at, _person(node, sealed)

    def write(unit: Unit) -> None:
        _store(unit, sealed, _about(sealed), at)
        issued = Issued(sealed.statement, at, person, _seal_draft(unit, sealed, at))
        done = effect.repeat(unit, issued) or effect.issue(node, unit, issued)
        recording.post(node, unit, done.recipients, sealed.statement.id, bring=done.bring)
        recording.record(node, unit, _entry(sealed, in_log=True))

    try:
        node.db.write(write)
    except (ComityError, Taken):
        return False
    return True


def _without_effect(node: Node, sealed: Sealed, peers: Sequence[str]) -> None:
    at = sealed.statement.issued_at

    def write(unit: Unit) -> None:
        _store(unit, sealed, _about(sealed), at)
        _seal_draft(unit, sealed, at)
        recording.post(node, unit, peers, sealed.statement.id)
        recording.record(node, unit, _entry(sealed, in_log=True))

    node.db.write(write)


def _about(sealed: Sealed) -> str | None:
    statement = sealed.statement
    return statement.id if statement.type == EVIDENCE_PACKAGE else about_of(statement)


def _person(node: Node, sealed: Sealed) -> str:
    """Return the officer whose act made the statement, if this node still knows them."""
    by = sealed.statement.by
    officer = None if by is None else by.approved or by.prepared
    if officer is None:
        return ""
    found = node.db.read(
        lambda connection: officers.standing(connection, officer.iss, officer.sub, node.now())
    )
    return "" if found is None else found.officer


def _seal_draft(unit: Unit, sealed: Sealed, at: str) -> str:
    """Close the draft that became this statement, so that it is not approved twice."""
    statement = sealed.statement
    for row in drafts.page(
        unit.connection, limit=500, state=DraftState.DRAFTED, type_=statement.type
    ):
        if (row.to, row.thread) != (statement.to, statement.thread):
            continue
        if canonical(dict(row.body)) == canonical(statement.body):
            values = {"state": DraftState.SEALED.value, "statement": statement.id, "updated_at": at}
            unit.update(drafts.DRAFTS, {"id": row.id}, values)
            return row.id
    return ""


def _adopt_brought(node: Node, sealed: Sealed, carried: Carried, adopted: Adopted) -> None:
    """Store a statement that travelled along, with its effect if it is this node's own."""
    if _is_known(node, sealed):
        return
    statement = sealed.statement
    own = statement.issuer == node.ministry
    person, at = _person(node, sealed), statement.issued_at
    effect = EFFECTS.get(statement.type) if own else None
    leaf = Leaf(carried.index, carried.opening.e, carried.opening.salt_s)
    origin, standing = (
        ("own", StatementStanding.JUDGED) if own else (statement.issuer, StatementStanding.BROUGHT)
    )

    def write(unit: Unit) -> None:
        stored = Filed(sealed.envelope, sealed.digest, origin, _about(sealed), at, leaf, standing)
        statements.store(unit, statement, stored)
        if effect is not None:
            issued = Issued(statement, at, person)
            if effect.repeat(unit, issued) is None:
                effect.issue(node, unit, issued)
            _keep_exhibits(node, unit, statement)
        recording.record(node, unit, _entry(sealed, in_log=own))

    try:
        node.db.write(write)
    except (ComityError, Taken):
        _without_effect(node, sealed, ())
        adopted.without_effect.append(statement.id)
    adopted.statements += own


def _keep_exhibits(node: Node, unit: Unit, statement: Statement) -> None:
    """Say of an own package's exhibits which the store still has."""
    if statement.type != EVIDENCE_PACKAGE:
        return
    for row in packages.exhibits_of(unit.connection, statement.id):
        if row.state != "held" and node.store.head(row.digest) is not None:
            values = {"state": "held", "stored_at": node.now()}
            unit.update(packages.EXHIBITS, {"digest": row.digest}, values)


def _adopt_said(node: Node, sealed: Sealed, peer: str) -> None:
    """Store what this node said of itself to a partner; applying its message finds that."""
    body = sealed.statement.body
    concerned = str(body["message" if sealed.statement.type == DISPOSITION else "release"])

    def write(unit: Unit) -> None:
        _store(unit, sealed, concerned, sealed.statement.issued_at)
        recording.post(node, unit, [peer], sealed.statement.id, kind=MessageKind.DISPOSITION.value)
        recording.record(node, unit, _entry(sealed, in_log=True))

    node.db.write(write)


def _apply_until(node: Node, peer: str, message: str, pool: ThreadPoolExecutor) -> None:
    """Apply a partner's stored messages up to one; those before it were applied before it."""
    while True:
        row = node.db.read(lambda connection: streams.message_in(connection, peer, message))
        if row is None or row.state is not ReceivedState.STORED:
            return
        if not applying.process_next(node, peer, pool):
            return


def _take_back(node: Node, message: Lost) -> None:
    """Store one own message with its receipt and move the stream on, in one transaction."""
    body, at = message.body, message.receipt.stored_at

    def write(unit: Unit) -> None:
        if streams.message_out(unit.connection, body.id) is not None:
            return
        row = {
            "id": body.id,
            "peer": message.peer,
            "kind": body.kind.value,
            "epoch": body.epoch,
            "seq": message.seq,
            "envelope": message.raw,
            "digest": message.digest,
            "state": SentState.RECEIPTED,
            "composed_at": at,
            "receipt": message.receipt_raw,
            "receipted_at": at,
        }
        unit.insert(streams.MESSAGES_OUT, row)
        _move_stream(unit, message)
        carried = [digest(parse_envelope(item.envelope).payload) for item in message.items]
        for posted in streams.posted_to(unit.connection, message.peer, carried):
            unit.update(streams.OUTBOX, {"id": posted.id}, {"message": body.id})
        delivering.tell_effects(unit, message.peer, body.id, at)
        entry = recording.Entry(
            act=Act.LOG_RECOVERED,
            subject=Subject("message", body.id),
            origin="operator",
            message=body.id,
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def _move_stream(unit: Unit, message: Lost) -> None:
    values = {
        "epoch": message.body.epoch,
        "next_seq": message.seq + 1,
        "prev": message.digest,
        "state": StreamState.OPEN,
    }
    if unit.update(streams.STREAMS_OUT, {"peer": message.peer}, values) is None:
        unit.insert(streams.STREAMS_OUT, {"peer": message.peer, **values})
