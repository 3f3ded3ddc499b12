"""Rows that a unit of work wants inserted, kept until they must be there.

Owns how they are written then: one call of the driver for each form of insert, with SQL that
SQLAlchemy built once for each form, database and number of rows. A few rows are one statement,
which is one way to the server and one change of thread. Decides nothing and opens no transaction.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Integer,
    LargeBinary,
    Table,
    Text,
    TextClause,
    bindparam,
    insert,
    select,
    union_all,
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


Value: TypeAlias = Callable[[str], ColumnElement[Any]]
"""The parameter of a row by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class InsertForm:
    """One way to insert into a table.

    Attributes:
        table: the table.
        columns: those that it fills; a row's parameters are named like them.
        condition: made of a row's parameters: the row is inserted where it holds. It looks at what
            was there before, not at what is inserted with it.
        refusal: what to raise where a condition did not hold.
        beside: names of parameters, texts, that the condition alone reads.
        statement: what inserts one row where the above does not say it all.
    """

    table: Table
    columns: tuple[str, ...]
    condition: Callable[[Value], ColumnElement[bool]] | None = None
    refusal: Callable[[], Exception] | None = None
    beside: tuple[str, ...] = ()
    statement: TextClause | None = None

    def of_rows(self, count: int) -> Insert | TextClause:
        """Return the statement that inserts so many rows."""
        if self.statement is not None:
            return self.statement
        every = [self._parameters(number) for number in range(count)]
        if self.condition is None:
            values = [{name: one[name] for name in self.columns} for one in every]
            return insert(self.table).values(values if count > 1 else values[0]).inline()
        rows = [
            select(*(one[name] for name in self.columns)).where(self.condition(one.__getitem__))
            for one in every
        ]
        chosen = union_all(*rows) if count > 1 else rows[0]
        return insert(self.table).from_select(list(self.columns), chosen)

    def _parameters(self, number: int) -> dict[str, BindParameter[Any]]:
        columns = {name: self.table.c[name].type for name in self.columns}
        types = columns | {name: Text() for name in self.beside}
        return {name: bindparam(_numbered(name, number), type_=of) for name, of in types.items()}


def _numbered(name: str, number: int) -> str:
    """Return the name of a parameter of the row with a number; the first row's are the columns'."""
    return f"{name}__{number}" if number else name


@functools.cache
def whole(table: Table) -> InsertForm:
    """Return the form that fills every column of a table."""
    return InsertForm(table, tuple(column.name for column in table.columns))


# Built once for each form, database and number of rows, so the number has a bound.
_TEXTS: dict[tuple[InsertForm, str, int], DriverSql] = {}
_AT_ONCE: Final = 16


def _text(form: InsertForm, dialect: Dialect, count: int) -> DriverSql:
    known = _TEXTS.get((form, dialect.name, count))
    if known is None:
        known = _TEXTS[form, dialect.name, count] = _compiled(form, dialect, count)
    return known


def _compiled(form: InsertForm, dialect: Dialect, count: int) -> DriverSql:
    """Build the SQL of a form.

    Raises:
        TypeError: a column's values would need to be converted for the driver.
    """
    for name in form.columns:
        if name in form.table.c and not isinstance(form.table.c[name].type, _PLAIN):
            raise TypeError(f"{form.table.name}.{name} is of a type that is not sent as it is")
    return driver_insert(form.of_rows(count), dialect)


def _bound(
    form: InsertForm, rows: Sequence[Mapping[str, Any]], dialect: Dialect
) -> tuple[str, Any]:
    """Return the SQL and the parameters that insert rows: a few together, many one by one."""
    if len(rows) == 1 or len(rows) > _AT_ONCE or form.statement is not None:
        text = _text(form, dialect, 1)
        each = [text.bound(row) for row in rows]
        return text.sql, each if len(each) > 1 else each[0]
    text = _text(form, dialect, len(rows))
    names = (*form.columns, *form.beside)
    values = {
        _numbered(name, number): row[name] for number, row in enumerate(rows) for name in names
    }
    return text.sql, text.bound(values)


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
            sql, parameters = _bound(form, many, connection.dialect)
            try:
                done = connection.exec_driver_sql(sql, parameters)
            except IntegrityError as error:
                raise Taken(form.table.name) from error
            if form.refusal is not None and done.rowcount != len(many):
                raise form.refusal()
