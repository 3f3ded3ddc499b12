"""A database with rows in every table, and a foreign hand that changes one cell or row of it.

Every change happens inside a savepoint that is rolled back, so one database serves a whole campaign.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, select
from sqlalchemy.exc import IntegrityError

from api.domain.events import Act, Subject
from api.records.metadata import row_key
from api.records.schema import METADATA
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.audit.fsck.rows import recorded_tables
from api.services.node import Node
from tests.support import exchange, journeys
from tests.support.federation import Federation

Row = dict[str, Any]
US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


def eventful(folder: Path, url: str | None = None) -> Federation:
    """Three nodes after an exchange of everything, all events sequenced and witnessed.

    Args:
        folder: an empty folder.
        url: database of the US node; SQLite otherwise.
    """
    made = Federation(folder, urls={} if url is None else {US: url})
    journeys.exchange(made, 2)
    package = journeys.submit(made, UK, "From London", b"another exhibit\n" * 50)
    journeys.release(made, package, US, UK)
    listed = exchange.designate(made, US, "Test Person")
    made.settle()
    exchange.request(made, US, UK, {"s1": listed})
    made.settle()
    fill(made[US])
    made.settle()
    journeys.witness_all(made)
    return made


def fill(node: Node) -> list[str]:
    """Put a row into every recorded table that has none, with its event; returns those tables."""
    filled = []
    for table in recorded_tables():
        if node.db.read(lambda c, t=table: c.execute(select(t).limit(1)).first()) is None:
            node.db.write(lambda unit, t=table: _fill(node, unit, t))
            filled.append(table.name)
    return filled


def _fill(node: Node, unit: Unit, table: Table) -> None:
    samples = {bytes: b"some bytes", str: "some text", int: 7}
    for name in ("first", "second"):
        row = {column.name: samples[column.type.python_type] for column in table.columns}
        for column in table.primary_key.columns:
            if column.type.python_type is str:
                row[column.name] = f"{name} {column.name}"
        for column in unique_columns(table):
            if column in row and isinstance(row[column], str):
                row[column] = f"{name} {column}"
        unit.insert(table, row)
    entry = recording.Entry(act=Act.SAMPLE_SAVED, subject=Subject("table", table.name))
    recording.record(node, unit, entry)


def unique_columns(table: Table) -> set[str]:
    found = {column.name for column in table.columns if column.unique}
    for index in table.indexes:
        if index.unique:
            found |= {column.name for column in index.columns}
    return found


@dataclass(frozen=True)
class Tampering:
    """One change: what was done, and the keys under which the row may be named."""

    what: str
    table: str
    keys: tuple[tuple[Any, ...], ...]
    change: Callable[[Connection], None]


@contextmanager
def tampered(connection: Connection, tampering: Tampering) -> Iterator[bool]:
    """Make a change and take it back; yields whether the database let it happen."""
    savepoint = connection.begin_nested()
    try:
        try:
            tampering.change(connection)
        except IntegrityError:
            yield False
        else:
            yield True
    finally:
        savepoint.rollback()


def altered(value: Any, kind: type, rng: random.Random) -> Any:
    """Another value of the same type."""
    if kind is bool:
        return not value
    if kind is int:
        return (0 if value is None else value) + rng.choice((1, 1_000_003))
    if kind is bytes:
        data = bytes(value or b"")
        if not data:
            return b"x"
        at = rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
    text = value or ""
    if not text:
        return "x"
    at = rng.randrange(len(text))
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


def rows_of(connection: Connection, table: Table) -> list[Row]:
    order = list(table.primary_key.columns)
    return [dict(row) for row in connection.execute(select(table).order_by(*order)).mappings()]


def key_of(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(
        bytes(value).hex() if isinstance(value, bytes) else value for value in row_key(table, row)
    )


def setting(table: Table, row: Row, values: Row) -> Callable[[Connection], None]:
    """An UPDATE of one row, as a foreign hand would type it."""
    found = and_(*(column == row[column.name] for column in table.primary_key.columns))

    def change(connection: Connection) -> None:
        done = connection.execute(table.update().where(found).values(values))
        assert done.rowcount == 1

    return change


def cells(
    connection: Connection, table: Table, rng: random.Random, most: int
) -> Iterator[Tampering]:
    """Every column of a table changed, and emptied where it may be, in at most `most` rows each."""
    stored = rows_of(connection, table)
    for column in table.columns:
        for row in rng.sample(stored, min(most, len(stored))):
            values = [altered(row[column.name], column.type.python_type, rng)]
            if column.nullable and row[column.name] is not None:
                values.append(None)
            for value in values:
                after = {**row, column.name: value}
                yield Tampering(
                    f"{table.name}.{column.name} set to another value",
                    table.name,
                    (key_of(table, row), key_of(table, after)),
                    setting(table, row, {column.name: value}),
                )


def deletions(
    connection: Connection, table: Table, rng: random.Random, most: int
) -> Iterator[Tampering]:
    stored = rows_of(connection, table)
    for row in rng.sample(stored, min(most, len(stored))):
        found = and_(*(column == row[column.name] for column in table.primary_key.columns))
        statement = table.delete().where(found)
        yield Tampering(
            f"row deleted from {table.name}",
            table.name,
            (key_of(table, row),),
            lambda c, statement=statement: c.execute(statement),
        )


def insertions(connection: Connection, table: Table, rng: random.Random) -> Iterator[Tampering]:
    """A copy of a row under another key."""
    for row in rng.sample(rows_of(connection, table), 1):
        copy = dict(row)
        for column in table.columns:
            if column.primary_key or column.name in unique_columns(table):
                copy[column.name] = altered(row[column.name], column.type.python_type, rng)
        yield Tampering(
            f"row inserted into {table.name}",
            table.name,
            (key_of(table, copy),),
            lambda c, copy=copy: c.execute(insert(table), copy),
        )


def swaps(connection: Connection, table: Table, rng: random.Random) -> Iterator[Tampering]:
    """Two rows that trade everything but their keys."""
    stored = rows_of(connection, table)
    free = [
        column.name
        for column in table.columns
        if not column.primary_key and column.name not in unique_columns(table)
    ]
    pairs = [
        (one, other)
        for at, one in enumerate(stored)
        for other in stored[at + 1 :]
        if any(one[name] != other[name] for name in free)
    ]
    for one, other in rng.sample(pairs, min(1, len(pairs))):
        to_one = setting(table, one, {name: other[name] for name in free})
        to_other = setting(table, other, {name: one[name] for name in free})

        def change(
            c: Connection,
            to_one: Callable[[Connection], None] = to_one,
            to_other: Callable[[Connection], None] = to_other,
        ) -> None:
            to_one(c)
            to_other(c)

        yield Tampering(
            f"two rows of {table.name} swapped",
            table.name,
            (key_of(table, one), key_of(table, other)),
            change,
        )


def covered_tables(exempt: set[str]) -> list[Table]:
    return [table for table in METADATA.sorted_tables if table.name not in exempt]
