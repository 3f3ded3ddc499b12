"""The change sets of all events, replayed: which digest each recorded row must have now.

Owns a temporary file that keeps the newest digest of every row, so that memory does not grow with
the database. Must not read the node's tables.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

Expected = tuple[str | None, int | None]
"""Row digest (``None`` for a deleted row) and the leaf index of the event that set it."""

_KEY_TEXT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=bytes.hex)
_SCHEMA = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    """CREATE TABLE rows (name TEXT, key TEXT, digest TEXT, leaf INTEGER, seen INTEGER DEFAULT 0,
    PRIMARY KEY (name, key)) WITHOUT ROWID""",
)
_PUT = (
    "INSERT INTO rows (name, key, digest, leaf) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (name, key) DO UPDATE SET digest = excluded.digest, leaf = excluded.leaf"
)
_GET = "SELECT digest, leaf FROM rows WHERE name = ? AND key = ?"
_SEEN = "UPDATE rows SET seen = seen + 1 WHERE name = ? AND key = ?"
_UNSEEN = (
    "SELECT name, key, leaf FROM rows WHERE digest IS NOT NULL AND seen = 0 ORDER BY leaf, name"
)
_REPEATED = "SELECT name, key, leaf FROM rows WHERE seen > 1 ORDER BY leaf, name"


class Journal:
    """What the log says about every recorded row.

    Attributes:
        broken: whether a change set could not be replayed; what depends on it is uncertain then.
    """

    def __init__(self) -> None:
        # An empty name is a private file that SQLite removes by itself.
        self._file = sqlite3.connect("", isolation_level=None)
        for statement in _SCHEMA:
            self._file.execute(statement)
        self._file.execute("BEGIN")
        self.broken = False

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def apply(self, touched: str, leaf: int | None) -> None:
        """Take the change set of the next event; see ``records.metadata.touched_text``."""
        self._file.executemany(
            _PUT,
            [(name, key_text(key), digest, leaf) for name, key, digest in json.loads(touched)],
        )

    def expected(self, table: str, key: Sequence[Any]) -> Expected | None:
        """Return what the log says about a row; ``None`` if it never heard of it."""
        row = self._file.execute(_GET, (table, key_text(key))).fetchone()
        return None if row is None else (row[0], row[1])

    def leaf(self, table: str, key: Sequence[Any]) -> int | None:
        """Return the leaf of the event that set a row last; ``None`` if the log knows of none."""
        known = self.expected(table, key)
        return None if known is None else known[1]

    def see(self, table: str, keys: Sequence[Sequence[Any]]) -> None:
        """Note that rows are there."""
        self._file.executemany(_SEEN, [(table, key_text(key)) for key in keys])

    def unseen(self) -> Iterator[tuple[str, list[Any], int | None]]:
        """Yield ``(table, key, leaf index)`` of rows that must be there and were not seen."""
        for table, key, leaf in self._file.execute(_UNSEEN):
            yield table, json.loads(key), leaf

    def repeated(self) -> Iterator[tuple[str, list[Any], int | None]]:
        """Yield ``(table, key, leaf index)`` of rows that were seen more than once."""
        for table, key, leaf in self._file.execute(_REPEATED):
            yield table, json.loads(key), leaf


def key_text(key: Sequence[Any]) -> str:
    """Return one spelling of a primary key; bytes, which no key should hold, as hex."""
    return _KEY_TEXT.encode(list(key))
