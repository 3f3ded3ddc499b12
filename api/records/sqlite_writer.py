"""The one thread that writes to an SQLite file, and how it commits many units together.

Owns the group commit on SQLite; knows no table and no use case.

Units of a group run one after the other in one transaction. A unit that reads or changes rows gets
a savepoint of its own before it does; one that only inserts needs none, and its rows are written
together with the others' just before the commit. If that fails, the group is undone and each unit
runs once more by itself, so that the one at fault alone hears of it.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
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


@dataclass(slots=True)
class _Queued:
    work: Callable[[Unit], Any]
    done: "Future[Any]"


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
    """The only thread that writes to an SQLite file (within this process).

    Args:
        engine: of the file.
        tell: told after each commit which topics were rung and which acts happened.
    """

    def __init__(self, engine: Engine, tell: Tell) -> None:
        self._engine = engine
        self._tell = tell
        self._queue: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="comity-writer", daemon=True)
        self._thread.start()
        self._closed = False

    def write(self, work: Callable[[Unit], T]) -> T:
        """Run a unit and return after the commit of its group is durable.

        Raises:
            Full: ``database.full``.
            Unavailable: ``database.unavailable``, ``database.closed``.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("a unit of work must not start another")
        if self._closed:
            raise Unavailable("database.closed", "The node is stopping; try again later.")
        done: Future[T] = Future()
        self._queue.put(_Queued(work, done))
        return done.result()

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        self._closed = True
        self._queue.put(None)
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group, stop = [first], False
            while len(group) < _GROUP:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    stop = True
                    break
                group.append(item)
            self._commit(group)
            if stop:
                return

    def _commit(self, queued: list[_Queued]) -> None:
        try:
            with self._engine.connect() as connection:
                group = self._together(connection, queued)
                connection.exec_driver_sql("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever failed, every caller must hear of it
            for each in queued:
                each.done.set_exception(translated(error))
            return
        # Committed. A crash from here on loses only the answers; callers repeat with the same
        # Idempotency-Key or see the object that is there.
        self._tell(group.rings, group.acts)
        for each, result, refusal in group.results:
            if refusal is None:
                each.done.set_result(result)
            else:
                each.done.set_exception(refusal)

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
