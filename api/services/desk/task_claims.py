"""Working on a task together: one officer says that they do it, and hands it back.

Owns the table ``task_claims``. A claim gives no right: whoever may do the task may do it all the
same. It keeps two officers from doing one thing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from api.domain.errors import Conflict
from api.records import officers
from api.records import task_claims as records
from api.records.task_claims import TASK_CLAIMS, TaskClaim
from api.records.unit_of_work import Unit
from api.services.authorising import Caller
from api.services.desk import tasks
from api.services.node import Node


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim as colleagues see it.

    Attributes:
        officer: officer record.
        name: of the officer.
        since: when they took it.
        mine: it is the caller's own.
    """

    officer: str
    name: str
    since: str
    mine: bool


def on_tasks(node: Node, caller: Caller, ids: Sequence[str]) -> Mapping[str, ClaimView]:
    """Return the claims on tasks that the caller was shown, by task."""

    def read(connection: Connection) -> dict[str, ClaimView]:
        found = records.of_tasks(connection, ids)
        names = officers.names(connection, [one.officer for one in found])
        return {
            one.task: ClaimView(
                one.officer, names.get(one.officer, ""), one.since, one.officer == caller.person
            )
            for one in found
        }

    return node.db.read(read)


def claim(node: Node, caller: Caller, task_id: str) -> None:
    """Say that the caller works on a task.

    Raises:
        NotFound: ``task.unknown``: it does not wait for the caller.
        Conflict: ``task.claimed``: a colleague works on it.
    """
    tasks.find_mine(node, caller, task_id)
    row = TaskClaim(task_id, caller.person, node.now())

    def write(unit: Unit) -> None:
        unit.lock(f"task {task_id}")
        held = records.of_tasks(unit.connection, [task_id])
        if held and held[0].officer != caller.person:
            raise Conflict("task.claimed", "A colleague works on it; they hand it back first.")
        if not held:
            unit.insert(TASK_CLAIMS, asdict(row))

    node.db.write(write)


def hand_back(node: Node, caller: Caller, task_id: str) -> None:
    """Say that the caller works on a task no longer.

    Raises:
        NotFound: ``task.unknown``.
        Conflict: ``task.not-claimed``: the caller does not hold it.
    """
    tasks.find_mine(node, caller, task_id)
    key = {"task": task_id, "officer": caller.person}
    if not node.db.write(lambda unit: unit.delete(TASK_CLAIMS, key)):
        raise Conflict("task.not-claimed", "Only whoever works on it hands it back.")
