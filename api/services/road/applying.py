"""Applies what partners sent: decides a message's statements and says so in one sealed disposition.

Owns PROTOCOL §7 step 3 and §9 (*disposition/2*, *Undecidable*). Items are opened first, without a
lock (``opening``); then all of them are decided and their effects written in one transaction
(``deciding``), with the disposition that says what was decided. It must be sealed before the
transaction, so "applied" is prepared for every statement that opened; where effects refuse, the
transaction is given up, what one run found is sealed anew, and it is run again (decision 0006).
A crash before the commit leaves the message ``stored``, and the job starts over; nothing is applied
twice, because the message's state changes in the same transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

from api.domain.decisions import Decision, refuse
from api.domain.errors import Conflict
from api.domain.events import Act, Actor, Subject
from api.records import parked, statements, streams
from api.records.outages import is_outage
from api.records.parked import Parked, Part
from api.records.statements import Filed
from api.records.stream_rows import ItemState, MessageIn, ReceivedState
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.node import Node
from api.services.road import deciding, disposing, parking
from api.services.road.deciding import Decided, Manner
from api.services.road.disposing import Said, StatementOutcome
from api.services.road.opening import Opened, open_item, open_items
from api.services.sealing import Sealed
from api.wire.message_bodies import parse_items
from api.wire.messages import MessageKind, parse_message

_RUNS: Final = 6


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one message that are decided together, in order.

    Attributes:
        message: row of the message that brought them.
        opened: the items.
        said: during a recovery, what this node had stated about them before.
        again: they were parked and have their second hearing; what still waits stays parked.
        ruling: an event to record beside, by whoever had them heard again.
    """

    message: MessageIn
    opened: Sequence[Opened]
    said: Mapping[str, Said] = field(default_factory=dict)
    again: bool = False
    ruling: recording.Entry | None = None


class _FoundOtherwiseError(Exception):
    """A run decided otherwise than was sealed; carries what it decided."""

    def __init__(self, outcomes: tuple[StatementOutcome, ...]) -> None:
        super().__init__("decided otherwise than sealed")
        self.outcomes = outcomes


class _StillWaitsError(Exception):
    """What was heard again waits on; carries the kind of the defect, if that is why."""

    def __init__(self, decided: Decided) -> None:
        super().__init__(decided.code)
        self.decided = decided


def process_next(node: Node, peer: str, pool: ThreadPoolExecutor) -> bool:
    """Apply the next stored message of a peer; returns whether there was one.

    Raises:
        Exception: an outage: the message stays and is tried again.
    """
    rows = node.db.read(lambda connection: streams.next_stored(connection, peer, 1))
    if not rows:
        return False
    message = rows[0]
    body = parse_message(message.envelope)[1]
    opened = open_items(node, message, body, pool)
    if body.kind is MessageKind.DISPOSITION:
        disposing.note(node, message, opened)
        return True
    known = disposing.said(node, message.id) if node.db.recovering else {}
    batch = Batch(message, _as_said(opened, known), known)
    _settle(node, batch, lambda unit: _take_message(unit, message))
    return True


def hear_again(node: Node, row: Parked, ruling: recording.Entry | None = None) -> bool:
    """Judge a parked statement again; returns whether it waits no longer.

    Args:
        node: this node.
        row: the parked statement.
        ruling: an event to record in the same transaction.
    """
    found = _parked(node, row)
    if found is None:
        return False
    message, opened = found
    if opened.sealed is not None and MessageKind(message.kind) is MessageKind.DISPOSITION:
        return _hear_node(node, row, message, opened, ruling)
    batch = Batch(message, [opened], again=True, ruling=ruling)
    try:
        return _settle(node, batch, lambda unit: parking.take(unit, row))
    except _StillWaitsError as waits:
        _note_failure(node, row, waits.decided, ruling)
        return False


