"""Bells across processes on PostgreSQL: a commit wakes whoever listens (``NOTIFY``, ``LISTEN``).

Owns the channel and the thread that listens. A notice says only that there may be work: one that is
lost costs a wait until the next look, never the work. On SQLite every commit is made by the process
that also works, and its bells are rung directly.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

_log = logging.getLogger(__name__)
RECORDED: Final = "recorded"
"""The topic that every recorded event rings."""

_CHANNEL: Final = "comity"
_TELL: Final = "SELECT pg_notify(%s, topic) FROM unnest(%s::text[]) AS topic"
_OFTEN: Final = 0.2  # seconds between two notices that merely say that something was recorded
_AGAIN: Final = 1.0  # seconds until a server that is away is tried again
_PATIENCE: Final = 2.0  # seconds that the end of listening is waited for
_OWN: Final = "own"  # what this process tells itself


class Notices:
    """What one process tells others, and hears from them.

    Args:
        engine: of the database.
        heard: told which topic another process rang.
    """

    def __init__(self, engine: Engine, heard: Callable[[str], None]) -> None:
        self._engine = engine
        self._heard = heard
        self._own = f"{socket.gethostname()}:{os.getpid()}:{id(engine)}"
        self._told_at = 0.0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._sessions = 0
        self._listening = False

    def tell(self, connection: Connection, topics: set[str]) -> None:
        """Wake the others with the commit of this transaction.

        That something was recorded is said a few times a second at most: notices make commits wait
        for each other, and only the log's integration listens for it.
        """
        now = time.monotonic()
        if now - self._told_at >= _OFTEN:
            self._told_at = now
            topics = topics | {RECORDED}
        if topics:
            said = [f"{self._own} {topic}" for topic in sorted(topics)]
            connection.exec_driver_sql(_TELL, (_CHANNEL, said))

    def others(self) -> int | None:
        """Return the number of the session that hears other processes; ``None`` without one."""
        return self._sessions if self._listening else None

    def start(self) -> None:
        """Begin to listen; once is enough."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="comity-notices", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End listening; a notice of its own wakes the thread."""
        self._ended.set()
        if self._thread is None:
            return
        with suppress(SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):
            self._tell_own()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with self._engine.connect() as connection:
                    self._listen(connection.execution_options(isolation_level="AUTOCOMMIT"))
            except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
                # The server is away; the loops look by themselves meanwhile.
                _log.warning("not listening", extra={"kind": type(error).__name__})
                self._ended.wait(_AGAIN)

    def _listen(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
        driver: Any = connection.connection.driver_connection
        try:
            # Heard only where this session is the listener's alone, which no pooler shares.
            self._tell_own()
            # Who ends this says so first, and then tells: one of the two is met here.
            notices = driver.notifies()
            while not self._ended.is_set():
                self._take(next(notices).payload)
        finally:
            self._listening = False
            # Another user of this connection must not collect what nobody reads.
            connection.invalidate()

    def _take(self, payload: str) -> None:
        sender, _, topic = payload.rpartition(" ")
        if sender != self._own:
            self._heard(topic)
        elif topic == _OWN and not self._listening:
            # Another number: what was told before, nobody heard.
            self._sessions += 1
            self._listening = True

    def _tell_own(self) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_TELL, (_CHANNEL, [f"{self._own} {_OWN}"]))
