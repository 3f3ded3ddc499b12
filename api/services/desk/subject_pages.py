"""One description with all that is known about its subject: a subject's page.

Owns the bringing together: the description itself, other descriptions that may be of the same
subject with ministries' verdicts, which jurisdictions' lists have it and since or until when, whom
its entry is linked to, and the ownership test of each law. Nothing is merged: descriptions that a
verdict calls the same stand beside each other, each with its own source.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from api.domain.errors import NotFound
from api.domain.identity.profiles import Profile
from api.domain.identity.scoring import Signal, Suggestion
from api.domain.identity.verdicts import Given, settled
from api.domain.lists.announcements import Announcement, by_entry
from api.domain.lists.entries import ListedLink, ListEntry, Strength
from api.ports.policy import Action
from api.records import identity, lists, subjects
from api.records.lists import Edition
from api.services.authorising import Caller, authorise, collection
from api.services.desk import recalls, verdicts
from api.services.desk.described import described_subject
from api.services.desk.identity import LIST, Likeness, Matcher, entry_place, holder
from api.services.desk.ownership import OwnershipTest, ownership_tests
from api.services.desk.subjects import known as readable
from api.services.node import Node

_SHOWN: Final = 20
_LEAST: Final = 0.6


@dataclass(frozen=True, slots=True)
class NameLine:
    """A name as one source writes it, with the publisher's mark, language and script."""

    text: str
    strength: Strength
    language: str
    script: str


@dataclass(frozen=True, slots=True)
class BirthLine:
    """A birth date as one source writes it, the first and last day that it allows, and whose it is.

    Attributes:
        source: what the description names for it; empty where it names nothing.
    """

    text: str
    earliest: str
    latest: str
    source: str


@dataclass(frozen=True, slots=True)
class NumberLine:
    """A number by which somebody is known: kind, number and issuing country, as published."""

    kind: str
    number: str
    country: str


@dataclass(frozen=True, slots=True)
class Card:
    """One description, with its source.

    Attributes:
        ref: its reference.
        source: the list and the day of its edition, or the ministry that describes.
        name: its first name.
        names: all names.
        births: every birth date.
        identifiers: numbers by which the subject is known.
        countries: as published.
        posts: as published.
        measures: what follows from a listing, where the list says so.
        note: the list's own words about it.
        sources: what a statement names as its sources.
    """

    ref: str
    source: str
    name: str
    names: tuple[NameLine, ...]
    births: tuple[BirthLine, ...]
    identifiers: tuple[NumberLine, ...] = ()
    countries: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    note: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageCandidate:
    """Another description that may be of the same subject.

    Attributes:
        card: the description.
        score: 0 to 1; an order, not a decision.
        suggested: the verdict that the signals suggest.
        signals: what speaks for and against, in words.
        outcome: what ministries' verdicts come to here, or empty.
        verdicts: each verdict that stands, with whose it is and why.
    """

    card: Card
    score: float
    suggested: Suggestion
    signals: tuple[Signal, ...]
    outcome: str
    verdicts: tuple[Given, ...]


class ListStanding(StrEnum):
    """How a subject stands on a list."""

    LISTED = "listed"
    DELISTED = "delisted"


@dataclass(frozen=True, slots=True)
class Listing:
    """One entry of a list about the subject.

    Attributes:
        series: which list.
        jurisdiction: whose list it is.
        entry: the publisher's id.
        standing: in the newest edition, or gone from it.
        since: since when, by the list or an announcement; empty if not known.
        until: the day of the first whole edition that no longer has it; empty while it stands.
    """

    series: str
    jurisdiction: str
    entry: str
    standing: ListStanding
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class LinkLine:
    """Whom the description's entry names as acting for, linked to or owning it.

    Attributes:
        kind: the publisher's word.
        name: as the entry names it.
        ref: reference of its own entry on that list, or empty where none is found.
    """

    kind: str
    name: str
    ref: str


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """All that is known about the subject of a description.

    Attributes:
        card: the description that was asked for.
        candidates: others that may be of the same subject, those that verdicts deny last.
        listings: of the description and of those that verdicts call the same.
        not_known: jurisdictions of the membership of which no list is held.
        links: its entry's network.
        ownership: the test of each regime.
    """

    card: Card
    candidates: tuple[PageCandidate, ...]
    listings: tuple[Listing, ...]
    not_known: tuple[str, ...]
    links: tuple[LinkLine, ...]
    ownership: tuple[OwnershipTest, ...]


def subject_page(node: Node, caller: Caller, ref: str) -> SubjectPage:
    """Return the page of a description.

    Raises:
        NotFound: ``subject.unknown``: absent, or in an object that the caller may not read.
    """
    authorise(node, caller, Action.SUBJECT_SEARCH, collection("subjects"))
    if not readable(node, caller, ref):
        raise NotFound("subject.unknown", "There is no such subject here.")
    likely = node.db.read(lambda connection: _likely(connection, ref))
    places = {holder(one.indexed.profile.ref) for one in likely}
    seen = recalls.described_to(node, caller, (one for one in places if one[0] != LIST))
    kept = [one for one in likely if _may_see(one.indexed.profile.ref, seen)]
    return node.db.read(lambda connection: _page(node, connection, ref, kept))


def _may_see(ref: str, seen: Iterable[tuple[str, str]]) -> bool:
    place = holder(ref)
    return place[0] == LIST or place in set(seen)


def _likely(connection: Connection, ref: str) -> list[Likeness]:
    profile = identity.by_refs(connection, [ref]).get(ref)
    if profile is None:
        return []
    found = Matcher(connection).look(profile).found
    return [one for one in found if one.resemblance.score >= _LEAST][:_SHOWN]


