"""Notes deadlines that passed unmet, each once, as an event; the tasks themselves stay."""

from sqlalchemy import Connection

from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import drafts, tasks
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import authorise, collection, node_caller
from api.services.desk.statutory_clocks import own_clocks
from api.services.node import Node

_BATCH = 200
CONFIRM = "confirm"
CLOCK = "clock"

_ABOUT = {CONFIRM: "draft", CLOCK: "designation"}

Passed = tuple[str, str, str, str]


def expire_clocks(node: Node) -> bool:
    """Note what passed since the last time; returns whether more is waiting.

    A confirmation that is not there in time (a recall's second look) is an alarm; so is an answer,
    finding or effect of ours or of a partner that is overdue, and a period of law that ran out.
    Nothing is decided by it.
    """
    now = node.now()
    found = node.db.read(lambda connection: _passed(node, connection, now))
    if not found:
        return False
    authorise(node, node_caller(node), Action.DEADLINE_EXPIRE, collection("deadlines"))
    node.db.write(lambda unit: _note(node, unit, found, now))
    return len(found) >= _BATCH


def _passed(node: Node, connection: Connection, now: str) -> list[Passed]:
    rows = tasks.unnoted(connection, now, _BATCH)
    found = [(row.kind, row.about, row.key, row.due) for row in rows]
    late = drafts.unconfirmed(connection, now)
    noted = tasks.noted(connection, CONFIRM, [row.id for row in late])
    found += [
        (CONFIRM, row.id, "", row.confirm_by)
        for row in late
        if row.confirm_by is not None and (row.id, "", row.confirm_by) not in noted
    ]
    past = [one for one in own_clocks(node, connection) if one.past]
    known = tasks.noted(connection, CLOCK, [one.designation for one in past])
    found += [
        (CLOCK, one.designation, one.clock.id, one.clock.due.isoformat())
        for one in past
        if one.clock.due is not None
        and (one.designation, one.clock.id, one.clock.due.isoformat()) not in known
    ]
    return list(dict.fromkeys(found))


def _note(node: Node, unit: Unit, found: list[Passed], now: str) -> None:
    for kind, object_id, key, due in found:
        if (object_id, key, due) in tasks.noted(unit.connection, kind, [object_id]):
            continue
        unit.insert(
            tasks.DEADLINES,
            {"kind": kind, "object": object_id, "key": key, "due": due, "noted_at": now},
        )
        about = _ABOUT.get(kind, "task")
        entry = recording.Entry(
            act=Act.DEADLINE_PASSED, subject=Subject(about, object_id), code=kind
        )
        recording.record(node, unit, entry)
