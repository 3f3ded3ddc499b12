"""Every statutory clock starts, stops and runs out, in calendar and in sitting days."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.adapters.policy.regimes import load_calendars, load_regimes
from api.domain.regimes.clocks import ClockState, SittingCalendar, clocks, running
from api.domain.regimes.values import ClockRule, Regime

POLICIES = Path(__file__).resolve().parents[2] / "policies"
REGIMES = load_regimes(POLICIES)
RULES = [(regime, rule) for regime in REGIMES.values() for rule in regime.clocks]
DAY = date(2026, 3, 2)


def sitting(house: str, *offsets: int) -> SittingCalendar:
    return SittingCalendar(house, tuple(DAY + timedelta(days=one) for one in offsets), None)


CALENDARS = {
    "CA-COMMONS": sitting("CA-COMMONS", *range(0, 200, 2)),
    "CA-SENATE": sitting("CA-SENATE", *range(0, 400, 4)),
}


def test_there_are_eleven_rules() -> None:
    assert len(RULES) == 11


@pytest.mark.parametrize(("regime", "rule"), RULES, ids=[rule.id for _, rule in RULES])
def test_a_rule_starts_warns_runs_out_and_stops(regime: Regime, rule: ClockRule) -> None:
    found = [one for one in clocks(regime, [(rule.starts, DAY)], CALENDARS) if one.id == rule.id]
    assert len(found) == 1
    clock = found[0]
    assert clock.due is not None
    assert clock.state(DAY) is (
        ClockState.NEAR if clock.days_left(DAY) <= clock.warn_days else ClockState.RUNNING  # type: ignore[operator]
    )
    assert clock.state(clock.due) is ClockState.NEAR
    past = clock.due + timedelta(days=1)
    assert clock.state(past) is (ClockState.LAPSED if rule.lapses else ClockState.OVERDUE)
    for stop in rule.stops:
        ended = clocks(regime, [(rule.starts, DAY), (stop, past)], CALENDARS)
        same = next(one for one in ended if one.id == rule.id and one.started == DAY)
        assert same.ended == past
        assert same.state(past + timedelta(days=30)) is ClockState.STOPPED
        assert same not in running(ended)


@pytest.mark.parametrize("regime", ["UK-GHR", "UK-GAC"])
def test_a_renewal_extends_an_urgent_act_once_to_its_second_term(regime: str) -> None:
    """Section 11(2D): 56 days more from the first day, whenever it was renewed; then it lapses."""
    renewed = DAY + timedelta(days=50)
    found = clocks(REGIMES[regime], [("urgent-designated", DAY), ("urgent-renewed", renewed)])
    (left,) = running(found)
    assert (left.id, left.due) == (f"{regime.lower()}.urgent-112", DAY + timedelta(days=112))
    assert left.state(DAY + timedelta(days=113)) is ClockState.LAPSED
    ended = clocks(
        REGIMES[regime],
        [("urgent-designated", DAY), ("urgent-renewed", renewed), ("designated", renewed)],
    )
    assert running(ended) == []


def test_a_period_that_ends_after_the_calendar_has_no_last_day() -> None:
    for later, due in ((0, date.max), (1, None)):
        started = date.max - timedelta(days=56 - later)
        found = clocks(REGIMES["UK-GHR"], [("urgent-designated", started)])
        (clock,) = [one for one in found if one.id == "uk-ghr.urgent-56"]
        assert (clock.due, clock.state(DAY)) == (due, ClockState.RUNNING)


def test_sitting_days_are_counted_by_the_house_that_runs_out_first() -> None:
    found = clocks(REGIMES["CA-SEMA"], [("made", DAY)], CALENDARS)
    assert found[0].due == DAY + timedelta(days=10)
    senate = {**CALENDARS, "CA-SENATE": sitting("CA-SENATE", 1, 2, 3, 4, 5)}
    assert clocks(REGIMES["CA-SEMA"], [("made", DAY)], senate)[0].due == DAY + timedelta(days=5)


def test_an_unknown_sitting_day_is_not_guessed() -> None:
    shipped = load_calendars(POLICIES)
    assert set(shipped) == {"CA-COMMONS", "CA-SENATE"}
    found = clocks(REGIMES["CA-SEMA"], [("made", DAY)], shipped)[0]
    assert found.due is None
    assert found.state(DAY + timedelta(days=900)) is ClockState.RUNNING
    assert clocks(REGIMES["CA-SEMA"], [("made", DAY)])[0].due is None


def test_two_petitions_run_two_clocks() -> None:
    later = DAY + timedelta(days=40)
    events = [("review-requested", DAY), ("review-requested", later)]
    found = clocks(REGIMES["CA-JVCFOA"], events)
    assert [one.started for one in found] == [DAY, later]
    decided = clocks(REGIMES["CA-JVCFOA"], [*events, ("review-decided", DAY + timedelta(days=20))])
    assert [one.started for one in running(decided)] == [later]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 2000))
def test_calendar_days_are_the_days_after_the_event(day: date, later: int) -> None:
    clock = clocks(REGIMES["UK-GHR"], [("urgent-designated", day)])[0]
    on = day + timedelta(days=later)
    assert (clock.state(on) is ClockState.LAPSED) is (later > 56)
