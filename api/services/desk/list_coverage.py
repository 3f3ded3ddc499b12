"""Coverage of a programme from published lists: who of it stands on another jurisdiction's lists.

Owns the comparison of lists with lists, and where each day comes from. A match is a suggestion with
its score; an officer's verdict stands beside it and alone decides what is counted otherwise. Where
no list of a jurisdiction is held, nothing is known, and that is said.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from api.domain.identity.profiles import Profile
from api.domain.identity.scoring import LIKELY
from api.domain.lists.announcements import Announcement, by_entry
from api.domain.lists.entries import EntryKind, ListEntry
from api.ports.policy import Action
from api.records import identity, lists
from api.records.identity import STATEMENTS, Indexed
from api.records.lists import Edition
from api.services.authorising import Caller, authorise, collection
from api.services.desk import verdicts
from api.services.desk.coverage import seen_designations
from api.services.desk.identity import Likeness, Matcher
from api.services.node import Node
from api.services.statements.effects.designation_record import all_standing

_SURE: Final = 0.95
_DAYS_BETWEEN: Final = 7
_DESIGNATION: Final = "designation:"


class Basis(StrEnum):
    """What says since when somebody is listed."""

    LIST = "list"
    DESIGNATION = "designation"
    ANNOUNCEMENT = "announcement"
    EDITIONS = "editions"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Since:
    """Since when somebody stands on a list.

    Attributes:
        day: ISO 8601, or empty where it is not known.
        basis: what says so; ``announcement`` is a day that the ministry's policy directory gives
            with its source; ``editions`` means that the edition of that day is the first that has
            the entry and one of a few days before has not.
    """

    day: str = ""
    basis: Basis = Basis.UNKNOWN


@dataclass(frozen=True, slots=True)
class ListMatch:
    """An entry of the measured jurisdiction's lists that may be of the subject.

    Attributes:
        series: which list.
        entry: the publisher's id.
        name: its name there.
        score: 0 to 1.
        since: since when it stands there.
        lag_days: days from the base listing to it, ``None`` where one of the two is not known.
        verdict: what ministries' verdicts on the two come to here, or empty.
        measures: what follows from the listing, where the list says so.
        signals: what speaks for and against, in words.
    """

    series: str
    entry: str
    name: str
    score: float
    since: Since
    lag_days: int | None
    verdict: str
    measures: tuple[str, ...]
    signals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another subject that an entry names (``Linked To``).

    Attributes:
        name: as the entry names it.
        entry: id of its own entry on the same list, or empty where none was found.
        listed: the measured jurisdiction lists it, or ``None`` where that was not looked at.
    """

    name: str
    entry: str
    listed: bool | None


@dataclass(frozen=True, slots=True)
class ListedSubject:
    """One entry under the programme, and where the measured jurisdiction has it.

    Attributes:
        series: the list that the programme is of.
        entry: the publisher's id there.
        name: its name.
        kind: what it is.
        since: since when it stands there.
        matches: likely entries of the measured jurisdiction's lists, best first.
        network: whom it is linked to, and whether they are listed.
    """

    series: str
    entry: str
    name: str
    kind: EntryKind
    since: Since
    matches: tuple[ListMatch, ...]
    network: tuple[Neighbour, ...] = field(default=())

    @property
    def listed(self) -> bool:
        """Whether any match stands that no verdict denies."""
        return any(one.verdict != "not-same" for one in self.matches)


