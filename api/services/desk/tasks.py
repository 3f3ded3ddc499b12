"""Tasks: what waits for me, by when and why; what is overdue; what partners owe us.

Owns the lists. What makes a task is ``domain.tasks``'; threads and reviews keep theirs indexed as
they change (``effects.thread_record``, ``reliance``), drafts and holders are looked at when asked.
Everything shown passes the policy by which the object itself is read.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from api.domain import tasks as rules
from api.domain.drafts import Draft, DraftState, Version
from api.domain.errors import Conflict, Invalid
from api.domain.events import Act, Subject
from api.domain.four_eyes import DESK
from api.domain.tasks import Task, TaskKind
from api.ports.policy import Action
from api.records import drafts, packages, tasks
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, authorise, collection, entry_of, unknown
from api.services.desk import holdings, objects
from api.services.desk.statutory_clocks import clocks_of
from api.services.node import Node
from api.services.paging import visible_page
from api.services.statements import draft_form
from api.services.statements.effects import reliance
from api.services.statements.effects.designation_record import histories

RECONCILE = "reconcile"
CLOCK = "clock"
_UNEQUAL = "The two ends of the thread do not agree on its state."


class Scope(StrEnum):
    """Which tasks are wanted."""

    MINE = "mine"
    OVERDUE = "overdue"
    PARTNERS = "partners"
    CLOCKS = "clocks"


@dataclass(frozen=True, slots=True)
class Entry:
    """One task as it is shown.

    Attributes:
        id: for the cursor, and for closing a review.
        kind: what is to be done.
        owed_by: the ministry that has to do it.
        roles: whose officers can do it there.
        about: kind and id of the object.
        read_by: kind and id of the object whose policy decides who sees it.
        key: subject, question or change inside the object.
        due: instant or day, or ``None``.
        cause: id of what made it.
        why: one sentence.
        path: for reviews, the ids from what changed to the decision.
        opened_at: since when, where that is noted.
        barred: officers whose own work it is.
    """

    id: str
    kind: str
    owed_by: str
    roles: tuple[str, ...]
    about: tuple[str, str]
    read_by: tuple[str, str]
    key: str
    due: str | None
    cause: str
    why: str
    path: tuple[str, ...] = ()
    opened_at: str = ""
    barred: frozenset[str] = frozenset()

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands in the list: by time, then by id."""
        return (self.due or tasks.NO_TIME, self.id)


def listed(
    node: Node,
    caller: Caller,
    scope: Scope,
    *,
    limit: int,
    after: tuple[str, str] | None = None,
) -> list[Entry]:
    """Return a page of tasks, what is due first at the top."""
    authorise(node, caller, Action.TASK_LIST, collection("tasks"))
    if scope is Scope.CLOCKS:
        return _clocks(node, caller, limit=limit, after=after)
    fetch = _owed_here if scope is not Scope.PARTNERS else _owed_there
    until = node.now() if scope is Scope.OVERDUE else None

    def page(at: tuple[str, str] | None) -> list[Entry]:
        found = node.db.read(lambda connection: fetch(node, caller, connection, limit, at))
        return [one for one in found if until is None or one.place[0] < until]

    def allowed(entries: Sequence[Entry]) -> list[bool]:
        seen = objects.readable(node, caller, (one.read_by for one in entries))
        return [one.read_by in seen and not one.barred & caller.authors for one in entries]

    return visible_page(page, allowed, lambda one: one.place, limit=limit, start=after)


def counts(node: Node, caller: Caller) -> dict[str, int]:
    """Return how many indexed tasks this ministry owes, and how many of them are overdue."""
    authorise(node, caller, Action.TASK_LIST, collection("tasks"))
    now = node.now()
    return node.db.read(
        lambda connection: {
            "owed": tasks.count(connection, node.ministry),
            "overdue": tasks.count(connection, node.ministry, now),
        }
    )


def _merged(limit: int, *sources: Iterable[Entry]) -> list[Entry]:
    """Return the first entries of several lists, each of which holds its own first ones."""
    ordered = sorted((one for source in sources for one in source), key=lambda one: one.place)
    return list(islice(ordered, limit))


def _owed_here(
    node: Node, caller: Caller, connection: Connection, limit: int, after: tuple[str, str] | None
) -> list[Entry]:
    held = caller.roles & DESK
    if not held:
        return []
    fitting = [
        " ".join(roles)
        for roles in (("analyst", "reviewer"), ("reviewer",), ("analyst",))
        if held.intersection(roles)
    ]
    rows = tasks.owed_by(connection, [node.ministry], fitting, limit=limit, after=after)
    waiting = drafts.pending(connection, limit=limit, after=after)
    mine = (one for row in waiting for one in _of_draft(node, row) if held.intersection(one.roles))
    return _merged(limit, _indexed(connection, rows), mine)


def _owed_there(
    node: Node, _caller: Caller, connection: Connection, limit: int, after: tuple[str, str] | None
) -> list[Entry]:
    others = [member.id for member in node.membership.members if member.id != node.ministry]
    rows = tasks.owed_by(connection, others, None, limit=limit, after=after)
    found = list(_indexed(connection, rows))
    if len(found) == limit:
        return found
    # What holders owe has no time of its own and follows everything that has one.
    place = None
    if after is not None and after[0] == tasks.NO_TIME and ":" in after[1]:
        package, _, ministry = after[1].rpartition("@")
        place = (package, ministry)
    holders = packages.unanswered(connection, limit=limit, after=place)
    owed = [one for row in holders for one in _of_holder(node, connection, row)]
    return _merged(limit, found, owed)