def refuse_parked(
    node: Node, row: Parked, decision: Decision, ruling: recording.Entry | None = None
) -> bool:
    """Refuse a parked statement; nothing that failed is run. Returns whether it was still there."""
    found = _parked(node, row)
    if found is None:
        return False
    message, opened = found
    decided = Decided(opened, ItemState.REFUSED, decision.code, decision.reason)
    node_made = MessageKind(message.kind) is MessageKind.DISPOSITION
    outcomes = () if node_made else (StatementOutcome(opened.id, decision.code, decision.reason),)
    sealed = disposing.seal(node, row.peer, row.message, outcomes)

    def write(unit: Unit) -> bool:
        if not parking.take(unit, row):
            return False
        if row.part in {None, Part.RECEIVE} and not node_made:
            _keep_if_possible(node, unit, message, opened, decision)
        batch = Batch(message, [opened], again=True, ruling=ruling)
        _record(node, unit, batch, [] if node_made else [decided], sealed)
        return True

    return node.db.write(write)


def _keep_if_possible(
    node: Node, unit: Unit, message: MessageIn, opened: Opened, decision: Decision
) -> None:
    """Void the number of a refused statement, unless that is what cannot be done."""
    try:
        with unit.part():
            deciding.keep_refused(node, unit, message, opened, decision)
    except Exception as error:
        if is_outage(error):
            raise


def _parked(node: Node, row: Parked) -> tuple[MessageIn, Opened] | None:
    message = node.db.read(lambda connection: streams.message_in(connection, row.peer, row.message))
    if message is None:
        return None
    body = parse_message(message.envelope)[1]
    item = parse_items(body.body)[row.ordinal]
    return message, open_item(node, message, body.kind, row.ordinal, item)


def _hear_node(
    node: Node, row: Parked, message: MessageIn, opened: Opened, ruling: recording.Entry | None
) -> bool:
    """Note again what a partner's node said, as far as it was not noted."""

    def write(unit: Unit) -> bool:
        if not parking.take(unit, row):
            return False
        disposing.hear(node, unit, message, opened)
        if ruling is not None:
            recording.record(node, unit, ruling)
        return not parked.is_there(unit.connection, row.key)

    return node.db.write(write)


def _note_failure(
    node: Node, row: Parked, decided: Decided, ruling: recording.Entry | None
) -> None:
    """Keep what an officer's attempt met; without an officer nothing is written."""
    if ruling is None:
        return
    part = decided.part.value if decided.part is not None else None
    values = {"code": decided.code, "part": part, "error": decided.error or None}

    def write(unit: Unit) -> None:
        if unit.update(parked.PARKED, row.key, values) is not None:
            recording.record(node, unit, ruling)

    node.db.write(write)


def _as_said(opened: Sequence[Opened], known: Mapping[str, Said]) -> list[Opened]:
    """During a recovery, let stand what this node had refused before it lost its memory."""
    found = []
    for each in opened:
        stated = known.get(each.id)
        if stated is not None and stated.outcome.code and each.verdict:
            verdict = refuse(stated.outcome.code, stated.outcome.detail)
            each = Opened(  # noqa: PLW2901 - the same item, judged as it was
                each.item,
                each.ordinal,
                each.id,
                each.sealed,
                (),
                verdict,
                each.times,
            )
        found.append(each)
    return found


def _settle(node: Node, batch: Batch, take: Callable[[Unit], bool]) -> bool:
    """Decide a batch and commit it with the disposition that says so.

    Raises:
        _StillWaitsError: it was heard again and waits on.
        Conflict: ``statement.unsettled``: every run came out otherwise; try again later.
    """
    outcomes, manner = _presumed(batch), Manner()
    for _ in range(_RUNS):
        sealed = disposing.seal(node, batch.message.peer, batch.message.id, outcomes)
        try:
            return node.db.write(
                lambda unit: take(unit) and _run(node, unit, batch, outcomes, sealed, manner)  # noqa: B023
            )
        except _FoundOtherwiseError as found:
            outcomes, manner = found.outcomes, replace(manner, together=False)
        except Taken:
            # Somebody wrote the same row at that moment; met twice, it is the statement's fault.
            manner = Manner(patient=False, together=False)
    raise Conflict("statement.unsettled", "What is known here changes too fast; try again.")


