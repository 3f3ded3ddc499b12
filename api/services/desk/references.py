"""Short references: what the first digits of an id name, among what the caller may know of.

Owns the resolution of a prefix (DESIGN §12). What may not be read is not found, however many of its
digits are right.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.ports.policy import Action, Resource
from api.records import delegations, officers, packages, references, shared_verdicts, watches
from api.records.references import PLACED, Named
from api.records.shared_verdicts import SharedVerdict
from api.records.watches import Watch
from api.services import visibility
from api.services.authorising import Caller, authorise, change_of, collection, may
from api.services.desk import object_words, subjects, tasks, watching
from api.services.node import Node
from api.services.visibility import ObjectKind

LEAST: Final = 8
"""Fewest digits that name anything: fewer would invite guessing."""

_FORM: Final = re.compile(r"(?:sha256:)?([A-Za-z0-9_-]{8,64})")
_MOST: Final = 50
_REGISTERS: Final[Mapping[str, tuple[Action, Resource]]] = {
    "delegation": (Action.DELEGATION_LIST, collection("delegations")),
    "edition": (Action.LIST_READ, collection("lists")),
    "erasure": (Action.AUDIT_ERASE_PROPOSE, change_of("new")),
    "grant": (Action.GRANT_LIST, collection("role-grants")),
    "key": (Action.KEY_LIST, collection("keys")),
    "officer": (Action.OFFICER_LIST, collection("officers")),
    "parked": (Action.NODE_STATUS, collection("node")),
    "proof": (Action.NODE_STATUS, collection("node")),
    "regime-edition": (Action.OFFICER_LIST, collection("regimes")),
    "relying-party": (Action.KEY_LIST, collection("keys")),
    "sample": (Action.AUDIT_LIST, collection("audit")),
}
"""Whoever reads a register knows of everything in it."""

_SUBJECTS: Final = (Action.SUBJECT_SEARCH, collection("subjects"))

_EXHIBIT: Final = "exhibit"
_TASK: Final = "task"
_VERDICT: Final = "verdict"
_WATCH: Final = "watch"
GATED: Final = frozenset({*ObjectKind, *PLACED, *_REGISTERS, _EXHIBIT, _TASK, _VERDICT, _WATCH})
"""Kinds for which it is said here who may know of one."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that a prefix names.

    Attributes:
        kind: one of `api.records.references.KINDS`, such as ``package`` or ``release``.
        id: in full.
        title: what it, or the object that it stands on, is called; empty where that has no name.
        place_kind: kind of the object that it stands on, where it has no page of its own.
        place: id of that object: of a release its package, of an exhibit one that lists it.
    """

    kind: str
    id: str
    title: str
    place_kind: str | None = None
    place: str | None = None


def find_references(node: Node, caller: Caller, prefix: str) -> list[Reference]:
    """Return the objects whose id begins so and which the caller may know of, by kind and id.

    Raises:
        Invalid: ``reference.form``: fewer than eight digits, or no digits of an id.
    """
    authorise(node, caller, Action.ME_READ, collection("me"))
    found = _FORM.fullmatch(prefix)
    if found is None:
        raise Invalid("reference.form", f"Give at least {LEAST} characters of an id.")
    digits = found[1]
    named = node.db.read(lambda connection: references.named_by(connection, digits, _MOST))
    seen = _known(node, caller, named)
    known = [_listed(node, caller, one) for one in named if one in seen]

    named_there = sorted({id_ for one in known for id_ in (one.id, one.place) if id_ is not None})

    def titles(connection: Connection) -> dict[str, str]:
        objects = object_words.of_objects(connection, named_there)
        people = object_words.people(connection, named_there)
        return {id_: words.title for id_, words in objects.items()} | dict(people)

    words = node.db.read(titles)
    return [
        Reference(
            one.kind,
            one.id,
            words.get(one.id) or words.get(one.place or "", ""),
            one.place_kind,
            one.place,
        )
        for one in known
    ]


def _listed(node: Node, caller: Caller, one: Named) -> Named:
    """Return an exhibit with a package that lists it and that the caller may read."""
    if one.kind != _EXHIBIT:
        return one
    listing = node.db.read(lambda connection: packages.packages_with(connection, one.id))
    places = ((ObjectKind.PACKAGE.value, package.id) for package in listing)
    readable = sorted(visibility.readable(node, caller, places))
    return replace(one, place_kind=readable[0][0], place=readable[0][1]) if readable else one


def _known(node: Node, caller: Caller, named: list[Named]) -> set[Named]:
    """Return those that the caller may know of, each by the gate of its kind."""
    readable = visibility.readable(
        node, caller, (_object_of(one) for one in named if one.kind in {*ObjectKind, *PLACED})
    )
    kinds = {
        kind
        for kind in {one.kind for one in named} & set(_REGISTERS)
        if may(node, caller, *_REGISTERS[kind])
    }
    own = node.db.read(lambda connection: _own(connection, caller))
    said = _said_of_subjects(node, caller, named)
    return {
        one
        for one in named
        if _object_of(one) in readable
        or one.kind in kinds
        or (one.kind, one.id) in own
        or (one.kind, one.id) in said
        or (one.kind == _TASK and tasks.may_see(node, caller, one.id))
        or (one.kind == _EXHIBIT and _may_read_exhibit(node, caller, one.id))
    }


def _said_of_subjects(node: Node, caller: Caller, named: list[Named]) -> set[tuple[str, str]]:
    """Return the verdicts and watches on descriptions that are not hidden from the caller."""
    ids = {kind: [one.id for one in named if one.kind == kind] for kind in (_VERDICT, _WATCH)}
    if not any(ids.values()) or not may(node, caller, *_SUBJECTS):
        return set()

    def read(connection: Connection) -> tuple[list[SharedVerdict], list[Watch]]:
        verdicts = (shared_verdicts.by_id(connection, one) for one in ids[_VERDICT])
        set_ = (watches.by_id(connection, one) for one in ids[_WATCH])
        return [one for one in verdicts if one is not None], [
            one for one in set_ if one is not None
        ]

    verdicts, set_ = node.db.read(read)
    told = ((_VERDICT, one.statement) for one in subjects.verdicts_seen(node, caller, verdicts))
    kept = ((_WATCH, one.id) for one in watching.watches_seen(node, caller, set_))
    return {*told, *kept}


def _object_of(one: Named) -> visibility.Reference:
    """Return the object that the gate of need to know is asked about."""
    if one.place_kind is None or one.place is None:
        return (one.kind, one.id)
    return (one.place_kind, one.place)


def _may_read_exhibit(node: Node, caller: Caller, digest: str) -> bool:
    target = node.db.read(lambda connection: visibility.exhibit_resource(connection, digest))
    return may(node, caller, Action.EXHIBIT_READ, target)


def _own(connection: Connection, caller: Caller) -> set[tuple[str, str]]:
    """Return the caller's own record, keys and delegations."""
    keys = (("key", key.kid) for key in officers.keys(connection, caller.person))
    lent = (("delegation", row.id) for row in delegations.everything(connection, caller.person))
    return {("officer", caller.person), *keys, *lent}
