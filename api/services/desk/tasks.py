"""Tasks: what waits for me, by when and why; what is overdue; what partners owe us.

Owns the lists. What makes a task is ``domain.tasks``'; threads, packages and reviews keep theirs
indexed as they change (``effects``), everything else is looked at when asked
(``task_sources``). Everything shown, and everything counted, passes the gate by which the object
itself is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from api.domain.errors import Conflict, Invalid
from api.domain.events import Act, Subject
from api.domain.notation import Count, Instant, RecordId
from api.domain.tasks import NOTICES
from api.ports.policy import Action
from api.records import tasks
from api.records.tasks import Review
from api.records.unit_of_work import Unit
from api.services import recording, visibility
from api.services.authorising import Caller, authorise, collection, entry_of, may, unknown
from api.services.desk import object_words, task_claims, task_sources
from api.services.desk.identity import LIST
from api.services.desk.task_claims import ClaimView
from api.services.desk.task_sources import ADMINISTRATION, Entry
from api.services.node import Node
from api.services.paging import Place, visible_page
from api.services.statements.effects import reliance

_COUNTED_AT_ONCE = 500


class Scope(StrEnum):
    """Which tasks are wanted."""

    MINE = "mine"
    OVERDUE = "overdue"
    PARTNERS = "partners"
    CLOCKS = "clocks"


@dataclass(frozen=True, slots=True)
class Ref:
    """Kind and id of an object."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task as it is shown.

    Attributes:
        id: of the task; ``close`` takes it where ``closable`` says so.
        kind: what is to be done.
        owed_by: the ministry that has to do it.
        roles: roles whose officers can do it there.
        about: the object.
        title: what the object is called.
        names: the subjects that it is about.
        asked_by: who made it wait: a ministry, or an officer's name.
        why: one sentence.
        reason: the words of whoever made it wait, where there are some.
        overdue: whether its time has passed.
        closable: whether an officer closes it with a word, and not by doing something else.
        within: the object in which it stands, where that is another one.
        key: subject, question or change inside the object.
        due: instant or day.
        cause: id of what made it.
        path: for reviews, the ids from what changed to the decision.
        opened_at: since when, where that is noted.
        claim: who works on it, if somebody said so.
        place: where it stands in the list, for the cursor.
    """

    id: str
    kind: str
    owed_by: str
    roles: tuple[str, ...]
    about: Ref
    title: str
    names: tuple[str, ...]
    asked_by: str
    why: str
    reason: str | None
    overdue: bool
    closable: bool
    within: Ref | None
    key: str | None
    due: str | None
    cause: str | None
    path: tuple[str, ...]
    opened_at: Instant | None
    claim: ClaimView | None
    place: Place


def tasks_page(
    node: Node, caller: Caller, scope: Scope, *, limit: int, after: Place | None = None
) -> list[TaskView]:
    """Return a page of tasks, what is due first at the top."""
    authorise(node, caller, Action.TASK_LIST, collection("tasks"))
    found = _page(node, caller, scope, limit=limit, after=after)
    return _shown(node, caller, found)


def new_since(node: Node, caller: Caller, since: Instant, most: int) -> Count:
    """Count the caller's tasks that came after an instant, among the first ``most`` of them."""
    authorise(node, caller, Action.TASK_LIST, collection("tasks"))
    found = _page(node, caller, Scope.MINE, limit=most, after=None)
    return sum(bool(one.opened_at) and one.opened_at > since for one in found)


def may_be_told(node: Node, caller: Caller) -> bool:
    """Tell whether the caller may still list tasks; nothing is recorded."""
    return may(node, caller, Action.TASK_LIST, collection("tasks"))


def find_mine(node: Node, caller: Caller, task_id: str) -> TaskView:
    """Return a task that waits for the caller.

    Raises:
        NotFound: ``task.unknown``: it is done, or not for this officer.
    """
    return _shown(node, caller, [_entry_of_mine(node, caller, task_id)])[0]


def waits_for(node: Node, caller: Caller, task: TaskView, others: Sequence[Caller]) -> list[Caller]:
    """Return those of other officers for whom a task of the caller's waits as well.

    Raises:
        NotFound: ``task.unknown``: it is done, or not for this officer.
    """
    found = _entry_of_mine(node, caller, task.id)
    return [one for one in others if _allowed(node, one, Scope.MINE, [found])[0]]


