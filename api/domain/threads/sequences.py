"""Sequences of a mirror thread: which statement takes which place, and what all amount to.

Owns the gap-free sequence per issuer, `seen`, equivocation and voided numbers (PROTOCOL §5).
Must not know storage or transport, nor what each kind of statement does (`mirroring`).

* A statement's place depends on its own issuer's chain alone: the next number, and the id of the
  statement before. One that has its place keeps it, with or without effect.
* A statement is without effect (inert) if it is voided or not a legal move. Whether it is legal
  depends on its issuer's earlier statements, on the part of the counterpart's that it has seen, and
  on what is voided; never on the order of arrival.
* A statement refused through a disposition, for whatever reason, is voided at both ends: at the
  refusing node when it refuses, at the issuer when the disposition is applied.
* Two statements of one issuer with one number are equivocation. The stored one stands, the state
  does not change, and that issuer's later statements wait for an administrator's ruling.

Equal sequences and equal voided ids give equal states, whatever happened on the way.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Invalid
from api.domain.threads import moves
from api.domain.threads.facts import Inert, Side, Stamp
from api.domain.threads.moves import Move
from api.domain.threads.state import ThreadState
from api.wire.statements import OPENER, Statement

WAITS: Final = frozenset({"thread.gap", "thread.awaits-ruling"})
"""Refusals that may end by themselves: keep the statement and judge it again later."""

UNPLACED: Final = frozenset(
    {
        "equivocation",
        "thread.not-a-party",
        "thread.prev-mismatch",
        "thread.repeated",
        "thread.wrong-thread",
    }
)
"""Refusals of a statement that gets no place in the sequence. All others take their number."""

_NOTHING: Final = Stamp(0, "")


@dataclass(frozen=True, slots=True)
class Record:
    """What a node has stored of one thread.

    Args:
        requester: the requester's statements, opener first, without a gap.
        addressee: the addressee's, without a gap.
        voided: ids refused through a disposition.
        disputed: ministries that equivocated here and wait for a ruling.
    """

    requester: tuple[Statement, ...]
    addressee: tuple[Statement, ...] = ()
    voided: frozenset[str] = frozenset()
    disputed: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        statements: Iterable[Statement],
        *,
        voided: Iterable[str] = (),
        disputed: Iterable[str] = (),
    ) -> Self:
        """Sort stored statements, in any order and perhaps repeated, into the two sequences.

        What follows a gap is left out, and so is everything by a third ministry.

        Raises:
            Invalid: `thread.no-opener` or `equivocation`, if the statements are not those of
                one thread as a node may have stored it.
        """
        numbered: dict[tuple[str, int], Statement] = {}
        for statement in statements:
            place = (statement.issuer, statement.seq or 0)
            if numbered.setdefault(place, statement).id != statement.id:
                raise Invalid("equivocation", "One number of one issuer stands for two statements.")
        openers = [statement for statement in numbered.values() if statement.type == OPENER]
        if len(openers) != 1:
            raise Invalid("thread.no-opener", "A thread has one opener; give it with the rest.")
        requester, addressees = openers[0].issuer, openers[0].to
        # Exactly two are party to a thread; whatever else is stored under its id is not of it.
        addressee = addressees[0] if len(addressees) == 1 else ""
        return cls(
            requester=_without_gap(numbered, requester),
            addressee=_without_gap(numbered, addressee),
            voided=frozenset(voided),
            disputed=frozenset(disputed),
        )

    @property
    def opener(self) -> Statement:
        """The mirror request."""
        return self.requester[0]

    def sequence(self, side: Side) -> tuple[Statement, ...]:
        """The statements of one side."""
        return self.requester if side is Side.REQUESTER else self.addressee

    def upto(self, requester: int, addressee: int) -> Self:
        """The record up to a head of each side, for comparing the two ends at one point."""
        return replace(
            self, requester=self.requester[:requester], addressee=self.addressee[:addressee]
        )

    def adding(self, statement: Statement) -> Self:
        """The record with a statement that took its place."""
        if statement.issuer == self.opener.issuer:
            return replace(self, requester=(*self.requester, statement))
        return replace(self, addressee=(*self.addressee, statement))

    def voiding(self, statement: str) -> Self:
        """The record with one more voided id."""
        return replace(self, voided=self.voided | {statement})


def fold(record: Record) -> ThreadState:
    """What the two sequences amount to.

    Returns:
        The state; statements that wait for something missing are listed in it and do nothing.

    Raises:
        Invalid: `thread.no-opener` if the record does not begin with a well-addressed opener.
    """
    if not record.requester or not may_open(record.opener):
        raise Invalid("thread.no-opener", "A thread begins with a request to one addressee.")
    opener = record.opener
    state = moves.open_state(opener.id, (opener.issuer, opener.to[0]), opener.body)
    if opener.id in record.voided:
        state = replace(state, void=True)
    queues = {
        Side.REQUESTER: deque(record.requester[1:]),
        Side.ADDRESSEE: deque(record.addressee),
    }
    moved = True
    while moved:
        moved = False
        for side, queue in queues.items():
            while queue:
                after = _step(state, record, side, queue[0])
                if after is None:
                    break
                state, moved = after, True
                queue.popleft()
    waiting = tuple(statement.id for queue in queues.values() for statement in queue)
    return replace(state, waiting=waiting)


def may_open(opener: Statement) -> Decision:
    """Whether a statement can open a thread: a first request, to exactly one other ministry."""
    if opener.type != OPENER or opener.seq != 1 or opener.thread is not None:
        return refuse("thread.no-opener", "A thread begins with a mirror request numbered 1.")
    if len(opener.to) != 1 or opener.to[0] == opener.issuer:
        return refuse("thread.not-a-party", "Address a mirror request to one other ministry.")
    return ALLOWED


def judge(record: Record, candidate: Statement, state: ThreadState | None = None) -> Decision:
    """Whether a statement may follow in its thread.

    The same answer at both nodes: at the issuer before it signs, at the counterpart when it
    receives. The counterpart of the candidate's issuer must have its own sequence whole.

    Args:
        record: the thread as stored here.
        candidate: the statement, with its form and signatures already checked.
        state: `fold(record)`, if it is at hand.

    Returns:
        Allowed, or a refusal: `WAITS` and `UNPLACED` say what becomes of the statement.
    """
    folded = fold(record) if state is None else state
    side = folded.side(candidate.issuer)
    if candidate.thread_id != folded.id:
        return refuse("thread.wrong-thread", "The statement belongs to another thread.")
    if side is None:
        return refuse("thread.not-a-party", "The issuer is no party to this thread.")
    return _placed(record, folded, side, candidate) and _effective(record, folded, side, candidate)


def next_place(record: Record, ministry: str) -> tuple[int, str | None, Stamp | None]:
    """The members that a party's next statement must have.

    Returns:
        Its `seq`, its `prev`, and the counterpart's head for `seen` (None before anything).

    Raises:
        Invalid: `thread.not-a-party`.
    """
    opener = record.opener
    if ministry not in (opener.issuer, *opener.to):
        raise Invalid("thread.not-a-party", "This ministry is no party to the thread.")
    side = Side.REQUESTER if ministry == opener.issuer else Side.ADDRESSEE
    own, other = record.sequence(side), record.sequence(side.other)
    seen = Stamp(len(other), other[-1].id) if other else None
    return len(own) + 1, own[-1].id if own else None, seen


def waits(decision: Decision) -> bool:
    """Whether a refused statement should be kept and judged again later."""
    return decision.code in WAITS


def takes_its_place(decision: Decision) -> bool:
    """Whether a judged statement takes its number, with or without effect."""
    return decision.code not in WAITS and decision.code not in UNPLACED


def _placed(record: Record, state: ThreadState, side: Side, candidate: Statement) -> Decision:
    """Number and predecessor, by the issuer's own chain."""
    own, seq = record.sequence(side), candidate.seq or 0
    if any(one.id == candidate.id for one in own):
        return refuse("thread.repeated", "This statement is already stored.")
    if seq <= len(own):
        return refuse("equivocation", "Another statement of the issuer has this number.")
    if candidate.issuer in record.disputed:
        return refuse("thread.awaits-ruling", "An equivocation by the issuer awaits a ruling.")
    if seq > len(own) + 1 or state.heads.get(side, _NOTHING).seq != len(own):
        return refuse("thread.gap", "A statement of the issuer before this one is missing.")
    if candidate.prev != (own[-1].id if own else None):
        return refuse("thread.prev-mismatch", "The statement does not follow the issuer's last.")
    return ALLOWED


