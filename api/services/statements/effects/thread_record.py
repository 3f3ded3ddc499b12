"""A mirror thread between its statements and its rows: loads the two sequences, keeps the state.

Owns the tables of ``records/threads.py`` but for disputes, parked statements and comparisons. What
the sequences amount to is decided by ``domain.threads.sequences``; this module writes it down for
pages, look-ups and tasks, and touches only the rows that changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Table

from api.domain import tasks as rules
from api.domain.errors import NotFound
from api.domain.reliance import in_thread
from api.domain.threads.facts import SubjectState
from api.domain.threads.sequences import Record, fold
from api.domain.threads.state import ThreadState, state_digest
from api.records import statements, tasks, threads
from api.records.threads import ThreadSubject
from api.records.unit_of_work import Unit
from api.services.statements.effects import reliance
from api.services.statements.effects.base import opened
from api.services.statements.effects.descriptions import note
from api.wire.statements import Statement

RESUME = "resume"
"""The ruling after which an issuer's later statements are judged again."""


def load(connection: Connection, thread_id: str, *, without: str = "") -> Record | None:
    """Return what this node has stored of a thread, or ``None`` for an unknown one.

    Args:
        connection: open connection.
        thread_id: the opener's id.
        without: id of a statement that is just being stored and does not count yet.
    """
    rows = [row for row in statements.in_thread(connection, thread_id) if row.id != without]
    if not any(row.id == thread_id for row in rows):
        return None
    disputed = {
        row.issuer for row in threads.disputes_of(connection, thread_id) if row.ruling != RESUME
    }
    voided = threads.voids_of(connection, thread_id)
    return Record.of((opened(row) for row in rows), voided=voided, disputed=disputed)


def require(connection: Connection, thread_id: str | None, *, without: str = "") -> Record:
    """Return a thread's record.

    Raises:
        NotFound: ``thread.unknown``.
    """
    record = load(connection, thread_id, without=without) if thread_id is not None else None
    if record is None:
        raise NotFound("thread.unknown", "There is no such mirror request here.")
    return record


def keep(unit: Unit, record: Record, at: str) -> ThreadState:
    """Write down what a thread amounts to now; returns it.

    Args:
        unit: the open unit of work, in which the thread's row is locked or new.
        record: both sequences with the statement that is just being stored.
        at: the node's clock.
    """
    state = fold(record)
    old = threads.by_id(unit.connection, state.id)
    row = _row(record, state)
    if old is None:
        unit.insert(threads.THREADS, {**row, "opened_at": at, "updated_at": at})
    elif any(getattr(old, name) != value for name, value in row.items()):
        changed = {name: value for name, value in row.items() if name != "id"}
        unit.update(threads.THREADS, {"id": state.id}, {**changed, "updated_at": at})
    _keep_subjects(unit, state)
    described = list(descriptions(record, state))
    note(unit, "thread", state.id, state.requester, described)
    _keep_names(unit, state.id, described)
    reliance.refresh(unit, state.id, in_thread(state))
    found = [reliance.task_row(task, state.id, at) for task in rules.of_thread(state)]
    tasks.replace_rows(unit, tasks.TASKS, state.id, found, keep="opened_at")
    return state


def void(unit: Unit, statement: Statement, code: str, at: str) -> None:
    """Note that a statement was refused: it keeps its number and has no effect."""
    unit.insert(
        threads.THREAD_VOIDS,
        {
            "statement": statement.id,
            "thread": statement.thread_id,
            "issuer": statement.issuer,
            "code": code,
            "at": at,
        },
    )


def _row(record: Record, state: ThreadState) -> dict[str, Any]:
    return {
        "id": state.id,
        "requester": state.requester,
        "addressee": state.addressee,
        "title": record.opener.body["title"],
        "phase": state.phase.value,
        "respond_by": state.terms.respond_by,
        "release_at": state.terms.release_at,
        "continues": state.terms.continues,
        "requester_seq": len(record.requester),
        "addressee_seq": len(record.addressee),
        "subjects": len(state.subjects),
        "undecided": sum(1 for _ in state.undecided()),
        "state_digest": state_digest(state),
    }


def _keep_subjects(unit: Unit, state: ThreadState) -> None:
    rows = threads.subjects_of(unit.connection, [state.id]).get(state.id, [])
    known = {row.key: row for row in rows}
    for key, subject in state.subjects.items():
        _write(unit, threads.THREAD_SUBJECTS, known.get(key), _subject_row(state.id, subject))


def _subject_row(thread: str, subject: SubjectState) -> dict[str, Any]:
    finding = subject.finding
    effect = subject.effects[-1] if subject.effects else None
    return {
        "thread": thread,
        "key": subject.key,
        "name": subject.names[0],
        "phase": subject.phase.value,
        "designation": subject.designation,
        "suggested": subject.suggested,
        "finding": finding.kind if finding is not None else None,
        "regime": finding.regime if finding is not None else None,
        "until": finding.until if finding is not None else None,
        "finding_statement": finding.stamp.id if finding is not None else None,
        "effect": effect.designation if effect is not None else None,
        "effect_statement": effect.stamp.id if effect is not None else None,
    }


def _write(unit: Unit, table: Table, old: ThreadSubject | None, row: Mapping[str, Any]) -> None:
    if old is None:
        unit.insert(table, row)
    elif asdict(old) != row:
        keys = {column.name: row[column.name] for column in table.primary_key.columns}
        changed = {name: value for name, value in row.items() if name not in keys}
        unit.update(table, keys, changed)


def descriptions(record: Record, state: ThreadState) -> Iterator[Mapping[str, Any]]:
    """Every subject with the description by the opener or amendment that brought it."""
    for statement in record.requester:
        found: Any = statement.body.get("subjects" if statement is record.opener else "add")
        if statement.type not in {"mirror-request/1", "mirror-amendment/1"} or found is None:
            continue
        for subject in found:
            known = state.subjects.get(subject["key"])
            if known is not None and known.added.id == statement.id:
                yield subject


def _keep_names(unit: Unit, thread: str, described: Iterable[Mapping[str, Any]]) -> None:
    wanted = {
        (str(subject["key"]), str(name["text"]).casefold())
        for subject in described
        for name in subject["names"]
    }
    for key, name in sorted(wanted - threads.names_of(unit.connection, thread)):
        unit.insert(threads.THREAD_NAMES, {"thread": thread, "key": key, "name": name})
