"""The write side: one transaction that changes rows and records why, or does neither.

Owns transactions and the rule *no change without an event* (DESIGN §3.3); knows no use case.

* A unit is a plain function that takes a :class:`Unit`. It may run twice (PostgreSQL retries
  serialization failures; a unit that presumed too much runs again), so it must do no I/O but
  through the unit it is handed, and no signing: ministries sign before the unit starts, when no
  write lock is held.
* What a unit inserts is collected and written a table at a time, at the latest before it reads,
  updates or deletes, else together with the rows of other units (``collected.py``).
"""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, bindparam, text
from sqlalchemy.sql.dml import ReturningUpdate

from api.records.collected import Collected, InsertForm, Taken, whole
from api.records.metadata import row_digest, row_key, touched_text
from api.records.rows import keyed
from api.records.standing_version import NEXT

__all__ = ["Taken", "Unit", "UnitFunction", "UnrecordedChangeError"]
T = TypeVar("T")


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


class UnrecordedChangeError(RuntimeError):
    """A unit changed recorded rows without an event: a defect, never a user's error."""


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
        begin: opens the transaction (or savepoint) of this unit; asked once, when the unit first
            reads or changes a row. A unit that only inserts never asks.
        presuming: this run may presume; see :meth:`presumes`.

    Attributes:
        recovering: this unit is part of a recovery and may write while the node is read-only.
        rings: topics whose listeners are woken after the commit.
        acts: ``(act, outcome)`` of the events recorded, counted after the commit.
        collected: rows that are not written yet.
        presumed: this run presumed something; where it fails, the unit runs again.
    """

    def __init__(self, begin: Callable[[], Connection], *, presuming: bool = False) -> None:
        self._begin = begin
        self._connection: Connection | None = None
        self._presuming = presuming
        self.presumed = False
        self.recovering = False
        self._touched: list[tuple[str, list[Any], str | None]] = []
        self._standing_changed = False
        self.rings: set[str] = set()
        self.acts: list[tuple[str, str]] = []
        self.collected = Collected()

    @property
    def connection(self) -> Connection:
        """The open transaction, with everything in it that this unit inserted so far.

        Raises:
            Taken: a row that was inserted violates a constraint.
        """
        if self._connection is None:
            self._connection = self._begin()
        if self.collected:
            self.collected.write(self._connection)
        return self._connection

    @property
    def opened(self) -> bool:
        """Whether the unit needed a transaction of its own."""
        return self._connection is not None

    def presumes(self) -> bool:
        """Tell whether this run may presume that nobody else does the same at this moment.

        Then it need not lock and look: where it fails for whatever reason, nothing of it stays and
        the unit runs once more, with a *no* from here.
        """
        self.presumed = self._presuming
        return self._presuming

    def lock(self, name: str) -> None:
        """Let no other transaction that locks this name go on before this one has ended.

        For decisions that rest on several rows, or on one that may not exist yet. Lock first, then
        read. SQLite has one writer, so nothing is needed there.
        """
        connection = self.connection
        if connection.dialect.name == "postgresql":
            connection.execute(_LOCK, {"name": name})

    def insert(self, table: Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Insert one or more rows; columns that are not named become NULL.

        A constraint that is violated is told later: by :attr:`connection`, :meth:`part`, or the
        commit, as :class:`Taken`.
        """
        many = [rows] if isinstance(rows, Mapping) else list(rows)
        if not many:
            return
        form = whole(table)
        full = [{name: row.get(name) for name in form.columns} for row in many]
        self.collected.add(form, full)
        self._note(table, full)

    def _note(self, table: Table, rows: Sequence[Mapping[Any, Any]]) -> None:
        """Remember which rows an event must name, and whether officers' standing changed."""
        if table.info.get("standing"):
            self._standing_changed = True
        if table.info.get("protection") == "recorded":
            self._touched.extend(
                (table.name, row_key(table, row), row_digest(table, row)) for row in rows
            )

    def insert_as(self, form: InsertForm, row: Mapping[str, Any]) -> None:
        """Insert a row of a table that is not a recorded one, in a form of its own."""
        self.collected.add(form, [row])

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
        if row is not None:
            self._note(table, [row])
        return row

    def update_many(
        self, table: Table, keys: Sequence[tuple[Any, ...]], values: Mapping[str, Any]
    ) -> int:
        """Give every row whose primary key is listed the same new values; return how many."""
        if not keys:
            return 0
        chosen = keyed(list(table.primary_key.columns), keys)
        statement = table.update().where(chosen).values(dict(values)).returning(*table.columns)
        rows = list(self.connection.execute(statement).mappings())
        self._note(table, rows)
        return len(rows)

    def delete(self, table: Table, key: Mapping[str, Any]) -> bool:
        """Delete the row with this primary key; returns whether there was one."""
        statement = table.delete()
        for name, value in key.items():
            statement = statement.where(table.c[name] == value)
        gone = self.connection.execute(statement).rowcount > 0
        if gone and table.info.get("standing"):
            self._standing_changed = True
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
        connection = self.connection
        connection.exec_driver_sql("SAVEPOINT part")
        try:
            yield
            # What the part inserted fails here, or not at all.
            self.collected.write(connection)
        except Exception:
            self.collected.forget()
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
            connection.exec_driver_sql("RELEASE SAVEPOINT part")
            self._touched, self.acts, self.rings = touched, acts, rings
            raise
        connection.exec_driver_sql("RELEASE SAVEPOINT part")

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
        if self._standing_changed:
            self.connection.execute(NEXT)


UnitFunction = Callable[[Unit], T]
