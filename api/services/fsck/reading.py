"""Rows as they were declared: SQLite keeps whatever a foreign hand puts into a cell.

Owns the guard between stored values and the rest of the check: a value of another type than its
column's is a finding, and an empty one of the right type takes its place.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, Table, select

from api.records.metadata import row_key
from api.services.fsck.scope import Scope

Row = Mapping[str, Any]
_EMPTY: Final[Mapping[type, Any]] = {bytes: b"", str: "", int: -1}


@cache
def _types(table: Table) -> tuple[tuple[str, type], ...]:
    return tuple((column.name, column.type.python_type) for column in table.columns)


def typed(scope: Scope, table: Table, row: Row) -> Row:
    """Return a row whose values have their columns' types; others are reported and emptied."""
    wrong = {
        name: _EMPTY[kind]
        for name, kind in _types(table)
        if row[name] is not None and not isinstance(row[name], kind)
    }
    if not wrong:
        return row
    detail = f"The column {next(iter(wrong))} holds a value of another type than it is declared."
    scope.findings.add("fsck.type", table.name, row_key(table, row), detail)
    return {**row, **wrong}


def stored_rows(scope: Scope, table: Table, query: Select[Any] | None = None) -> Iterator[Row]:
    """Yield the rows of a table, or those of a query over all of its columns."""
    chosen = select(table) if query is None else query
    found = scope.connection.execute(chosen, execution_options={"yield_per": 500})
    for row in found.mappings():
        yield typed(scope, table, {**row})


def one(scope: Scope, table: Table, **key: Any) -> Row | None:
    """Return the row with this primary key."""
    query = select(table)
    for name, value in key.items():
        query = query.where(table.c[name] == value)
    row = scope.connection.execute(query).mappings().one_or_none()
    return None if row is None else typed(scope, table, {**row})
