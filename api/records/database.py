"""Engines, the SQLite writer thread with group commit, and PostgreSQL transactions with retry.

Owns connections and durability settings; refuses to start on anything weaker than
``synchronous=FULL`` with a write-ahead log. Knows no table.
"""

import copy
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from api.domain.errors import Full, Unavailable
from api.ports.observing import UNOBSERVED, Observer
from api.records.unit_of_work import Unit

T = TypeVar("T")
_log = logging.getLogger(__name__)

_GROUP = 64
_READERS = 8
_PATIENCE = 30_000  # milliseconds that a statement waits for another connection of SQLite
_RETRIES = 6
_RETRYABLE = {"40001", "40P01"}
_DISK_FULL = {"53100"}


@dataclass(slots=True)
class _Queued:
    work: Callable[[Unit], Any]
    done: "Future[Any]"


class Database:
    """One node's database.

    Args:
        url: ``sqlite:///path`` or ``postgresql+psycopg://…``.
        pool_size: connections kept for PostgreSQL.
        observer: told which acts were committed.
    """

    def __init__(self, url: str, *, pool_size: int = 12, observer: Observer = UNOBSERVED) -> None:
        self.url = url
        self._observer = observer
        self.dialect = make_url(url).get_backend_name()
        self._listeners: dict[str, list[threading.Event]] = {}
        self._recovering = False
        if self.dialect == "sqlite":
            self.engine = create_engine(
                url,
                poolclass=QueuePool,
                pool_size=_READERS,
                max_overflow=_READERS * 4,
                connect_args={"check_same_thread": False, "timeout": 30},
                hide_parameters=True,
            )
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_nothing)
            self._writer: _Writer | None = _Writer(self.engine, self._tell)
        else:
            self.engine = create_engine(
                url,
                pool_size=pool_size,
                max_overflow=pool_size,
                pool_pre_ping=True,
                isolation_level="READ COMMITTED",
                hide_parameters=True,
            )
            self._writer = None

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on a consistent snapshot and return what it returns.

        Raises:
            Unavailable: ``database.unavailable``.
        """
        try:
            with self.engine.connect() as connection:
                if self.dialect == "sqlite":
                    connection.exec_driver_sql("BEGIN")
                else:
                    # Several statements of one reader see one moment, as they do on SQLite.
                    connection.execution_options(isolation_level="REPEATABLE READ")
                return work(connection)
        except OperationalError as error:
            raise _translated(error) from error

    def write(self, work: Callable[[Unit], T]) -> T:
        """Run ``work`` in one transaction and return after the commit is durable.

        Raises:
            Full: ``database.full``: nothing was stored.
            Unavailable: ``database.unavailable``: the outcome of a commit that was under way is
                unknown; repeating with the same Idempotency-Key is safe.
        """
        work = self._as_recovery(work)
        if self._writer is not None:
            return self._writer.submit(work)
        return self._write_postgresql(work)

    def _write_postgresql(self, work: Callable[[Unit], T]) -> T:
        for attempt in range(_RETRIES):
            try:
                with self.engine.begin() as connection:
                    unit = Unit(connection)
                    result = work(unit)
                    unit.finish()
                # A crash before this line leaves everything or nothing; the jobs' periodic look
                # finds whatever was committed without its bell.
                self._tell(unit.rings, unit.acts)
            except DBAPIError as error:
                state = getattr(error.orig, "sqlstate", None)
                if state in _RETRYABLE and attempt + 1 < _RETRIES:
                    continue
                if isinstance(error, OperationalError) or state in _DISK_FULL:
                    raise _translated(error) from error
                raise
            else:
                return result
        raise Unavailable("database.contended", "The database is busy; try again.")

    def for_recovery(self) -> "Database":
        """Return this database for the one use case that may write while the node is read-only.

        It shares engine and writer thread; close the original only.
        """
        other = copy.copy(self)
        other._recovering = True  # noqa: SLF001 - a copy of this very object
        return other

    @property
    def recovering(self) -> bool:
        """Whether this is the database of a recovery; see :meth:`for_recovery`."""
        return self._recovering

    def _as_recovery(self, work: Callable[[Unit], T]) -> Callable[[Unit], T]:
        def recovering(unit: Unit) -> T:
            unit.recovering = True
            return work(unit)

        return recovering if self._recovering else work

    def bell(self, *topics: str) -> threading.Event:
        """Return an event that is set after each commit whose unit rang one of the topics."""
        bell = threading.Event()
        for topic in topics:
            self._listeners.setdefault(topic, []).append(bell)
        return bell

    def _tell(self, topics: set[str], acts: Sequence[tuple[str, str]]) -> None:
        """Wake those who listen for what was just committed, and let it be counted."""
        for topic in topics:
            for bell in self._listeners.get(topic, ()):
                bell.set()
        self._observer.committed(acts)

    def forget(self) -> bool:
        """Remove from SQLite's write-ahead log what committed changes have overwritten.

        Until then the file still holds every row as it once was. On PostgreSQL the server's own
        vacuum and archives keep what is gone, for as long as its operator set.

        Returns:
            Whether nothing is left; a long reader prevents it.
        """
        if self.engine.dialect.name != "sqlite":
            return False
        with self.engine.connect() as connection:
            # Writers wait while this waits for readers: not for long.
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE // 10}")
            try:
                (busy, *_) = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE}")
        return not busy

    def healthy(self) -> bool:
        """Tell whether a trivial read works now."""
        try:
            self.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())
        except (Unavailable, Full, DBAPIError):
            return False
        return True

    def close(self) -> None:
        """Finish queued units and close all connections."""
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()


@dataclass(slots=True)
class _Told:
    """What to say once a group of units has committed: bells to ring, acts to count."""

    rings: set[str] = field(default_factory=set)
    acts: list[tuple[str, str]] = field(default_factory=list)


class _Writer:
    """The only thread that writes to an SQLite file (within this process)."""

    def __init__(
        self, engine: Engine, tell: Callable[[set[str], Sequence[tuple[str, str]]], None]
    ) -> None:
        self._engine = engine
        self._tell = tell
        self._queue: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="comity-writer", daemon=True)
        self._thread.start()
        self._closed = False

    def submit(self, work: Callable[[Unit], T]) -> T:
        if threading.current_thread() is self._thread:
            raise RuntimeError("a unit of work must not start another")
        if self._closed:
            raise Unavailable("database.closed", "The node is stopping; try again later.")
        done: Future[T] = Future()
        self._queue.put(_Queued(work, done))
        return done.result()

    def close(self) -> None:
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

    def _commit(self, group: list[_Queued]) -> None:
        results: list[tuple[_Queued, Any, Exception | None]] = []
        told = _Told()
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                for queued in group:
                    self._run_one(connection, queued, results, told)
                connection.exec_driver_sql("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever failed, every caller must hear of it
            for queued in group:
                queued.done.set_exception(_translated(error))
            return
        # Committed. A crash from here on loses only the answers; callers repeat with the same
        # Idempotency-Key or see the object that is there.
        self._tell(told.rings, told.acts)
        for queued, result, refusal in results:
            if refusal is None:
                queued.done.set_result(result)
            else:
                queued.done.set_exception(refusal)

    def _run_one(
        self,
        connection: Connection,
        queued: _Queued,
        results: list[tuple[_Queued, Any, Exception | None]],
        told: "_Told",
    ) -> None:
        # Straight to the driver: SQLAlchemy's own execution would cost more than the savepoint.
        driver: Any = connection.connection.driver_connection
        driver.execute("SAVEPOINT unit")
        unit = Unit(connection)
        try:
            result = queued.work(unit)
            unit.finish()
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - handed to the caller whose unit it was
            driver.execute("ROLLBACK TO unit")
            driver.execute("RELEASE unit")
            # Told after the commit as well: what refused it may be a unit of the same group, which
            # the caller must then be able to see.
            results.append((queued, None, error))
            return
        driver.execute("RELEASE unit")
        told.rings |= unit.rings
        told.acts += unit.acts
        results.append((queued, result, None))


def _configure_sqlite(connection: Any, _record: Any) -> None:
    """Give every SQLite connection its durability, and refuse anything weaker."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    mode = cursor.fetchone()[0]
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={_PATIENCE}")
    cursor.execute("PRAGMA cache_size=-16000")
    # What is deleted is overwritten, as most builds do by themselves: an erasure must hold.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA synchronous")
    level = cursor.fetchone()[0]
    cursor.close()
    if mode not in {"wal", "memory"} or level < 2:  # noqa: PLR2004 - 2 is FULL
        raise Unavailable(
            "database.not-durable",
            "This SQLite file does not accept a write-ahead log with synchronous=FULL.",
        )


def _begin_nothing(_connection: Connection) -> None:
    """SQLAlchemy's own BEGIN stays silent: readers and the writer begin explicitly."""


def _translated(error: Exception) -> Exception:
    message = str(getattr(error, "orig", error)).lower()
    if "disk is full" in message or "disk full" in message or "no space left" in message:
        return Full("database.full", "The node's disk is full; nothing was stored.")
    if isinstance(error, OperationalError):
        _log.error("database unavailable", exc_info=error)
        return Unavailable("database.unavailable", "The database cannot be reached; try again.")
    return error
