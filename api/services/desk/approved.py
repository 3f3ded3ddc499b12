"""What approvals were about, in words: the type of a statement, and what it is called.

Owns the look-up for many approvals at once. A title is told only to those who may read the object:
an auditor learns the type of a draft, and names what is public or in the register of officers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.approvals import Approval
from api.ports.policy import Action, Resource
from api.records import designations, drafts, officers
from api.services import visibility
from api.services.authorising import Caller, authorise, collection, may, visible
from api.services.desk import object_words
from api.services.node import Node


@dataclass(frozen=True, slots=True)
class Approved:
    """What one approval was about.

    Attributes:
        approval: the approval.
        type: statement type of a draft; empty for what is none.
        title: what it is called; empty where the caller may not read it or it has no name.
        role: of a grant; else empty.
    """

    approval: Approval
    type: str
    title: str
    role: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the node knows of the objects, and how the policies see each.

    Attributes:
        types: statement types by draft.
        titles: by object; of a draft for those who read it.
        public: of a draft, by the designation that it became or is about: its id and name.
        readable: by action, ids with what the policies see.
    """

    types: Mapping[str, str]
    titles: Mapping[str, str]
    public: Mapping[str, tuple[str, str]]
    readable: Mapping[Action, Sequence[tuple[str, Resource]]]


def in_words(node: Node, caller: Caller, found: Sequence[Approval]) -> list[Approved]:
    """Return what each approval was about, in order."""
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))
    ids = sorted({one.object for one in found})
    known = node.db.read(lambda connection: _looked_up(node, connection, ids))
    open_ = _open_to(node, caller, known)
    register: dict[str, tuple[str, str]] = {}
    if may(node, caller, Action.OFFICER_LIST, collection("officers")):
        register = node.db.read(_register)

    def title(id_: str) -> str:
        if id_ in open_:
            return known.titles.get(id_, "")
        designation, name = known.public.get(id_, ("", ""))
        return name if designation in open_ else ""

    return [
        Approved(
            one,
            known.types.get(one.object, ""),
            *((title(one.object), "") if one.object not in register else register[one.object]),
        )
        for one in found
    ]


def _open_to(node: Node, caller: Caller, known: _Known) -> set[str]:
    """Return the ids of the objects that the caller may read."""
    return {
        id_
        for action, targets in known.readable.items()
        for (id_, _), allowed in zip(
            targets, visible(node, caller, action, [one for _, one in targets]), strict=True
        )
        if allowed
    }


def _looked_up(node: Node, connection: Connection, ids: Sequence[str]) -> _Known:
    made = drafts.drafts_by_ids(connection, ids)
    cases = designations.proposals_by_ids(connection, ids)
    places = {
        id_: [place for place in (one.statement, one.about) if place] for id_, one in made.items()
    }
    listed = designations.by_ids(
        connection, sorted({place for found in places.values() for place in found})
    )
    about = {id_: one.thread or one.about or "" for id_, one in made.items()}
    words = object_words.of_objects(connection, about.values())
    titles = {id_: words[place].title for id_, place in about.items() if place in words}

    def seen(records: Mapping[str, visibility.Record]) -> list[tuple[str, Resource]]:
        targets = visibility.resources(node, connection, list(records.values()))
        return list(zip(records, targets, strict=True))

    return _Known(
        types={id_: one.type for id_, one in made.items()},
        titles=titles | {id_: one.title for id_, one in cases.items()},
        public={
            id_: (place, listed[place].name)
            for id_, found in places.items()
            for place in found
            if place in listed
        },
        readable={
            Action.DRAFT_READ: seen(made),
            Action.PROPOSAL_READ: seen(cases),
            Action.DESIGNATION_READ: seen(listed),
        },
    )


def _register(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return name and role by id of officer, grant and key."""
    names = {one.id: one.name for one in officers.everyone(connection)}
    found = {id_: (name, "") for id_, name in names.items()}
    found |= {one.id: (names.get(one.officer, ""), one.role) for one in officers.grants(connection)}
    found |= {one.kid: (names.get(one.officer, ""), "") for one in officers.keys(connection)}
    return found
