"""Watching published lists: who wants to be told what, and the notices that a new edition raises.

Owns watches, and the way from the difference of two editions to notices: on designations of this
ministry, on open threads, and on what officers watch. Which change concerns what is
``domain.lists.watching``'s; nothing follows from a notice but that somebody looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.events import Act, Subject
from api.domain.identity.profiles import Profile, of_entry
from api.domain.lists.changes import EntryOutcome
from api.domain.lists.watching import Changed, Concern, Told, told
from api.domain.tasks import Notice
from api.ports.policy import Action, Resource
from api.records import identity as index
from api.records import lists, subjects, threads, watches
from api.records.lists import Edition
from api.records.unit_of_work import Unit
from api.records.watches import Watch
from api.services import recording, visibility
from api.services.authorising import Caller, Permit, authorise, collection, entry_of
from api.services.desk.identity import LIST, entry_place, entry_ref, holder
from api.services.desk.list_differences import EditionDifference
from api.services.desk.subjects import known
from api.services.desk.uncovered import one_sided
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.statements.effects import reliance

PROGRAMME: Final = "programme"
_PUBLIC: Final = frozenset({LIST, PROGRAMME})
_ONE_SIDED: Final = {Notice.GONE_THERE, Notice.CHANGED_THERE}


def watch(node: Node, caller: Caller, ref: str, reason: str) -> Watch:
    """Ask to be told when a list changes about a description or under a programme.

    Raises:
        Invalid: ``watch.reason-missing``.
        NotFound: ``subject.unknown``: absent, or in an object that the caller may not read; of a
            programme, no edition of its list is held.
    """
    if not reason.strip():
        raise Invalid("watch.reason-missing", "Say why it is watched.")
    permit = authorise(node, caller, Action.SUBJECT_WATCH, Resource("subject", ref))
    once = keyed_call(caller, Act.WATCH_SET, {"ref": ref, "reason": reason})
    if (set_before := made_before(node, once)) is not None:
        return _set_one(node, caller, set_before["id"])
    programme = watches.programme_of(ref)
    held = (
        bool(node.db.read(lambda connection: lists.editions(connection, programme[0])))
        if programme
        else known(node, caller, ref)
    )
    if not held:
        raise NotFound("subject.unknown", "There is no such subject here.")
    made = Watch(node.entropy.identifier(), ref, reason, caller.person, node.now(), None, None)

    def write(unit: Unit) -> None:
        values = {"id": made.id, "ref": ref, "reason": reason, "by": made.by, "at": made.at}
        unit.insert(watches.WATCHES, values)
        entry = entry_of(caller, permit, Act.WATCH_SET, Subject("watch", made.id))
        recording.record(node, unit, entry)
        unit.ring(watches.FOLLOWED)

    return _set_one(node, caller, write_once(node, once, {"id": made.id}, write)["id"])


def end(node: Node, caller: Caller, watch_id: str) -> Watch:
    """End a watch.

    Raises:
        NotFound: ``watch.unknown``.
        Conflict: ``watch.ended``.
    """
    permit = authorise(node, caller, Action.SUBJECT_WATCH, Resource("subject", watch_id))
    _set_one(node, caller, watch_id)

    def write(unit: Unit) -> None:
        values = {"ended_by": caller.person, "ended_at": node.now()}
        expect = {"ended_at": None}
        if unit.update(watches.WATCHES, {"id": watch_id}, values, expect=expect) is None:
            raise Conflict("watch.ended", "This watch has ended already.")
        entry = entry_of(caller, permit, Act.WATCH_ENDED, Subject("watch", watch_id))
        recording.record(node, unit, entry)

    node.db.write(write)
    return _set_one(node, caller, watch_id)


def _set_one(node: Node, caller: Caller, watch_id: str) -> Watch:
    found = node.db.read(lambda connection: watches.by_id(connection, watch_id))
    if found is None or not watches_seen(node, caller, [found]):
        raise NotFound("watch.unknown", "There is no such watch.")
    return found


def standing_watches(node: Node, caller: Caller) -> list[Watch]:
    """Return the watches that stand on what the caller may read, oldest first."""
    authorise(node, caller, Action.SUBJECT_SEARCH, collection("subjects"))
    return watches_seen(node, caller, node.db.read(watches.standing))


def watches_seen(node: Node, caller: Caller, found: Sequence[Watch]) -> list[Watch]:
    """Leave out the watches on descriptions in objects that the caller may not read."""
    places = {one.id: holder(one.ref) for one in found}
    allowed = visibility.readable(
        node, caller, (place for place in places.values() if place[0] not in _PUBLIC)
    )
    return [one for one in found if places[one.id][0] in _PUBLIC or places[one.id] in allowed]


def tell(node: Node, caller: Caller, permit: Permit, found: EditionDifference) -> int:
    """Raise the notices that a new edition gives rise to; returns how many there are for it.

    Repeating it raises nothing twice, so that importing the same file again makes up for a crash.
    """
    notices = node.db.read(lambda connection: list(_told(node, connection, found)))
    edition = found.newer.id
    if not notices:
        return 0

    def write(unit: Unit) -> None:
        opened = [_raise_notice(node, unit, one, edition) for one in notices]
        if any(opened):
            entry = entry_of(caller, permit, Act.LISTS_COMPARED, Subject("list-edition", edition))
            recording.record(node, unit, entry)

    node.db.write(write)
    return len(notices)


def _raise_notice(node: Node, unit: Unit, one: Told, edition: str) -> bool:
    cause = edition
    if one.notice is not Notice.PROGRAMME_CHANGED:
        cause = f"{edition}#{one.notice if one.notice in _ONE_SIDED else one.entries[0]}"
    return reliance.open_notice(node, unit, one.notice, one.about, cause, path=one.entries)


def _told(node: Node, connection: Connection, found: EditionDifference) -> Iterator[Told]:
    changed = list(_changed(connection, found))
    yield from told(changed, _concerns(node, connection, found.newer))
    yield from one_sided(node, connection, found.newer, changed)


def _changed(connection: Connection, found: EditionDifference) -> Iterator[Changed]:
    before = lists.members_of(connection, found.older.id)
    after = lists.members_of(connection, found.newer.id)
    series = found.newer.series.id
    sides = {
        (one.entry, one.outcome): (before if one.outcome is EntryOutcome.REMOVED else after)[
            one.entry
        ]
        for one in found.entries
    }
    loaded = lists.entries(connection, list(sides.values()))
    for one in found.entries:
        entry = loaded[sides[one.entry, one.outcome]]
        yield Changed(one, of_entry(entry_ref(series, one.entry), entry))


def _concerns(node: Node, connection: Connection, edition: Edition) -> Iterator[Concern]:
    """Return what this ministry wants to be told about a list."""
    rows = subjects.of_kinds(connection, ("designation", "thread"))
    finished = threads.finished(connection)
    kept = [
        row
        for row in rows
        if (row.kind == "designation" and row.issuer == node.ministry)
        or (row.kind == "thread" and row.object not in finished)
    ]
    set_ = watches.standing(connection)
    described = index.by_refs(connection, [*(row.ref for row in kept), *(one.ref for one in set_)])
    for row in kept:
        if row.ref in described:
            yield Concern((row.kind, row.object), described[row.ref])
    for one in set_:
        concern = _watched(connection, one, edition, described)
        if concern is not None:
            yield concern


def _watched(
    connection: Connection, one: Watch, edition: Edition, described: Mapping[str, Profile]
) -> Concern | None:
    if one.programme is not None:
        series, programme = one.programme
        about = (LIST, f"{series}:{programme}")
        return Concern(about, programme=programme) if series == edition.series.id else None
    place = entry_place(one.ref)
    if place is None:
        return Concern(holder(one.ref), described.get(one.ref))
    # An entry that is gone is no longer in the index; it is looked for as it last stood.
    entry = lists.last_entry(connection, *place)
    profile = of_entry(one.ref, entry) if entry is not None else None
    return Concern((LIST, f"{place[0]}:{place[1]}"), profile)
