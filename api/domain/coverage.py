"""Coverage: per subject, which jurisdictions have it, under what, since when, with what lag.

Owns how designations of several jurisdictions are brought together as one subject, and the tables
drawn from that. It works from statements alone: two designations are of one subject if one says
that it mirrors the other, if a thread's effect says so, or if an officer's verdict does. Names are
never compared here; an officer's *not the same* parts what nothing else may join.

A lag is counted in days from the base jurisdiction's date to the other's, both by the rule of
`designations.effective_on`; it is negative where the other was first.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.domain.designations import Designation
from api.domain.errors import Invalid
from api.domain.notation import Count, Day, Digest

_BASE: Final = re.compile(
    r"(?P<jurisdiction>[A-Z]{2,8}(-[A-Z0-9]{1,8})?)"
    r"(:(?P<period>[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?))?"
)


@dataclass(frozen=True, slots=True)
class Link:
    """Two designations said to be of one subject.

    Args:
        one: id of a designation.
        other: id of another.
        source: id of the statement or verdict that says so.
    """

    one: str
    other: str
    source: str


def mirror_links(designations: Iterable[Designation]) -> list[Link]:
    """What designations say about those that they mirror."""
    return [Link(one.id, other, one.id) for one in designations for other in one.mirrored]


@dataclass(frozen=True, slots=True)
class Covered:
    """One subject with every designation of it, by day."""

    designations: tuple[Designation, ...]

    @property
    def id(self) -> str:
        """The smallest id among its designations: the same at every node that has them all."""
        return min(one.id for one in self.designations)

    def standing(self, jurisdiction: str, as_of: dt.date) -> Designation | None:
        """The oldest designation of a jurisdiction that stood on a day."""
        found = (
            one
            for one in self.designations
            if one.jurisdiction == jurisdiction and one.stands(as_of)
        )
        return next(found, None)


def subjects(
    designations: Iterable[Designation],
    links: Iterable[Link],
    apart: Iterable[tuple[str, str]] = (),
) -> list[Covered]:
    """Bring designations together by subject.

    Args:
        designations: all that are known here.
        links: what says that two are of one subject; links to unknown ones are disregarded.
        apart: pairs of designation ids that an officer found not to be the same.

    Returns:
        The subjects, by the day of their first designation, then by name. A link that would bring
        two designations together that were found apart is disregarded, directly or through others.
    """
    known = {one.id: one for one in designations}
    parted = {frozenset(pair) for pair in apart}
    groups = {id_: frozenset({id_}) for id_ in known}
    for link in sorted(links, key=lambda one: (one.source, one.one, one.other)):
        if link.one not in groups or link.other not in groups:
            continue
        left, right = groups[link.one], groups[link.other]
        if any(frozenset({a, b}) in parted for a in left for b in right if parted):
            continue
        for id_ in left | right:
            groups[id_] = left | right
    found = [
        Covered(tuple(sorted((known[id_] for id_ in group), key=_by_day)))
        for group in set(groups.values())
    ]
    return sorted(found, key=lambda one: _by_day(one.designations[0]))


@dataclass(frozen=True, slots=True)
class Base:
    """Whose listings are the measure: a jurisdiction, and the days that count.

    Args:
        jurisdiction: such as `US`.
        period: a year, month or day as ISO 8601 writes it (`2020-07`); empty for all.
    """

    jurisdiction: str
    period: str = ""

    @classmethod
    def parse(cls, text: str) -> "Base":
        """Read `US` or `US:2020-07`.

        Raises:
            Invalid: `coverage.base`.
        """
        found = _BASE.fullmatch(text)
        if found is not None:
            first_day = f"{found['period'] or '2020'}-01-01"[: len("2020-01-01")]
            try:
                dt.date.fromisoformat(first_day)
            except ValueError:
                found = None
        if found is None:
            raise Invalid("coverage.base", "Write the base as US, US:2020, US:2020-07 or a day.")
        return cls(found["jurisdiction"], found["period"] or "")

    def covers(self, designation: Designation) -> bool:
        """Whether a designation is one of those that count."""
        since = designation.since.isoformat()
        within = not self.period or since == self.period or since.startswith(f"{self.period}-")
        return within and designation.jurisdiction == self.jurisdiction


@dataclass(frozen=True, slots=True)
class Row:
    """One base subject in another jurisdiction.

    Args:
        name: its name in the base listing.
        base_since: the day of the base listing.
        designation: the other jurisdiction's standing designation, or None for a gap.
    """

    name: str
    base_since: dt.date
    designation: Designation | None

    @property
    def lag_days(self) -> int | None:
        """Days from the base listing to the other; None for a gap."""
        if self.designation is None:
            return None
        return (self.designation.since - self.base_since).days


def compare(
    covered: Iterable[Covered], base: Base, jurisdiction: str, as_of: dt.date
) -> tuple[Row, ...]:
    """How far one jurisdiction had followed another's listings on a day.

    Args:
        covered: subjects, from `subjects`.
        base: the listings that are the measure; those after the day do not count.
        jurisdiction: the jurisdiction that is measured.
        as_of: the day.

    Returns:
        One row per base subject, those not listed included.
    """
    rows = []
    for subject in covered:
        first = next(
            (one for one in subject.designations if base.covers(one) and one.since <= as_of), None
        )
        if first is not None:
            rows.append(Row(first.name, first.since, subject.standing(jurisdiction, as_of)))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class ListedSubject:
    """One base subject that the other jurisdiction lists.

    Attributes:
        name: its name in the base listing.
        since: the day of the other jurisdiction's listing.
        lag_days: days from the base listing to it.
        regime: under which regime it is listed there.
    """

    name: str
    since: Day
    lag_days: int
    regime: str


@dataclass(frozen=True, slots=True)
class Gap:
    """One base subject that the other jurisdiction does not list; by its name in the base."""

    name: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far one jurisdiction had followed another's listings.

    Attributes:
        listed: how many base subjects it lists.
        of: how many base subjects there are.
        subjects: those listed.
        gaps: those not.
    """

    listed: Count
    of: Count
    subjects: tuple[ListedSubject, ...]
    gaps: tuple[Gap, ...]


