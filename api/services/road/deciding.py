"""Decides the statements of a message in order, inside one unit of work.

Owns the second half of PROTOCOL §7 step 3. The effect of each statement runs in a part of the unit
that may fail alone: a refusal undoes that part, a defect undoes it and parks that statement, an
outage ends the whole unit. So one run finds everything that is refused, and neighbours never pay.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import ComityError
from api.domain.threads import sequences
from api.records import parked, statements
from api.records.outages import is_outage
from api.records.parked import Part
from api.records.statements import Filed, Leaf, StatementStanding
from api.records.stream_rows import ItemState, MessageIn
from api.records.unit_of_work import Taken, Unit
from api.services.node import Node
from api.services.road.opening import Opened, ids, refusable
from api.services.statements.effects import EFFECTS, restating
from api.services.statements.effects.base import Received, Refusal, about_of
from api.wire.canonical import Json
from api.wire.message_bodies import Carried, Item
from api.wire.statements import Statement
from api.wire.types import RECALL

FULL: Final = "statement.parked-full"
NONCE: Final = "statement.nonce-used"


@dataclass(frozen=True, slots=True)
class Decided:
    """One item with what became of it.

    Attributes:
        opened: the item.
        state: what became of it; ``repeated`` says that the message carried it before.
        code: of a refusal, or why it waits.
        detail: a sentence about the refusal.
        part: where a defect was met.
        error: kind of the defect.
    """

    opened: Opened
    state: ItemState
    code: str = ""
    detail: str = ""
    part: Part | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run over a message meets what goes wrong.

    Attributes:
        patient: a row that somebody else wrote at the same moment ends the run, to be tried again;
            else it counts as a defect.
        together: nothing is known yet that speaks against applying all of them.
    """

    patient: bool = True
    together: bool = True


@dataclass(slots=True)
class _Run:
    """What one run over a message looks at and remembers; ``whole``: no statement fails alone."""

    node: Node
    unit: Unit
    message: MessageIn
    patient: bool
    known: dict[str, str]
    stuck: frozenset[str]
    parked: int
    nonces: frozenset[tuple[str, str]]
    whole: bool = False
    seen: set[str] = field(default_factory=set)
    counting: set[tuple[str, str, str]] | None = None

    def counting_nonces(self) -> set[tuple[str, str, str]]:
        """Return issuer, nonce and id of what counts here, of all nonces that the message names.

        Looked up once, and once more after a refusal, which may have kept a statement or let one
        go. Whoever applies another message with a statement of the same issuer waits.
        """
        if self.counting is None:
            for issuer in sorted({issuer for issuer, _ in self.nonces}):
                self.unit.lock(f"nonces of {issuer}")
            self.counting = statements.with_nonces(self.unit.connection, self.nonces)
        return self.counting


def decide(
    node: Node,
    unit: Unit,
    message: MessageIn,
    opened: Sequence[Opened],
    manner: Manner = Manner(),
) -> list[Decided]:
    """Run the effects of a message's items; returns what became of each, in order.

    Args:
        node: this node.
        unit: the open unit of work, which has taken the message.
        message: its row.
        opened: its items.
        manner: how to meet what goes wrong.

    Raises:
        Taken: see ``Manner.patient``.
        Exception: an outage; nothing of the unit counts then.
    """
    rows = statements.by_ids(unit.connection, ids(opened))
    run = _Run(
        node,
        unit,
        message,
        manner.patient,
        {id_: row.standing for id_, row in rows.items()},
        parked.stuck(unit.connection),
        parked.count_of(unit.connection, message.peer),
        frozenset((one.issuer, one.nonce) for each in opened for one in _statements(each)),
    )
    found = _together(run, opened) if manner.together and len(opened) > 1 else None
    return found or [_one(run, each) for each in opened]


def _together(run: _Run, opened: Sequence[Opened]) -> list[Decided] | None:
    """Run all effects in one part, so that their rows are written a table at a time.

    Returns:
        What became of each; ``None`` where one refused or met a defect. Then nothing of it stays,
        and each is to run in a part of its own.
    """
    one = replace(run, known=dict(run.known), seen=set(), whole=True)
    try:
        with run.unit.part():
            return [_one(one, each) for each in opened]
    except Exception as error:
        if is_outage(error):
            raise
        return None


