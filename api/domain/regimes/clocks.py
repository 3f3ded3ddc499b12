"""Statutory clocks: periods of law that recorded events start, end, and let lapse.

Owns the counting, in calendar days or in sitting days of the houses that a rule names. Events and
the current day come in as values in the regime's zone; sitting calendars are data that a ministry
keeps (`policies/calendars`). Must not read a clock, and decides nothing: a period that ran out is
shown as such until an event ends it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from api.domain.regimes.values import CLOCK_EVENTS, Basis, Bilingual, ClockRule, Regime, RegimeError


class ClockState(StrEnum):
    """How a period stands on a day."""

    RUNNING = "running"
    NEAR = "near"
    OVERDUE = "overdue"
    LAPSED = "lapsed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class SittingCalendar:
    """The days on which one house sits, as far as they are known.

    Attributes:
        house: Such as `CA-COMMONS`.
        days: Sitting days in order.
        known_to: Last day to which the calendar is complete; beyond it nothing is counted.
    """

    house: str
    days: tuple[date, ...]
    known_to: date | None

    def nth_after(self, start: date, number: int) -> date | None:
        """Return the sitting day `number` sitting days after `start`, or None if unknown."""
        later = [day for day in self.days if day > start]
        return later[number - 1] if len(later) >= number else None


@dataclass(frozen=True, slots=True)
class Clock:
    """A period that a recorded event started.

    Attributes:
        id: The rule's, such as `uk-ghr.urgent-56`.
        name: What has to happen.
        started: Day of the event that started it.
        due: Last day, or None where it cannot be counted (yet, or at the end of the calendar); then
            `text` is all there is.
        ended: Day of the event that ended it, or None.
        text: The period in the law's terms.
        lapses: Whether the act itself ends when the period runs out.
        warn_days: Days before the last day from which it counts as near.
        basis: How the rule is known.
        source: Where it was read.
    """

    id: str
    name: Bilingual
    started: date
    due: date | None
    ended: date | None
    text: Bilingual
    lapses: bool
    warn_days: int
    basis: Basis
    source: tuple[str, ...]

    def days_left(self, on: date) -> int | None:
        """Days from `on` to the last day: negative when overdue, None where not countable."""
        return None if self.due is None else (self.due - on).days

    def state(self, on: date) -> ClockState:
        """Return how the period stands on a day."""
        if self.ended is not None:
            return ClockState.STOPPED
        left = self.days_left(on)
        if left is None or left > self.warn_days:
            return ClockState.RUNNING
        if left >= 0:
            return ClockState.NEAR
        return ClockState.LAPSED if self.lapses else ClockState.OVERDUE


def clocks(
    regime: Regime,
    events: Iterable[tuple[str, date]],
    calendars: Mapping[str, SittingCalendar] | None = None,
) -> list[Clock]:
    """Return the periods that these events started, ended ones too, the next due first.

    Args:
        regime: Whose rules.
        events: Each event (a word of `CLOCK_EVENTS`) with its day in the regime's zone, in any
            order; an event may come more than once, and each start is a period of its own.
        calendars: Sitting calendars by house.

    Raises:
        RegimeError: An event is not in the list.
    """
    known = sorted(set(events), key=lambda one: (one[1], one[0]))
    if {event for event, _ in known} - CLOCK_EVENTS:
        raise RegimeError("The events use words that the regimes do not know.")
    found = [
        _clock(rule, started, known, calendars or {})
        for rule in regime.clocks
        for event, started in known
        if event == rule.starts
    ]
    return sorted(
        found, key=lambda one: (one.ended is not None, one.due or date.max, one.id, one.started)
    )


def running(found: Iterable[Clock]) -> list[Clock]:
    """Return those that no event has ended."""
    return [one for one in found if one.ended is None]


def _clock(
    rule: ClockRule,
    started: date,
    events: Iterable[tuple[str, date]],
    calendars: Mapping[str, SittingCalendar],
) -> Clock:
    ended = min(
        (day for event, day in events if event in rule.stops and day >= started), default=None
    )
    return Clock(
        rule.id,
        rule.name,
        started,
        _due(rule, started, calendars),
        ended,
        rule.text,
        rule.lapses,
        rule.warn_days,
        rule.fact.basis,
        rule.fact.sources,
    )


def _due(rule: ClockRule, started: date, calendars: Mapping[str, SittingCalendar]) -> date | None:
    if rule.days is not None:
        left = (date.max - started).days
        return started + timedelta(days=rule.days) if rule.days <= left else None
    number = rule.sitting_days or 0
    last = [
        calendars[house].nth_after(started, number) if house in calendars else None
        for house in rule.houses
    ]
    days = [day for day in last if day is not None]
    # Each house has its own period; the first to run out is the one to keep.
    return min(days) if len(days) == len(last) else None