def _effective(record: Record, state: ThreadState, side: Side, candidate: Statement) -> Decision:
    if candidate.id in record.voided:
        return refuse("thread.voided", "This statement was refused and its number is void.")
    if candidate.to != (state.party(side.other),):
        return refuse("thread.wrong-recipient", "Address the statement to the other party alone.")
    return _seen(record.sequence(side.other), state, side, candidate) and moves.legal(
        state, _move(side, candidate)
    )


def _seen(
    other: Sequence[Statement], state: ThreadState, side: Side, candidate: Statement
) -> Decision:
    """What the candidate declares as seen, against the counterpart's sequence and its own past."""
    declared = candidate.seen
    if declared is None:
        if side is Side.ADDRESSEE:
            return refuse("thread.seen-missing", "An addressee has at least seen the request.")
    elif declared.seq > len(other):
        return refuse("thread.seen-ahead", "The counterpart has not said that much.")
    elif other[declared.seq - 1].id != declared.id:
        return refuse("thread.seen-mismatch", "The counterpart's statement has another id.")
    if _seen_seq(candidate) < state.seen.get(side, 0):
        return refuse("thread.seen-back", "What was seen before cannot be unseen.")
    return ALLOWED


def _step(
    state: ThreadState, record: Record, side: Side, statement: Statement
) -> ThreadState | None:
    """Fold one statement, or say with None that it has to wait."""
    head = state.heads.get(side, _NOTHING)
    if statement.seq != head.seq + 1 or statement.prev != (head.id or None):
        return None
    void = statement.id in record.voided
    if not void and _seen_seq(statement) > state.heads.get(side.other, _NOTHING).seq:
        return None
    move = _move(side, statement)
    decision = _effective(record, state, side, statement)
    state = replace(state, heads={**state.heads, side: move.stamp})
    if not decision:
        inert = Inert(side, move.stamp, decision.code)
        return replace(state, inert=(*state.inert, inert))
    state = replace(state, seen={**state.seen, side: move.stamp.seen})
    return moves.apply(state, move)


def _move(side: Side, statement: Statement) -> Move:
    stamp = Stamp(statement.seq or 0, statement.id, _seen_seq(statement))
    return Move(side, stamp, statement.type, statement.body)


def _seen_seq(statement: Statement) -> int:
    return statement.seen.seq if statement.seen else 0


def _without_gap(numbered: dict[tuple[str, int], Statement], party: str) -> tuple[Statement, ...]:
    own = {seq: statement for (issuer, seq), statement in numbered.items() if issuer == party}
    found: list[Statement] = []
    while len(found) + 1 in own:
        found.append(own[len(found) + 1])
    return tuple(found)
