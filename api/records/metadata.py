"""One MetaData for all tables, its naming convention, and how a row is digested.

Every table is either *recorded* (each change is bound to an audit event by row digest), *derived*
(it can be recomputed from recorded rows or carries its own signatures) or *volatile* (leases and
attempt counters, whose loss or change costs nothing). ``tests/tamper-exemptions.toml`` must list
exactly the volatile ones.
"""

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
# Of recorded tables that say who an officer is and what they may do: a unit that changes one also
# raises the version by which processes know that what they remember is old (``officers.py``).
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


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview | bytearray):
        return f"b:{hashlib.sha256(value).hexdigest()}"
    return value


def row_digest(table: Table, row: Mapping[Any, Any]) -> str:
    """Return the hex SHA-256 of a row: its table's name and every column in declared order.

    Columns that the table got later are left out where they hold their default (:func:`added`).

    Byte values enter by their own digest, so that a later reader needs no large bodies to compare.
    """
    cells = [
        [column.name, _plain(row.get(column.name))]
        for column in table.columns
        if _ADDED not in column.info or row.get(column.name) != column.info[_ADDED]
    ]
    text = json.dumps([table.name, cells], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def row_key(table: Table, row: Mapping[Any, Any]) -> list[Any]:
    """Return the primary key values of a row in declared order."""
    return [row[column.name] for column in table.primary_key.columns]


def touched_text(touched: Sequence[tuple[str, list[Any], str | None]]) -> str:
    """Return the canonical text of a change set: ``[[table, key, row digest or null], …]``."""
    return json.dumps([list(entry) for entry in touched], ensure_ascii=False, separators=(",", ":"))
