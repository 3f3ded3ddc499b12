"""Tells an outage from a defect: what passes by itself from what the same work meets every time.

Owns the classification of exceptions that work on the database raises. An outage is waited out and
the work is tried again; a defect would fail for ever and is put aside (PROTOCOL §9, *Undecidable*).
"""

import logging
import sqlite3
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.domain import nul
from api.domain.errors import Full, Unavailable

_log = logging.getLogger(__name__)

# PostgreSQL appendix A, classes: connection, transaction rollback, resources, intervention, system.
_PASSING_CLASSES: Final = ("08", "40", "53", "55", "57", "58")
_DISK_FULL: Final = "53100"
# Characters that the database's encoding has not: U+0000, by name or as an escape in JSON.
_NO_CHARACTER: Final = frozenset({"22021", "22P05"})
# psycopg finds U+0000 itself, before it asks the server, and gives no code.
_NUL_FOUND: Final = "cannot contain nul"
# sqlite.org/rescode.html, primary codes: the file is busy, locked, full, unreadable, out of memory.
_PASSING_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def is_outage(error: Exception) -> bool:
    """Tell whether the same work may succeed later without anything being mended."""
    if isinstance(error, Unavailable | Full | OSError | MemoryError | PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in _PASSING_CLASSES
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(code, int):
        return code & 0xFF in _PASSING_CODES
    return isinstance(error, OperationalError | InterfaceError)


def translated(error: Exception) -> Exception:
    """Return an outage, or a text that the database cannot hold, as callers hear of it.

    Anything else is returned as it is: the same work fails for ever, and 503 would not say so.
    """
    message = str(getattr(error, "orig", error)).lower()
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state in _NO_CHARACTER or (isinstance(error, DataError) and _NUL_FOUND in message):
        # What no door foresaw; whichever did would say the same.
        return nul.refusal()
    if (
        state == _DISK_FULL
        or "disk is full" in message
        or "disk full" in message
        or "no space left" in message
    ):
        return Full("database.full", "The node's disk is full; nothing was stored.")
    if isinstance(error, DBAPIError | PoolTimeout) and is_outage(error):
        _log.error("database unavailable", exc_info=error)
        return Unavailable("database.unavailable", "The database cannot be reached; try again.")
    return error