def _entry_of_mine(node: Node, caller: Caller, task_id: str) -> Entry:
    authorise(node, caller, Action.TASK_LIST, collection("tasks"))
    found = node.db.read(lambda connection: task_sources.entry_by_id(node, connection, task_id))
    if found is None or not _allowed(node, caller, Scope.MINE, [found])[0]:
        raise unknown("task")
    return found


def _page(
    node: Node, caller: Caller, scope: Scope, *, limit: int, after: Place | None
) -> list[Entry]:
    fetch = _source(node, caller, scope)
    until = node.now() if scope is Scope.OVERDUE else None

    def page(at: Place | None, size: int) -> list[Entry]:
        found = fetch(at, size)
        # By time: what is not due yet ends the list.
        return [one for one in found if until is None or one.place[0] < until]

    return visible_page(
        page,
        lambda entries: _allowed(node, caller, scope, entries),
        lambda one: one.place,
        limit=limit,
        start=after,
    )


def _source(node: Node, caller: Caller, scope: Scope) -> "task_sources.Fetch":
    """Return where the entries of a scope come from, each source by time and id."""
    running = (
        task_sources.clocks(node, past=scope is Scope.OVERDUE)
        if scope in {Scope.CLOCKS, Scope.OVERDUE}
        else []
    )

    def of_clocks(at: Place | None, size: int) -> list[Entry]:
        return [one for one in running if at is None or one.place > at][:size]

    if scope is Scope.CLOCKS:
        return of_clocks
    sources = (
        (task_sources.indexed_there, task_sources.holders)
        if scope is Scope.PARTNERS
        else (
            task_sources.indexed_here,
            task_sources.drafts_waiting,
            task_sources.proposals_waiting,
            task_sources.recalls_waiting,
        )
    )
    if scope is not Scope.PARTNERS and "administrator" in caller.roles:
        # Nobody else is shown any of these.
        sources = (*sources, task_sources.changes_waiting, task_sources.parked_waiting)

    def fetch(at: Place | None, size: int) -> list[Entry]:
        return node.db.read(
            lambda connection: _merged(
                size,
                of_clocks(at, size),
                *(source(node, connection, at, size) for source in sources),
            )
        )

    return fetch


def _merged(limit: int, *sources: Iterable[Entry]) -> list[Entry]:
    """Return the first entries of several lists, each of which holds its own first ones."""
    ordered = sorted((one for source in sources for one in source), key=lambda one: one.place)
    return list(islice(ordered, limit))


def _allowed(node: Node, caller: Caller, scope: Scope, entries: Sequence[Entry]) -> list[bool]:
    """Say which entries are this officer's to see: by role, by the gate, and not their own work."""
    objects = (one.read_by for one in entries if one.about[0] != LIST)
    seen = visibility.readable(node, caller, objects)

    def mine(one: Entry) -> bool:
        if one.nothing or one.barred & caller.authors:
            return False
        if scope in {Scope.MINE, Scope.OVERDUE} and caller.roles.isdisjoint(one.roles):
            return False
        if one.about[0] in ADMINISTRATION:
            return "administrator" in caller.roles
        if one.about[0] == LIST:
            # Entries of published lists are public facts.
            return not caller.roles.isdisjoint(one.roles)
        return one.read_by in seen

    return [mine(one) for one in entries]


