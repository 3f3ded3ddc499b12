"""Every row of a node's database, from one kind of database into another.

Owns the copying and the comparison of two databases row by row, whatever the tables mean. Both
databases are at this code's revision; the target is empty.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, func, make_url, select, text

from api.domain.errors import Conflict, Unavailable
from api.records.schema import METADATA

_ROWS = 2_000
_MODULUS = 1 << 256


@contextmanager
def kept_still(url: str) -> Iterator[None]:
    """Keep an SQLite database as it is until the block ends; nobody else may have it open.

    Leaving write-ahead mode takes the file for itself, which fails while any other process has it
    open; after that a read transaction keeps every writer, and every return to that mode, out
    (https://sqlite.org/wal.html, https://sqlite.org/lockingv3.html).

    Raises:
        Conflict: ``move.running``: a process of the node, or something else, has it open.
        Unavailable: ``database.unavailable``.
    """
    path = Path(make_url(url).database or "")
    if not path.is_file():
        raise Unavailable("database.unavailable", f"There is no database file {path}.")
    connection = sqlite3.connect(path, timeout=1, isolation_level=None)
    try:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_schema")
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        except sqlite3.OperationalError:
            mode = "in use"
        if mode != "delete":
            raise Conflict("move.running", "Something has this database open: stop the node first.")
        yield
    finally:
        connection.close()


def copy_rows(source: Connection, url: str, advance: Callable[[int], None]) -> dict[str, int]:
    """Fill an empty database with every row of another one, all or nothing.

    Args:
        source: a snapshot.
        url: of the target, which has the tables and no row.
        advance: told how many rows were copied more.

    Returns:
        Rows by table.

    Raises:
        Unavailable: ``move.differs``: what arrived is not what was read.
    """
    engine = create_engine(url, hide_parameters=True)
    counted: dict[str, int] = {}
    try:
        with engine.begin() as target:
            for table in METADATA.sorted_tables:
                # Migrations put first rows into some tables; those of the source take their place.
                target.execute(table.delete())
                counted[table.name] = _copy(source, target, table, advance)
                if digest_of(source, table) != digest_of(target, table):
                    raise Unavailable(
                        "move.differs", f"The rows of {table.name} did not arrive as they were."
                    )
            _count_on(target)
    finally:
        engine.dispose()
    return counted


def digest_of(connection: Connection, table: Table) -> tuple[int, int]:
    """Return how many rows a table has and a digest of them in whatever order.

    Databases sort text in different ways, so the digests of the rows are added up.
    """
    total, rows = 0, 0
    for row in connection.execute(select(table).execution_options(yield_per=_ROWS)):
        line = repr([bytes(each) if isinstance(each, memoryview) else each for each in row])
        total += int.from_bytes(hashlib.sha256(line.encode("utf-8", "surrogatepass")).digest())
        rows += 1
    return rows, total % _MODULUS


def _copy(
    source: Connection, target: Connection, table: Table, advance: Callable[[int], None]
) -> int:
    copied = 0
    found = source.execute(select(table).execution_options(yield_per=_ROWS))
    for part in found.mappings().partitions(_ROWS):
        rows: list[dict[str, Any]] = [dict(row) for row in part]
        target.execute(table.insert(), rows)
        copied += len(rows)
        advance(len(rows))
    return copied


def _count_on(target: Connection) -> None:
    """Let numbers that the database gives go on after the last one that was copied."""
    if target.dialect.name != "postgresql":
        return
    for table in METADATA.sorted_tables:
        for column in table.primary_key.columns:
            if column.autoincrement is not True:
                continue
            named = text("SELECT pg_get_serial_sequence(:table, :column)")
            place = {"table": table.name, "column": column.name}
            sequence = target.execute(named, place).scalar_one()
            last = target.execute(select(func.max(column))).scalar_one()
            if last is not None:
                following = text("SELECT setval(CAST(:sequence AS regclass), :last)")
                target.execute(following, {"sequence": sequence, "last": last})
