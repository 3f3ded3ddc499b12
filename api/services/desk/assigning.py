"""Working on a task together: taking it, giving it to a colleague, handing it back.

Owns the table ``task_claims``. A claim gives no right and takes none: whoever may do the task may
do it all the same. It keeps two officers from doing one thing twice. A task is given only to whom
it waits for: by role, by need to know, and not their own work to judge.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from api.domain.errors import Conflict, NotSignedIn
from api.domain.events import Act, Subject
from api.domain.notation import RecordId
from api.ports.policy import Action, Resource, ResourceKind
from api.records import officers
from api.records import task_claims as records
from api.records.task_claims import TASK_CLAIMS, TaskClaim
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, entry_of, officer_caller
from api.services.desk import tasks
from api.services.desk.tasks import TaskView
from api.services.node import Node
from api.wire.errors import WireError


@dataclass(frozen=True, slots=True)
class Colleague:
    """An officer to whom a task can be given: officer record and name."""

    officer: RecordId
    name: str


def claim(node: Node, caller: Caller, task_id: str) -> TaskView:
    """Say that the caller works on a task.

    Raises:
        NotFound: ``task.unknown``: it does not wait for the caller.
        Conflict: ``task.claimed``: a colleague works on it.
    """
    tasks.find_mine(node, caller, task_id)

    def write(unit: Unit) -> None:
        unit.lock(f"task {task_id}")
        held = _holder(unit.connection, task_id)
        if held not in {"", caller.person}:
            raise Conflict("task.claimed", "A colleague works on it; they hand it back first.")
        if not held:
            unit.insert(TASK_CLAIMS, asdict(TaskClaim(task_id, caller.person, node.now())))

    node.db.write(write)
    return tasks.find_mine(node, caller, task_id)


def hand_back(node: Node, caller: Caller, task_id: str) -> TaskView:
    """Say that the caller works on a task no longer.

    Raises:
        NotFound: ``task.unknown``.
        Conflict: ``task.not-claimed``: the caller does not hold it.
    """
    tasks.find_mine(node, caller, task_id)
    key = {"task": task_id, "officer": caller.person}
    if not node.db.write(lambda unit: unit.delete(TASK_CLAIMS, key)):
        raise Conflict("task.not-claimed", "Only whoever works on it hands it back.")
    return tasks.find_mine(node, caller, task_id)


def colleagues(node: Node, caller: Caller, task_id: str) -> list[Colleague]:
    """Return the colleagues for whom a task waits as well, by name.

    Raises:
        NotFound: ``task.unknown``: it does not wait for the caller.
        Refused: the policy does not let the caller give it away.
    """
    found = tasks.find_mine(node, caller, task_id)
    _permit(node, caller, task_id, found.claim.officer if found.claim is not None else "")
    fit = tasks.waits_for(node, caller, found, _callers(node, caller, found))
    named = [Colleague(one.person, one.name) for one in fit if one.person != caller.person]
    return sorted(named, key=lambda one: (one.name, one.officer))


def assign(node: Node, caller: Caller, task_id: str, officer: str) -> TaskView:
    """Give a task to a colleague, who then works on it until they hand it back.

    Raises:
        NotFound: ``task.unknown``: it does not wait for the caller.
        Conflict: ``task.not-theirs``: it does not wait for that officer; ``task.moved``: it
            changed hands meanwhile.
        Refused: the policy: an analyst takes no task out of a colleague's hands.
    """
    found = tasks.find_mine(node, caller, task_id)
    holder = found.claim.officer if found.claim is not None else ""
    permit = _permit(node, caller, task_id, holder)
    fit = tasks.waits_for(node, caller, found, _callers(node, caller, found, officer))
    if not fit:
        raise Conflict("task.not-theirs", "This task does not wait for that officer.")

    def write(unit: Unit) -> None:
        unit.lock(f"task {task_id}")
        if _holder(unit.connection, task_id) != holder:
            raise Conflict("task.moved", "This task changed hands meanwhile; look again.")
        unit.delete(TASK_CLAIMS, {"task": task_id})
        unit.insert(TASK_CLAIMS, asdict(TaskClaim(task_id, officer, node.now())))
        entry = entry_of(caller, permit, Act.TASK_ASSIGNED, Subject("task", task_id))
        recording.record(node, unit, entry)

    node.db.write(write)
    return tasks.find_mine(node, caller, task_id)


def _holder(connection: Connection, task_id: str) -> str:
    held = records.of_tasks(connection, [task_id])
    return held[0].officer if held else ""


def _permit(node: Node, caller: Caller, task_id: str, holder: str) -> Permit:
    resource = Resource(ResourceKind.TASK, task_id, {"holder": holder})
    return authorise(node, caller, Action.TASK_ASSIGN, resource)


def _callers(node: Node, caller: Caller, task: TaskView, only: str = "") -> list[Caller]:
    """Return the officers who can act in a role of the task, as the policies see each of them."""

    def read(connection: Connection) -> list[officers.Identity]:
        able = {
            officer
            for role in task.roles
            for officer in officers.able(connection, role, node.now())
        }
        accounts = {one.officer: one for one in officers.identities(connection)}
        wanted = able & {only} if only else able
        return [accounts[one] for one in sorted(wanted) if one in accounts]

    found = []
    for one in node.db.read(read):
        try:
            found.append(_seen_as(node, caller, one))
        except (NotSignedIn, WireError):  # one account that nobody can sign in with
            continue
    return found


def _seen_as(node: Node, caller: Caller, account: officers.Identity) -> Caller:
    return officer_caller(node, account.iss, account.sub, origin="operator", request=caller.request)