def _shown(node: Node, caller: Caller, entries: Sequence[Entry]) -> list[TaskView]:
    now = node.now()
    words, claims = node.db.read(
        lambda connection: (
            object_words.of_tasks(node, connection, entries),
            task_claims.on_tasks(connection, caller, [one.id for one in entries]),
        )
    )
    return [
        TaskView(
            id=one.id,
            kind=one.kind,
            owed_by=one.owed_by,
            roles=one.roles,
            about=Ref(*one.about),
            title=said.title,
            names=said.names,
            asked_by=said.asked_by,
            why=one.why,
            reason=said.reason,
            overdue=one.due is not None and one.due < now,
            closable=one.closable,
            within=Ref(*one.read_by) if one.read_by != one.about else None,
            key=one.key or None,
            due=one.due,
            cause=one.cause or None,
            path=one.path,
            opened_at=one.opened_at or None,
            claim=claims.get(one.id),
            place=one.place,
        )
        for one, said in zip(entries, words, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """How many tasks wait for this officer, and how many of them are overdue."""

    owed: Count
    overdue: Count


def counts(node: Node, caller: Caller) -> TaskCounts:
    """Count what waits for the caller; what may not be read is not counted either."""
    authorise(node, caller, Action.TASK_LIST, collection("tasks"))
    now, owed, overdue = node.now(), 0, 0
    after: Place | None = None
    while found := _page(node, caller, Scope.MINE, limit=_COUNTED_AT_ONCE, after=after):
        owed += len(found)
        overdue += sum(one.due is not None and one.due < now for one in found)
        after = found[-1].place
    late = _page(node, caller, Scope.OVERDUE, limit=_COUNTED_AT_ONCE, after=None)
    overdue += sum(one.kind == task_sources.CLOCK for one in late)
    return TaskCounts(owed, overdue)


def _may_read(node: Node, caller: Caller, review: Review) -> bool:
    if review.decision_kind == LIST:
        return True
    return bool(visibility.readable(node, caller, [_place_of(review)]))


@dataclass(frozen=True, slots=True)
class Closing:
    """How a review ends: the decision stands (``kept``) or was taken anew (``decided-again``).

    A notice ends as ``noted``.
    """

    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A review or notice that was closed.

    Attributes:
        id: of the task.
        decision_kind: kind of the decision, or of the object that the notice is of.
        decision: its id.
        change: what happened.
        cause: id of the statement that did.
        thread: the mirror request that the decision stands in.
        key: the subject there.
        path: ids from what changed to the decision.
        state: ``closed``.
        opened_at: since when it waited.
        outcome: how it was closed.
        reason: why, in the officer's words.
        closed_by: officer record.
        closed_at: when.
    """

    id: RecordId
    decision_kind: str
    decision: str
    change: str
    cause: str
    thread: str | None
    key: str | None
    path: tuple[str, ...]
    state: str
    opened_at: Instant
    outcome: str
    reason: str
    closed_by: str
    closed_at: Instant


def close(node: Node, caller: Caller, task_id: str, closing: Closing) -> ReviewView:
    """Close a review or a notice with a reason.

    Raises:
        NotFound: ``task.unknown``: absent, no review, or about something the caller may not read.
        Invalid: ``task.outcome``, ``task.reason-missing``.
        Conflict: ``task.closed``.
    """
    review = node.db.read(lambda connection: tasks.review(connection, task_id))
    if review is not None and review.decision_kind == LIST:
        permit = authorise(node, caller, Action.LIST_READ, collection("lists"))
    elif review is not None and review.change in NOTICES:
        # Whoever reads the object may take note of it.
        permit = visibility.permit_to_read(node, caller, _place_of(review))
    else:
        permit = authorise(node, caller, Action.TASK_CLOSE, collection("tasks"))
    if review is None or not _may_read(node, caller, review):
        raise unknown("task")
    _require_outcome(review, closing)
    at = node.now()
    values = {
        "outcome": closing.outcome,
        "reason": closing.reason,
        "closed_by": caller.person,
        "closed_at": at,
    }

    def write(unit: Unit) -> None:
        if not reliance.close_review(unit, task_id, values):
            raise Conflict("task.closed", "This review is closed already.")
        entry = entry_of(caller, permit, Act.TASK_CLOSED, Subject("task", task_id))
        recording.record(node, unit, entry)

    node.db.write(write)
    return ReviewView(
        id=review.id,
        decision_kind=review.decision_kind,
        decision=review.decision,
        change=review.change,
        cause=review.cause,
        thread=review.thread,
        key=review.key,
        path=review.path,
        state="closed",
        opened_at=review.opened_at,
        outcome=closing.outcome,
        reason=closing.reason,
        closed_by=caller.person,
        closed_at=at,
    )


def may_see(node: Node, caller: Caller, task_id: str) -> bool:
    """Tell whether a review or notice is about something that the caller may read."""
    review = node.db.read(lambda connection: tasks.review(connection, task_id))
    return review is not None and bool(visibility.readable(node, caller, [_place_of(review)]))


def _place_of(review: Review) -> visibility.Reference:
    if review.decision_kind in list(visibility.ObjectKind):
        return (review.decision_kind, review.decision)
    return (visibility.ObjectKind.THREAD.value, review.thread or "")


def _require_outcome(review: Review, closing: Closing) -> None:
    notice = review.change in NOTICES
    fitting = {reliance.NOTED} if notice else {reliance.KEPT, reliance.DECIDED_AGAIN}
    if closing.outcome not in fitting:
        sentence = "Say noted." if notice else "Say kept or decided-again."
        raise Invalid("task.outcome", sentence)
    if not closing.reason.strip() and not notice:
        raise Invalid("task.reason-missing", "Say why.")
