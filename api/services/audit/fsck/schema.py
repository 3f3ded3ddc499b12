"""The database's form: this program's tables, columns and unique indexes, and nothing that acts.

Owns the comparison of what the database declares with ``records.schema`` and the newest migration.
A unique index is a promise (one approval of a statement, one message of a number), a trigger acts
where nobody reads; other indexes only cost time, so one more or less is no finding.
"""

from functools import cache
from typing import Final

from sqlalchemy import Connection, Table, UniqueConstraint, column, select
from sqlalchemy import table as sql_table

from api.records import declared, migrating
from api.records.schema import METADATA
from api.services.audit.fsck.findings import Findings

_VERSION: Final = "alembic_version"
_REVISION: Final = sql_table(_VERSION, column("version_num")).c.version_num


def check_tables(connection: Connection, findings: Findings) -> bool:
    """Check that the database has this program's form and revision, and nothing else.

    Returns:
        Whether every table can be read.
    """
    there = declared.tables(connection)
    wanted = METADATA.tables
    for name in sorted(set(wanted) - set(there)):
        _found(findings, "fsck.table-missing", name, "The table is missing.")
    for name in sorted(set(there) - set(wanted) - {_VERSION}):
        _found(findings, "fsck.table-extra", name, "No part of this program has a table here.")
    for name in declared.views(connection):
        _found(findings, "fsck.table-extra", name, "No part of this program has a view here.")
    for name, trigger in declared.acting(connection):
        detail = f"No part of this program has a trigger or rule here: {trigger}."
        _found(findings, "fsck.trigger", name, detail)
    _check_revision(connection, findings, known=_VERSION in there)
    unique = declared.unique_columns(connection)
    readable = not set(wanted) - set(there)
    for name in sorted(set(wanted) & set(there)):
        readable = _check_columns(connection, findings, name, there[name]) and readable
        for promised in sorted(_promised(wanted[name]) - unique.get(name, set())):
            detail = f"The unique index over {', '.join(promised)} is missing."
            _found(findings, "fsck.index-missing", name, detail)
    return readable


def _found(findings: Findings, code: str, name: str, detail: str) -> None:
    findings.add(code, name, None, detail)


def _check_revision(connection: Connection, findings: Findings, *, known: bool) -> None:
    if not known:
        _found(findings, "fsck.table-missing", _VERSION, "The table is missing.")
        return
    revisions = list(connection.execute(select(_REVISION)).scalars())
    head = _known_revision()
    if not revisions:
        detail = "The database does not say at which revision it is."
        findings.add("fsck.revision", _VERSION, [head], detail)
    for revision in revisions:
        if revision != head:
            detail = "The database is at another revision than this program."
            findings.add("fsck.revision", _VERSION, [revision], detail)


@cache
def _known_revision() -> str:
    """Return this program's revision; reading the migrations takes longer than a small check."""
    return migrating.head()


def _check_columns(
    connection: Connection, findings: Findings, name: str, found: dict[str, str]
) -> bool:
    """Compare a table's columns; returns whether all that are wanted can be read.

    In SQLite each value has its own type, which is checked with the rows (``reading``).
    """
    readable, typed = True, connection.dialect.name != "sqlite"
    for each in METADATA.tables[name].columns:
        kind = each.type.compile(connection.dialect).lower()
        if each.name not in found:
            detail = f"The column {each.name} is missing."
            _found(findings, "fsck.column-missing", name, detail)
        elif typed and found[each.name] != kind:
            detail = f"The column {each.name} is declared as another type than {kind}."
            _found(findings, "fsck.column-type", name, detail)
        else:
            continue
        readable = False
    for extra in sorted(set(found) - set(METADATA.tables[name].c.keys())):
        detail = f"No part of this program has a column {extra} here."
        _found(findings, "fsck.column-extra", name, detail)
    return readable


def _promised(table: Table) -> set[tuple[str, ...]]:
    """Return the columns of each unique index or key that a table must have."""
    found = {tuple(each.columns.keys()) for each in table.indexes if each.unique}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            found.add(tuple(constraint.columns.keys()))
    return found | {tuple(table.primary_key.columns.keys())}
