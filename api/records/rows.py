"""Rows as frozen classes: how a query's answer becomes what the use cases work with.

Owns the way from a row of a table to the class beside that table. A class has one member for each
column, with the same name (``tests/records/test_row_classes.py`` compares them); states and kinds
become enums and JSON columns become what they hold, so that nothing above this ring reads a column
by its name in quotes. Must not know any table.
"""

import dataclasses
import functools
import operator
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Executable, and_, or_

T = TypeVar("T")
Decode = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """Says, in the type of a member, how its column is read; NULL stays ``None``.

    ``to: Annotated[tuple[str, ...], Kept(texts)]``

    Attributes:
        decode: makes the member of what the column holds.
        column: name of the column, where it is no name for a member.
    """

    decode: Decode
    column: str = ""


def first(
    connection: Connection,
    query: Executable,
    kind: type[T],
    parameters: Mapping[str, Any] | None = None,
) -> T | None:
    """Return the first row of an answer, or ``None`` for an empty one."""
    row = connection.execute(query, parameters).mappings().first()
    return None if row is None else made(kind, row)


def every(
    connection: Connection,
    query: Executable,
    kind: type[T],
    parameters: Mapping[str, Any] | None = None,
) -> list[T]:
    """Return all rows of an answer, in its order."""
    return [made(kind, row) for row in connection.execute(query, parameters).mappings()]


def made(kind: type[T], row: Mapping[Any, Any]) -> T:
    """Return one row as its class; columns that the class does not have are left out."""
    columns, decoders = _plan(kind)  # type: ignore[arg-type]  # classes hash by identity
    members = {name: row[column] for name, column in columns}
    for name, decode in decoders:
        if members[name] is not None:
            members[name] = decode(members[name])
    return kind(**members)


def keyed(columns: Sequence[Column[Any]], keys: Iterable[Sequence[Any]]) -> ColumnElement[bool]:
    """Return the condition that a row has one of these keys, so that an index of them serves.

    SQLite reads a whole table for ``(a, b) IN (VALUES …)``.

    Args:
        columns: of the key.
        keys: at least one, each with a value for every column.
    """
    *leading, last = columns
    grouped: dict[tuple[Any, ...], list[Any]] = {}
    for *values, value in keys:
        grouped.setdefault((*values,), []).append(value)
    return or_(
        *(
            and_(*map(operator.eq, leading, values), last.in_(found))
            for values, found in grouped.items()
        )
    )


def as_stored(kind: type[T], row: Mapping[Any, Any]) -> T:
    """Return one row as its class with every value as it is stored: of an enum, its text.

    For checks of rows that nobody may believe yet; see :func:`made` for all others.
    """
    return kind(**{name: row[column] for name, column in columns_of(kind)})


def as_row(row: Any) -> dict[str, Any]:
    """Return a row class that decodes nothing as the row of its table."""
    return {column: getattr(row, name) for name, column in columns_of(type(row))}


def columns_of(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    """Return the members of a row class, each with the name of its column."""
    return _plan(kind)[0]  # type: ignore[arg-type]  # classes hash by identity


@functools.cache
def _plan(
    kind: type[Any],
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, Decode], ...]]:
    """Return a class's members with their columns, and how those are read that are not as kept."""
    hints = typing.get_type_hints(kind, include_extras=True)
    names = tuple(field.name for field in dataclasses.fields(kind))
    decoders = ((name, _decode_of(hints[name])) for name in names)
    columns = tuple((name, _column_of(hints[name]) or name) for name in names)
    return columns, tuple((name, decode) for name, decode in decoders if decode is not None)


def _column_of(hint: Any) -> str:
    """Return the name of the column that a member's type states; empty if it has the member's."""
    extras = getattr(hint, "__metadata__", ())
    return next((extra.column for extra in extras if isinstance(extra, Kept)), "")


def _decode_of(hint: Any) -> Decode | None:
    """Return how a member is read: as its type says, or by the enum that its type names."""
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Kept):
            return extra.decode
    options = typing.get_args(hint) if typing.get_origin(hint) is types.UnionType else (hint,)
    found = (each for each in options if isinstance(each, type) and issubclass(each, StrEnum))
    return next(found, None)
