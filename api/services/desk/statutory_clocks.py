"""Which periods of law run from a designation: by its statements, and by the case diary.

Owns the way from statements and diary entries to the events that the clock rules know. The counting
is `api.domain.regimes.clocks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from api.domain import designations as rules
from api.domain.regimes.clocks import Clock, ClockState, clocks, running
from api.records import diary
from api.records.diary import DiaryEntry
from api.services.node import Node
from api.services.statements.effects.designation_record import histories
from api.wire.statements import Statement

_URGENT: Final = "urgent"
_PROCEDURES: Final[Mapping[str, str]] = {"renewed": "urgent-renewed", "confirmed": "designated"}


def clocks_of(
    node: Node, first: Statement, later: Sequence[Statement], entries: Sequence[DiaryEntry] = ()
) -> list[Clock]:
    """Return the periods that a designation and its diary started, ended ones too, next due first.

    Statements give the days of made, designated and revoked. A member ``procedure`` says ``urgent``
    in a designation made under an urgent procedure, and ``renewed`` or ``confirmed`` in the
    amendment by which that was renewed or found to meet the threshold.

    Args:
        node: this node.
        first: the designation.
        later: its amendments and delisting.
        entries: what the case diary says of it; withdrawn entries count for nothing.
    """
    standing = rules.standing(first, later)
    regime = node.regimes.get(str(standing.body["regime"]))
    if regime is None:
        return []
    urgent = first.body.get("procedure") == _URGENT
    events = [("urgent-designated" if urgent else "designated", standing.since)]
    instants: Any = first.body["instants"]
    if "made" in instants:
        events.append(("made", rules.day_of(instants["made"])))
    for one in later:
        changed: Any = one.body["instants"]
        event = _PROCEDURES.get(str(one.body.get("procedure")))
        if event is not None and one.issuer == first.issuer:
            events.append((event, rules.effective_on(changed)))
    if standing.delisting is not None:
        events.append(("revoked", standing.delisting.on))
    events += [(one.event, date.fromisoformat(one.day)) for one in entries if one.stands]
    return clocks(regime, events, node.calendars)


@dataclass(frozen=True, slots=True)
class OwnClock:
    """A period that runs for this ministry.

    Attributes:
        designation: id of the designation it runs from.
        clock: the period.
        state: how it stands today, in the regime's zone.
    """

    designation: str
    clock: Clock
    state: ClockState

    @property
    def past(self) -> bool:
        """Whether its last day is over and nothing ended it."""
        return self.state in {ClockState.OVERDUE, ClockState.LAPSED}


def own_clocks(node: Node, connection: Connection) -> list[OwnClock]:
    """Return the periods that run from designations of this ministry, the next due first."""
    own = [(one, later) for one, later in histories(connection) if one.issuer == node.ministry]
    entries = diary.entries_about(connection, [one.id for one, _ in own])
    found = [
        OwnClock(one.id, clock, clock.state(_today(node, one)))
        for one, later in own
        for clock in running(clocks_of(node, one, later, entries.get(one.id, ())))
    ]
    return sorted(found, key=lambda one: (one.clock.due or date.max, one.designation, one.clock.id))


def _today(node: Node, designation: Statement) -> date:
    """Return the current day in the zone of the regime that a designation was made under."""
    regime = node.regimes.get(str(designation.body["regime"]))
    zone = ZoneInfo(regime.zone if regime is not None else "UTC")
    return datetime.fromisoformat(node.now()).astimezone(zone).date()