def _indexed(connection: Connection, rows: Sequence[RowMapping]) -> Iterable[Entry]:
    reviews = tasks.reviews(
        connection, [row["id"] for row in rows if row["kind"] == TaskKind.REVIEW]
    )
    for row in rows:
        review = reviews.get(row["id"])
        about = (row["about_kind"], row["about"])
        inside = about[0] not in objects.KINDS and review is not None
        yield Entry(
            id=row["id"],
            kind=row["kind"],
            owed_by=row["owed_by"],
            roles=tuple(row["roles"].split()),
            about=about,
            read_by=("thread", review["thread"]) if inside and review is not None else about,
            key=row["key"],
            due=None if row["due"] == tasks.NO_TIME else row["due"],
            cause=row["cause"],
            why=_why(row),
            path=tuple(json.loads(review["path"])) if review is not None else (),
            opened_at=row["opened_at"],
        )


def _why(row: RowMapping) -> str:
    if row["kind"] == RECONCILE:
        return _UNEQUAL
    about = (row["about_kind"], row["about"])
    return Task(TaskKind(row["kind"]), row["owed_by"], (), about).why


def _of_draft(node: Node, row: RowMapping) -> list[Entry]:
    table = draft_form.table_row(node, row["type"])
    authors = json.loads(row["authors"])
    draft = Draft(
        state=DraftState(row["state"]),
        versions=tuple(Version(n, row["digest"], one) for n, one in enumerate(authors, start=1)),
        confirmer=row["confirmed_by"] or "",
        confirm_by=row["confirm_by"],
    )
    approvers = table.approved_by or table.confirmed_by
    found = rules.of_draft(row["id"], node.ministry, draft, approvers)
    return [_entry(one, row["id"], row["updated_at"]) for one in found]


def _of_holder(node: Node, connection: Connection, row: RowMapping) -> list[Entry]:
    holding = holdings.holding_of(connection, row)
    found = rules.of_holding(row["package"], holding, node.now())
    return [_entry(one, f"{row['package']}@{row['ministry']}", "") for one in found]


def _entry(task: Task, id_: str, at: str) -> Entry:
    return Entry(
        id=id_,
        kind=task.kind.value,
        owed_by=task.owed_by,
        roles=task.roles,
        about=task.about,
        read_by=task.about,
        key=task.key,
        due=task.due,
        cause=task.cause,
        why=task.why,
        opened_at=at,
        barred=task.barred,
    )


def _clocks(
    node: Node, caller: Caller, *, limit: int, after: tuple[str, str] | None
) -> list[Entry]:
    """Return the periods of law that run from own standing designations, the next due first."""
    home = node.me.jurisdiction
    found = [
        Entry(
            id=f"{one.id}#{clock.id}",
            kind=CLOCK,
            owed_by=node.ministry,
            roles=("analyst", "reviewer"),
            about=("designation", one.id),
            read_by=("designation", one.id),
            key=clock.id,
            due=clock.due.isoformat() if clock.due is not None else None,
            cause=one.id,
            why=f"{clock.name}: {clock.text}",
        )
        for one, later in node.db.read(histories)
        if one.body["jurisdiction"] == home
        for clock in clocks_of(node, one, later)
    ]
    found.sort(key=lambda one: one.place)

    def allowed(entries: Sequence[Entry]) -> list[bool]:
        seen = objects.readable(node, caller, (one.read_by for one in entries))
        return [one.read_by in seen for one in entries]

    def fetch(at: tuple[str, str] | None) -> list[Entry]:
        return [one for one in found if at is None or one.place > at][:limit]

    return visible_page(fetch, allowed, lambda one: one.place, limit=limit, start=after)


@dataclass(frozen=True, slots=True)
class Closing:
    """How a review ends: the decision stands (``kept``) or was taken anew (``decided-again``)."""

    outcome: str
    reason: str


def close(node: Node, caller: Caller, task_id: str, closing: Closing) -> Mapping[str, Any]:
    """Close a review with a reason.

    Raises:
        NotFound: ``task.unknown``: absent, no review, or about something the caller may not read.
        Invalid: ``task.outcome``, ``task.reason-missing``.
        Conflict: ``task.closed``.
    """
    permit = authorise(node, caller, Action.TASK_CLOSE, collection("tasks"))
    review = node.db.read(lambda connection: tasks.review(connection, task_id))
    if review is None:
        raise unknown("task")
    place = (
        ("thread", review["thread"])
        if review["decision_kind"] not in objects.KINDS
        else (review["decision_kind"], review["decision"])
    )
    if not objects.readable(node, caller, [place]):
        raise unknown("task")
    if closing.outcome not in {reliance.KEPT, reliance.DECIDED_AGAIN}:
        raise Invalid("task.outcome", "Say kept or decided-again.")
    if not closing.reason.strip():
        raise Invalid("task.reason-missing", "Say why.")
    values = {
        "outcome": closing.outcome,
        "reason": closing.reason,
        "closed_by": caller.person,
        "closed_at": node.now(),
    }

    def write(unit: Unit) -> None:
        if not reliance.close_review(unit, task_id, values):
            raise Conflict("task.closed", "This review is closed already.")
        entry = entry_of(caller, permit, Act.TASK_CLOSED, Subject("task", task_id))
        recording.record(node, unit, entry)

    node.db.write(write)
    return {**review, **values, "state": "closed"}