@dataclass(frozen=True, slots=True)
class ProgrammeCoverage:
    """How far a jurisdiction's lists have the subjects of a programme.

    Attributes:
        programme: such as ``GLOMAG``.
        jurisdiction: whose lists are measured.
        lists: the editions that were looked at; none means that nothing is known.
        base: the editions that the programme's subjects were taken from.
        subjects: in order of their id.
    """

    programme: str
    jurisdiction: str
    lists: tuple[Edition, ...]
    base: tuple[Edition, ...]
    subjects: tuple[ListedSubject, ...]

    @property
    def known(self) -> bool:
        """Whether any list of the jurisdiction is held."""
        return bool(self.lists)

    def counts(self) -> dict[str, int]:
        """Return how many subjects there are, are listed and are not, by kind as well."""
        listed = [one for one in self.subjects if one.listed]
        found = {
            "subjects": len(self.subjects),
            "listed": len(listed),
            "not_listed": len(self.subjects) - len(listed),
            "matches": sum(len(one.matches) for one in self.subjects),
            "network_open": sum(
                any(other.listed is False for other in one.network) for one in listed
            ),
        }
        for kind in EntryKind:
            found[f"{kind.value}_subjects"] = sum(one.kind is kind for one in self.subjects)
            found[f"{kind.value}_listed"] = sum(one.kind is kind for one in listed)
        return found


