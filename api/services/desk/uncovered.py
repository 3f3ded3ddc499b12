"""Watched programmes against the own jurisdiction's lists: who is uncovered, what became one-sided.

Owns the notices about it: raised once for the edition that showed them, shortened as subjects are
covered, closed with the last of them. Where no list of the own jurisdiction is held nothing is
known, and nothing is told.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from api.domain.events import Act, Subject
from api.domain.identity.profiles import of_entry
from api.domain.lists.announcements import by_entry
from api.domain.lists.changes import EntryOutcome
from api.domain.lists.following import ProgrammeStanding, ToldBefore, fresh, left
from api.domain.lists.watching import Changed, Told
from api.domain.tasks import ABOUT_MANY, Notice, ReviewState
from api.ports.policy import Action
from api.records import lists, tasks, watches
from api.records.lists import Edition
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, collection, entry_of, node_caller
from api.services.desk.identity import LIST, entry_place
from api.services.desk.list_coverage import Basis, Known, ListedSubject, lister, measured
from api.services.node import Node
from api.services.statements.effects import reliance
from api.services.statements.effects.designation_record import all_standing

_ONE_SIDED: Final = {
    EntryOutcome.REMOVED: Notice.GONE_THERE,
    EntryOutcome.AMENDED: Notice.CHANGED_THERE,
}


def one_sided(
    node: Node, connection: Connection, edition: Edition, changed: Sequence[Changed]
) -> Iterator[Told]:
    """Yield what an edition took away or amended under watched programmes of subjects listed here.

    Of a subject with an own designation this is told on the designation, and not here again.

    Args:
        node: this node.
        connection: open connection.
        edition: the newer edition.
        changed: what differs from the one before it.
    """
    watched = [one for series, one in _watched(connection) if series == edition.series.id]
    if not watched or edition.series.jurisdiction == _home(node):
        return
    listed = lister(connection, _home(node), _all_known(node, connection))
    for programme in watched:
        for outcome, notice in _ONE_SIDED.items():
            refs = tuple(
                one.profile.ref
                for one in changed
                if one.change.outcome is outcome
                and programme in one.change.programs
                and listed(one.profile) == {Basis.LIST}
            )
            if refs:
                yield Told(notice, (LIST, f"{edition.series.id}:{programme}"), refs)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a look at one programme came to.

    Attributes:
        about: list and programme.
        edition: id of the edition that shows it.
        fresh: uncovered entries that nobody was told of.
        earlier: how many such notices there were before.
        shorter: what is left of notices that became shorter; nothing where one is done.
    """

    about: str
    edition: str
    earlier: int
    fresh: tuple[str, ...]
    shorter: Mapping[str, tuple[str, ...]]


def follow_coverage(node: Node) -> int:
    """Look at every watched programme; returns for how many something was told or done.

    Repeating it tells nothing twice.
    """
    caller = node_caller(node)
    permit = authorise(node, caller, Action.COVERAGE_FOLLOW, collection("coverage"))
    told = 0
    for series, programme in node.db.read(_watched):
        found = node.db.read(partial(_look, node, series=series, programme=programme))
        if found is not None and (found.fresh or found.shorter):
            node.db.write(partial(_tell, node, caller, permit, found))
            told += 1
    return told


def _look(node: Node, connection: Connection, *, series: str, programme: str) -> _Found | None:
    known = _all_known(node, connection)
    cover = measured(connection, programme, _home(node), known)
    edition = next((one for one in cover.base if one.series.id == series), None)
    if not cover.known or edition is None:
        return None
    about = f"{series}:{programme}"
    before = [
        ToldBefore(
            review.id,
            Notice(review.change),
            review.path,
            waits=review.state == ReviewState.OPEN,
            noted=review.closed_by is not None,
        )
        for review in tasks.reviews_of(connection, [about])
        if review.change in ABOUT_MANY
    ]
    subjects = [one for one in cover.subjects if one.series == series]
    standing = _standing(node, connection, known, subjects, before)
    shorter = {
        one.id: rest for one in before if one.waits and (rest := left(standing, one)) != one.entries
    }
    return _Found(about, edition.id, len(before), fresh(standing, before), shorter)


def _standing(
    node: Node,
    connection: Connection,
    known: Known,
    subjects: Sequence[ListedSubject],
    before: Sequence[ToldBefore],
) -> ProgrammeStanding:
    there = {one.ref for one in subjects}
    gone = {
        ref
        for one in before
        if one.notice is Notice.GONE_THERE and one.waits
        for ref in one.entries
        if ref not in there
    }
    listed = lister(connection, _home(node), known) if gone else None
    still = set()
    for ref in gone:
        place = entry_place(ref)
        entry = lists.last_entry(connection, *place) if place is not None else None
        if entry is not None and listed is not None and listed(of_entry(ref, entry)):
            still.add(ref)
    covered = frozenset(one.ref for one in subjects if one.listed)
    return ProgrammeStanding(frozenset(there) - covered, covered, frozenset(still))


def _tell(node: Node, caller: Caller, permit: Permit, found: _Found, unit: Unit) -> None:
    unit.lock("coverage")
    if found.fresh:
        cause = f"{found.edition}#{Notice.UNCOVERED}#{found.earlier}"
        reliance.open_notice(
            node, unit, Notice.UNCOVERED, (LIST, found.about), cause, path=found.fresh
        )
    for review, rest in found.shorter.items():
        if rest:
            unit.update(tasks.REVIEWS, {"id": review}, {"path": json.dumps(list(rest))})
        else:
            done = {"outcome": reliance.COVERED, "closed_at": node.now()}
            reliance.close_review(unit, review, done)
    entry = entry_of(caller, permit, Act.LISTS_COMPARED, Subject("list-edition", found.edition))
    recording.record(node, unit, entry)


def _watched(connection: Connection) -> list[tuple[str, str]]:
    """Return list and programme of each watch of a programme, once."""
    found = (one.programme for one in watches.standing(connection))
    return list(dict.fromkeys(one for one in found if one is not None))


def _home(node: Node) -> str:
    return node.membership.member(node.ministry).jurisdiction


def _all_known(node: Node, connection: Connection) -> Known:
    """Return what counts for the ministry itself: all designations, its verdicts first."""
    seen = frozenset(one.id for one in all_standing(connection))
    return Known(node.ministry, seen, by_entry(node.announcements), node.regimes)
