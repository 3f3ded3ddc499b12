"""What comes in and what comes back reaches the desk: a task with title, names, who and why."""

from collections.abc import Iterator

import pytest

from api.services.desk import evidence
from api.services.desk import tasks as lists
from api.services.desk.tasks import Closing, Scope, TaskView
from api.services.statements.effects import EFFECTS
from tests.support import exchange
from tests.support.bodies import body
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("notices"))
    yield made
    made.close()


def notices(
    federation: Federation, ministry: str, about: str, who: str = "analyst"
) -> list[TaskView]:
    found = lists.tasks_page(
        federation[ministry], federation.officer(ministry, who), Scope.MINE, limit=100
    )
    return [one for one in found if one.kind == "notice" and one.about.id == about]


def noted(federation: Federation, ministry: str, task: TaskView) -> None:
    officer = federation.officer(ministry, "analyst")
    lists.close(federation[ministry], officer, task.id, Closing("noted", ""))


def test_a_partners_amendment_and_delisting_reach_the_desk(federation: Federation) -> None:
    listed = exchange.designate(federation, US, "Noted Person", to=(UK,))
    federation.settle()
    assert notices(federation, UK, listed) == []
    instants = {"in_force": {"at": "2022-01-01", "zone": "Etc/UTC"}}
    change = {"designation": listed, "changes": {"list_reference": "Item 2"}, "instants": instants}
    exchange.issue(federation, US, "designation-amendment/1", (UK,), change)
    federation.settle()
    (amended,) = notices(federation, UK, listed)
    assert amended.key == "amended-there"
    assert amended.why == "A partner amended this designation."
    assert (amended.title, amended.asked_by) == ("Noted Person", US)
    noted(federation, UK, amended)
    assert notices(federation, UK, listed) == []
    end = {
        "designation": listed,
        "reason": "No longer met.",
        "instants": instants,
    }
    exchange.issue(federation, US, "delisting/1", (UK,), body("delisting/1", **end))
    federation.settle()
    (delisted,) = notices(federation, UK, listed, "reviewer")
    assert (delisted.key, delisted.why) == (
        "delisted-there",
        "A partner delisted this designation.",
    )
    assert notices(federation, US, listed) == [], "whoever changed it knows"
    assert notices(federation, UK, listed, "admin") == []


def test_a_request_to_pass_on_and_its_consent_reach_the_desk(federation: Federation) -> None:
    package = exchange.package(federation, US, "Passed on")
    exchange.release(federation, US, package, UK)
    federation.settle()
    asked = {"package": package, "recipient": CA, "purpose": "Their own case."}
    request = exchange.issue(
        federation, UK, "onward-request/1", (US,), body("onward-request/1", **asked)
    )
    federation.settle()
    (waiting,) = notices(federation, US, package)
    assert waiting.why == "A holder asks whether it may pass this package on."
    assert (waiting.title, waiting.asked_by) == ("Passed on", UK)
    given = {"package": package, "recipient": CA, "request": request}
    exchange.issue(federation, US, "onward-consent/1", (UK,), body("onward-consent/1", **given))
    assert notices(federation, US, package) == [], "the consent answers it"
    federation.settle()
    keys = {one.key for one in notices(federation, UK, package)}
    assert keys == {"received", "consented"}


def test_what_a_reviewer_returned_comes_back_with_the_reason(federation: Federation) -> None:
    package = exchange.package(federation, US, "Returned")
    reviewer = federation.officer(US, "reviewer")
    evidence.give_back(federation[US], reviewer, package, "Exhibit one is cut off.")
    (back,) = notices(federation, US, package)
    assert (back.title, back.reason) == ("Returned", "Exhibit one is cut off.")
    noted(federation, US, back)
    assert notices(federation, US, package) == []


def test_what_a_partner_refused_comes_back_with_code_and_sentence(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(
            EFFECTS["designation/1"], "receive", lambda *_: exchange.refused("instants.zone")
        )
        listed = exchange.designate(federation, US, "Refused Person", to=(UK,))
        federation.settle()
    (back,) = notices(federation, US, listed)
    assert (back.key, back.title, back.asked_by) == ("refused-there", "Refused Person", UK)
    assert back.reason == "instants.zone: For the test."
    assert "not told" in back.why


def test_a_shared_proposal_reaches_the_desk(federation: Federation) -> None:
    package = exchange.package(federation, US, "Shared case")
    ground = body("designation-proposal/1")["grounds"][0]
    content = body(
        "designation-proposal/1",
        regime="US-GLOMAG",
        grounds=[{**ground, "evidence": [{"package": package}]}],
    )
    content["reasons"].pop("internal", None)
    shared = exchange.issue(federation, US, "designation-proposal/1", (UK,), content)
    federation.settle()
    (told,) = notices(federation, UK, shared)
    assert (told.why, told.asked_by) == ("A partner shared this proposal.", US)
