"""The case diary: recorded events start and end periods of law; one that ran out is said once."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from api.domain.errors import Conflict, Invalid, NotFound, Refused
from api.records import tasks
from api.records.log import EVENTS
from api.services.desk import designations, diary
from api.services.desk import tasks as own_tasks
from api.services.desk.deadlines import expire_clocks
from api.services.desk.diary import NewEntry
from api.services.desk.recusing import Aside, recuse
from api.services.desk.statutory_clocks import own_clocks
from api.services.desk.tasks import Scope
from tests.support.exchange import CA, US, designate
from tests.support.federation import Federation
from tests.support.signing import CA as CA_KEYS
from tests.support.signing import US as US_KEYS

PETITION = NewEntry("review-requested", date(2026, 1, 5), "A petition came in.")


@pytest.fixture
def federation(tmp_path: Path, database_url: str):
    made = Federation(tmp_path, ministries=(US_KEYS, CA_KEYS), urls={CA: database_url})
    yield made
    made.close()


def listed(federation: Federation) -> str:
    return designate(federation, CA, "Diary Person", to=(US,), regime="CA-JVCFOA")


def events(federation: Federation, ministry: str, act: str) -> list[str]:
    query = select(EVENTS.c.object_id).where(EVENTS.c.act == act)
    return federation[ministry].db.read(lambda c: list(c.execute(query).scalars()))


def test_an_entry_starts_a_clock_and_another_ends_it(federation: Federation) -> None:
    node, analyst = federation[CA], federation.officer(CA, "analyst")
    id_ = listed(federation)
    diary.record_event(node, analyst, id_, PETITION)
    view = designations.read(node, analyst, id_)
    review = next(one for one in view.clocks if one.id == "ca-jvcfoa.review")
    assert review.due == (date(2026, 1, 5) + timedelta(days=90)).isoformat()
    assert [one.event for one in view.diary] == ["review-requested"]
    diary.record_event(node, analyst, id_, NewEntry("review-decided", date(2026, 2, 1)))
    ended = designations.read(node, analyst, id_).clocks
    assert [one.ended for one in ended if one.id == review.id] == ["2026-02-01"]
    assert len(events(federation, CA, "diary.recorded")) == 2


def test_a_period_that_ran_out_is_noted_once(federation: Federation) -> None:
    node, analyst = federation[CA], federation.officer(CA, "analyst")
    id_ = listed(federation)
    diary.record_event(node, analyst, id_, PETITION)
    expire_clocks(node)
    before = events(federation, CA, "deadline.passed")
    assert before.count(id_) == sum(one.past for one in node.db.read(lambda c: own_clocks(node, c)))
    assert before.count(id_) >= 1
    expire_clocks(node)
    assert events(federation, CA, "deadline.passed") == before
    noted = node.db.read(lambda c: tasks.noted(c, "clock", [id_]))
    assert (id_, "ca-jvcfoa.review", "2026-04-05") in noted


def test_a_period_that_ran_out_is_overdue_and_counted(federation: Federation) -> None:
    node, analyst = federation[CA], federation.officer(CA, "analyst")
    before = own_tasks.counts(node, analyst)
    id_ = listed(federation)
    diary.record_event(node, analyst, id_, PETITION)
    overdue = own_tasks.tasks_page(node, analyst, Scope.OVERDUE, limit=50)
    late = [one for one in overdue if one.about.id == id_ and one.key == "ca-jvcfoa.review"]
    assert [one.due for one in late] == ["2026-04-05"]
    assert own_tasks.counts(node, analyst).overdue > before.overdue
    diary.record_event(node, analyst, id_, NewEntry("review-decided", date(2026, 2, 1)))
    left = own_tasks.tasks_page(node, analyst, Scope.OVERDUE, limit=50)
    assert not [one for one in left if one.about.id == id_ and one.key == "ca-jvcfoa.review"]


def test_a_withdrawn_entry_counts_for_nothing_and_stays_readable(federation: Federation) -> None:
    node, analyst = federation[CA], federation.officer(CA, "analyst")
    id_ = listed(federation)
    entry = diary.record_event(node, analyst, id_, PETITION)
    with pytest.raises(Invalid):
        diary.withdraw_entry(node, analyst, entry.id, "  ")
    gone = diary.withdraw_entry(node, analyst, entry.id, "It was about another person.")
    assert gone.withdrawn_because == "It was about another person."
    with pytest.raises(Conflict):
        diary.withdraw_entry(node, analyst, entry.id, "again")
    view = designations.read(node, analyst, id_)
    assert all(one.id != "ca-jvcfoa.review" for one in view.clocks)
    assert [one.stands for one in view.diary] == [False]


def test_an_entry_that_is_hidden_answers_as_one_that_there_is_not(federation: Federation) -> None:
    node, aside = federation[CA], federation.officer(CA, "analyst2")
    id_ = listed(federation)
    entry = diary.record_event(node, federation.officer(CA, "analyst"), id_, PETITION)
    recuse(node, aside, Aside("", id_, "A relative."))
    for who, kind in ((aside, NotFound), (federation.officer(CA, "auditor"), Refused)):
        refusals = []
        for one in (entry.id, "0" * 32):
            with pytest.raises(kind) as refused:
                diary.withdraw_entry(node, who, one, "none")
            refusals.append((refused.value.code, refused.value.message))
        assert refusals[0] == refusals[1]


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (NewEntry("coronation", date(2026, 1, 5)), "diary.event"),
        (NewEntry("urgent-renewed", date(2026, 1, 5)), "diary.event"),
        (NewEntry("review-requested", date(2999, 1, 5)), "diary.day"),
        (NewEntry("review-requested", date(2026, 1, 5), "x" * 5000), "diary.note"),
    ],
)
def test_what_the_diary_refuses(federation: Federation, new: NewEntry, code: str) -> None:
    node, analyst = federation[CA], federation.officer(CA, "analyst")
    id_ = listed(federation)
    with pytest.raises(Invalid) as refused:
        diary.record_event(node, analyst, id_, new)
    assert refused.value.code == code
    assert events(federation, CA, "diary.recorded") == []


def test_the_diary_is_of_own_designations(federation: Federation) -> None:
    id_ = listed(federation)
    federation.settle()
    stranger = federation.officer(US, "analyst")
    with pytest.raises(Invalid) as refused:
        diary.record_event(federation[US], stranger, id_, PETITION)
    assert refused.value.code == "diary.not-ours"
    with pytest.raises(NotFound):
        diary.record_event(federation[US], stranger, "sha256:" + "0" * 64, PETITION)
    with pytest.raises(NotFound):
        diary.withdraw_entry(federation[US], stranger, "0" * 32, "none")
