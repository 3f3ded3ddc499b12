"""What waits for whom, kept as an index of what makes it; reviews; reliances; deadlines.

Owns the tables ``tasks``, ``reviews``, ``reliances`` and ``deadlines``. Rows of ``tasks`` and
``reliances`` follow from the object named by ``source`` and are replaced with it; a review stays
until an officer closes it with a reason.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from sqlalchemy import Column, Connection, Index, Table, Text, and_, bindparam, func, or_, select

from api.domain.tasks import ReviewState
from api.records.metadata import METADATA, RECORDED
from api.records.rows import Kept, every, first
from api.records.unit_of_work import Unit

NO_TIME = "~"
"""Stands in ``due`` for a task without a time; sorts after every instant."""

TASKS = Table(
    "tasks",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("owed_by", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("about_kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("due", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Index("ix_tasks_source", "source"),
    Index("ix_tasks_owed", "owed_by", "due", "id"),
    info=RECORDED,
)

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("decision_kind", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("thread", Text),
    Column("key", Text),
    Column("path", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("outcome", Text),
    Column("reason", Text),
    Column("closed_by", Text),
    Column("closed_at", Text),
    Index("ix_reviews_state", "state", "opened_at", "id"),
    Index("ix_reviews_decision", "decision"),
    info=RECORDED,
)

RELIANCES = Table(
    "reliances",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("decision_kind", Text, primary_key=True),
    Column("decision", Text, primary_key=True),
    Column("on_kind", Text, primary_key=True),
    Column("on", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("ministry", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Index("ix_reliances_on", "on_kind", "on"),
    info=RECORDED,
)

# Times that passed unmet, each noted once.
DEADLINES = Table(
    "deadlines",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("due", Text, primary_key=True),
    Column("noted_at", Text, nullable=False),
    info=RECORDED,
)


def _path(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def _task_words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@dataclass(frozen=True, slots=True)
class Task:
    """One task that follows from the object named by ``source``.

    Attributes:
        id: 32 hex digits, from what makes the task.
        source: the object whose tasks are replaced together.
        kind: a ``TaskKind``, or what a job opened by itself.
        owed_by: the ministry that has to do it.
        roles: roles whose officers can do it there.
        about_kind: kind of the object that it is about.
        about: id of that object.
        key: subject, question or change inside the object; may be empty.
        due: instant, or ``NO_TIME``.
        cause: id of the statement or change that made it.
        opened_at: since when.
    """

    id: str
    source: str
    kind: str
    owed_by: str
    roles: Annotated[tuple[str, ...], Kept(_task_words)]
    about_kind: str
    about: str
    key: str
    due: str
    cause: str
    opened_at: str


@dataclass(frozen=True, slots=True)
class Review:
    """One own decision to be looked at again, or a notice to be taken.

    Attributes:
        id: that of its task.
        decision_kind: ``package``, ``proposal``, ``finding`` or ``designation``.
        decision: id of the decision.
        change: what happened to what it rests on.
        cause: id of the statement that did.
        thread: the mirror request that the decision stands in.
        key: the subject there.
        path: ids from what changed to the decision.
        state: open or closed.
        opened_at: since when.
        outcome: how it was closed.
        reason: why, in the officer's words.
        closed_by: officer record.
        closed_at: when.
    """

    id: str
    decision_kind: str
    decision: str
    change: str
    cause: str
    thread: str | None
    key: str | None
    path: Annotated[tuple[str, ...], Kept(_path)]
    state: ReviewState
    opened_at: str
    outcome: str | None
    reason: str | None
    closed_by: str | None
    closed_at: str | None


@dataclass(frozen=True, slots=True)
class Resting:
    """One decision that rests on something, as the object ``source`` says."""

    source: str
    decision_kind: str
    decision: str
    on_kind: str
    on: str
    key: str
    ministry: str
    thread: str


def replace_rows(
    unit: Unit, table: Table, source: str, wanted: Sequence[Mapping[str, Any]], *, keep: str = ""
) -> None:
    """Make the rows of one source exactly these, touching only those that differ.

    Args:
        unit: the open unit of work.
        table: ``TASKS`` or ``RELIANCES``.
        source: whose rows.
        wanted: whole rows but for ``source`` (and ``keep``, which an unchanged row retains).
        keep: a column that does not count as a difference.
    """
    names = [column.name for column in table.primary_key.columns]
    query = select(table).where(table.c.source == source)
    known = {
        tuple(row[name] for name in names): row for row in unit.connection.execute(query).mappings()
    }
    rows = {}
    for row in wanted:
        full = {**row, "source": source}
        rows[tuple(full[name] for name in names)] = full
    for key in known.keys() - rows.keys():
        unit.delete(table, dict(zip(names, key, strict=True)))
    for key, row in rows.items():
        old = known.get(key)
        if old is None:
            unit.insert(table, row)
        elif any(old[name] != value for name, value in row.items() if name != keep):
            changed = {name: value for name, value in row.items() if name not in {*names, keep}}
            unit.update(table, dict(zip(names, key, strict=True)), changed)


def owed_by(
    connection: Connection,
    ministries: Sequence[str],
    *,
    limit: int,
    after: tuple[str, str] | None = None,
) -> list[Task]:
    """Return tasks by due time.

    Args:
        connection: open connection.
        ministries: who owes them.
        limit: at most so many.
        after: ``(due, id)`` of the last row of the page before.
    """
    query = select(TASKS).where(TASKS.c.owed_by.in_(ministries))
    if after is not None:
        due, last = after
        query = query.where(or_(TASKS.c.due > due, and_(TASKS.c.due == due, TASKS.c.id > last)))
    query = query.order_by(TASKS.c.due, TASKS.c.id).limit(limit)
    return every(connection, query, Task)


def by_id(connection: Connection, task_id: str) -> Task | None:
    """Return one task."""
    query = select(TASKS).where(TASKS.c.id == task_id)
    return first(connection, query, Task)


def count(connection: Connection, ministry: str, until: str | None = None) -> int:
    """Return how many tasks a ministry owes, or how many of them were due before an instant."""
    query = select(func.count()).select_from(TASKS).where(TASKS.c.owed_by == ministry)
    if until is not None:
        query = query.where(TASKS.c.due < until)
    return connection.execute(query).scalar_one()


_REVIEW = select(REVIEWS).where(REVIEWS.c.id == bindparam("of"))


def review(connection: Connection, review_id: str) -> Review | None:
    """Return one review."""
    return first(connection, _REVIEW, Review, {"of": review_id})


def reviews(connection: Connection, ids: Sequence[str]) -> dict[str, Review]:
    """Return reviews by id; unknown ids are absent."""
    if not ids:
        return {}
    query = select(REVIEWS).where(REVIEWS.c.id.in_(ids))
    return {row.id: row for row in every(connection, query, Review)}


def reviews_of(connection: Connection, decisions: Sequence[str]) -> list[Review]:
    """Return all reviews of these decisions, oldest first."""
    if not decisions:
        return []
    query = select(REVIEWS).where(REVIEWS.c.decision.in_(decisions))
    return every(connection, query.order_by(REVIEWS.c.opened_at, REVIEWS.c.id), Review)


def resting_on(connection: Connection, places: Sequence[tuple[str, str]]) -> list[Resting]:
    """Return the reliances on any of these ``(kind, id)``."""
    if not places:
        return []
    kinds: dict[str, list[str]] = {}
    for kind, id_ in places:
        kinds.setdefault(kind, []).append(id_)
    found: list[Resting] = []
    for kind, ids in kinds.items():
        query = select(RELIANCES).where(RELIANCES.c.on_kind == kind, RELIANCES.c.on.in_(ids))
        found += every(connection, query, Resting)
    return found


def resting_of(connection: Connection, sources: Sequence[str]) -> dict[str, set[str]]:
    """Return the ids that decisions of these objects rest on, by the object that says so."""
    if not sources:
        return {}
    query = select(RELIANCES.c.source, RELIANCES.c.on).where(RELIANCES.c.source.in_(sources))
    found: dict[str, set[str]] = {}
    for source, on in connection.execute(query):
        found.setdefault(source, set()).add(on)
    return found


def noted(connection: Connection, kind: str, objects: Sequence[str]) -> set[tuple[str, str, str]]:
    """Return ``(object, key, due)`` of the times already noted as passed."""
    if not objects:
        return set()
    query = select(DEADLINES.c.object, DEADLINES.c.key, DEADLINES.c.due).where(
        DEADLINES.c.kind == kind, DEADLINES.c.object.in_(objects)
    )
    return {(object_, key, due) for object_, key, due in connection.execute(query)}


def unnoted(connection: Connection, now: str, limit: int) -> list[Task]:
    """Return tasks whose time passed before ``now`` and is not noted yet, oldest first."""
    seen = and_(
        DEADLINES.c.kind == TASKS.c.kind,
        DEADLINES.c.object == TASKS.c.about,
        DEADLINES.c.key == TASKS.c.key,
        DEADLINES.c.due == TASKS.c.due,
    )
    query = (
        select(TASKS)
        .join(DEADLINES, seen, isouter=True)
        .where(TASKS.c.due < now, DEADLINES.c.kind.is_(None))
        .order_by(TASKS.c.due, TASKS.c.id)
        .limit(limit)
    )
    return every(connection, query, Task)
