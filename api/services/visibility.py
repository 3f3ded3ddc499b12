"""The one gate of need to know: what a caller may know of, and what stands between.

Owns how the policies see each kind of object (its resource), who stands aside from it, and the one
question behind every list, page, count, search, task, draft, preview and export: may this caller
read this object? What may not be read may not be listed, counted or guessed (DESIGN §12). Must not
decide anything itself; the policies do.

A recusal is from one object, by its id, and counts for everything that stands on that object too:
a release draft stands on its package, a finding on its thread and on what it relies on, a thread on
the designations and packages that it is about, an exhibit on every package that lists it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection

from api.domain.drafts import DraftState
from api.domain.errors import Invalid
from api.domain.four_eyes import Row
from api.ports.policy import Action, AttributeValue, Resource
from api.records import delegations, designations, drafts, packages, tasks, threads
from api.records.designations import Designation, Proposal
from api.records.drafts import Draft
from api.records.package_rows import Package
from api.records.threads import Thread
from api.services.authorising import Caller, Permit, authorise, unknown, visible
from api.services.node import Node
from api.services.paging import Place, visible_page


class ObjectKind(StrEnum):
    """What an officer can be shown, and be recused from."""

    DESIGNATION = "designation"
    DRAFT = "draft"
    PACKAGE = "package"
    PROPOSAL = "proposal"
    THREAD = "thread"


Reference: TypeAlias = tuple[str, str]
"""Kind and id of an object."""

Record: TypeAlias = Designation | Draft | Package | Proposal | Thread
R = TypeVar("R", bound=Record)
Walls: TypeAlias = Mapping[str, frozenset[str]]
"""For ids of objects, the officers who stand aside from them."""

READ_BY: Mapping[ObjectKind, Action] = {
    ObjectKind.DESIGNATION: Action.DESIGNATION_READ,
    ObjectKind.DRAFT: Action.DRAFT_READ,
    ObjectKind.PACKAGE: Action.PACKAGE_READ,
    ObjectKind.PROPOSAL: Action.PROPOSAL_READ,
    ObjectKind.THREAD: Action.MIRROR_READ,
}

_NOBODY: frozenset[str] = frozenset()
_NAMED_BY = ("package", "designation", "proposal", "request", "replaced_by", "supersedes")


def kind_of(record: Record) -> ObjectKind:
    """Return which kind of object a row is of."""
    return _KIND_OF[type(record)]


_KIND_OF: Mapping[type[Any], ObjectKind] = {
    Designation: ObjectKind.DESIGNATION,
    Draft: ObjectKind.DRAFT,
    Package: ObjectKind.PACKAGE,
    Proposal: ObjectKind.PROPOSAL,
    Thread: ObjectKind.THREAD,
}


def table_row(node: Node, type_: str) -> Row:
    """Return the four-eyes row of a statement type.

    Raises:
        Invalid: ``statement.type``: officers draft no such statement.
    """
    row = node.four_eyes.rows.get(type_.split("/", maxsplit=1)[0])
    if row is None or row.sealed_by_node:
        raise Invalid("statement.type", "Officers draft no statements of this type.")
    return row


# ---- how the policies see each kind --------------------------------------------------------


def draft_resource(node: Node, row: Row, draft: Draft | None, aside: frozenset[str]) -> Resource:
    """Return the draft as the policies see it; without a draft, one about to be created."""
    return Resource(
        ObjectKind.DRAFT,
        draft.id if draft is not None else "new",
        {
            "statement_type": row.statement_type,
            "authors": draft.authors if draft is not None else _NOBODY,
            "preparer": draft.preparer if draft is not None else "",
            "prepared_by": row.prepared_by,
            "approved_by": row.approved_by,
            "confirmed_by": row.confirmed_by,
            "own_key": row.own_key,
            "recused": aside,
            "ministry": node.ministry,
            "state": draft.state.value if draft is not None else DraftState.DRAFTED.value,
        },
    )


def package_resource(
    node: Node, package: Package | None, released_to: frozenset[str], aside: frozenset[str]
) -> Resource:
    """Return the package as the policies see it; without one, one about to be submitted."""
    return Resource(
        ObjectKind.PACKAGE,
        package.id if package is not None else "new",
        {
            "ministry": package.originator if package is not None else node.ministry,
            "recused": aside,
            "released_to": released_to,
            "own_key": node.four_eyes.rows["evidence-package"].own_key,
        },
    )


def _resource(node: Node, record: Record, released_to: Walls, aside: frozenset[str]) -> Resource:
    match record:
        case Draft():
            return draft_resource(node, table_row(node, record.type), record, aside)
        case Package():
            return package_resource(node, record, released_to.get(record.id, _NOBODY), aside)
        case _:
            return Resource(kind_of(record), record.id, {**_facts(record), "recused": aside})


def _facts(record: Designation | Proposal | Thread) -> dict[str, AttributeValue]:
    match record:
        case Thread():
            return {"requester": record.requester, "addressee": record.addressee}
        case Proposal():
            return {"ministry": record.ministry, "authors": record.authors}
        case Designation():
            return {"ministry": record.issuer}


def resources(node: Node, connection: Connection, records: Sequence[Record]) -> list[Resource]:
    """Return objects as the policies see them, with who stands aside from each."""
    given = [one.id for one in records if isinstance(one, Package)]
    released_to = packages.released_to_many(connection, given)
    aside = _walls_around(connection, {one.id: _named_by(one) for one in records})
    return [_resource(node, one, released_to, aside.get(one.id, _NOBODY)) for one in records]


# ---- who stands aside ----------------------------------------------------------------------


def named_in(body: Mapping[str, Any]) -> set[str]:
    """Return the ids of the objects that a statement's body names."""
    found = {body[name] for name in _NAMED_BY if isinstance(body.get(name), str)}
    asked: Any = body.get("designations")
    if isinstance(asked, Mapping):
        found |= {one for one in asked.values() if isinstance(one, str)}
    for name in ("evidence", "relied_on"):
        for one in _listed(body.get(name)):
            named = one.get("package") if isinstance(one, Mapping) else one
            found |= {named} if isinstance(named, str) else set()
    for ground in _listed(body.get("grounds")):
        if isinstance(ground, Mapping):
            found |= {
                one["package"]
                for one in _listed(ground.get("evidence"))
                if isinstance(one, Mapping) and isinstance(one.get("package"), str)
            }
    return found


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _named_by(record: Record) -> set[str]:
    """Return what an object stands on by its own words."""
    match record:
        case Draft():
            # A sealed draft says what the object says that it became.
            named = {record.thread, record.about, record.statement} | named_in(record.body)
            return {one for one in named if one is not None}
        case Proposal():
            return named_in(record.body)
        case Designation():
            return {record.proposal} if record.proposal is not None else set()
        case _:
            return set()


