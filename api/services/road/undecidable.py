"""What waits for people: statements that cannot be decided here, and what becomes of them.

Owns what an administrator does about one: see what waits, try it again once the defect is mended,
or refuse it. Whatever is done ends in one disposition, or leaves it waiting. Owns also which of the
others the job looks at again by itself.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import Connection

from api.domain.decisions import refuse
from api.domain.errors import NotFound
from api.domain.events import Act, Subject
from api.domain.notation import Digest, Instant
from api.ports.policy import Action, Resource
from api.records import parked
from api.records.parked import Parked
from api.services.authorising import Caller, authorise, collection, entry_of
from api.services.node import Node
from api.services.road import applying

_REFUSED = "This ministry's node could not decide it, and an administrator refused it."


class Settling(StrEnum):
    """What an administrator may have done with a parked statement."""

    RETRY = "retry"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A parked statement as those who run the node see it.

    Attributes:
        ministry: who sent it.
        statement: its id.
        type: its type with version, where it could be read.
        message: id of the message that brought it.
        code: why it waits.
        part: the part of deciding that met a defect, if one did.
        error: kind of the defect, if one was met.
        since: by this node's clock.
    """

    ministry: str
    statement: Digest
    type: str | None
    message: str
    code: str
    part: str | None
    error: str | None
    since: Instant


def waiting(node: Node, caller: Caller) -> list[Waiting]:
    """Return all that waits, by partner, to administrators and auditors."""
    authorise(node, caller, Action.NODE_STATUS, collection("node"))
    rows = node.db.read(parked.every)
    return [_waiting(row) for row in sorted(rows, key=lambda row: (row.peer, row.at))]


def settle(node: Node, caller: Caller, peer: str, statement: str, settling: Settling) -> bool:
    """Have a parked statement tried again or refused; returns whether it waits no longer.

    Raises:
        NotFound: ``parked.unknown``.
        Refused: the policy denies it.
    """
    permit = authorise(node, caller, Action.STREAM_RULE, Resource("stream", peer, {"peer": peer}))
    row = node.db.read(lambda connection: parked.of_statement(connection, peer, statement))
    if row is None:
        raise NotFound("parked.unknown", "No such statement of that ministry waits here.")
    subject = Subject("statement", statement)
    entry = replace(entry_of(caller, permit, Act.STATEMENT_RULED, subject), code=settling.value)
    if settling is Settling.RETRY:
        return applying.hear_again(node, row, entry)
    return applying.refuse_parked(node, row, refuse(parked.UNDECIDABLE, _REFUSED), entry)


def due(connection: Connection) -> list[Parked]:
    """Return what the job looks at again: all but what waits for an administrator."""
    return [row for row in parked.every(connection) if row.code != parked.UNDECIDABLE]


def look_again(node: Node, row: Parked) -> bool:
    """Settle what can be settled without an administrator; returns whether it waits no longer."""
    if row.code == parked.RECALLED:
        recalled = refuse(parked.RECALLED, "The originator has recalled this package.")
        return applying.refuse_parked(node, row, recalled)
    return applying.hear_again(node, row)


def _waiting(row: Parked) -> Waiting:
    return Waiting(
        row.peer, row.statement, row.type, row.message, row.code, row.part, row.error, row.at
    )
