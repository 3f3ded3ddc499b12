"""Transactions on PostgreSQL: units by themselves, and units that only insert together.

Owns retries and the group commit on PostgreSQL; knows no table and no use case.

A unit runs in its caller's thread. One that reads, locks or changes rows has a transaction of its
own, so that no lock waits for another unit's work. One that only inserts hands its rows over; the
first caller to come writes what is waiting, in one transaction, for all.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from api.domain.errors import Unavailable
from api.records.collected import Collected
from api.records.outages import is_outage, translated
from api.records.unit_of_work import Unit

T = TypeVar("T")
Tell = Callable[[set[str], Sequence[tuple[str, str]]], None]
Notify = Callable[[Connection, set[str]], None]

_GROUP = 64
_RETRIES = 6
_RETRYABLE = frozenset({"40001", "40P01"})


@dataclass(slots=True)
class _Transaction:
    """One transaction: opened when it is first needed.

    Attributes:
        engine: where.
        notify: tells other processes, with the commit, which topics were rung.
        committing: its commit was asked for, so that its outcome may be unknown.
    """

    engine: Engine
    notify: Notify
    committing: bool = False
    connection: Connection | None = None
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "_Transaction":
        return self

    def __exit__(self, *_failure: object) -> None:
        # What was not committed is rolled back when the connection goes back to the pool.
        self._open.close()

    def begin(self) -> Connection:
        """Take a connection; the first statement begins the transaction."""
        if self.connection is None:
            self.connection = self._open.enter_context(self.engine.connect())
        return self.connection

    def write(self, rows: Collected, topics: set[str]) -> None:
        """Write rows and commit; listeners of other processes are woken by the commit.

        Raises:
            Taken: one of the rows violates a constraint.
        """
        connection = self.begin()
        rows.write(connection)
        self.notify(connection, topics)
        self.committing = True
        connection.commit()

    def may_run_again(self, error: Exception) -> bool:
        """Tell whether nothing of it can have stayed, and another try may succeed."""
        if not isinstance(error, DBAPIError):
            return False
        if getattr(error.orig, "sqlstate", None) in _RETRYABLE:
            return True
        # A pooled connection that the server's restart cut off; whether a commit was done by then
        # nobody can tell.
        return error.connection_invalidated and not self.committing


@dataclass(slots=True)
class _Waiting:
    """Rows of one unit that wait for a commit.

    Attributes:
        rows: what the unit inserted.
        topics: what it rang.
        ended: the commit is durable, or ``error`` says why not.
        error: what went wrong.
    """

    rows: Collected
    topics: set[str]
    ended: bool = False
    error: Exception | None = None


class _Together:
    """Commits the rows of many units in one transaction."""

    def __init__(self, engine: Engine, notify: Notify) -> None:
        self._engine = engine
        self._notify = notify
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()

    def write(self, rows: Collected, topics: set[str]) -> None:
        """Return after the rows are durable.

        Raises:
            Taken: one of these rows violates a constraint.
            DBAPIError: the database cannot take them.
        """
        waiting = _Waiting(rows, topics)
        self._queue.append(waiting)
        while not waiting.ended:
            with self._lock:
                if not waiting.ended:
                    self._write_next()
        if waiting.error is not None:
            raise waiting.error

    def _write_next(self) -> None:
        """Write what waits; every one of the group ends here, whatever happens."""
        group: list[_Waiting] = []
        while self._queue and len(group) < _GROUP:
            group.append(self._queue.popleft())
        try:
            self._write_group(group)
        finally:
            for each in group:
                if not each.ended:
                    each.error = Unavailable("database.unavailable", "The write was cut off.")
                    each.ended = True

    def _write_group(self, group: list[_Waiting]) -> None:
        if len(group) == 1:
            self._write_one(group[0])
            return
        together, topics = Collected(), set[str]()
        for each in group:
            together.include(each.rows)
            topics |= each.topics
        with _Transaction(self._engine, self._notify) as transaction:
            try:
                transaction.write(together, topics)
            except Exception as error:  # noqa: BLE001 - told to each whose rows these were
                failure = error
            else:
                _end(group, None)
                return
        if transaction.committing:
            _end(group, failure)
            return
        # Nothing stayed. Whose row it was, its own transaction tells.
        for each in group:
            self._write_one(each)

    def _write_one(self, waiting: _Waiting) -> None:
        for attempt in range(_RETRIES):
            with _Transaction(self._engine, self._notify) as transaction:
                try:
                    rows = Collected()
                    rows.include(waiting.rows)
                    transaction.write(rows, waiting.topics)
                except Exception as error:  # noqa: BLE001 - told to whose rows these are
                    if transaction.may_run_again(error) and attempt + 1 < _RETRIES:
                        continue
                    _end([waiting], error)
                else:
                    _end([waiting], None)
                return


def _end(group: Sequence[_Waiting], error: Exception | None) -> None:
    for each in group:
        each.error = error
        each.ended = True


class PostgresqlWriter:
    """Runs units on PostgreSQL.

    Args:
        engine: of the database, ``READ COMMITTED``.
        tell: told after each commit which topics were rung and which acts happened.
        notify: tells other processes, with the commit.
    """

    def __init__(self, engine: Engine, tell: Tell, notify: Notify) -> None:
        self._engine = engine
        self._tell = tell
        self._notify = notify
        self._together = _Together(engine, notify)

    def write(self, work: Callable[[Unit], T]) -> T:
        """Run a unit and return after its commit is durable.

        Raises:
            Full: ``database.full``.
            Unavailable: ``database.unavailable``; ``database.contended``: other work came first,
                again and again.
        """
        presuming = True
        for _ in range(_RETRIES):
            with _Transaction(self._engine, self._notify) as transaction:
                unit = Unit(transaction.begin, presuming=presuming)
                try:
                    result = work(unit)
                    unit.finish()
                    if unit.opened:
                        transaction.write(unit.collected, unit.rings)
                    else:
                        self._together.write(unit.collected, unit.rings)
                except Exception as error:
                    if unit.opened and transaction.may_run_again(error):
                        continue
                    if unit.presumed and not is_outage(error):
                        presuming = False
                        continue
                    raise translated(error) from error
            # A crash before this line leaves everything or nothing; the jobs' periodic look finds
            # whatever was committed without its bell.
            self._tell(unit.rings, unit.acts)
            return result
        raise Unavailable("database.contended", "The database is busy; try again.")

    def close(self) -> None:
        """Nothing is left to finish: callers wait for their own commits."""
