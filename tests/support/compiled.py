"""SQL that one node's engine compiled serves the engines of all nodes of a test process.

Every test makes nodes, every node an engine, and every engine would compile the same statements anew: a
fifth of what a test of several nodes takes. The program makes the engines of one kind alike, so that
they compile alike.
"""

import functools
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from api.records import database, read_only

_COMPILED: dict[Any, Any] = {}


def share() -> None:
    """Let engines that the program makes from now on look up what others of their kind compiled."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        # What was compiled is kept under the dialect: one is as good as another of its kind.
        kind.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[assignment,method-assign]
        kind.__hash__ = lambda one: hash(type(one))  # type: ignore[assignment,method-assign]
    for module in (database, read_only):
        module.create_engine = _sharing(module.create_engine)


def _sharing(make: Callable[..., Engine]) -> Callable[..., Engine]:
    @functools.wraps(make)
    def made(*arguments: Any, **options: Any) -> Engine:
        engine = make(*arguments, **options)
        engine.update_execution_options(compiled_cache=_COMPILED)
        return engine

    return made
