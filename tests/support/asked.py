"""Counts what a piece of work asks of its database: statements, transactions, commits.

These are the figures that a shared machine does not blur.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from api.records.database import Database

_ENDS = ("COMMIT", "ROLLBACK")
# A notice to other processes is part of the commit; some commits carry none.
_MARKS = ("SAVEPOINT", "RELEASE", "PRAGMA", "SELECT PG_NOTIFY")


@dataclass
class Counted:
    """What was asked.

    Attributes:
        texts: every statement, without those that begin or end something.
        begun: transactions, without statements that were asked alone.
        commits: transactions that were committed.
    """

    texts: list[str] = field(default_factory=list)
    begun: int = 0
    commits: int = 0

    @property
    def reads(self) -> int:
        """Transactions that were begun only to read."""
        return self.begun - self.commits

    def of(self, verb: str) -> list[str]:
        """Return the statements that begin with a word."""
        return [text for text in self.texts if text.startswith(verb)]


@contextmanager
def counted(database: Database) -> Iterator[Counted]:
    """Count what every thread of this process asks of a database."""
    found, lock, engine = Counted(), threading.Lock(), database.engine

    def asked(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        with lock:
            word = text.lstrip().upper()
            if word.startswith("BEGIN"):
                found.begun += 1
            elif word.startswith("COMMIT"):
                found.commits += 1
            elif not word.startswith((*_ENDS, *_MARKS)):
                found.texts.append(text)

    def begun(connection: Any) -> None:
        # A single statement without a transaction around it counts as a statement only.
        alone = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
        with lock:
            found.begun += not alone

    def committed(_connection: Any) -> None:
        with lock:
            found.commits += 1

    listened = [("before_cursor_execute", asked)]
    if engine.dialect.name != "sqlite":
        listened += [("begin", begun), ("commit", committed)]
    for name, listener in listened:
        event.listen(engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in listened:
            event.remove(engine, name, listener)
