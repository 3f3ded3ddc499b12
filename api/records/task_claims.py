"""Who said that they work on which task.

Owns the table ``task_claims``. It is volatile: a claim is a word among colleagues, gives no right
and takes none, and a lost one is said again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, Text, select

from api.records.metadata import METADATA, VOLATILE
from api.records.rows import every

TASK_CLAIMS = Table(
    "task_claims",
    METADATA,
    Column("task", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("since", Text, nullable=False),
    info=VOLATILE,
)


@dataclass(frozen=True, slots=True)
class TaskClaim:
    """One claim.

    Attributes:
        task: id of the task.
        officer: officer record of who works on it.
        since: RFC 3339 UTC.
    """

    task: str
    officer: str
    since: str


def of_tasks(connection: Connection, tasks: Sequence[str]) -> list[TaskClaim]:
    """Return the claims on some tasks."""
    return every(connection, select(TASK_CLAIMS).where(TASK_CLAIMS.c.task.in_(tasks)), TaskClaim)
