"""The mark of a database, which it has once it hears other processes."""

import time

from api.records.database import Database, Mark

_WAIT = 20.0


def awaited(database: Database) -> Mark | None:
    """Its mark as soon as there is one; ``None`` if there is none after some seconds."""
    end = time.monotonic() + _WAIT
    while database.mark() is None and time.monotonic() < end:
        time.sleep(0.01)
    return database.mark()
