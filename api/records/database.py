"""Engines and pools, and the two ways to the database: reading and writing.

Owns connections and durability settings; refuses to start on anything weaker than
``synchronous=FULL`` with a write-ahead log. Knows no table. How units are committed is said by
``sqlite_writer.py`` and ``postgresql_writer.py``.
"""

import copy
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from api.domain.errors import Full, Unavailable
from api.ports.observing import UNOBSERVED, Observer
from api.records.notices import RECORDED, Notices
from api.records.outages import translated
from api.records.postgresql_writer import PostgresqlWriter
from api.records.sqlite_writer import SqliteWriter
from api.records.unit_of_work import Unit

T = TypeVar("T")

_READERS = 8
_PATIENCE = 30_000  # milliseconds that a statement waits for another connection of SQLite
# Threads of the use cases (``web/routing.py``), as many jobs, one that listens; a connection is
# opened when it is first needed, and kept.
_CONNECTIONS: Final = 21
_LOOKING: Final = 4  # connections that are kept beside them, for single statements
_FRESH: Final = 1.0  # seconds for which a connection that was just used is not asked whether it is


@dataclass(frozen=True, slots=True)
class Mark:
    """What stays equal while nobody commits: the bells rung here, and what others are known by."""

    rung: int
    others: object


class Database:
    """One node's database.

    Args:
        url: ``sqlite:///path`` or ``postgresql+psycopg://…``.
        pool_size: most connections to PostgreSQL.
        observer: told which acts were committed.
    """

    def __init__(
        self, url: str, *, pool_size: int = _CONNECTIONS, observer: Observer = UNOBSERVED
    ) -> None:
        self.url = url
        self._observer = observer
        self.dialect = make_url(url).get_backend_name()
        self._listeners: dict[str, list[threading.Event]] = {}
        self._hearing: dict[str, list[Callable[[], None]]] = {}
        self._rung = 0
        self._recovering = False
        self._notices: Notices | None = None
        self._kept: deque[Connection] = deque()
        self._writer: SqliteWriter | PostgresqlWriter
        self._others: Callable[[], object]
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
            # Without an explicit BEGIN every statement of SQLite is a transaction of its own.
            self._looking = self.engine
            writer = SqliteWriter(self.engine, self._tell)
            self._writer, self._others = writer, writer.others
        else:
            self.engine = create_engine(
                url,
                pool_size=pool_size + _LOOKING,
                max_overflow=0,
                isolation_level="READ COMMITTED",
                hide_parameters=True,
            )
            _keep_whole(self.engine)
            self._looking = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._notices = Notices(self.engine, self.ring)
            self._others = self._notices.others
            self._writer = PostgresqlWriter(self.engine, self._tell, self._notices.tell)

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
        except (DBAPIError, PoolTimeout) as error:
            raise translated(error) from error

    def look(self, work: Callable[[Connection], T]) -> T:
        """Run ``work``, which asks a single statement, without a transaction around it.

        One statement sees one moment by itself; more of them belong into :meth:`read`.

        Raises:
            Unavailable: ``database.unavailable``.
        """
        try:
            return self._look(work)
        except (DBAPIError, PoolTimeout) as error:
            raise translated(error) from error

    def _look(self, work: Callable[[Connection], T]) -> T:
        """Look on a connection that stays open: to take one and give it back costs the most."""
        while True:
            connection, rested = self._taken()
            try:
                found = work(connection)
            except BaseException as error:
                connection.close()
                # The server went away while it rested: the next, in the end one that was tried.
                if rested and isinstance(error, DBAPIError) and error.connection_invalidated:
                    continue
                raise
            if len(self._kept) < _LOOKING:
                self._kept.append(connection)
            else:
                connection.close()
            return found

    def _taken(self) -> tuple[Connection, bool]:
        """Return a connection for a single statement, and whether it rested here."""
        try:
            return self._kept.pop(), True
        except IndexError:
            return self._looking.connect(), False

    def write(self, work: Callable[[Unit], T]) -> T:
        """Run ``work`` in one transaction and return after the commit is durable.

        Raises:
            Full: ``database.full``: nothing was stored.
            Unavailable: ``database.unavailable``: the outcome of a commit that was under way is
                unknown; repeating with the same Idempotency-Key is safe.
        """
        return self._writer.write(self._as_recovery(work))

    def for_recovery(self) -> "Database":
        """Return this database for the one use case that may write while the node is read-only.

        It shares engine and writer; close the original only.
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

    def hear(self, heard: Callable[[], None], *topics: str) -> None:
        """Have a function called whenever a bell of these topics would ring.

        It is called in whatever thread rings, before the commit returns: it must be quick.
        """
        for topic in topics:
            self._hearing.setdefault(topic, []).append(heard)

    def ring(self, topic: str) -> None:
        """Wake those in this process who listen for something that no commit tells."""
        self._rung += 1
        for bell in self._listeners.get(topic, ()):
            bell.set()
        for heard in self._hearing.get(topic, ()):
            heard()

    @property
    def rung(self) -> int:
        """How often a bell was rung, by commits of this process and by others that it heard."""
        return self._rung

    def mark(self) -> Mark | None:
        """Return what stays equal while nobody commits; ``None`` while that cannot be told.

        A commit of this process counts if it rang a bell or recorded an act. Those of others are
        counted by SQLite, and heard of on PostgreSQL.
        """
        rung, others = self._rung, self._others()
        return None if others is None else Mark(rung, others)

    def unchanged(self, since: Mark | None) -> bool:
        """Tell whether nobody committed since a mark; false where that cannot be told.

        What this process committed is told without asking the database, which writers wait for.
        """
        return since is not None and since.rung == self._rung and since == self.mark()

    def _tell(self, topics: set[str], acts: Sequence[tuple[str, str]]) -> None:
        """Wake those who listen for what was just committed, and let it be counted."""
        for topic in topics:
            self.ring(topic)
        if acts:
            self.ring(RECORDED)
        self._observer.committed(acts)

    def listen(self) -> None:
        """Let commits of other processes ring the bells of this one, where there may be any."""
        if self._notices is not None:
            self._notices.start()

    def end_listening(self) -> None:
        """Hear no other process any more."""
        if self._notices is not None:
            self._notices.stop()

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
        self.end_listening()
        self._writer.close()
        while self._kept:
            self._kept.pop().close()
        self.engine.dispose()


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


def _keep_whole(engine: Engine) -> None:
    """Ask a pooled connection that has rested whether the server still knows it.

    One that was used just now is not asked: the question costs as much as most statements. Where
    the server went away in between, the statement fails, and the whole pool is renewed.
    """

    def rests(_connection: Any, record: Any) -> None:
        record.info["rests"] = time.monotonic()

    def taken(connection: Any, record: Any, _fairy: Any) -> None:
        since = record.info.get("rests")
        if since is None or time.monotonic() - since < _FRESH:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:  # whatever the driver says, the connection is of no use
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", rests)
    event.listen(engine, "checkout", taken)
