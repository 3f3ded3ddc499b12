"""One writer at a time for an SQLite file, and how it commits many units together.

Owns the group commit on SQLite; knows no table and no use case. Whoever finds nobody writing writes
for all who wait, in the own thread, then hands over to the first who came meanwhile: waking another
thread costs more than most units.

Units of a group run one after the other in one transaction. A unit that reads or changes rows gets
a savepoint of its own before it does; one that only inserts needs none, and its rows are written
together with the others' just before the commit. If that fails, the group is undone and each unit
runs once more by itself, so that the one at fault alone hears of it.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from api.domain.errors import Unavailable
from api.records.collected import Collected
from api.records.outages import translated
from api.records.unit_of_work import Unit

T = TypeVar("T")
Tell = Callable[[set[str], Sequence[tuple[str, str]]], None]
_GROUP = 64
_PATIENCE = 30.0  # seconds that the end of the process waits for units


@dataclass(slots=True)
class _Queued:
    """A unit that waits, and what became of it.

    Attributes:
        work: the unit.
        turn: free when the unit has ended, or when its caller is to write.
        ended: committed or refused.
        result: of a unit that was committed.
        error: what went wrong.
    """

    work: Callable[[Unit], Any]
    turn: threading.Lock = field(default_factory=threading.Lock)
    ended: bool = False
    result: Any = None
    error: Exception | None = None

    def end(self, result: Any, error: Exception | None) -> None:
        """Note what became of it."""
        self.result, self.error, self.ended = result, error, True


@dataclass(slots=True)
class _Group:
    """One transaction while it runs.

    Attributes:
        connection: inside ``BEGIN IMMEDIATE``.
        rows: inserted by units that have ended, not written yet.
        results: each unit with its value or what refused it, told after the commit.
        rings: topics to wake.
        acts: acts to count.
        broken: what went wrong with rows of units that had ended; whatever unit met it first.
    """

    connection: Connection
    rows: Collected = field(default_factory=Collected)
    results: list[tuple[_Queued, Any, Exception | None]] = field(default_factory=list)
    rings: set[str] = field(default_factory=set)
    acts: list[tuple[str, str]] = field(default_factory=list)
    broken: Exception | None = None

    def begin_unit(self) -> Connection:
        """Open the savepoint of a unit, behind all that the units before it inserted."""
        self.write_rows()
        self.driver.execute("SAVEPOINT unit")
        return self.connection

    def write_rows(self) -> None:
        """Write the rows of the units that have ended.

        Raises:
            Exception: some of them cannot be written; then the group is undone.
        """
        try:
            self.require_whole()
            self.rows.write(self.connection)
        except Exception as error:
            self.broken = error
            raise

    def require_whole(self) -> None:
        """Raise what broke the group: the unit that met it may have taken it for its own fault."""
        if self.broken is not None:
            raise self.broken

    @property
    def driver(self) -> Any:
        """The driver's connection: SQLAlchemy's own execution costs more than a savepoint."""
        return self.connection.connection.driver_connection

    def took(self, queued: _Queued, unit: Unit, result: Any) -> None:
        """Note a unit that ended well."""
        self.rings |= unit.rings
        self.acts += unit.acts
        self.results.append((queued, result, None))


class SqliteWriter:
    """Writes to an SQLite file, one group after the other (within this process).

    Args:
        engine: of the file.
        tell: told after each commit which topics were rung and which acts happened.
    """

    def __init__(self, engine: Engine, tell: Tell) -> None:
        self._engine = engine
        self._tell = tell
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._waiting: deque[_Queued] = deque()
        self._led = False
        self._leader = 0
        self._closed = False
        # Another one would read again from the file what this one has written and remembers.
        self._kept: Connection | None = None
        self._opened = 0

    def write(self, work: Callable[[Unit], T]) -> T:
        """Run a unit and return after the commit of its group is durable.

        Raises:
            Full: ``database.full``.
            Unavailable: ``database.unavailable``, ``database.closed``.
        """
        if self._leader == threading.get_ident():
            raise RuntimeError("a unit of work must not start another")
        queued = _Queued(work)
        queued.turn.acquire()
        with self._lock:
            if self._closed:
                raise Unavailable("database.closed", "The node is stopping; try again later.")
            self._waiting.append(queued)
            leads, self._led = not self._led, True
        if not leads:
            queued.turn.acquire()
        if not queued.ended:
            self._lead()
        if queued.error is not None:
            raise queued.error
        result: T = queued.result
        return result

    def close(self) -> None:
        """Take no more units, and wait until those that wait are written."""
        with self._lock:
            self._closed = True
            ended = self._idle.wait_for(lambda: not self._led, timeout=_PATIENCE)
            if ended and self._kept is not None:
                self._kept.close()
                self._kept = None

    def others(self) -> tuple[int, int] | None:
        """Return what changes when another process commits; ``None`` while it cannot be told.

        SQLite's ``data_version`` counts what all others committed than the connection that asks.
        """
        with self._lock:
            if self._led or self._kept is None:
                return None
            driver: Any = self._kept.connection.driver_connection
            ((version,),) = driver.execute("PRAGMA data_version")
            return self._opened, version

    def _lead(self) -> None:
        """Write what waits, the own unit among it; then let the next one lead."""
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(_GROUP, len(self._waiting)))]
        self._leader = threading.get_ident()
        try:
            self._commit(group)
        finally:
            self._leader = 0
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._led = following is not None
                if not self._led:
                    self._idle.notify_all()
            if following is not None:
                following.turn.release()
            for each in group:
                if not each.ended:
                    each.end(None, Unavailable("database.unavailable", "The write was cut off."))
                each.turn.release()

    def _commit(self, queued: list[_Queued]) -> None:
        try:
            with self._lent() as connection:
                group = self._together(connection, queued)
                connection.exec_driver_sql("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever failed, every caller must hear of it
            for each in queued:
                each.end(None, translated(error))
            return
        # Committed. A crash from here on loses only the answers; callers repeat with the same
        # Idempotency-Key or see the object that is there.
        self._tell(group.rings, group.acts)
        for each, result, refusal in group.results:
            each.end(result, refusal)

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        """Lend the connection that writes; one that failed is given up, which undoes its part."""
        connection, self._kept = self._kept, None
        if connection is None:
            connection = self._engine.connect()
            self._opened += 1
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._kept = connection

    @staticmethod
    def _together(connection: Connection, queued: list[_Queued]) -> _Group:
        """Run all units in a transaction that is left open; a crash leaves none of them."""
        try:
            group = _Group(_begun(connection))
            for each in queued:
                _run_presuming(group, each)
            group.write_rows()
        except OperationalError:
            raise
        except Exception:  # noqa: BLE001 - some unit's row: which one, its own run tells
            connection.rollback()
            group = _Group(_begun(connection))
            for each in queued:
                _run_alone(group, each)
        return group


def _begun(connection: Connection) -> Connection:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    return connection


def _run_presuming(group: _Group, queued: _Queued) -> None:
    """Run a unit whose rows may wait for the group's end.

    Raises:
        Exception: rows of the units before it cannot be written.
    """
    unit = Unit(group.begin_unit, presuming=True)
    try:
        result = queued.work(unit)
        unit.finish()
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the caller whose unit it was
        group.require_whole()
        if unit.opened:
            group.driver.execute("ROLLBACK TO unit")
            group.driver.execute("RELEASE unit")
        if unit.presumed:
            _run_alone(group, queued)
        else:
            # Told after the commit as well: what refused it may be a unit of the same group, which
            # the caller must then be able to see.
            group.results.append((queued, None, error))
        return
    group.require_whole()
    if unit.opened:
        group.driver.execute("RELEASE unit")
    group.rows.include(unit.collected)
    group.took(queued, unit, result)


def _run_alone(group: _Group, queued: _Queued) -> None:
    """Run a unit that presumes nothing, and write all of its rows before it ends."""
    connection = group.begin_unit()
    unit = Unit(lambda: connection)
    try:
        result = queued.work(unit)
        unit.finish()
        unit.collected.write(connection)
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the caller whose unit it was
        group.driver.execute("ROLLBACK TO unit")
        group.driver.execute("RELEASE unit")
        group.results.append((queued, None, error))
        return
    group.driver.execute("RELEASE unit")
    group.took(queued, unit, result)