def _statements(opened: Opened) -> list[Statement]:
    """Return the statement of an item with those that came along."""
    own = [] if opened.sealed is None else [opened.sealed.statement]
    return [*own, *(one.sealed.statement for one in opened.brought)]


def _one(run: _Run, opened: Opened) -> Decided:
    if opened.id in run.seen:
        return Decided(opened, ItemState.REPEATED)
    run.seen.add(opened.id)
    if opened.defect:
        return _undecidable(run, opened, Part.OPEN, opened.defect)
    if not opened.verdict:
        return _refused(run, opened, opened.verdict)
    if _names(opened, run.stuck):
        return _wait(run, opened, parked.BEHIND)
    return _considered(run, opened)


def _considered(run: _Run, opened: Opened) -> Decided:
    """Try a statement's effect and say what came of it."""
    decision, error = _attempt(run, lambda: _apply(run, opened))
    if error:
        return _undecidable(run, opened, Part.RECEIVE, error)
    if decision:
        run.known[opened.id] = StatementStanding.JUDGED
        run.counting_nonces().update((one.issuer, one.nonce, one.id) for one in _statements(opened))
        return Decided(opened, ItemState.APPLIED)
    if sequences.waits(decision):
        return _wait(run, opened, decision.code)
    return _refused(run, opened, decision)


class _RefusedError(Exception):
    """Undoes a part of the unit in which a statement was refused."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.code)
        self.decision = decision


def _undo_if_refused(decision: Decision) -> None:
    if not decision:
        raise _RefusedError(decision)


def _attempt(run: _Run, work: Callable[[], Decision]) -> tuple[Decision, str]:
    """Run a part that may refuse or meet a defect; returns the decision and the kind of defect.

    Raises:
        Exception: whatever it was, where the message runs as a whole.
    """
    if run.whole:
        decision = work()
        _undo_if_refused(decision)
        return decision, ""
    try:
        with run.unit.part():
            decision = work()
            _undo_if_refused(decision)
    except _RefusedError as refused:
        return refused.decision, ""
    except Taken as error:
        if run.patient:
            raise
        return refuse(parked.UNDECIDABLE, ""), type(error).__name__
    except Exception as error:
        if is_outage(error):
            raise
        if isinstance(error, ComityError):
            return refuse(error.code, error.message), ""
        return refuse(parked.UNDECIDABLE, ""), type(error).__name__
    return decision, ""


def _apply(run: _Run, opened: Opened) -> Decision:
    """Run a statement's effect, then store it as judged with what it brought beside it."""
    sealed = opened.sealed
    if sealed is None:
        raise TypeError("an item that did not open is never applied")
    statement = sealed.statement
    if run.known.get(statement.id) == StatementStanding.JUDGED:
        return refuse("statement.known", "This statement is known.")
    at, peer = run.node.now(), str(run.message.peer)
    received = Received(
        statement,
        at,
        peer,
        run.message.id,
        {one.sealed.statement.id: one.sealed.statement for one in opened.brought},
        opened.times,
        known=statement.id in run.known,
    )
    decision = restating.may_take(run.unit, statement)
    decision = decision and EFFECTS[statement.type].receive(run.node, run.unit, received)
    decision = decision and _with_own_nonce(run, opened)
    if not decision:
        return decision
    about = about_of(statement)
    stored = Filed(sealed.envelope, sealed.digest, peer, about, at, _leaf(opened.item))
    _judge(run.unit, statement, stored, known=statement.id in run.known)
    for one in opened.brought:
        brought = one.sealed.statement
        if brought.id in run.known:
            continue
        stored = Filed(
            one.sealed.envelope,
            one.sealed.digest,
            peer,
            about_of(brought) or brought.id,
            at,
            _leaf(one.carried),
            StatementStanding.BROUGHT,
        )
        run.unit.insert(statements.STATEMENTS, statements.row_of(brought, stored))
        run.known[brought.id] = StatementStanding.BROUGHT
    return decision