def by_programme(
    node: Node, caller: Caller, programme: str, jurisdiction: str
) -> ProgrammeCoverage:
    """Return which entries under a programme a jurisdiction's lists have, and since when.

    Args:
        node: this node.
        caller: who asks.
        programme: as the list that has it names it, such as ``GLOMAG``.
        jurisdiction: the jurisdiction that is measured, such as ``CA``.
    """
    authorise(node, caller, Action.COVERAGE_READ, collection("coverage"))
    seen = seen_designations(node, caller)
    said = by_entry(node.announcements)
    return node.db.read(
        lambda connection: _by_programme(
            connection, programme, jurisdiction, _Known(node.ministry, seen, said)
        )
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What counts beside lists: own verdicts first, readable designations, announcements."""

    ministry: str = ""
    seen: frozenset[str] = frozenset()
    announced: Mapping[tuple[str, str], Announcement] = field(default_factory=dict)


def _by_programme(
    connection: Connection, programme: str, jurisdiction: str, known: _Known
) -> ProgrammeCoverage:
    newest = _one_language(lists.newest_editions(connection))
    measured = {id_: one for id_, one in newest.items() if one.series.jurisdiction == jurisdiction}
    others = [id_ for id_ in newest if id_ not in measured]
    base = identity.of_programme(connection, programme, others)
    work = _Work(connection, measured, known)
    found = [_subject(work, one, newest[one.series]) for one in base]
    return ProgrammeCoverage(
        programme=programme,
        jurisdiction=jurisdiction,
        lists=tuple(measured.values()),
        base=tuple(newest[id_] for id_ in sorted({one.series for one in base})),
        subjects=tuple(_with_network(found, work)),
    )


def _one_language(newest: Mapping[str, Edition]) -> dict[str, Edition]:
    """Leave out a list that is held in another language as well: it lists nobody more."""
    english = {id_ for id_, one in newest.items() if one.series.language == "en"}
    return {
        id_: one
        for id_, one in newest.items()
        if id_ in english or id_.replace("dors", "sor") not in english
    }


class _Work:
    """What one comparison looks up again and again."""

    def __init__(
        self, connection: Connection, measured: Mapping[str, Edition], known: _Known
    ) -> None:
        self.connection = connection
        self.measured = measured
        self._announced = known.announced
        self.matcher = Matcher(connection)
        self.entries: dict[str, ListEntry] = {}
        self._first: dict[str, dict[str, Since]] = {}
        self._designated = {
            f"{_DESIGNATION}{one.id}": one
            for one in all_standing(connection)
            if one.id in known.seen
        }
        given = verdicts.given(connection, known.ministry)
        self.verdicts = verdicts.outcomes(given, known.ministry)

    def entry(self, digest: str) -> ListEntry:
        """Return an entry by its digest."""
        if digest not in self.entries:
            self.entries.update(lists.entries(self.connection, [digest]))
        return self.entries[digest]

    def since(self, indexed: Indexed, jurisdiction: str) -> Since:
        """Return since when an entry stands on its list, by the best that is known."""
        entry = self.entry(indexed.digest)
        if entry.listed_on:
            return Since(entry.listed_on, Basis.LIST)
        stated = self._designation(indexed.profile, jurisdiction)
        if stated:
            return Since(stated, Basis.DESIGNATION)
        announced = self._announced.get((indexed.series, entry.id))
        if announced is not None:
            return Since(announced.day.isoformat(), Basis.ANNOUNCEMENT)
        if indexed.series not in self._first:
            self._first[indexed.series] = _first_seen(self.connection, indexed.series)
        return self._first[indexed.series].get(entry.id, Since())

    def _designation(self, profile: Profile, jurisdiction: str) -> str:
        """Return the day of a designation by the same jurisdiction of surely the same subject."""
        known = {ref for ref, one in self._designated.items() if one.jurisdiction == jurisdiction}
        if not known:
            return ""
        found = self.matcher.look(profile, series=[STATEMENTS])
        likely = [
            one
            for one in found.found
            if one.resemblance.score >= _SURE and one.indexed.profile.ref in known
        ]
        if not likely:
            return ""
        return self._designated[likely[0].indexed.profile.ref].since.isoformat()


def _first_seen(connection: Connection, series: str) -> dict[str, Since]:
    """Return the day of the first edition that has each entry, if one shortly before has it not."""
    found: dict[str, Since] = {}
    before: set[str] = set()
    last: dt.date | None = None
    for edition in lists.editions(connection, series):
        if edition.partial:
            continue
        day = dt.date.fromisoformat(edition.as_of)
        present = lists.members_of(connection, edition.id).keys()
        close = last is not None and (day - last).days <= _DAYS_BETWEEN
        for entry in present - before:
            known = Since(edition.as_of, Basis.EDITIONS) if close else Since()
            found.setdefault(entry, known)
        before |= present
        last = day
    return found


def _subject(work: _Work, one: Indexed, edition: Edition) -> ListedSubject:
    since = work.since(one, edition.series.jurisdiction)
    likely = work.matcher.look(one.profile, series=work.measured.keys())
    matches = [_match(work, one, since, found) for found in likely.found]
    kept = [match for match in matches if match.score >= LIKELY or match.verdict == "same"]
    entry = work.entry(one.digest)
    return ListedSubject(
        series=one.series,
        entry=entry.id,
        name=entry.name,
        kind=entry.kind,
        since=since,
        matches=tuple(sorted(kept, key=lambda match: (-match.score, match.series, match.entry))),
        network=tuple(Neighbour(link.name, link.entry, None) for link in entry.links),
    )


def _match(work: _Work, one: Indexed, base: Since, found: Likeness) -> ListMatch:
    other = found.indexed
    since = work.since(other, work.measured[other.series].series.jurisdiction)
    lag = None
    if base.day and since.day:
        lag = (dt.date.fromisoformat(since.day) - dt.date.fromisoformat(base.day)).days
    entry = work.entry(other.digest)
    verdict = work.verdicts.get(frozenset({one.profile.ref, other.profile.ref}), "")
    return ListMatch(
        series=other.series,
        entry=entry.id,
        name=entry.name,
        score=found.resemblance.score,
        since=since,
        lag_days=lag,
        verdict=verdict,
        measures=entry.measures,
        signals=tuple(signal.text for signal in found.resemblance.signals),
    )


def _with_network(found: Sequence[ListedSubject], work: _Work) -> Iterable[ListedSubject]:
    """Say of each neighbour whether it is listed, where it stands under the programme too."""
    by_name = {_plain(one.name): one for one in found}
    by_id = {(one.series, one.entry): one for one in found}
    for subject in found:
        network = []
        for other in subject.network:
            known = by_id.get((subject.series, other.entry)) or by_name.get(_plain(other.name))
            listed = known.listed if known is not None and work.measured else None
            network.append(Neighbour(other.name, known.entry if known else other.entry, listed))
        yield ListedSubject(
            subject.series,
            subject.entry,
            subject.name,
            subject.kind,
            subject.since,
            subject.matches,
            tuple(network),
        )


def _plain(name: str) -> str:
    return " ".join(sorted(name.casefold().replace(".", "").split()))
