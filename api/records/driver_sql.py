"""SQL in the driver's own style, built once: to build what is asked much costs more than to ask.

Owns the way from a statement of SQLAlchemy to the text and parameters that the driver takes. Must
not know any table, and converts no value: columns must hold what the driver gives and takes.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

from sqlalchemy import ClauseElement, Connection, CursorResult, Dialect, Select

_FEW: Final = 8


@dataclass(frozen=True, slots=True)
class DriverSql:
    """A statement for one database.

    Attributes:
        sql: in the driver's own style.
        order: names of the parameters where they are positional.
        constants: parameters that the statement brings itself.
    """

    sql: str
    order: tuple[str, ...] | None
    constants: Mapping[str, Any]

    def bound(self, values: Mapping[str, Any]) -> Any:
        """Return values as the driver takes them."""
        if self.constants:
            values = {**self.constants, **values}
        return values if self.order is None else tuple([values[name] for name in self.order])


def driver_insert(statement: ClauseElement, dialect: Dialect) -> DriverSql:
    """Build the SQL of an insert whose parameters are all named."""
    compiled = statement.compile(dialect=dialect)
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    order = compiled.positiontup if compiled.positional else None  # type: ignore[attr-defined]
    return DriverSql(str(compiled), None if order is None else tuple(order), constants)


def driver_query(query: Select[Any], dialect: Dialect, examples: Mapping[str, Any]) -> DriverSql:
    """Build the SQL of a query.

    Args:
        query: the query.
        dialect: of the database.
        examples: a value for each parameter; a list is as long as those that it will get, and its
            values are called ``<name>_1``, ``<name>_2`` and so on.
    """
    compiled: Any = query.compile(dialect=dialect)
    state = compiled.construct_expanded_state(dict(examples))
    order = state.positiontup if compiled.positional else None
    return DriverSql(state.statement, None if order is None else tuple(order), state.parameters)


def ask_among(
    connection: Connection, query: Select[Any], wanted: Sequence[Any], **others: Any
) -> CursorResult[*tuple[Any, ...]]:
    """Ask a query for rows with some values, by texts that are built once.

    Args:
        connection: open for reading.
        query: its list parameter is called ``wanted``.
        wanted: the values; their number is rounded up, so that few texts are built.
        others: its other parameters, each of one type.
    """
    size = max(_FEW, 1 << (len(wanted) - 1).bit_length()) if wanted else 0
    asked = _among(query, connection.dialect, size, tuple(others))
    padded = [*wanted, *repeat(wanted[-1], size - len(wanted))] if wanted else []
    values = {f"wanted_{number}": value for number, value in enumerate(padded, 1)}
    return connection.exec_driver_sql(asked.sql, asked.bound({**others, **values}))


@functools.lru_cache(maxsize=192)
def _among(query: Select[Any], dialect: Dialect, size: int, others: tuple[str, ...]) -> DriverSql:
    return driver_query(query, dialect, {**dict.fromkeys(others, ""), "wanted": [""] * size})
