"""Dispositions: what a node says it did with the statements of one message.

Owns both ends of ``disposition/2`` and ``exhibits-held/1`` (PROTOCOL §9): composing and sealing
this node's, and noting what partners say of ours. An outcome counts once, and only for an item of
the named message to that partner. Neither is answered by a disposition.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.domain.events import Act, Actor, Subject
from api.records import parked, statements, streams
from api.records.outages import is_outage
from api.records.statements import Filed, StatementStanding, StoredStatement
from api.records.stream_rows import MessageIn, ReceivedState
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.node import Node
from api.services.road import parking
from api.services.road.opening import SENTENCE, Opened
from api.services.sealing import Sealed, seal_statement
from api.services.statements.effects import EFFECTS, reliance
from api.services.statements.effects.base import Disposed
from api.services.statements.effects.exhibits_held import note_held
from api.wire.envelope import parse_envelope
from api.wire.statements import NONCE_BYTES, Content, compose_statement, parse_statement
from api.wire.types import DISPOSITION, EXHIBITS_HELD


@dataclass(frozen=True, slots=True)
class StatementOutcome:
    """What was done with one statement.

    Attributes:
        statement: its id.
        code: stable code of a refusal; empty where it was applied.
        detail: a sentence about the refusal.
    """

    statement: str
    code: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the entry of a ``disposition/2``."""
        if not self.code:
            return {"statement": self.statement, "outcome": "applied"}
        return {
            "statement": self.statement,
            "outcome": "refused",
            "code": self.code,
            "detail": self.detail[:SENTENCE] or self.code,
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "StatementOutcome":
        """Read an entry of a validated body."""
        code, detail = entry.get("code"), entry.get("detail")
        return cls(str(entry["statement"]), str(code or ""), str(detail or ""))


@dataclass(frozen=True, slots=True)
class Said:
    """An outcome that this node had stated before it lost its memory, and in which statement."""

    outcome: StatementOutcome
    disposition: str


def seal(
    node: Node, peer: str, message: str, outcomes: Sequence[StatementOutcome]
) -> Sealed | None:
    """Seal what was decided on statements of one message; ``None`` where that is nothing."""
    if not outcomes:
        return None
    told: Any = [one.to_json() for one in outcomes]
    statement = compose_statement(
        Content(DISPOSITION, (peer,), {"message": message, "outcomes": told}),
        issuer=node.ministry,
        issued_at=node.clock.now(),
        nonce=node.entropy.token(NONCE_BYTES),
        by=None,
    )
    return seal_statement(node, statement)


def said(node: Node, message: str) -> dict[str, Said]:
    """Return what this node stated about a message; during a recovery it may stand already."""
    rows = node.db.read(lambda connection: statements.about(connection, message, DISPOSITION))
    found: dict[str, Said] = {}
    for row in rows:
        if row.issuer == node.ministry:
            for outcome in outcomes_of(row.envelope):
                found.setdefault(outcome.statement, Said(outcome, row.id))
    return found


def outcomes_of(envelope: bytes) -> list[StatementOutcome]:
    """Return the outcomes in a stored disposition."""
    body: dict[str, Any] = parse_statement(parse_envelope(envelope).payload).body
    return [StatementOutcome.from_json(entry) for entry in body["outcomes"]]


def note(node: Node, message: MessageIn, opened: Sequence[Opened]) -> None:
    """Note what a partner says of our statements, in one transaction with taking its message.

    A defect in what follows from one of them leaves that one parked; the others count.
    """

    def write(unit: Unit) -> None:
        key = {"peer": message.peer, "id": message.id}
        expect = {"state": ReceivedState.STORED}
        if (
            unit.update(streams.MESSAGES_IN, key, {"state": ReceivedState.DONE}, expect=expect)
            is None
        ):
            return
        for each in opened:
            if each.defect:
                parking.park_defect(node, unit, message, each, parked.Part.OPEN, each.defect)
            elif each.sealed is not None and each.verdict:
                hear(node, unit, message, each)
        entry = recording.Entry(
            act=Act.HOLDING_CONFIRMED,
            subject=Subject("message", message.id),
            actor=Actor("peer", sub=message.peer),
            origin="peer",
            message=message.id,
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def hear(node: Node, unit: Unit, message: MessageIn, opened: Opened) -> None:
    """Note one statement of a partner's node; what meets a defect is parked and may be repeated.

    What follows from each outcome may fail alone, and so may the statement as a whole.
    """
    sealed = opened.sealed
    met: list[str] = []
    if sealed is None:
        raise TypeError("only what was opened can be heard")

    def note_all() -> None:
        if statements.judged(unit.connection, sealed.statement.id) is None:
            _store(node, unit, message.peer, sealed)
        parts = _consequences(node, unit, message.peer, sealed)
        # Their rows are written together, unless one of them meets a defect.
        if len(parts) > 1 and not _guarded(unit, lambda: [part() for part in parts]):
            return
        met.extend(_guarded(unit, part) for part in parts)

    met.append(_guarded(unit, note_all))
    failed = next((error for error in met if error), "")
    if failed:
        parking.park_defect(node, unit, message, opened, parked.Part.DISPOSED, failed)


def _consequences(
    node: Node, unit: Unit, peer: str, sealed: Sealed
) -> Sequence[Callable[[], object]]:
    """Return what follows from a statement of a partner's node, each part for itself."""
    if sealed.statement.type == EXHIBITS_HELD:
        return [lambda: note_held(unit, sealed.statement)]
    outcomes = outcomes_of(sealed.envelope)
    originals = _originals(unit, peer, sealed, outcomes)
    # Only the ministry that was sent a statement says what became of it, and says it once.
    first: dict[str, StatementOutcome] = {}
    for one in outcomes:
        first.setdefault(one.statement, one)
    return [
        _noting(node, unit, peer, sealed, outcome, originals[id_])
        for id_, outcome in first.items()
        if id_ in originals
    ]


def _guarded(unit: Unit, work: Callable[[], object]) -> str:
    """Run a part of the unit; returns the kind of the defect that undid it, or nothing."""
    try:
        with unit.part():
            work()
    except Exception as error:
        if is_outage(error):
            raise
        return type(error).__name__
    return ""


def _store(node: Node, unit: Unit, peer: str, sealed: Sealed) -> None:
    body = sealed.statement.body
    about = body["message"] if sealed.statement.type == DISPOSITION else body["release"]
    stored = Filed(sealed.envelope, sealed.digest, peer, str(about), node.now())
    statements.store(unit, sealed.statement, stored)


def _noting(
    node: Node,
    unit: Unit,
    peer: str,
    sealed: Sealed,
    outcome: StatementOutcome,
    original: StoredStatement,
) -> Callable[[], None]:
    def write() -> None:
        state = "refused" if outcome.code else "applied"
        code = outcome.code or None
        at = node.now()
        unit.insert(
            streams.DISPOSITIONS,
            {
                "peer": peer,
                "statement": original.id,
                "disposition": sealed.statement.id,
                "outcome": state,
                "code": code,
                "detail": outcome.detail or None,
                "received_at": at,
            },
        )
        effect = EFFECTS.get(original.type)
        if effect is not None:
            disposed = Disposed(original, sealed.statement.id, peer, state, code, at)
            effect.disposed(node, unit, disposed)
        if outcome.code:
            reliance.open_refusal(node, unit, original, peer)

    return write


def _originals(
    unit: Unit, peer: str, sealed: Sealed, outcomes: Sequence[StatementOutcome]
) -> dict[str, StoredStatement]:
    """Return our statements that outcomes are about: items of that very message, not yet told."""
    connection, message = unit.connection, str(sealed.statement.body["message"])
    told = {one.statement for one in outcomes}
    if unit.recovering:
        # Messages are taken back after the statements; the outbox knows what was due to whom.
        due = streams.posted_to(connection, peer, sorted(told))
    else:
        sent = streams.message_out(connection, message)
        due = streams.items_of(connection, message) if sent and sent.peer == peer else []
    wanted = sorted(told.intersection(row.statement for row in due))
    known = {row.statement for row in streams.dispositions_of(connection, peer, wanted)}
    found = statements.by_ids(connection, [id_ for id_ in wanted if id_ not in known])
    return {id_: row for id_, row in found.items() if row.standing is StatementStanding.JUDGED}
