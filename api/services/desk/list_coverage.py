"""Coverage of a programme from published lists: who of it stands on another jurisdiction's lists.

Owns the comparison of lists with lists, and where each day comes from. A match is a suggestion with
its score; an officer's verdict stands beside it and alone decides what is counted otherwise. Where
no list of a jurisdiction is held, nothing is known, and that is said.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from api.domain.designations import Designation
from api.domain.identity.profiles import Profile
from api.domain.identity.scoring import LIKELY
from api.domain.lists.announcements import Announcement, by_entry
from api.domain.lists.entries import EntryKind, ListEntry
from api.domain.regimes.values import Regime
from api.ports.policy import Action
from api.records import identity, lists
from api.records.identity import STATEMENTS, Indexed
from api.records.lists import Edition
from api.services.authorising import Caller, authorise, collection
from api.services.desk import verdicts
from api.services.desk.coverage import seen_designations
from api.services.desk.identity import Likeness, Likenesses, Matcher, entry_ref
from api.services.desk.list_network import Neighbour, Network, Uncovered
from api.services.desk.ownership import OwnershipTest, ownership_tests
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
class ListedSubject:
    """One entry under the programme, and where the measured jurisdiction has it.

    Attributes:
        series: the list that the programme is of.
        entry: the publisher's id there.
        name: its name.
        kind: what it is.
        since: since when it stands there.
        matches: likely entries of the measured jurisdiction's lists, best first.
        network: whom it is linked to, whether they are listed, and who is uncovered by that.
        designations: ids of standing designations by the measured jurisdiction that surely are of
            it; a listing that no list that is held shows yet.
    """

    series: str
    entry: str
    name: str
    kind: EntryKind
    since: Since
    matches: tuple[ListMatch, ...]
    designations: tuple[str, ...]
    network: tuple[Neighbour, ...] = field(default=())

    @property
    def ref(self) -> str:
        """The reference of the entry."""
        return entry_ref(self.series, self.entry)

    @property
    def listed(self) -> bool:
        """Whether any match stands that no verdict denies, or a designation does."""
        return bool(self.designations) or any(one.verdict != "not-same" for one in self.matches)

    def uncovered(self, who: Uncovered) -> bool:
        """Tell whether a link shows that a body, or an owner, is uncovered."""
        return any(other.uncovered is who for other in self.network)


@dataclass(frozen=True, slots=True)
class ProgrammeCoverage:
    """How far a jurisdiction's lists have the subjects of a programme.

    Attributes:
        programme: such as ``GLOMAG``.
        jurisdiction: whose lists are measured.
        lists: the editions that were looked at; none means that nothing is known.
        base: the editions that the programme's subjects were taken from.
        subjects: in order of their id.
        ownership: what the jurisdiction's laws say of bodies that a listed subject owns.
    """

    programme: str
    jurisdiction: str
    lists: tuple[Edition, ...]
    base: tuple[Edition, ...]
    subjects: tuple[ListedSubject, ...]
    ownership: tuple[OwnershipTest, ...]

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
            "bodies_uncovered": sum(one.uncovered(Uncovered.BODY) for one in self.subjects),
            "owners_uncovered": sum(one.uncovered(Uncovered.OWNER) for one in self.subjects),
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
    known = Known(node.ministry, seen, by_entry(node.announcements), node.regimes)
    return node.db.read(lambda connection: measured(connection, programme, jurisdiction, known))


@dataclass(frozen=True, slots=True)
class Known:
    """What counts beside lists.

    Attributes:
        ministry: this ministry, whose own verdicts prevail.
        seen: ids of the designations that count.
        announced: days that lists lack, by series and entry.
        regimes: whose ownership tests are told.
    """

    ministry: str = ""
    seen: frozenset[str] = frozenset()
    announced: Mapping[tuple[str, str], Announcement] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)


def measured(
    connection: Connection, programme: str, jurisdiction: str, known: Known
) -> ProgrammeCoverage:
    """Return the coverage of a programme on one connection, of what counts; see by_programme."""
    newest = _one_language(lists.newest_editions(connection))
    there = {id_: one for id_, one in newest.items() if one.series.jurisdiction == jurisdiction}
    others = [id_ for id_ in newest if id_ not in there]
    base = identity.of_programme(connection, programme, others)
    work = _Work(connection, there, jurisdiction, known)
    work.load([one.digest for one in base])
    work.seek([one.profile for one in base])
    found = [_subject(work, one, newest[one.series]) for one in base]
    return ProgrammeCoverage(
        programme=programme,
        jurisdiction=jurisdiction,
        lists=tuple(there.values()),
        base=tuple(newest[id_] for id_ in sorted({one.series for one in base})),
        subjects=tuple(_with_network(work, found, base)),
        ownership=ownership_tests(known.regimes, jurisdiction),
    )


def lister(
    connection: Connection, jurisdiction: str, known: Known
) -> Callable[[Profile], frozenset[Basis]]:
    """Return what tells by which a jurisdiction lists a subject: list, designation, both, none."""
    newest = _one_language(lists.newest_editions(connection))
    there = {id_: one for id_, one in newest.items() if one.series.jurisdiction == jurisdiction}
    work = _Work(connection, there, jurisdiction, known)

    def bases(profile: Profile) -> frozenset[Basis]:
        found = {Basis.LIST} if work.lists(profile) else set()
        return frozenset(
            found | ({Basis.DESIGNATION} if work.designated(profile, jurisdiction) else set())
        )

    return bases


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
        self,
        connection: Connection,
        measured: Mapping[str, Edition],
        jurisdiction: str,
        known: Known,
    ) -> None:
        self.connection = connection
        self.measured = measured
        self.jurisdiction = jurisdiction
        self._announced = known.announced
        self.matcher = Matcher(connection)
        self.entries: dict[str, ListEntry] = {}
        self._found: dict[Profile, Likenesses] = {}
        self._first: dict[str, dict[str, Since]] = {}
        self._designated = {
            f"{_DESIGNATION}{one.id}": one
            for one in all_standing(connection)
            if one.id in known.seen
        }
        given = verdicts.given(connection, known.ministry)
        self.verdicts = verdicts.outcomes(given, known.ministry)

    def load(self, digests: Sequence[str]) -> None:
        """Have entries at hand that will be asked for one by one."""
        self.entries.update(lists.entries(self.connection, digests))

    def entry(self, digest: str) -> ListEntry:
        """Return an entry by its digest."""
        if digest not in self.entries:
            self.load([digest])
        return self.entries[digest]

    def verdict(self, one: Profile, other: Profile) -> str:
        """Return what verdicts on two descriptions come to here, or nothing."""
        return self.verdicts.get(frozenset({one.ref, other.ref}), "")

    def seek(self, wanted: Sequence[Profile]) -> None:
        """Have at hand what the measured lists hold for many subjects, found by few queries."""
        found = self.matcher.each(wanted, series=self.measured.keys())
        self._found.update(zip(wanted, found, strict=True))

    def likely(self, profile: Profile) -> list[Likeness]:
        """Return the entries of the measured lists that are likely of a subject."""
        if profile not in self._found:
            self.seek([profile])
        return [
            one
            for one in self._found[profile].found
            if one.resemblance.score >= LIKELY
            or self.verdict(profile, one.indexed.profile) == "same"
        ]

    def lists(self, profile: Profile) -> bool:
        """Tell whether a subject stands on the measured lists and no verdict denies it."""
        found = (self.verdict(profile, one.indexed.profile) for one in self.likely(profile))
        return any(verdict != "not-same" for verdict in found)

    def since(self, indexed: Indexed, jurisdiction: str) -> Since:
        """Return since when an entry stands on its list, by the best that is known."""
        entry = self.entry(indexed.digest)
        if entry.listed_on:
            return Since(entry.listed_on, Basis.LIST)
        stated = self.designated(indexed.profile, jurisdiction)
        if stated:
            return Since(stated[0].since.isoformat(), Basis.DESIGNATION)
        announced = self._announced.get((indexed.series, entry.id))
        if announced is not None:
            return Since(announced.day.isoformat(), Basis.ANNOUNCEMENT)
        if indexed.series not in self._first:
            self._first[indexed.series] = _first_seen(self.connection, indexed.series)
        return self._first[indexed.series].get(entry.id, Since())

    def designated(self, profile: Profile, jurisdiction: str) -> list[Designation]:
        """Return designations by a jurisdiction that surely are of this subject, the best first."""
        known = {ref for ref, one in self._designated.items() if one.jurisdiction == jurisdiction}
        if not known:
            return []
        return [
            self._designated[one.indexed.profile.ref]
            for one in self.matcher.look(profile, series=[STATEMENTS]).found
            if one.resemblance.score >= _SURE and one.indexed.profile.ref in known
        ]


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
    matches = [_match(work, one, since, found) for found in work.likely(one.profile)]
    entry = work.entry(one.digest)
    designated = work.designated(one.profile, work.jurisdiction)
    return ListedSubject(
        series=one.series,
        entry=entry.id,
        name=entry.name,
        kind=entry.kind,
        since=since,
        matches=tuple(sorted(matches, key=lambda match: (-match.score, match.series, match.entry))),
        designations=tuple(sorted(found.id for found in designated)),
    )


def _match(work: _Work, one: Indexed, base: Since, found: Likeness) -> ListMatch:
    other = found.indexed
    since = work.since(other, work.measured[other.series].series.jurisdiction)
    lag = None
    if base.day and since.day:
        lag = (dt.date.fromisoformat(since.day) - dt.date.fromisoformat(base.day)).days
    entry = work.entry(other.digest)
    return ListMatch(
        series=other.series,
        entry=entry.id,
        name=entry.name,
        score=found.resemblance.score,
        since=since,
        lag_days=lag,
        verdict=work.verdict(one.profile, other.profile),
        measures=entry.measures,
        signals=tuple(signal.text for signal in found.resemblance.signals),
    )


def _with_network(
    work: _Work, found: Sequence[ListedSubject], base: Sequence[Indexed]
) -> Iterable[ListedSubject]:
    """Say of each neighbour whether it is listed, where it stands under the programme or not."""
    entries = [(one.series, work.entry(one.digest)) for one in base]
    network = Network(work.connection, entries, work.lists if work.measured else None)
    for subject, (series, entry) in zip(found, entries, strict=True):
        yield replace(subject, network=network.of(series, entry, listed=subject.listed))
