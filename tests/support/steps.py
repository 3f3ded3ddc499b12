"""Counts what SQLite does for a piece of work: steps of its virtual machine, by statement.

A scan of a table shows in them, however small the table and however fast the machine.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import event

from api.records.database import Database

EVERY: Final = 20
"""Steps from one count to the next."""


class Steps:
    """What was counted.

    Attributes:
        by: steps by the text of a statement.
    """

    def __init__(self) -> None:
        self.by: Counter[str] = Counter()
        self._text = ""

    @property
    def total(self) -> int:
        """All steps."""
        return self.by.total()

    def begin(self, connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        """Count for this statement from now on."""
        self._text = " ".join(text.split())
        connection.connection.dbapi_connection.set_progress_handler(self._step, EVERY)

    def _step(self) -> int:
        self.by[self._text] += EVERY
        return 0


@contextmanager
def counted_steps(database: Database) -> Iterator[Steps]:
    """Count what one thread at a time asks of a database."""
    found = Steps()
    event.listen(database.engine, "before_cursor_execute", found.begin)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", found.begin)
