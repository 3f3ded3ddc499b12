"""What approvals were about, in words: the type of a statement, and what it is called.

Owns the look-up for many approvals at once. A title is told only to those who may read the object:
an auditor learns the type of a draft, and names what is public or in the register of officers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.approvals import Approval
from api.ports.policy import Action
from api.records import designations, drafts, officers
from api.services import visibility
from api.services.authorising import Caller, authorise, collection, may
from api.services.desk import object_words
from api.services.node import Node
from api.services.visibility import ObjectKind, Reference


@dataclass(frozen=True, slots=True)
class Approved:
    """What one approval was about.

    Attributes:
        approval: the approval.
        type: statement type of a draft; empty for what is none.
        title: what it is called; empty where the caller may not read it or it has no name.
        role: of a grant; else empty.
        people: names of officers by account, for those who may read the register.
    """

    approval: Approval
    type: str
    title: str
    role: str
    people: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the node knows of the objects.

    Attributes:
        types: statement types by draft.
        titles: by object; of a draft for those who read it.
        public: of a draft, by the designation that it became or is about: its id and name.
        objects: which of them the policies are asked about.
    """

    types: Mapping[str, str]
    titles: Mapping[str, str]
    public: Mapping[str, tuple[str, str]]
    objects: Sequence[Reference]


def in_words(node: Node, caller: Caller, found: Sequence[Approval]) -> list[Approved]:
    """Return what each approval was about, in order."""
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))
    ids = sorted({one.object for one in found})
    known = node.db.read(lambda connection: _looked_up(connection, ids))
    open_ = {id_ for _, id_ in visibility.readable(node, caller, known.objects)}
    register: dict[str, tuple[str, str]] = {}
    people: dict[str, str] = {}
    if may(node, caller, Action.OFFICER_LIST, collection("officers")):
        register = node.db.read(_register)
        people = object_words.colleagues(node)

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
            people,
        )
        for one in found
    ]


def _looked_up(connection: Connection, ids: Sequence[str]) -> _Known:
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

    return _Known(
        types={id_: one.type for id_, one in made.items()},
        titles=titles | {id_: one.title for id_, one in cases.items()},
        public={
            id_: (place, listed[place].name)
            for id_, found in places.items()
            for place in found
            if place in listed
        },
        objects=[
            *((ObjectKind.DRAFT, id_) for id_ in made),
            *((ObjectKind.PROPOSAL, id_) for id_ in cases),
            *((ObjectKind.DESIGNATION, id_) for id_ in listed),
        ],
    )


def _register(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return name and role by id of officer, grant and key."""
    names = {one.id: one.name for one in officers.everyone(connection)}
    found = {id_: (name, "") for id_, name in names.items()}
    found |= {one.id: (names.get(one.officer, ""), one.role) for one in officers.grants(connection)}
    found |= {one.kid: (names.get(one.officer, ""), "") for one in officers.keys(connection)}
    return found