def comparison(rows: Sequence[Row]) -> Comparison:
    """Tell the rows of a comparison that are listed from the gaps."""
    listed = tuple(
        ListedSubject(
            row.name,
            row.designation.since.isoformat(),
            (row.designation.since - row.base_since).days,
            row.designation.body["regime"],
        )
        for row in rows
        if row.designation is not None
    )
    gaps = tuple(Gap(row.name) for row in rows if row.designation is None)
    return Comparison(len(listed), len(rows), listed, gaps)


@dataclass(frozen=True, slots=True)
class Cell:
    """A jurisdiction's designation of one subject.

    Attributes:
        designation: the designation.
        since: its day.
        regime: under which regime.
        lag_days: days from the first of all listings of the subject.
    """

    designation: Digest
    since: Day
    regime: str
    lag_days: Count


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One subject that anybody lists.

    Attributes:
        name: its name in the first listing.
        jurisdictions: for each jurisdiction its designation, or null.
    """

    name: str
    jurisdictions: Mapping[str, Cell | None]


def board(
    covered: Iterable[Covered], jurisdictions: Sequence[str], as_of: dt.date
) -> tuple[BoardLine, ...]:
    """Return every subject that anybody lists on a day against every jurisdiction."""
    rows = []
    for subject in covered:
        cells = {one: subject.standing(one, as_of) for one in jurisdictions}
        listed = [one for one in cells.values() if one is not None]
        if listed:
            first = min(listed, key=_by_day)
            lists = {name: _coverage_cell(one, first.since) for name, one in cells.items()}
            rows.append(BoardLine(first.name, lists))
    return tuple(rows)


def _coverage_cell(one: Designation | None, first: dt.date) -> Cell | None:
    if one is None:
        return None
    days = (one.since - first).days
    return Cell(one.id, one.since.isoformat(), one.body["regime"], days)


def _by_day(one: Designation) -> tuple[dt.date, str, str]:
    return (one.since, one.name, one.id)