def _walls_around(
    connection: Connection, objects: Mapping[str, Iterable[str]]
) -> dict[str, frozenset[str]]:
    """Return who stands aside from objects or from what they stand on.

    Args:
        connection: open connection.
        objects: ids, each with the ids that it stands on by its own words.

    Returns:
        Officer records by id; objects from which nobody stands aside are absent.
    """
    recused = delegations.recused_everywhere(connection)
    if not recused:
        return {}
    near = {id_: {id_, *named} for id_, named in objects.items()}
    every = sorted(set().union(*near.values())) if near else []
    below = tasks.resting_of(connection, every)
    asked = threads.designations_asked(connection, every)
    found: dict[str, frozenset[str]] = {}
    for id_, close in near.items():
        whole = close.union(*(below.get(one, set()) | asked.get(one, set()) for one in close))
        aside = _NOBODY.union(*(recused.get(one, _NOBODY) for one in whole))
        if aside:
            found[id_] = aside
    return found


def recused_from(connection: Connection, named: Iterable[str]) -> frozenset[str]:
    """Return who stands aside from any of these objects or from what they stand on."""
    walls = _walls_around(connection, {"": set(named)})
    return walls.get("", _NOBODY)


def aside_from(node: Node, named: Collection[str]) -> frozenset[str]:
    """Return who stands aside from what a new object names; nothing is read where it names none."""
    return node.db.read(lambda connection: recused_from(connection, named)) if named else _NOBODY


# ---- the questions -------------------------------------------------------------------------


def allowed(node: Node, caller: Caller, records: Sequence[Record]) -> list[bool]:
    """Return which of these objects, all of one kind, the caller may read."""
    if not records:
        return []
    targets = node.db.read(lambda connection: resources(node, connection, records))
    return visible(node, caller, READ_BY[kind_of(records[0])], targets)


