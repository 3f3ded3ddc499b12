"""Every recorded table compared with what the events' change sets say its rows must be.

Owns the comparison row by row, statements named by events, and the question whether the database
has the tables this program knows and no others.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from sqlalchemy import Table, select

from api.records import log, node_state
from api.records.metadata import row_digest, row_key
from api.records.schema import METADATA
from api.records.statements import STATEMENTS
from api.services.audit.fsck.events import known_gaps, within
from api.services.audit.fsck.scope import Scope

_BATCH: Final = 500


def recorded_tables() -> list[Table]:
    """Return the tables whose every row is bound to an event."""
    tables = METADATA.sorted_tables
    return [table for table in tables if table.info.get("protection") == "recorded"]


def check_rows(scope: Scope) -> int:
    """Compare every row of every recorded table; returns how many there are."""
    count = 0
    for table in recorded_tables():
        for rows in _batches(scope, table):
            count += len(rows)
            for key, digest in rows:
                _judge_row(scope, table.name, key, digest)
            scope.journal.see(table.name, [key for key, _ in rows])
    for name, key, index in scope.journal.unseen():
        detail = "The row that this event left behind is gone."
        _found(scope, "fsck.row-missing", name, key, detail, index)
    for name, key, index in scope.journal.repeated():
        _found(scope, "fsck.row-extra", name, key, "The row is there more than once.", index)
    return count


def _batches(scope: Scope, table: Table) -> Iterator[list[tuple[list[Any], str]]]:
    reading = {"yield_per": _BATCH}
    rows = iter(scope.connection.execute(select(table), execution_options=reading).mappings())
    while batch := [(row_key(table, row), row_digest(table, row)) for row in islice(rows, _BATCH)]:
        yield batch


def _judge_row(scope: Scope, name: str, key: list[Any], digest: str) -> None:
    expected = scope.journal.expected(name, key)
    if expected is None:
        detail = "No event accounts for this row."
        _found(scope, "fsck.row-extra", name, key, detail, None)
    elif expected[0] is None:
        detail = "An event removed this row, and it is there."
        _found(scope, "fsck.row-extra", name, key, detail, expected[1])
    elif expected[0] != digest:
        detail = "The row is not as the last event that changed it left it."
        _found(scope, "fsck.row-changed", name, key, detail, expected[1])


def _found(
    scope: Scope, code: str, name: str, key: list[Any], detail: str, index: int | None
) -> None:
    consequent = scope.journal.broken
    scope.findings.add(code, name, key, detail, index=index, consequent=consequent)


def check_statements(scope: Scope) -> None:
    """Check that each event names the statement whose envelope its leaf commits to.

    A recovery writes the lost leaves first and takes the statements that partners hold back after
    them. Until it has ended, one of those may be named and not be here.
    """
    awaited = known_gaps(scope).lost if node_state.restoring(scope.connection) else ()
    events, known = log.EVENTS.c, STATEMENTS.c
    query = (
        select(events.seq, events.leaf_index, events.statement, STATEMENTS)
        .select_from(log.EVENTS.join(STATEMENTS, known.id == events.statement, isouter=True))
        .where(
            events.envelope_digest.is_not(None),
            known.id.is_(None) | (known.envelope_digest != events.envelope_digest),
        )
    )
    for row in scope.connection.execute(query).mappings():
        named = scope.journal.expected(STATEMENTS.name, [row[events.statement]])
        if row[known.id] is None:
            wrong = named is None and not within(awaited, row[events.leaf_index])
        else:
            statement = {column.name: row[column] for column in STATEMENTS.columns}
            wrong = named is not None and named[0] == row_digest(STATEMENTS, statement)
        if wrong:
            detail = "The event names another statement than the one its leaf commits to."
            seq, index = row[events.seq], row[events.leaf_index]
            scope.findings.add("fsck.event", log.EVENTS.name, [seq], detail, index=index)
