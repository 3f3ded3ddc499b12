"""What the policies see of an object that something else points at: a task, a search result.

Owns the way from ``(kind, id)`` to the action that reads it and the resource it is; decides
nothing.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from api.ports.policy import Action, Resource
from api.records import delegations, designations, drafts, packages, threads
from api.services.authorising import Caller, visible
from api.services.desk import evidence
from api.services.node import Node
from api.services.statements import draft_form

Reference = tuple[str, str]
Recused = Mapping[str, frozenset[str]]


def thread(row: RowMapping, recused: frozenset[str]) -> Resource:
    """Return a mirror thread as the policies see it."""
    return Resource(
        "thread",
        row["id"],
        {"requester": row["requester"], "addressee": row["addressee"], "recused": recused},
    )


def proposal(row: RowMapping, recused: frozenset[str]) -> Resource:
    """Return a proposal as the policies see it."""
    return Resource(
        "proposal",
        row["id"],
        {
            "ministry": row["ministry"],
            "authors": frozenset(json.loads(row["authors"])),
            "recused": recused,
        },
    )


def designation(row: RowMapping) -> Resource:
    """Return a designation as the policies see it."""
    return Resource("designation", row["id"], {"ministry": row["issuer"]})


def _thread(_node: Node, connection: Connection, id_: str, recused: Recused) -> Resource | None:
    row = threads.by_id(connection, id_)
    return None if row is None else thread(row, recused.get(id_, frozenset()))


def _proposal(_node: Node, connection: Connection, id_: str, recused: Recused) -> Resource | None:
    row = designations.proposal(connection, id_)
    return None if row is None else proposal(row, recused.get(id_, frozenset()))


def _designation(_node: Node, connection: Connection, id_: str, _: Recused) -> Resource | None:
    row = designations.by_id(connection, id_)
    return None if row is None else designation(row)


def _package(node: Node, connection: Connection, id_: str, recused: Recused) -> Resource | None:
    row = packages.by_id(connection, id_)
    if row is None:
        return None
    released = packages.released_to_many(connection, [id_]).get(id_, frozenset())
    return evidence.resource(node, evidence.Package(row, released), recused.get(id_, frozenset()))


def _draft(node: Node, connection: Connection, id_: str, recused: Recused) -> Resource | None:
    row = drafts.by_id(connection, id_)
    if row is None:
        return None
    found = draft_form.Draft(row)
    about = row["thread"] or row["about"] or ""
    table = draft_form.table_row(node, row["type"])
    return draft_form.resource(node, table, found, aside=recused.get(about, frozenset()))


KINDS: Mapping[str, tuple[Action, Callable[[Node, Connection, str, Recused], Resource | None]]] = {
    "designation": (Action.DESIGNATION_READ, _designation),
    "draft": (Action.DRAFT_READ, _draft),
    "package": (Action.PACKAGE_READ, _package),
    "proposal": (Action.PROPOSAL_READ, _proposal),
    "thread": (Action.MIRROR_READ, _thread),
}


def readable(node: Node, caller: Caller, references: Iterable[Reference]) -> set[Reference]:
    """Return those of the objects that the caller may read, by the policy of each kind.

    Args:
        node: this node.
        caller: who asks.
        references: kinds and ids; unknown objects are never readable.
    """
    wanted = sorted(set(references))
    by_action: dict[Action, list[tuple[Reference, Resource]]] = {}

    def read(connection: Connection) -> None:
        recused = delegations.recused_many(connection, [id_ for _, id_ in wanted])
        for kind, id_ in wanted:
            action, find = KINDS[kind]
            resource = find(node, connection, id_, recused)
            if resource is not None:
                by_action.setdefault(action, []).append(((kind, id_), resource))

    node.db.read(read)
    found: set[Reference] = set()
    for action, pairs in by_action.items():
        found |= _allowed(node, caller, action, pairs)
    return found


def _allowed(
    node: Node, caller: Caller, action: Action, pairs: Sequence[tuple[Reference, Resource]]
) -> set[Reference]:
    decisions = visible(node, caller, action, [resource for _, resource in pairs])
    return {reference for (reference, _), may in zip(pairs, decisions, strict=True) if may}