def _presumed(batch: Batch) -> tuple[StatementOutcome, ...]:
    """What is decided if no effect refuses."""
    found: dict[str, StatementOutcome] = {}
    for each in batch.opened:
        if not each.defect and each.id not in batch.said:
            code = "" if each.verdict else each.verdict.code
            found.setdefault(
                each.id, StatementOutcome(each.id, code, each.verdict.reason if code else "")
            )
    return tuple(found.values())


def _run(
    node: Node,
    unit: Unit,
    batch: Batch,
    outcomes: tuple[StatementOutcome, ...],
    sealed: Sealed | None,
    manner: Manner,
) -> bool:
    decided = deciding.decide(node, unit, batch.message, batch.opened, manner)
    if batch.again and decided[0].state is ItemState.PARKED:
        raise _StillWaitsError(decided[0])
    true = tuple(
        StatementOutcome(one.opened.id, one.code, one.detail)
        for one in decided
        if one.state in {ItemState.APPLIED, ItemState.REFUSED} and one.opened.id not in batch.said
    )
    if true != outcomes:
        raise _FoundOtherwiseError(true)
    _record(node, unit, batch, decided, sealed)
    unit.ring("applied")
    return True


def _take_message(unit: Unit, message: MessageIn) -> bool:
    key = {"peer": message.peer, "id": message.id}
    taken = unit.update(
        streams.MESSAGES_IN,
        key,
        {"state": ReceivedState.DONE},
        expect={"state": ReceivedState.STORED},
    )
    return taken is not None


def _record(
    node: Node, unit: Unit, batch: Batch, decided: Sequence[Decided], sealed: Sealed | None
) -> None:
    """Write what became of each item, the disposition and the events."""
    for one in decided:
        if one.state is ItemState.PARKED:
            why = parking.Why(one.code, one.part, one.error)
            parking.park(node, unit, batch.message, one.opened, why)
        else:
            _record_one(node, unit, batch, one, sealed)
    if sealed is not None:
        _post(node, unit, batch.message, sealed)
    if batch.ruling is not None:
        recording.record(node, unit, batch.ruling)


def _record_one(node: Node, unit: Unit, batch: Batch, one: Decided, sealed: Sealed | None) -> None:
    stated = batch.said.get(one.opened.id)
    disposition = stated.disposition if stated is not None else None
    if disposition is None and sealed is not None and one.state is not ItemState.REPEATED:
        disposition = sealed.statement.id
    unit.insert(
        streams.INBOX,
        {
            "peer": batch.message.peer,
            "message": batch.message.id,
            "ordinal": one.opened.ordinal,
            "statement": one.opened.id,
            "state": one.state.value,
            "code": one.code or None,
            "disposition": disposition,
            "decided_at": node.now(),
        },
    )
    applied = one.state is ItemState.APPLIED
    recording.record(
        node,
        unit,
        recording.Entry(
            act=Act.STATEMENT_APPLIED if applied else Act.STATEMENT_REFUSED,
            subject=Subject("statement", one.opened.id),
            actor=Actor("peer", sub=batch.message.peer),
            origin="peer",
            outcome="done" if applied else "refused",
            code=one.code if one.state is not ItemState.REPEATED else "statement.known",
            message=batch.message.id,
        ),
    )


def _post(node: Node, unit: Unit, message: MessageIn, sealed: Sealed) -> None:
    """Store the disposition and put it into the outbox; its leaf is the one of this event."""
    peer = message.peer
    stored = Filed(sealed.envelope, sealed.digest, "own", message.id, node.now())
    statements.store(unit, sealed.statement, stored)
    recording.post(node, unit, [peer], sealed.statement.id, kind="disposition")
    recording.record(
        node,
        unit,
        recording.Entry(
            act=Act.MESSAGE_DECIDED,
            subject=Subject("message", message.id),
            actor=Actor("peer", sub=peer),
            origin="peer",
            message=message.id,
            statement=sealed.statement.id,
            envelope_digest=sealed.digest,
        ),
    )
