"""Taking, giving and handing back a task: who may, to whom, and what two at one moment come to."""

import pytest

from api.domain.errors import Conflict, NotFound, Refused
from api.domain.events import Act, Subject
from api.records.officers import OFFICERS
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.audit import auditing
from api.services.audit.auditing import Wanted
from api.services.authorising import Caller
from api.services.desk import assigning, tasks
from api.services.desk.recusing import Aside, recuse
from api.services.node import Node
from tests.support import exchange
from tests.support.exchange import UK, US
from tests.support.federation import Federation

HERE = UK


@pytest.fixture
def uk(federation: Federation) -> Node:
    return federation[UK]


@pytest.fixture
def analyst(federation: Federation) -> Caller:
    return federation.officer(UK, "analyst")


@pytest.fixture
def colleague(federation: Federation) -> Caller:
    return federation.officer(UK, "analyst2")


@pytest.fixture
def task(federation: Federation, uk: Node, analyst: Caller) -> str:
    """A request that waits for a finding of the UK's analysts."""
    listed = exchange.designate(federation, US, "ZHU Hailun")
    exchange.request(federation, US, UK, {"s1": listed})
    federation.settle()
    found = tasks.tasks_page(uk, analyst, tasks.Scope.MINE, limit=10)
    return next(one.id for one in found if one.kind == "find")


def holder(uk: Node, analyst: Caller, task: str) -> str | None:
    claim = tasks.find_mine(uk, analyst, task).claim
    return claim.officer if claim is not None else None


def test_a_claim_is_seen_and_keeps_no_colleague_from_the_task(
    uk: Node, analyst: Caller, colleague: Caller, task: str
) -> None:
    taken = assigning.claim(uk, analyst, task)
    assert taken.claim is not None
    assert taken.claim.mine
    assert assigning.claim(uk, analyst, task).claim == taken.claim, "taking it again is nothing"
    seen = tasks.find_mine(uk, colleague, task)
    assert seen.claim is not None
    assert (seen.claim.officer, seen.claim.mine) == (analyst.person, False)
    with pytest.raises(Conflict, match=r"task\.claimed"):
        assigning.claim(uk, colleague, task)
    with pytest.raises(Conflict, match=r"task\.not-claimed"):
        assigning.hand_back(uk, colleague, task)
    assert assigning.hand_back(uk, analyst, task).claim is None


def test_a_task_is_given_to_those_for_whom_it_waits_and_recorded(
    federation: Federation, uk: Node, analyst: Caller, colleague: Caller, task: str
) -> None:
    offered = {one.officer for one in assigning.colleagues(uk, analyst, task)}
    assert colleague.person in offered
    assert offered.isdisjoint({analyst.person, federation.officer(UK, "auditor").person})
    given = assigning.assign(uk, analyst, task, colleague.person)
    assert given.claim is not None
    assert (given.claim.officer, given.claim.mine) == (colleague.person, False)
    auditor = federation.officer(UK, "auditor")
    (event,) = auditing.events(uk, auditor, Wanted(act="task.assigned"), limit=5)
    assert event.event is not None
    assert event.event["object"]["id"] == task


def test_an_account_that_ends_on_no_day_there_is_keeps_nobody_from_the_task(
    federation: Federation, uk: Node, analyst: Caller, colleague: Caller, task: str
) -> None:
    def spoil(unit: Unit) -> None:
        never = {"expires_at": "2026-99-99T99:99:99.999Z"}
        unit.update(OFFICERS, {"id": colleague.person}, never)
        subject = Subject("officer", colleague.person)
        recording.record(uk, unit, recording.Entry(Act.OFFICER_APPROVED, subject))

    uk.db.write(spoil)
    offered = {one.officer for one in assigning.colleagues(uk, analyst, task)}
    assert colleague.person not in offered


def test_nobody_gets_a_task_that_does_not_wait_for_them(
    federation: Federation, uk: Node, analyst: Caller, colleague: Caller, task: str
) -> None:
    thread = tasks.find_mine(uk, analyst, task).about.id
    recuse(uk, colleague, Aside("", thread, "A friend."))
    assert colleague.person not in {one.officer for one in assigning.colleagues(uk, analyst, task)}
    for officer in (colleague.person, federation.officer(UK, "admin").person, "0" * 32):
        with pytest.raises(Conflict, match=r"task\.not-theirs"):
            assigning.assign(uk, analyst, task, officer)
    with pytest.raises(NotFound):
        assigning.assign(uk, colleague, task, analyst.person)
    assert holder(uk, analyst, task) is None


def test_a_reviewer_moves_what_a_colleague_works_on_and_an_analyst_does_not(
    federation: Federation, uk: Node, analyst: Caller, colleague: Caller, task: str
) -> None:
    assigning.claim(uk, analyst, task)
    with pytest.raises(Refused):
        assigning.assign(uk, colleague, task, colleague.person)
    with pytest.raises(Refused):
        assigning.colleagues(uk, colleague, task)
    reviewer = federation.officer(UK, "reviewer")
    assigning.assign(uk, reviewer, task, colleague.person)
    assert holder(uk, analyst, task) == colleague.person