def readable_page(
    node: Node,
    caller: Caller,
    look_up: Callable[[Connection, Place | None, int], Sequence[R]],
    *,
    limit: int,
    start: Place | None,
) -> list[R]:
    """Return a page of the objects of one kind that the caller may read.

    Args:
        node: this node.
        caller: who asks.
        look_up: returns the next rows after a place, as many as asked; fewer only at the end.
        limit: at most so many; fewer only where the list ends.
        start: place to begin after, or ``None`` for the beginning.
    """
    return visible_page(
        lambda at, size: node.db.read(lambda connection: look_up(connection, at, size)),
        lambda rows: allowed(node, caller, rows),
        lambda row: row.place,
        limit=limit,
        start=start,
    )


def readable(node: Node, caller: Caller, references: Iterable[Reference]) -> set[Reference]:
    """Return those of the objects that the caller may read, by the policy of each kind.

    Args:
        node: this node.
        caller: who asks.
        references: kinds and ids; unknown objects are never readable.
    """
    return {one for one, may in _judged(node, caller, references).items() if may}


def hidden(node: Node, caller: Caller, references: Iterable[Reference]) -> set[Reference]:
    """Return those of the objects that are held here and not for the caller.

    For what names objects that this node need not hold: of an unknown one there is nothing to hide.
    """
    return {one for one, may in _judged(node, caller, references).items() if not may}


def _judged(node: Node, caller: Caller, references: Iterable[Reference]) -> dict[Reference, bool]:
    """Return of each object held here whether the caller may read it."""
    wanted = sorted(set(references))

    def read(connection: Connection) -> list[tuple[ObjectKind, Resource]]:
        known: list[Record] = []
        for kind, look_up in _LOOK_UP.items():
            found = look_up(connection, [id_ for each, id_ in wanted if each == kind])
            known += (found[id_] for id_ in sorted(found))
        targets = resources(node, connection, known)
        return [(kind_of(one), target) for one, target in zip(known, targets, strict=True)]

    found: dict[Reference, bool] = {}
    by_kind: dict[ObjectKind, list[Resource]] = {}
    for kind, target in node.db.read(read):
        by_kind.setdefault(kind, []).append(target)
    for kind, targets in by_kind.items():
        seen = visible(node, caller, READ_BY[kind], targets)
        found |= {(kind.value, one.id): may for one, may in zip(targets, seen, strict=True)}
    return found


def permit_to_read(node: Node, caller: Caller, reference: Reference) -> Permit:
    """Return the permit to read one object; for small acts that whoever reads it may do.

    Raises:
        NotFound: ``<kind>.unknown``: absent, or not for the caller.
    """
    kind, id_ = reference

    def find(connection: Connection) -> tuple[Record, Resource] | None:
        record = _LOOK_UP[kind](connection, [id_]).get(id_) if kind in _LOOK_UP else None
        return None if record is None else (record, resources(node, connection, [record])[0])

    found = node.db.read(find)
    if found is None:
        raise unknown(kind)
    record, target = found
    return permit_on_package(node, caller, READ_BY[kind_of(record)], record, target)


_LOOK_UP: Mapping[str, Callable[[Connection, Sequence[str]], Mapping[str, Record]]] = {
    ObjectKind.DESIGNATION: designations.by_ids,
    ObjectKind.DRAFT: drafts.drafts_by_ids,
    ObjectKind.PACKAGE: packages.by_ids,
    ObjectKind.PROPOSAL: designations.proposals_by_ids,
    ObjectKind.THREAD: threads.by_ids,
}


def permit_on_package(
    node: Node,
    caller: Caller,
    action: Action,
    record: Record,
    target: Resource,
    *,
    form: str | None = None,
) -> Permit:
    """Return the permit to act on an object; who may not read it gets the answer of an absent one.

    Args:
        node: this node.
        caller: who asks.
        action: what they want to do.
        record: the object.
        target: from :func:`resources`, read with the object.
        form: how the officer signs the act.
    """
    seen_by = READ_BY[kind_of(record)]
    return authorise(node, caller, action, target, form=form, visible_by=seen_by)


def exhibit_resource(connection: Connection, digest: str) -> Resource:
    """Return an exhibit as the policies see it, with who stands aside from its packages."""
    listing = [one.id for one in packages.packages_with(connection, digest)]
    released = frozenset(packages.released_to(connection, digest))
    aside = recused_from(connection, listing)
    return Resource("exhibit", digest, {"recused": aside, "released_to": released})
