"""Who works on which task, as colleagues see it.

Owns that read model. Taking, giving and handing back are ``assigning``'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.notation import Instant, RecordId
from api.records import officers
from api.records import task_claims as records
from api.services.authorising import Caller


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim as colleagues see it.

    Attributes:
        officer: officer record.
        name: of the officer.
        since: when they took it.
        mine: it is the caller's own.
    """

    officer: RecordId
    name: str
    since: Instant
    mine: bool


def on_tasks(connection: Connection, caller: Caller, ids: Sequence[str]) -> Mapping[str, ClaimView]:
    """Return the claims on tasks that the caller is shown, by task."""
    found = records.of_tasks(connection, ids)
    names = officers.names(connection, [one.officer for one in found])
    return {
        one.task: ClaimView(
            one.officer, names.get(one.officer, ""), one.since, one.officer == caller.person
        )
        for one in found
    }