def _page(node: Node, connection: Connection, ref: str, likely: Sequence[Likeness]) -> SubjectPage:
    given = verdicts.given(connection, node.ministry, [ref])
    cards = _Cards(connection)
    found = [_candidate(cards, ref, one, given, node.ministry) for one in likely]
    same = [ref, *(one.card.ref for one in found if one.outcome == "same")]
    announced = by_entry(node.announcements)
    newest = lists.newest_editions(connection)
    held = {one.series.jurisdiction for one in newest.values()}
    homes = {member.jurisdiction for member in node.membership.members}
    entry = cards.entry(ref)
    return SubjectPage(
        card=cards.card(ref),
        candidates=tuple(sorted(found, key=_in_order)),
        listings=tuple(
            one for each in same for one in _listings(connection, newest, each, announced)
        ),
        not_known=tuple(sorted(homes - held)),
        links=tuple(_links(connection, ref, entry.links if entry is not None else ())),
        ownership=ownership_tests(node.regimes),
    )


def _in_order(one: PageCandidate) -> tuple[bool, float, str]:
    return (one.outcome == "not-same", -one.score, one.card.ref)


def _candidate(
    cards: "_Cards",
    ref: str,
    one: Likeness,
    given: Mapping[frozenset[str], Sequence[Given]],
    ministry: str,
) -> PageCandidate:
    other = one.indexed.profile.ref
    told = tuple(given.get(frozenset({ref, other}), ()))
    return PageCandidate(
        card=cards.card(other),
        score=one.resemblance.score,
        suggested=one.resemblance.suggested,
        signals=one.resemblance.signals,
        outcome=settled(told, ministry),
        verdicts=told,
    )


class _Cards:
    """Reads descriptions, each where it stands."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._newest = lists.newest_editions(connection)

    def entry(self, ref: str) -> ListEntry | None:
        """Return a list's entry as its newest edition has it; else as it last stood."""
        place = entry_place(ref)
        if place is None or place[0] not in self._newest:
            return None
        return lists.last_entry(self._connection, *place)

    def card(self, ref: str) -> Card:
        """Return a description with its source."""
        entry = self.entry(ref)
        if entry is not None:
            edition = self._newest[ref.split(":")[1]]
            return _of_entry(ref, entry, f"{edition.series.id}, {edition.as_of}")
        row = subjects.by_refs(self._connection, [ref]).get(ref)
        issuer = row.issuer if row is not None else ""
        said = described_subject(self._connection, row) if row is not None else None
        if said is not None:
            card = _of_entry(ref, said.entry, issuer, said.birth_sources)
            return replace(card, sources=said.sources)
        profile = identity.by_refs(self._connection, [ref]).get(ref)
        return _of_profile(ref, profile, issuer)


def _of_entry(ref: str, entry: ListEntry, source: str, told: Sequence[str] = ()) -> Card:
    whose = itertools.chain(told, itertools.repeat(""))
    return Card(
        ref=ref,
        source=source,
        name=entry.name,
        names=tuple(NameLine(o.text, o.strength, o.language, o.script) for o in entry.names),
        births=tuple(
            BirthLine(one.text, one.earliest, one.latest, by)
            for one, by in zip(entry.births, whose, strict=False)
        ),
        identifiers=tuple(
            NumberLine(one.kind, one.number, one.country) for one in entry.identifiers
        ),
        countries=entry.countries,
        posts=entry.posts,
        measures=entry.measures,
        note=entry.note,
    )


def _of_profile(ref: str, profile: Profile | None, issuer: str) -> Card:
    spellings = profile.spellings if profile is not None else ()
    births = profile.births if profile is not None else ()
    return Card(
        ref=ref,
        source=issuer,
        name=profile.name if profile is not None else ref,
        names=tuple(NameLine(one.text, Strength.UNSTATED, "", "") for one in spellings),
        births=tuple(BirthLine(one.text, one.earliest, one.latest, "") for one in births),
        countries=profile.countries if profile is not None else (),
        posts=profile.posts if profile is not None else (),
    )


def _listings(
    connection: Connection,
    newest: Mapping[str, Edition],
    ref: str,
    announced: Mapping[tuple[str, str], Announcement],
) -> Iterable[Listing]:
    place = entry_place(ref)
    if place is None or place[0] not in newest:
        return
    series, id_ = place
    entry = lists.last_entry(connection, series, id_)
    said = announced.get(place)
    since = (entry.listed_on if entry is not None else "") or (said.day.isoformat() if said else "")
    gone = _gone(connection, newest[series], id_)
    standing = ListStanding.DELISTED if gone else ListStanding.LISTED
    yield Listing(series, newest[series].series.jurisdiction, id_, standing, since, gone)


def _gone(connection: Connection, newest: Edition, id_: str) -> str:
    """Return the day of the first whole edition that no longer has an entry, or nothing."""
    if newest.partial or id_ in lists.members_of(connection, newest.id):
        return ""
    day = newest.as_of
    for edition in reversed(lists.editions(connection, newest.series.id)):
        if edition.partial:
            continue
        if id_ in lists.members_of(connection, edition.id):
            break
        day = edition.as_of
    return day


def _links(connection: Connection, ref: str, told: Sequence[ListedLink]) -> Iterable[LinkLine]:
    place = entry_place(ref)
    for link in told:
        there = (
            place is not None and link.entry and lists.holds_entry(connection, place[0], link.entry)
        )
        yield LinkLine(
            link.kind, link.name, f"{LIST}:{place[0]}:{link.entry}" if place and there else ""
        )
