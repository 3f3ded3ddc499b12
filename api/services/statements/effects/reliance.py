"""The reliance graph as stored, and the reviews that a change sets off.

Owns the tables ``reliances`` and ``reviews`` (with the reviews' rows among the tasks). What rests
on what and how far a change reaches is decided by ``domain.reliance``; nothing here undoes a
decision.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from api.domain import tasks as rules
from api.domain.reliance import Affected, Change, Point, Reliance, RelianceKind, ripple
from api.records import tasks
from api.records.statements import StoredStatement
from api.records.unit_of_work import Unit
from api.services.node import Node

OPEN, KEPT, DECIDED_AGAIN, NOTED = "open", "kept", "decided-again", "noted"
COVERED = "covered"

_OBJECT_OF: Final = {
    "release": "package",
    "recall": "package",
    "recall-answer": "package",
    "onward-request": "package",
    "onward-consent": "package",
    "designation": "designation",
    "designation-amendment": "designation",
    "delisting": "designation",
    "designation-proposal": "proposal",
}
"""Kind of the object that a statement is about; of all others it is a thread."""


def task_id(*parts: str) -> str:
    """Return the id of the task that these parts make: the same parts, the same task."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def task_row(task: rules.Task, source: str, at: str) -> dict[str, Any]:
    """Return the row of a derived task, without its source.

    Args:
        task: as the domain derived it.
        source: the object whose rows are replaced together.
        at: when it was first seen; an unchanged row keeps its own.
    """
    return {
        "id": task_id(source, task.kind, *task.about, task.key, task.owed_by),
        "kind": task.kind.value,
        "owed_by": task.owed_by,
        "roles": " ".join(task.roles),
        "about_kind": task.about[0],
        "about": task.about[1],
        "key": task.key,
        "due": task.due or tasks.NO_TIME,
        "cause": task.cause,
        "opened_at": at,
    }


def refresh(unit: Unit, source: str, found: Iterable[Reliance], *, fresh: bool = False) -> None:
    """Make the stored reliances of one source exactly these.

    Args:
        unit: the open unit of work.
        source: id of a thread, designation or proposal.
        found: what it says rests on what.
        fresh: the source is new, so that there is nothing to compare with.
    """
    rows = [
        {
            "source": source,
            "decision_kind": one.decision.kind.value,
            "decision": one.decision.id,
            "on_kind": one.on[0].value,
            "on": one.on[1],
            "key": one.key,
            "ministry": one.decision.ministry,
            "thread": one.thread,
        }
        # A partner may name one thing twice.
        for one in dict.fromkeys(found)
    ]
    if fresh:
        unit.insert(tasks.RELIANCES, rows)
    else:
        tasks.replace_rows(unit, tasks.RELIANCES, source, rows)


def graph_from(connection: Connection, changed: tuple[RelianceKind, str]) -> list[Reliance]:
    """Return every stored reliance that can be reached from what changed."""
    found: dict[tuple[str, ...], Reliance] = {}
    reached = {(changed[0].value, changed[1])}
    frontier: list[tuple[str, str]] = list(reached)
    while frontier:
        rows = tasks.resting_on(connection, frontier)
        frontier = []
        for row in rows:
            key = (row.source, row.decision, row.on, row.key)
            found[key] = Reliance(
                Point(RelianceKind(row.decision_kind), row.decision, row.ministry),
                (RelianceKind(row.on_kind), row.on),
                row.thread,
                row.key,
            )
            place = (row.decision_kind, row.decision)
            if place not in reached:
                reached.add(place)
                frontier.append(place)
    return list(found.values())


def affected_by(connection: Connection, changed: tuple[RelianceKind, str]) -> tuple[Affected, ...]:
    """Return every decision known here that rests on something, the nearest first."""
    return ripple(graph_from(connection, changed), changed)


