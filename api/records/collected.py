"""Rows that a unit of work wants inserted, kept until they must be there.

Owns how they are written then: one call of the driver for each form of insert, with SQL that
SQLAlchemy built once for each form and database. Decides nothing and opens no transaction.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Dialect,
    Insert,
    Integer,
    LargeBinary,
    Table,
    Text,
    TextClause,
    insert,
)
from sqlalchemy.exc import IntegrityError

from api.records.driver_sql import DriverSql, driver_insert

_PLAIN = (BigInteger, Boolean, Integer, LargeBinary, Text)


class Taken(Exception):  # noqa: N818 - the name reads as what is the case
    """A row with this key, or with another value that must be unique, is there already.

    Args:
        table: name of the table; the values stay out of messages and logs.
    """

    def __init__(self, table: str) -> None:
        super().__init__(f"a row of {table} with this key exists")
        self.table = table


@dataclass(frozen=True, slots=True, eq=False)
class InsertForm:
    """One way to insert into a table.

    Attributes:
        table: the table.
        statement: the insert; its parameters are named like the columns.
        columns: names of its parameters.
        refusal: of a statement with a condition: what to raise when it inserts nothing.
    """

    table: Table
    statement: Insert | TextClause
    columns: tuple[str, ...]
    refusal: Callable[[], Exception] | None = None


@functools.cache
def whole(table: Table) -> InsertForm:
    """Return the form that fills every column of a table."""
    return InsertForm(table, insert(table), tuple(column.name for column in table.columns))


_TEXTS: dict[tuple[InsertForm, str], DriverSql] = {}


def _text(form: InsertForm, dialect: Dialect) -> DriverSql:
    known = _TEXTS.get((form, dialect.name))
    if known is None:
        known = _TEXTS[form, dialect.name] = _compiled(form, dialect)
    return known


def _compiled(form: InsertForm, dialect: Dialect) -> DriverSql:
    """Build the SQL of a form.

    Raises:
        TypeError: a column's values would need to be converted for the driver.
    """
    for name in form.columns:
        if name in form.table.c and not isinstance(form.table.c[name].type, _PLAIN):
            raise TypeError(f"{form.table.name}.{name} is of a type that is not sent as it is")
    return driver_insert(form.statement, dialect, form.columns)


def _conditional(item: tuple[InsertForm, Sequence[Mapping[str, Any]]]) -> bool:
    return item[0].refusal is not None


class Collected:
    """Rows by form, in the order in which the forms were first used."""

    def __init__(self) -> None:
        self._rows: dict[InsertForm, list[Mapping[str, Any]]] = {}

    def __bool__(self) -> bool:
        """Tell whether rows wait."""
        return bool(self._rows)

    def add(self, form: InsertForm, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep rows; each holds a value for every column of the form."""
        self._rows.setdefault(form, []).extend(rows)

    def include(self, other: "Collected") -> None:
        """Put another unit's rows behind these; the other keeps them too."""
        for form, rows in other._rows.items():  # noqa: SLF001 - of the same class
            self.add(form, rows)

    def forget(self) -> None:
        """Drop all rows."""
        self._rows = {}

    def write(self, connection: Connection) -> None:
        """Insert all rows, a form at a time, and forget them.

        Raises:
            Taken: a unique or foreign key constraint is violated.
            Exception: the form's refusal, where its condition did not hold.
        """
        rows, self._rows = self._rows, {}
        # Conditions look at what was there before: not at what is inserted with them.
        for form, many in sorted(rows.items(), key=_conditional, reverse=True):
            text = _text(form, connection.dialect)
            bound = [text.bound(row) for row in many]
            try:
                done = connection.exec_driver_sql(text.sql, bound if len(bound) > 1 else bound[0])
            except IntegrityError as error:
                raise Taken(form.table.name) from error
            if form.refusal is not None and done.rowcount != len(many):
                raise form.refusal()
