"""Coverage of the letter's eight subjects, with the dates that the governments published.

Sources: US SDN list of 10 March 2021 and Treasury press release sm1055 (9 July 2020, 31 July 2020);
SOR/2021-49 (in force 21 March 2021) and SOR/2024-253 (in force 9 December 2024) for Canada.
"""

import datetime as dt
import random
from typing import Any

import pytest

from api.domain.coverage import (
    Base,
    Comparison,
    Link,
    board,
    compare,
    comparison,
    mirror_links,
    subjects,
)
from api.domain.designations import Designation, standing
from api.domain.errors import Invalid
from tests.support.bodies import body, digest
from tests.support.statements import CA, UK, US, statement

US_DATES = {
    "CHEN Quanguo": "2020-07-09",
    "ZHU Hailun": "2020-07-09",
    "WANG Mingshan": "2020-07-09",
    "HUO Liujun": "2020-07-09",
    "Xinjiang Public Security Bureau": "2020-07-09",
    "Xinjiang Production and Construction Corps": "2020-07-31",
    "SUN Jinlong": "2020-07-31",
    "PENG Jiarui": "2020-07-31",
    "WANG Junzheng": "2021-03-22",
}
CA_DATES = {
    "ZHU Hailun": "2021-03-21",
    "WANG Mingshan": "2021-03-21",
    "WANG Junzheng": "2021-03-21",
    "CHEN Quanguo": "2024-12-09",
    "HUO Liujun": "2024-12-09",
    "PENG Jiarui": "2024-12-09",
}
HOMES = {US: "US", CA: "CA", UK: "UK"}


def designation(name: str, day: str, issuer: str, mirrors: str | None = None) -> Designation:
    home = HOMES[issuer]
    announced = (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()
    members = body(
        "designation/1",
        subject={"schema": "Person", "names": [{"text": name, "script": "Latn"}]},
        jurisdiction=home,
        regime=f"{home}-REGIME",
        instants={
            "in_force": {"at": day, "zone": "America/Toronto"},
            "announced": {"at": announced, "zone": "America/Toronto"},
        },
        mirrors=[{"jurisdiction": "US", "designation": mirrors}] if mirrors else [],
    )
    return standing(statement("designation/1", members, issuer=issuer, to=("eu-eeas",)), [])


def history() -> list[Designation]:
    base = {name: designation(name, day, US) for name, day in US_DATES.items()}
    others = [designation(name, day, CA, base[name].id) for name, day in CA_DATES.items()]
    return [*base.values(), *others]


def table(day: str, period: str = "US:2020-07", jurisdiction: str = "CA") -> Comparison:
    found = history()
    random.Random(3).shuffle(found)
    covered = subjects(found, mirror_links(found))
    return comparison(
        compare(covered, Base.parse(period), jurisdiction, dt.date.fromisoformat(day))
    )


def test_two_of_eight_on_the_day_of_the_joint_action() -> None:
    result = table("2021-03-22")
    assert (result.listed, result.of) == (2, 8)
    lags = {one.name: (one.since, one.lag_days) for one in result.subjects}
    assert lags == {"ZHU Hailun": ("2021-03-21", 255), "WANG Mingshan": ("2021-03-21", 255)}
    assert len(result.gaps) == 6


def test_five_of_eight_after_december_2024() -> None:
    result = table("2024-12-09")
    assert (result.listed, result.of) == (5, 8)
    lags = {one.name: one.lag_days for one in result.subjects}
    assert lags == {
        "CHEN Quanguo": 1614,
        "HUO Liujun": 1614,
        "PENG Jiarui": 1592,
        "ZHU Hailun": 255,
        "WANG Mingshan": 255,
    }
    assert {gap.name for gap in result.gaps} == {
        "Xinjiang Public Security Bureau",
        "Xinjiang Production and Construction Corps",
        "SUN Jinlong",
    }


@pytest.mark.parametrize(
    ("day", "listed", "of"),
    [
        ("2020-07-08", 0, 0),
        ("2020-07-30", 0, 5),
        ("2021-03-20", 0, 8),
        ("2021-03-21", 2, 8),
        ("2024-12-08", 2, 8),
    ],
)
def test_the_day_of_registration_counts_not_the_announcement(
    day: str, listed: int, of: int
) -> None:
    result = table(day)
    assert (result.listed, result.of) == (listed, of)


def test_a_lag_is_negative_where_the_other_was_first() -> None:
    (row,) = table("2021-12-31", "US:2021").subjects
    assert (row.name, row.lag_days) == ("WANG Junzheng", -1)


def test_the_base_may_be_any_period_or_jurisdiction() -> None:
    assert table("2024-12-31", "US").of == 9
    assert table("2024-12-31", "US:2020-07-31").of == 3
    assert table("2024-12-31", "CA:2024", "US").listed == 3
    for wrong in ("us", "US:2020-13", "US:20", "US:", "US:2020-07-09-01", "", "US:2020-02-30"):
        with pytest.raises(Invalid):
            Base.parse(wrong)


def test_what_was_delisted_is_a_gap_again() -> None:
    base = designation("ZHU Hailun", "2020-07-09", US)
    listed = statement(
        "designation/1",
        body("designation/1", mirrors=[{"jurisdiction": "US", "designation": base.id}]),
        issuer=CA,
        to=(US,),
    )
    end = {"in_force": {"at": "2022-01-01", "zone": "America/Toronto"}}
    ended = statement(
        "delisting/1", body("delisting/1", designation=listed.id, instants=end), issuer=CA, to=(US,)
    )
    found = [base, standing(listed, [ended])]
    covered = subjects(found, mirror_links(found))
    for day, count in (("2021-12-31", 1), ("2022-01-01", 0)):
        rows = compare(covered, Base("US"), "CA", dt.date.fromisoformat(day))
        assert comparison(rows).listed == count


def test_what_an_officer_parted_nothing_joins() -> None:
    corps = designation("Xinjiang Production and Construction Corps", "2020-07-31", US)
    bureau = designation("XPCC Public Security Bureau", "2021-03-21", CA)
    third = designation("XPCC", "2022-01-01", UK)
    links = [
        Link(corps.id, bureau.id, "matcher"),
        Link(corps.id, third.id, "a verdict"),
        Link(third.id, bureau.id, "b verdict"),
        Link(corps.id, digest("77"), "unknown here"),
    ]
    apart = [(bureau.id, corps.id)]
    together = {
        frozenset(one.name for one in group.designations)
        for group in subjects([corps, bureau, third], links, apart)
    }
    assert together == {frozenset({corps.name, "XPCC"}), frozenset({bureau.name})}


def test_the_board_shows_every_jurisdiction() -> None:
    found = history()
    rows = board(subjects(found, mirror_links(found)), ["US", "CA", "UK"], dt.date(2021, 3, 22))
    by_name: dict[Any, Any] = {row.name: row.jurisdictions for row in rows}
    assert by_name["ZHU Hailun"]["CA"].lag_days == 255
    assert by_name["ZHU Hailun"]["UK"] is None
    assert by_name["WANG Junzheng"]["US"].lag_days == 1
    assert by_name["CHEN Quanguo"]["CA"] is None
