"""Rows as they were declared: SQLite keeps whatever a foreign hand puts into a cell.

Owns the guard between stored values and the rest of the check: a value of another type than its
column's is a finding, and an empty one of the right type takes its place. Only here and in ``rows``
are columns read by their names: both look at every column of any table.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, Boolean, ColumnElement, Select, Table, select, type_coerce

from api.records import log
from api.records.metadata import row_key
from api.records.rows import as_stored
from api.services.audit.fsck.scope import Scope
from api.tlog.tiles import TILE_WIDTH

T = TypeVar("T")
Row = Mapping[str, Any]
"""A row by column, while its values are looked at whatever they are."""

_EMPTY: Final[Mapping[type, Any]] = {bytes: b"", str: "", int: -1, bool: False}
_PLACES: Final[Mapping[Table, tuple[tuple[str, int, int], ...]]] = {
    log.EVENTS: (("leaf_index", 1, 0), ("seq", 1, -1)),
    log.BUNDLES: (("n", TILE_WIDTH, 0),),
    log.HEADS: (("size", 1, -1),),
    log.COSIGNATURES: (("size", 1, -1),),
}


@cache
def _types(table: Table) -> tuple[tuple[str, tuple[type, ...]], ...]:
    """Return, by column, the types of value that it may hold."""
    return tuple(
        (column.name, (column.type.python_type, *((type(None),) if column.nullable else ())))
        for column in table.columns
    )


@cache
def _cells(table: Table) -> tuple[ColumnElement[Any], ...]:
    """Return a table's columns as their cells are: truth values are not made of anything else."""
    return tuple(
        type_coerce(column, BigInteger).label(column.name)
        if isinstance(column.type, Boolean)
        else column
        for column in table.columns
    )


def _truths(table: Table, row: Row) -> Row:
    """Return a row in which the cells 0 and 1 of truth values are these values."""
    truths = {
        name: bool(row[name])
        for name, kinds in _types(table)
        if bool in kinds and isinstance(row[name], int) and row[name] in (0, 1)
    }
    return {**row, **truths}


def typed(scope: Scope, table: Table, row: Row) -> Row:
    """Return a row whose values have their columns' types; others are reported and emptied."""
    wrong = {
        name: _EMPTY[kinds[0]] for name, kinds in _types(table) if not isinstance(row[name], kinds)
    }
    if not wrong:
        return row
    detail = f"The column {next(iter(wrong))} holds a value of another type than it is declared."
    scope.findings.add(
        "fsck.type", table.name, row_key(table, row), detail, index=_leaf_of(table, row)
    )
    return {**row, **wrong}


def _leaf_of(table: Table, row: Row) -> int | None:
    """Return a leaf that a row of the log concerns, as far as the row can be believed.

    A finding without a leaf comes after all others, and this one must come before those that the
    emptied value causes.
    """
    for name, factor, start in _PLACES.get(table, ()):
        value = row[name]
        if isinstance(value, int):
            return max(value * factor + start, 0)
    return None


def stored_rows(
    scope: Scope, table: Table, kind: type[T], query: Select[Any] | None = None
) -> Iterator[T]:
    """Yield the rows of a table, or those of a query over all of its columns, as their class.

    Every member is as it is stored (``records.rows.as_stored``): a state may be any text.
    """
    cells = _cells(table)
    chosen = select(*cells) if query is None else query.with_only_columns(*cells)
    found = scope.connection.execute(chosen, execution_options={"yield_per": 500})
    for row in found.mappings():
        yield as_stored(kind, typed(scope, table, _truths(table, {**row})))


def one(scope: Scope, table: Table, kind: type[T], **key: Any) -> T | None:
    """Return the row with this primary key: any one if its index is gone (``schema``)."""
    query = select(*_cells(table))
    for name, value in key.items():
        query = query.where(table.c[name] == value)
    row = scope.connection.execute(query).mappings().first()
    if row is None:
        return None
    return as_stored(kind, typed(scope, table, _truths(table, {**row})))
