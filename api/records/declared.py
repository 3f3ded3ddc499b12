"""What a database declares: tables with their columns, unique indexes, and things that act.

Owns the catalogue queries of both databases. They are asked in a few round trips, because the check
that uses them (``services/audit/fsck/schema.py``) is run over and over; never changes anything.
"""

from typing import Final

from sqlalchemy import Connection, text

_COLUMNS: Final = {
    "sqlite": (
        "SELECT s.name, c.name, lower(c.type) FROM sqlite_schema s"
        " JOIN pragma_table_info(s.name) c WHERE s.type = 'table'"
    ),
    "postgresql": (
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema()"
    ),
}
_UNIQUE: Final = {
    "sqlite": (
        "SELECT s.name, l.name, i.name FROM sqlite_schema s JOIN pragma_index_list(s.name) l"
        " JOIN pragma_index_info(l.name) i WHERE s.type = 'table' AND l.\"unique\""
        " AND NOT l.partial ORDER BY s.name, l.name, i.seqno"
    ),
    "postgresql": (
        "SELECT t.relname, i.relname, a.attname FROM pg_index x"
        " JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid"
        " CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k(number, place)"
        " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number"
        " WHERE x.indisunique AND x.indisvalid AND x.indpred IS NULL"
        " AND t.relnamespace = current_schema()::regnamespace"
        " ORDER BY t.relname, i.relname, k.place"
    ),
}
# A key that is one integer column is the row's own number in SQLite and has no index.
_ROW_NUMBERS: Final = (
    "SELECT s.name, c.name FROM sqlite_schema s JOIN pragma_table_info(s.name) c"
    " WHERE s.type = 'table' AND c.pk AND upper(c.type) = 'INTEGER'"
)
_ACTING: Final = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'trigger'",
    "postgresql": (
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
        " UNION ALL SELECT tablename, rulename FROM pg_rules WHERE schemaname = current_schema()"
    ),
}
_VIEWS: Final = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'view'",
    "postgresql": "SELECT viewname FROM pg_views WHERE schemaname = current_schema()",
}


def tables(connection: Connection) -> dict[str, dict[str, str]]:
    """Return each table's columns with the type that each is declared to have, in lower case."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(text(_COLUMNS[connection.dialect.name])):
        found.setdefault(table, {})[column] = kind
    for view in views(connection):
        found.pop(view, None)
    return found


def views(connection: Connection) -> list[str]:
    """Return the names of all views."""
    return sorted(connection.execute(text(_VIEWS[connection.dialect.name])).scalars())


def unique_columns(connection: Connection) -> dict[str, set[tuple[str, ...]]]:
    """Return, by table, the columns of each unique index or key that covers all rows."""
    by_index: dict[tuple[str, str], list[str]] = {}
    for table, index, column in connection.execute(text(_UNIQUE[connection.dialect.name])):
        by_index.setdefault((table, index), []).append(column)
    found: dict[str, set[tuple[str, ...]]] = {}
    for (table, _), columns in by_index.items():
        found.setdefault(table, set()).add(tuple(columns))
    if connection.dialect.name == "sqlite":
        for table, column in connection.execute(text(_ROW_NUMBERS)):
            found.setdefault(table, set()).add((column,))
    return found


def acting(connection: Connection) -> list[tuple[str, str]]:
    """Return table and name of each trigger and rule."""
    found = connection.execute(text(_ACTING[connection.dialect.name]))
    return [(table, name) for table, name in found]
