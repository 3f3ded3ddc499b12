"""One MetaData for all tables, its naming convention, and how a row is digested.

Every table is either *recorded* (each change is bound to an audit event by row digest), *derived*
(it can be recomputed from recorded rows or carries its own signatures) or *volatile* (leases and
attempt counters, whose loss or change costs nothing). ``tests/tamper-exemptions.toml`` must list
exactly the volatile ones.
"""

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import MetaData, Table

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

RECORDED = {"protection": "recorded"}
# Of recorded tables that say who an officer is, what they may do and what the law here is: a unit
# that changes one also raises the version by which processes know that what they remember is old.
STANDING = {**RECORDED, "standing": True}
DERIVED = {"protection": "derived"}
VOLATILE = {"protection": "volatile"}


_ADDED = "added"


def added(default: object) -> dict[str, object]:
    """Return the ``info`` of a column that a recorded table got after it had rows.

    Args:
        default: what the migration gave the rows that were there. A cell that holds it is left out
            of the row's digest, so that older events still name their rows.
    """
    return {_ADDED: default}


# Built once: every row that is written is digested.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NO_DEFAULT = object()


@functools.cache
def _columns(table: Table) -> tuple[tuple[str, object], ...]:
    """Return a table's columns in declared order, each with the default it was added with."""
    return tuple((column.name, column.info.get(_ADDED, _NO_DEFAULT)) for column in table.columns)


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview | bytearray):
        return f"b:{hashlib.sha256(value).hexdigest()}"
    return value


def row_digest(table: Table, row: Mapping[Any, Any]) -> str:
    """Return the hex SHA-256 of a row: its table's name and every column in declared order.

    Columns that the table got later are left out where they hold their default (:func:`added`).

    Byte values enter by their own digest, so that a later reader needs no large bodies to compare.
    """
    cells = []
    for name, default in _columns(table):
        value = row.get(name)
        if default is _NO_DEFAULT or value != default:
            cells.append([name, _plain(value)])
    text = _encode([table.name, cells])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def row_key(table: Table, row: Mapping[Any, Any]) -> list[Any]:
    """Return the primary key values of a row in declared order."""
    return [row[column.name] for column in table.primary_key.columns]


def touched_text(touched: Sequence[tuple[str, list[Any], str | None]]) -> str:
    """Return the canonical text of a change set: ``[[table, key, row digest or null], …]``."""
    return _encode([list(entry) for entry in touched])
