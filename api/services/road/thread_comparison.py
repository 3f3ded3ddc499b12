"""Do both ends of a thread hold the same story? Compared on a schedule, differences raised.

Owns the table ``comparisons`` and both ends of the exchange (decision record 0015): a member's node
reads, with a peer token, what another node holds of the threads they share (heads, void statements,
state digest), and compares with its own. Nothing read here is trusted or changes a thread.

* Equal heads and voids must give equal digests, because the state is a pure function of both.
* Where heads differ, our own record is folded up to theirs; what has not arrived yet is *behind*.
* Void statements differ while a disposition travels. What stays behind unchanged for longer than
  ``GRACE`` is a difference too.
* An outcome is written, with its event, when it changes; a difference is a task until it is gone.
* A member says what it likes, so nothing grows with what it says: a thread that is not shared here
  is counted and not recorded, the pages are at most as many as threads are known here and one more,
  they are in order, and one sweep writes a bounded number of outcomes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection

from api.domain.errors import Invalid, Unavailable
from api.domain.events import Act, Actor, Subject
from api.domain.notation import Count, Digest
from api.domain.threads.sequences import Record, fold
from api.domain.threads.state import state_digest
from api.ports.policy import Action, Resource
from api.records import node_state, tasks, threads
from api.records.threads import Thread, ThreadComparison
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, authorise
from api.services.desk.task_sources import RECONCILE
from api.services.log import peer_tokens
from api.services.node import Node
from api.services.operations.status import STOP_SWITCH
from api.services.statements.effects import reliance, thread_record
from api.wire.canonical import parse
from api.wire.encoding import parse_instant
from api.wire.errors import WireError
from api.wire.limits import MESSAGE
from api.wire.members import Members

PATH: Final = "/peer/threads"
PAGE: Final = 500
GRACE: Final = timedelta(minutes=10)
_OK = 200
_MOST_VOIDED: Final = 4096
_MOST_WRITTEN: Final = 256
"""Outcomes that one sweep writes, each with an event; what is left is written by the next."""


class ComparisonOutcome(StrEnum):
    """What a comparison came to."""

    EQUAL = "equal"
    BEHIND = "behind"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    """No thread that is shared with that member is known here by this id. Never recorded."""
    DEFERRED = "deferred"
    """It changed, and more changed in this sweep than one sweep writes. Never recorded."""


@dataclass(frozen=True, slots=True)
class SharedThread:
    """What a node says it holds of one thread.

    Attributes:
        thread: the opener's id.
        requester: how many statements of the requester.
        addressee: how many of the addressee.
        voided: ids of the void ones.
        state: the state's digest.
    """

    thread: Digest
    requester: Count
    addressee: Count
    voided: tuple[Digest, ...]
    state: Digest

    @classmethod
    def from_json(cls, value: Any) -> "SharedThread":
        """Read one entry strictly.

        Raises:
            WireError: ``threads.malformed``.
        """
        members = Members(
            value, "threads.malformed", ("thread", "requester", "addressee", "voided", "state")
        )
        voided = members.items("voided", 0, _MOST_VOIDED)
        if not all(isinstance(one, str) for one in voided):
            raise members.refusal("Name void statements by id.")
        return cls(
            members.digest("thread"),
            members.integer("requester", 1),
            members.integer("addressee"),
            tuple(str(one) for one in voided),
            members.digest("state"),
        )


@dataclass(frozen=True, slots=True)
class SharedThreads:
    """Heads and state digests of shared threads.

    Attributes:
        threads: by their ids.
        next: send it as `after` for the rest; absent on the last page.
    """

    threads: tuple[SharedThread, ...]
    next: Digest | None


def serve(node: Node, caller: Caller, after: str) -> SharedThreads:
    """Return what this node holds of the threads it shares with the member that asks.

    Args:
        node: this node.
        caller: the member's node.
        after: id of the last thread of the page before, or empty.
    """
    peer = caller.principal.ministry
    authorise(node, caller, Action.MESSAGE_FETCH, Resource("stream", peer, {"peer": peer}))
    if node.db.read(lambda connection: node_state.value(connection, STOP_SWITCH)) == "on":
        raise Unavailable("node.stopped", "Nothing leaves this node now; try again later.")

    def read(connection: Connection) -> tuple[list[Thread], dict[str, list[str]]]:
        rows = threads.with_party(connection, peer, after=after, limit=PAGE)
        return rows, threads.voids_many(connection, [row.id for row in rows])

    rows, voids = node.db.read(read)
    found = tuple(
        SharedThread(
            row.id,
            row.requester_seq,
            row.addressee_seq,
            tuple(voids.get(row.id, ())),
            row.state_digest,
        )
        for row in rows
    )
    return SharedThreads(found, rows[-1].id if len(rows) == PAGE else None)


def sweep(node: Node, peer: str) -> dict[str, int]:
    """Compare every thread shared with a member; returns how many came to which outcome.

    Raises:
        Unavailable: ``peer.unreachable``, ``peer.refused``: nothing more is compared now.
    """
    found = dict.fromkeys((outcome.value for outcome in ComparisonOutcome), 0)
    after, budget = "", _Budget(_MOST_WRITTEN)
    for _ in range(node.db.read(lambda connection: threads.count_with_party(connection, peer)) + 1):
        entries, following = _fetch(node, peer, after)
        for outcome in _compare(node, peer, entries, budget):
            found[outcome.value] += 1
        if following is None:
            break
        after = following
    return found


def _fetch(node: Node, peer: str, after: str) -> tuple[list[SharedThread], str | None]:
    path = f"{PATH}?after={quote(after)}" if after else PATH
    reply = node.transport.get(peer, path, token=peer_tokens.mint(node, peer, PATH), headers={})
    if reply.status != _OK:
        raise Unavailable("peer.refused", "The member's node does not answer this request.")
    try:
        value = parse(reply.body, limit=MESSAGE)
        members = Members(value, "threads.malformed", ("threads",), ("next",))
        entries = [SharedThread.from_json(one) for one in members.items("threads", 0, PAGE)]
        following = members.digest("next") if "next" in members else None
    except WireError as error:
        raise Unavailable("peer.refused", "The member's node answers nonsense.") from error
    ids = [after, *(entry.thread for entry in entries)]
    if any(one >= other for one, other in pairwise(ids)) or following not in {None, ids[-1]}:
        raise Unavailable("peer.refused", "The member's node answers in no order.")
    return entries, following


@dataclass(slots=True)
class _Budget:
    """How many outcomes may still be written."""

    left: int

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def compare(node: Node, peer: str, entries: Iterable[SharedThread]) -> list[ComparisonOutcome]:
    """Compare what a member holds with what is held here; write down what changed."""
    return _compare(node, peer, entries, _Budget(_MOST_WRITTEN))


def _compare(
    node: Node, peer: str, entries: Iterable[SharedThread], budget: _Budget
) -> list[ComparisonOutcome]:
    found = []
    for theirs in entries:
        outcome, ours = node.db.read(lambda connection: _judge(connection, peer, theirs))  # noqa: B023
        known = node.db.read(
            lambda connection: threads.comparison(connection, theirs.thread, peer)  # noqa: B023
        )
        if (
            outcome is ComparisonOutcome.BEHIND
            and known is not None
            and _stuck(node, known, theirs, ours)
        ):
            outcome = ComparisonOutcome.DIFFERENT
        if outcome is not ComparisonOutcome.UNKNOWN and _worth_writing(
            known, outcome, theirs, ours
        ):
            if budget.take():
                _write(node, peer, theirs, (outcome, ours))
            else:
                outcome = ComparisonOutcome.DEFERRED
        found.append(outcome)
    return found


def _judge(
    connection: Connection, peer: str, theirs: SharedThread
) -> tuple[ComparisonOutcome, str]:
    """Return the outcome and our digest at their heads (empty where we are not that far)."""
    row = threads.by_id(connection, theirs.thread)
    if row is None or peer not in (row.requester, row.addressee):
        return ComparisonOutcome.UNKNOWN, ""
    voided, told = frozenset(threads.voids_of(connection, theirs.thread)), frozenset(theirs.voided)
    heads = (row.requester_seq, row.addressee_seq)
    if heads == (theirs.requester, theirs.addressee) and voided == told:
        same = row.state_digest == theirs.state
        return (ComparisonOutcome.EQUAL if same else ComparisonOutcome.DIFFERENT), row.state_digest
    if theirs.requester > heads[0] or theirs.addressee > heads[1]:
        return ComparisonOutcome.BEHIND, ""
    record = thread_record.require(connection, theirs.thread)
    record = record.upto(theirs.requester, theirs.addressee)
    if _within(record, voided) != _within(record, told):
        return ComparisonOutcome.BEHIND, state_digest(fold(record))
    ours = state_digest(fold(record))
    return (ComparisonOutcome.EQUAL if ours == theirs.state else ComparisonOutcome.DIFFERENT), ours


def _within(record: Record, voided: frozenset[str]) -> frozenset[str]:
    return voided & {one.id for one in (*record.requester, *record.addressee)}


def _stuck(node: Node, known: ThreadComparison, theirs: SharedThread, ours: str) -> bool:
    same = (known.ours, known.theirs) == (ours, theirs.state)
    waited = node.clock.now() - parse_instant(known.at)
    return same and waited >= GRACE and known.outcome != ComparisonOutcome.EQUAL


def _worth_writing(
    known: ThreadComparison | None, outcome: ComparisonOutcome, theirs: SharedThread, ours: str
) -> bool:
    if known is None:
        return outcome is not ComparisonOutcome.EQUAL
    if outcome is ComparisonOutcome.EQUAL:
        return known.outcome != ComparisonOutcome.EQUAL.value
    return (known.outcome, known.ours, known.theirs) != (outcome, ours, theirs.state)


def _write(
    node: Node, peer: str, theirs: SharedThread, found: tuple[ComparisonOutcome, str]
) -> None:
    outcome, ours = found
    key = {"thread": theirs.thread, "peer": peer}
    values = {
        "outcome": outcome.value,
        "requester_seq": theirs.requester,
        "addressee_seq": theirs.addressee,
        "ours": ours,
        "theirs": theirs.state,
        "at": node.now(),
    }

    def write(unit: Unit) -> None:
        if unit.update(threads.COMPARISONS, key, values) is None:
            unit.insert(threads.COMPARISONS, {**key, **values})
        _raise_task(node, unit, peer, theirs.thread, outcome)
        entry = recording.Entry(
            act=Act.THREAD_COMPARED,
            subject=Subject("thread", theirs.thread),
            actor=Actor("peer", sub=peer),
            outcome="refused" if outcome is ComparisonOutcome.DIFFERENT else "done",
            code="" if outcome is ComparisonOutcome.EQUAL else outcome.value,
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def _raise_task(node: Node, unit: Unit, peer: str, thread: str, outcome: ComparisonOutcome) -> None:
    """A difference is a task of this ministry until both ends agree again."""
    source = reliance.task_id(RECONCILE, thread, peer)
    row = {
        "id": source,
        "kind": RECONCILE,
        "owed_by": node.ministry,
        "roles": "analyst reviewer",
        "about_kind": "thread",
        "about": thread,
        "key": "",
        "due": tasks.NO_TIME,
        "cause": thread,
        "opened_at": node.now(),
    }
    wanted = [row] if outcome is ComparisonOutcome.DIFFERENT else []
    tasks.replace_rows(unit, tasks.TASKS, source, wanted, keep="opened_at")


def cursor_of(text: str) -> str:
    """Return a thread id given as a cursor.

    Raises:
        Invalid: ``threads.cursor``.
    """
    plain = text.removeprefix("sha256:")
    if text and (len(plain) != 64 or set(plain) - set("0123456789abcdef")):  # noqa: PLR2004
        raise Invalid("threads.cursor", "Continue after the thread that the last page named.")
    return text