def _with_own_nonce(run: _Run, opened: Opened) -> Decision:
    """Refuse a statement whose nonce its issuer has used, or beside which such a one came.

    Asked after the effect, so that a contradiction is judged for what it is. A nonce belongs to one
    draft: what a preparer signed once makes one statement (PROTOCOL §9, *Preparer's bytes*). What
    was refused counts as not told, and its nonce as unused.
    """
    counting = {StatementStanding.JUDGED, StatementStanding.BROUGHT}
    each = {one.id: one for one in _statements(opened)}.values()
    fresh = [one for one in each if run.known.get(one.id) not in counting]
    named = {(one.issuer, one.nonce): one.id for one in fresh}
    if len(named) < len(fresh) or any(
        named.get((issuer, nonce), id_) != id_ for issuer, nonce, id_ in run.counting_nonces()
    ):
        return refuse(NONCE, "Its issuer has used this nonce: draw one for each statement.")
    return ALLOWED


def _leaf(one: Item | Carried) -> Leaf:
    return Leaf(one.index, one.opening.e, one.opening.salt_s)


def _judge(unit: Unit, statement: Statement, stored: Filed, *, known: bool) -> None:
    """Store a statement as judged; one that was only brought before becomes so."""
    row = statements.row_of(statement, stored)
    if not known:
        unit.insert(statements.STATEMENTS, row)
        return
    values = {name: value for name, value in row.items() if name != "id"}
    unit.update(statements.STATEMENTS, {"id": statement.id}, values)


def _refused(run: _Run, opened: Opened, decision: Decision) -> Decided:
    """Keep what must be kept of a refused statement; what was brought of it no longer counts."""
    _, error = _attempt(
        run, lambda: keep_refused(run.node, run.unit, run.message, opened, decision)
    )
    run.counting = None
    if error:
        return _undecidable(run, opened, Part.REFUSE, error)
    return Decided(opened, ItemState.REFUSED, decision.code, decision.reason)


def keep_refused(
    node: Node, unit: Unit, message: MessageIn, opened: Opened, decision: Decision
) -> Decision:
    """Do what refusing a statement does to the tables; returns an allowed decision."""
    done = Decision(allowed=True)
    statement = refusable(opened, message.peer)
    if statement is None:
        return done
    row = statements.by_id(unit.connection, statement.id)
    if row is not None and row.standing != StatementStanding.BROUGHT:
        return done
    effect = EFFECTS[statement.type]
    if row is not None:
        key, values = {"id": statement.id}, {"standing": StatementStanding.DROPPED.value}
        unit.update(statements.STATEMENTS, key, values)
        effect.dropped(node, unit, statement)
        return done
    raw = opened.item.envelope
    refusal = Refusal(statement, raw, decision, message.peer, message.id, node.now())
    effect.refused(node, unit, refusal)
    return done


def _wait(run: _Run, opened: Opened, code: str) -> Decided:
    if run.parked >= parked.MOST:
        return _refused(run, opened, _full())
    run.parked += 1
    if code == parked.BEHIND:
        run.stuck |= {opened.id}
    return Decided(opened, ItemState.PARKED, code)


def _undecidable(run: _Run, opened: Opened, part: Part, error: str) -> Decided:
    if run.parked >= parked.MOST:
        full = _full()
        return Decided(opened, ItemState.REFUSED, full.code, full.reason)
    run.parked += 1
    run.stuck |= {opened.id}
    return Decided(opened, ItemState.PARKED, parked.UNDECIDABLE, "", part, error)


def _full() -> Decision:
    return refuse(FULL, "Too many statements wait here; deliver it again when they are settled.")


def _names(opened: Opened, stuck: frozenset[str]) -> bool:
    """Whether a statement names one that cannot be decided; a recall goes ahead all the same."""
    statement = opened.sealed.statement if opened.sealed is not None else None
    if not stuck or statement is None or statement.type == RECALL:
        return False
    return not stuck.isdisjoint(_named(statement))


def _named(statement: Statement) -> Iterable[str]:
    """Yield the texts of a statement that may be ids of others."""
    for one in (statement.thread, statement.prev, statement.seen and statement.seen.id):
        if one:
            yield one
    left: list[Json] = [statement.body]
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