def open_reviews(
    node: Node, unit: Unit, change: Change, changed: tuple[RelianceKind, str], cause: str
) -> int:
    """Open a review of each own decision that rests on what changed; returns how many.

    Call inside the unit that stores the change, before its event. A decision whose review for the
    same cause is there already gets no second one.

    Args:
        node: this node.
        unit: the open unit of work.
        change: what happened.
        changed: kind and id of what it happened to.
        cause: id of the recall, package, amendment or delisting.
    """
    affected = affected_by(unit.connection, changed)
    by_id = {one.decision.id: one for one in affected}
    opened = 0
    for task in rules.of_reliance(change, cause, affected, node.ministry):
        decision = task.about[1]
        review = task_id("review", *task.about, cause)
        if tasks.review(unit.connection, review) is None:
            _open(unit, node.now(), review, task, by_id[decision])
            opened += 1
    return opened


def open_notice(
    node: Node,
    unit: Unit,
    notice: rules.Notice,
    about: tuple[str, str],
    cause: str,
    path: tuple[str, ...] = (),
) -> bool:
    """Ask the desk to take note of something; returns whether it was not asked before.

    Somebody closes it as noted.

    Call inside the unit that stores what the partner did, before its event.

    Args:
        node: this node.
        unit: the open unit of work.
        notice: what happened.
        about: kind and id of the object.
        cause: id of the partner's statement, or of a list's edition and its entry.
        path: for a list, the references of entries with what changed in words.
    """
    id_ = task_id("notice", *about, cause)
    if tasks.review(unit.connection, id_) is not None:
        return False
    task = rules.Task(
        rules.TaskKind.NOTICE,
        node.ministry,
        rules.DESK,
        about,
        key=notice.value,
        cause=cause,
        path=path,
    )
    _open(unit, node.now(), id_, task, None)
    return True


def settle_notice(unit: Unit, about: tuple[str, str], cause: str, at: str) -> None:
    """Close the notice of what a partner did: this ministry has answered it."""
    close_review(unit, task_id("notice", *about, cause), {"outcome": NOTED, "closed_at": at})


def open_refusal(node: Node, unit: Unit, original: StoredStatement, peer: str) -> None:
    """Tell the desk that a partner refused an own statement, so that it can be told again.

    Args:
        node: this node.
        unit: the open unit of work.
        original: row of the statement.
        peer: who refused it.
    """
    name = original.type.partition("/")[0]
    kind = _OBJECT_OF.get(name, "thread")
    named = original.thread if kind == "thread" else original.about
    about = (kind, original.id if name == "designation" else named or original.id)
    task = rules.Task(
        rules.TaskKind.NOTICE,
        node.ministry,
        rules.DESK,
        about,
        key=rules.Notice.REFUSED_THERE.value,
        cause=original.id,
    )
    review = task_id("notice", *about, peer, task.cause)
    if tasks.review(unit.connection, review) is None:
        _open(unit, node.now(), review, task, None)


def _open(unit: Unit, at: str, review: str, task: rules.Task, affected: Affected | None) -> None:
    unit.insert(
        tasks.REVIEWS,
        {
            "id": review,
            "decision_kind": task.about[0],
            "decision": task.about[1],
            "change": task.key,
            "cause": task.cause,
            "thread": (affected.thread or None) if affected is not None else None,
            "key": (affected.key or None) if affected is not None else None,
            "path": json.dumps(list(task.path)),
            "state": OPEN,
            "opened_at": at,
        },
    )
    row = task_row(task, review, at) | {"id": review}
    tasks.replace_rows(unit, tasks.TASKS, review, [row], keep="opened_at")


def settle_reviews(unit: Unit, decisions: Sequence[str], at: str) -> None:
    """Close the open reviews of decisions that were just taken anew.

    A later finding on the same subject, an amendment or a delisting of the own designation answers
    the question that the review asked.
    """
    for row in tasks.reviews_of(unit.connection, decisions):
        if row.state == OPEN:
            close_review(unit, row.id, {"outcome": DECIDED_AGAIN, "closed_at": at})


def close_review(unit: Unit, review: str, values: dict[str, Any]) -> bool:
    """Close one open review and take its task away; returns whether it was open."""
    changed = unit.update(
        tasks.REVIEWS, {"id": review}, {**values, "state": "closed"}, expect={"state": OPEN}
    )
    if changed is None:
        return False
    tasks.replace_rows(unit, tasks.TASKS, review, [])
    return True
