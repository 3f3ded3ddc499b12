"""Where tasks come from: the index, drafts, proposals, administrators' changes, holders, clocks.

Owns the way from stored rows to entries, one function for each source; each returns its first
entries after a place, by time and id, and leaves out nothing (a row that asks for nothing stands as
an empty entry, so that a list never seems to end there). Who sees which is ``tasks``'.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from sqlalchemy import Connection

from api.domain import tasks as rules
from api.domain.changes import ChangeKind
from api.domain.tasks import NOTICES, Task, TaskKind
from api.records import designations, drafts, packages, parked, proposed, statements, tasks
from api.records.drafts import Draft
from api.records.parked import Parked
from api.services.desk import holdings
from api.services.desk.identity import LIST
from api.services.desk.statutory_clocks import own_clocks
from api.services.node import Node
from api.services.paging import Place
from api.services.visibility import ObjectKind, table_row
from api.wire.encoding import format_instant, parse_instant
from api.wire.types import RECALL

_ALL = 100_000
RECONCILE = "reconcile"
CLOCK = "clock"
PARKED = "parked"
ADMINISTRATION = frozenset({*(kind.value for kind in ChangeKind), proposed.KEY_REQUEST, PARKED})
"""Kinds of what administrators decide; none of it is evidence."""

_UNEQUAL = "The two ends of the thread do not agree on its state."
_DECIDE: Mapping[str, str] = {
    ChangeKind.OFFICER: "Another administrator proposed this officer.",
    ChangeKind.SUSPENSION: "Another administrator suspended this officer; it ends in a day.",
    ChangeKind.REINSTATEMENT: "Another administrator would take this suspension back.",
    ChangeKind.GRANT: "Another administrator proposed this role.",
    ChangeKind.KEY: "Another administrator vouched for this signing key.",
    ChangeKind.DELEGATION: "Somebody proposed to lend this role for an absence.",
    ChangeKind.RELYING_PARTY: "Another administrator proposed where passkeys are used.",
    ChangeKind.REGIME: "Another administrator proposed this edition of a regime's data.",
    ChangeKind.MEMBERSHIP: "Another administrator proposed this membership.",
    ChangeKind.ERASURE: "Another administrator entered this order to erase.",
    ChangeKind.EPOCH: "Another administrator proposed a new epoch to this partner.",
    ChangeKind.WAIVER: "Another administrator would go on without this member's answer.",
    ChangeKind.TAIL: "Another administrator would give up the end of the log that nobody holds.",
    proposed.KEY_REQUEST: "An officer asked for this signing key: compare its id and vouch.",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One task before it is shown.

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
        closable: whether an officer closes it with a word.
        nothing: whether the row asks for nothing now.
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
    closable: bool = False
    nothing: bool = False

    @property
    def place(self) -> Place:
        """Where it stands in the list: by time, then by id."""
        return (self.due or tasks.NO_TIME, self.id)


Fetch: TypeAlias = Callable[[Place | None, int], Sequence[Entry]]


def _untimed_after(after: Place | None) -> str | None:
    """Return the id after which a source without times goes on; ``None`` for its beginning."""
    return after[1] if after is not None and after[0] == tasks.NO_TIME else None


def indexed_here(
    node: Node, connection: Connection, after: Place | None, size: int
) -> Iterable[Entry]:
    """Return what this ministry owes in threads, packages and reviews."""
    return _indexed(connection, [node.ministry], after, size)


def indexed_there(
    node: Node, connection: Connection, after: Place | None, size: int
) -> Iterable[Entry]:
    """Return what partners owe in threads."""
    others = [member.id for member in node.membership.members if member.id != node.ministry]
    return _indexed(connection, others, after, size)


def _indexed(
    connection: Connection, ministries: Sequence[str], after: Place | None, size: int
) -> list[Entry]:
    rows = tasks.owed_by(connection, ministries, limit=size, after=after)
    reviews = tasks.reviews(connection, [row.id for row in rows])
    return [_of_row(row, reviews.get(row.id)) for row in rows]


def _of_row(row: tasks.Task, review: tasks.Review | None) -> Entry:
    about = (row.about_kind, row.about)
    inside = review is not None and about[0] not in {*ObjectKind, LIST}
    read_by = (ObjectKind.THREAD.value, review.thread or "") if inside and review else about
    return Entry(
        id=row.id,
        kind=row.kind,
        owed_by=row.owed_by,
        roles=row.roles,
        about=about,
        read_by=read_by,
        key=row.key,
        due=None if row.due == tasks.NO_TIME else row.due,
        cause=row.cause,
        why=_UNEQUAL if row.kind == RECONCILE else _why(TaskKind(row.kind), row.key),
        path=review.path if review is not None else (),
        opened_at=row.opened_at,
        closable=review is not None,
    )


def _why(kind: TaskKind, key: str) -> str:
    return rules.why(kind, key if kind is TaskKind.REVIEW or key in NOTICES else "")


def entry_by_id(node: Node, connection: Connection, task_id: str) -> Entry | None:
    """Return the entry of one task of this ministry, looked up by its id and not in the lists."""
    row = tasks.by_id(connection, task_id)
    if row is not None:
        if row.owed_by != node.ministry:
            return None
        return _of_row(row, tasks.reviews(connection, [row.id]).get(row.id))
    draft = drafts.drafts_by_ids(connection, [task_id]).get(task_id)
    if draft is not None:
        return _of_draft(node, draft)
    # What is left is short: what waits for a second person or was recalled.
    sources = (proposals_waiting, recalls_waiting, changes_waiting, parked_waiting)
    waiting = (one for source in sources for one in source(node, connection, None, _ALL))
    return next((one for one in waiting if one.id == task_id), None)


def drafts_waiting(
    node: Node, connection: Connection, after: Place | None, size: int
) -> Iterable[Entry]:
    """Return the drafts that wait for an approver, an author or a second look."""
    for row in drafts.pending(connection, limit=size, after=after):
        yield _of_draft(node, row)


def _of_draft(node: Node, row: Draft) -> Entry:
    found = rules.of_draft(_pending(node, row), node.ministry)
    return _entry(found[0], row.id, row.updated_at) if found else _nothing(row)


def _pending(node: Node, row: Draft) -> rules.Pending:
    table = table_row(node, row.type)
    return rules.Pending(
        id=row.id,
        state=row.state,
        authors=row.authors,
        approvers=table.approved_by or table.confirmed_by,
        confirm_by=row.confirm_by,
        confirmed_by=row.confirmed_by,
    )


def _nothing(row: Draft) -> Entry:
    about = (ObjectKind.DRAFT.value, row.id)
    due = row.confirm_by
    return Entry(row.id, "", "", (), about, about, "", due, "", "", nothing=True)


def proposals_waiting(
    node: Node, connection: Connection, after: Place | None, size: int
) -> Iterable[Entry]:
    """Return the own proposals that wait for an endorsement, or for their authors."""
    start = _untimed_after(after)
    for row in designations.proposals_waiting(connection, node.ministry, size, start):
        task = rules.of_proposal(row.id, row.state, row.authors, node.ministry)
        yield _entry(task, row.id, row.updated_at)


def recalls_waiting(
    node: Node, connection: Connection, after: Place | None, size: int
) -> Iterable[Entry]:
    """Return the partners' packages that were recalled and that this ministry has not answered."""
    start = _untimed_after(after)
    for row in packages.recalled_unanswered(connection, node.ministry, size, start):
        recall = next(
            (
                one.id
                for one in reversed(statements.about(connection, row.id, RECALL))
                if one.issuer == row.originator
            ),
            "",
        )
        yield _entry(rules.of_recall(row.id, recall, node.ministry), row.id, "")


