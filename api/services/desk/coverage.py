"""Coverage: which jurisdictions list whom, since when, with what lag, from statements alone.

Owns the gathering of what ``domain.coverage`` brings together: designations as they stand, what
they say they mirror, the effects of threads, and officers' verdicts.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain import coverage as rules
from api.domain.coverage import Base, BoardLine, Comparison, Covered, Link
from api.domain.errors import Invalid
from api.domain.identity.verdicts import settled
from api.domain.notation import Day
from api.ports.policy import Action
from api.records import designations, threads
from api.services import visibility
from api.services.authorising import Caller, authorise, collection
from api.services.desk import verdicts
from api.services.node import Node
from api.services.statements.effects.designation_record import all_standing

_DESIGNATION = "designation:"


def covered(
    connection: Connection, ministry: str, seen: Collection[str] | None = None
) -> list[Covered]:
    """Return every subject that any jurisdiction listed, as far as is known here.

    Args:
        connection: open connection.
        ministry: this ministry, whose own verdicts on who is who prevail over partners'.
        seen: ids of the designations that count; ``None`` for all.
    """
    standing = [one for one in all_standing(connection) if seen is None or one.id in seen]
    links = rules.mirror_links(standing)
    links += [Link(asked, made, by) for asked, made, by in threads.effect_pairs(connection)]
    apart: list[tuple[str, str]] = []
    for refs, given in verdicts.given(connection, ministry).items():
        one, other = sorted(refs)
        if not (one.startswith(_DESIGNATION) and other.startswith(_DESIGNATION)):
            continue
        pair = (one.removeprefix(_DESIGNATION), other.removeprefix(_DESIGNATION))
        outcome = settled(given, ministry)
        if outcome == "same":
            links.append(Link(*pair, given[-1].id))
        elif outcome == "not-same":
            apart.append(pair)
    return rules.subjects(standing, links, apart)


def _covered_for(node: Node, caller: Caller) -> list[Covered]:
    """Return what is known here, without the designations that the caller may not read."""
    seen = seen_designations(node, caller)
    return node.db.read(lambda connection: covered(connection, node.ministry, seen))


def seen_designations(node: Node, caller: Caller) -> frozenset[str]:
    """Return the ids of the designations that the caller may read."""
    rows = node.db.read(designations.everything)
    allowed = visibility.allowed(node, caller, rows)
    return frozenset(row.id for row, may in zip(rows, allowed, strict=True) if may)


def jurisdictions_of(connection: Connection, ministry: str) -> Mapping[str, frozenset[str]]:
    """Return for each designation the jurisdictions that list the same subject."""
    found: dict[str, frozenset[str]] = {}
    for subject in covered(connection, ministry):
        homes = frozenset(one.jurisdiction for one in subject.designations)
        found.update({one.id: homes for one in subject.designations})
    return found


@dataclass(frozen=True, slots=True)
class Coverage(Comparison):
    """How far one jurisdiction had followed another's listings on a day.

    Attributes:
        base: whose listings are the measure, as it was asked.
        jurisdiction: whose listings are measured.
        as_of: the day.
    """

    base: str
    jurisdiction: str
    as_of: Day


@dataclass(frozen=True, slots=True)
class Board:
    """Every listed subject against every jurisdiction.

    Attributes:
        as_of: the day.
        jurisdictions: those of the membership.
        subjects: by the day of their first listing.
    """

    as_of: Day
    jurisdictions: tuple[str, ...]
    subjects: tuple[BoardLine, ...]


def compare(
    node: Node, caller: Caller, base: str, jurisdiction: str, as_of: str | None
) -> Coverage:
    """Return how far one jurisdiction had followed another's listings on a day.

    Args:
        node: this node.
        caller: who asks.
        base: ``US`` or ``US:2020-07``.
        jurisdiction: the jurisdiction that is measured.
        as_of: a day, or ``None`` for today by the node's clock.

    Raises:
        Invalid: ``coverage.base``, ``coverage.day``.
    """
    authorise(node, caller, Action.COVERAGE_READ, collection("coverage"))
    day, measure = _day(node, as_of), Base.parse(base)
    found = _covered_for(node, caller)
    told = rules.comparison(rules.compare(found, measure, jurisdiction, day))
    return Coverage(
        told.listed, told.of, told.subjects, told.gaps, base, jurisdiction, day.isoformat()
    )


def board(node: Node, caller: Caller, as_of: str | None) -> Board:
    """Return every subject against every jurisdiction of the membership on a day."""
    authorise(node, caller, Action.COVERAGE_READ, collection("coverage"))
    day = _day(node, as_of)
    homes = sorted({member.jurisdiction for member in node.membership.members})
    found = _covered_for(node, caller)
    return Board(day.isoformat(), tuple(homes), rules.board(found, homes, day))


def _day(node: Node, text: str | None) -> dt.date:
    if text is None:
        return node.clock.now().date()
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Invalid("coverage.day", "Write the day as 2021-03-22.") from None
