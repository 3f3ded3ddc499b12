"""The write side: one transaction that changes rows and records why, or does neither.

Owns transactions and the rule *no change without an event* (DESIGN §3.3); knows no use case.

* A unit is a plain function that takes a :class:`Unit`. It may run twice (PostgreSQL retries
  serialization failures), so it must do no I/O but through the unit it is handed, and no signing:
  ministries sign before the unit starts, when no write lock is held.
* On SQLite one writer thread takes the queued units, runs each in a savepoint and commits them
  together; a unit's caller is answered only after that commit.
"""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Insert, Table, bindparam, insert, text, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningUpdate

from api.records.metadata import row_digest, row_key, touched_text

T = TypeVar("T")


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class Taken(Exception):  # noqa: N818 - the name reads as what is the case
    """A row with this key, or with another value that must be unique, is there already.

    Args:
        table: name of the table; the values stay out of messages and logs.
    """

    def __init__(self, table: str) -> None:
        super().__init__(f"a row of {table} with this key exists")
        self.table = table


class UnrecordedChangeError(RuntimeError):
    """A unit changed recorded rows without an event: a defect, never a user's error."""


@functools.cache
def _insert(table: Table) -> Insert:
    """Return the insert statement of a table; built once, because every unit needs some."""
    return insert(table)


@functools.lru_cache(maxsize=1024)
def _update(
    table: Table, equal: tuple[str, ...], absent: tuple[str, ...], changed: tuple[str, ...]
) -> ReturningUpdate[Any]:
    """Return the update of one form; built once, because building it costs more than running it.

    Args:
        table: the table.
        equal: columns compared with the parameters ``is_<name>``.
        absent: columns that must be NULL.
        changed: columns that get the parameters ``to_<name>``.
    """
    statement = table.update().values(
        {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in changed}
    )
    for name in equal:
        column = table.c[name]
        statement = statement.where(column == bindparam(f"is_{name}", type_=column.type))
    for name in absent:
        statement = statement.where(table.c[name].is_(None))
    return statement.returning(*table.columns)


class Unit:
    """What a unit of work may do to the database.

    Args:
        connection: inside an open transaction (or savepoint) owned by the caller.

    Attributes:
        recovering: this unit is part of a recovery and may write while the node is read-only.
        rings: topics whose listeners are woken after the commit.
        acts: ``(act, outcome)`` of the events recorded, counted after the commit.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.recovering = False
        self._touched: list[tuple[str, list[Any], str | None]] = []
        self.rings: set[str] = set()
        self.acts: list[tuple[str, str]] = []

    def lock(self, name: str) -> None:
        """Let no other transaction that locks this name go on before this one has ended.

        For decisions that rest on several rows, or on one that may not exist yet. Lock first, then
        read. SQLite has one writer, so nothing is needed there.
        """
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(_LOCK, {"name": name})

    def insert(self, table: Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Insert one or more rows; columns that are not named become NULL.

        Raises:
            Taken: a unique or foreign key constraint is violated.
        """
        many = [rows] if isinstance(rows, Mapping) else list(rows)
        if not many:
            return
        names = [column.name for column in table.columns]
        full = [{name: row.get(name) for name in names} for row in many]
        try:
            self.connection.execute(_insert(table), full if len(full) > 1 else full[0])
        except IntegrityError as error:
            raise Taken(table.name) from error
        if table.info.get("protection") == "recorded":
            self._touched.extend(
                (table.name, row_key(table, row), row_digest(table, row)) for row in full
            )

    def update(
        self,
        table: Table,
        key: Mapping[str, Any],
        values: Mapping[str, Any],
        expect: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any] | None:
        """Change the row with this primary key if it still is as expected (compare-and-set).

        Args:
            table: the table.
            key: primary key columns and values.
            values: the new values.
            expect: columns that must hold these values for the change to happen.

        Returns:
            The whole row after the change, or ``None`` if no such row matched.
        """
        condition = {**key, **(expect or {})}
        equal = {name: value for name, value in condition.items() if value is not None}
        absent = tuple(name for name, value in condition.items() if value is None)
        statement = _update(table, tuple(equal), absent, tuple(values))
        parameters = {f"is_{name}": value for name, value in equal.items()}
        parameters |= {f"to_{name}": value for name, value in values.items()}
        found = self.connection.execute(statement, parameters).mappings().one_or_none()
        row = None if found is None else {str(name): value for name, value in found.items()}
        if row is not None and table.info.get("protection") == "recorded":
            self._touched.append((table.name, row_key(table, row), row_digest(table, row)))
        return row

    def update_many(
        self, table: Table, keys: Sequence[tuple[Any, ...]], values: Mapping[str, Any]
    ) -> int:
        """Give every row whose primary key is listed the same new values; return how many."""
        if not keys:
            return 0
        columns = list(table.primary_key.columns)
        chosen = (
            columns[0].in_([key[0] for key in keys])
            if len(columns) == 1
            else tuple_(*columns).in_(keys)
        )
        statement = table.update().where(chosen).values(dict(values)).returning(*table.columns)
        rows = list(self.connection.execute(statement).mappings())
        if table.info.get("protection") == "recorded":
            self._touched.extend(
                (table.name, row_key(table, row), row_digest(table, row)) for row in rows
            )
        return len(rows)

    def delete(self, table: Table, key: Mapping[str, Any]) -> bool:
        """Delete the row with this primary key; returns whether there was one."""
        statement = table.delete()
        for name, value in key.items():
            statement = statement.where(table.c[name] == value)
        gone = self.connection.execute(statement).rowcount > 0
        if gone and table.info.get("protection") == "recorded":
            pk = [key[column.name] for column in table.primary_key.columns]
            self._touched.append((table.name, pk, None))
        return gone

    @contextmanager
    def part(self) -> Iterator[None]:
        """Run a part of this unit that may fail alone: an exception undoes the part and passes on.

        What was changed before the part stays, and so does the duty to record it.
        """
        touched, acts, rings = list(self._touched), list(self.acts), set(self.rings)
        self.connection.exec_driver_sql("SAVEPOINT part")
        try:
            yield
        except Exception:
            self.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
            self.connection.exec_driver_sql("RELEASE SAVEPOINT part")
            self._touched, self.acts, self.rings = touched, acts, rings
            raise
        self.connection.exec_driver_sql("RELEASE SAVEPOINT part")

    def take_change_set(self) -> tuple[str, str]:
        """Return ``(text, digest)`` of the rows changed since the last call, and forget them.

        Only ``services/recording.py`` calls this, once per event.
        """
        changes = touched_text(self._touched)
        self._touched = []
        return changes, f"sha256:{hashlib.sha256(changes.encode()).hexdigest()}"

    def ring(self, topic: str) -> None:
        """Wake the jobs that listen for ``topic`` once this unit has committed."""
        self.rings.add(topic)

    def finish(self) -> None:
        """Check the rule before the transaction may commit.

        Raises:
            UnrecordedChangeError: rows were changed after the last event, or without any.
        """
        if self._touched:
            tables = sorted({name for name, _, _ in self._touched})
            raise UnrecordedChangeError(f"rows of {', '.join(tables)} changed without an event")


UnitFunction = Callable[[Unit], T]