def changes_waiting(
    node: Node, connection: Connection, after: Place | None, size: int
) -> Iterable[Entry]:
    """Return what waits for an administrator who neither proposed it nor is concerned by it."""
    start = _untimed_after(after)
    for row in proposed.proposed_changes(connection, node.now()):
        if start is not None and row.task <= start:
            continue
        about = (row.kind, row.id or node.ministry)
        yield Entry(
            id=row.task,
            kind=TaskKind.DECIDE_CHANGE.value,
            owed_by=node.ministry,
            roles=("administrator",),
            about=about,
            read_by=about,
            key=row.detail,
            due=None,
            cause=row.proposed_by,
            why=_DECIDE[row.kind],
            opened_at=row.at,
            barred=frozenset({*row.officers, row.proposed_by} - {""}),
        )
        size -= 1
        if not size:
            return


def parked_waiting(
    node: Node, connection: Connection, after: Place | None, size: int
) -> Iterable[Entry]:
    """Return partners' statements that wait for an administrator, each due a day after it came."""
    found = (_of_parked(node, row) for row in parked.undecidable(connection))
    return list(islice((one for one in found if after is None or one.place > after), size))


def _of_parked(node: Node, row: Parked) -> Entry:
    about = (PARKED, row.statement)
    return Entry(
        id=f"{row.peer}:{row.message}:{row.ordinal}",
        kind=TaskKind.SETTLE_PARKED.value,
        owed_by=node.ministry,
        roles=("administrator",),
        about=about,
        read_by=about,
        key=row.peer,
        due=format_instant(parse_instant(row.at) + rules.PARKED_TIME),
        cause="",
        why=rules.why(TaskKind.SETTLE_PARKED),
        opened_at=row.at,
    )


def holders(node: Node, connection: Connection, after: Place | None, size: int) -> Iterable[Entry]:
    """Return what holders owe; it has no time of its own and follows everything that has one."""
    start = _untimed_after(after)
    place = None
    if start is not None and "@" in start:
        package, _, ministry = start.rpartition("@")
        place = (package, ministry)
    rows = packages.unanswered(connection, limit=size, after=place)
    for row, holding in zip(rows, holdings.holdings_of(connection, rows), strict=True):
        id_ = f"{row.package}@{row.ministry}"
        found = rules.of_holding(row.package, holding, node.now())
        about = (ObjectKind.PACKAGE.value, row.package)
        empty = Entry(id_, "", "", (), about, about, "", None, "", "", nothing=True)
        yield _entry(found[0], id_, "") if found else empty


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


def clocks(node: Node, *, past: bool = False) -> list[Entry]:
    """Return the periods of law that run from own standing designations, the next due first.

    Args:
        node: this node.
        past: only those whose last day is over and that nothing ended.
    """
    found = [
        Entry(
            id=f"{one.designation}#{one.clock.id}",
            kind=CLOCK,
            owed_by=node.ministry,
            roles=("analyst", "reviewer"),
            about=(ObjectKind.DESIGNATION.value, one.designation),
            read_by=(ObjectKind.DESIGNATION.value, one.designation),
            key=one.clock.id,
            due=one.clock.due.isoformat() if one.clock.due is not None else None,
            cause=one.designation,
            why=f"{one.clock.name.en}: {one.clock.text.en}",
        )
        for one in node.db.read(lambda connection: own_clocks(node, connection))
        if one.past or not past
    ]
    return sorted(found, key=lambda one: one.place)
