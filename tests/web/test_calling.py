"""A token that was good lately is counted for its officer at once, and verified again all the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from api.web.bearers import Bearers
from api.web.intake import Allowance, Intake
from tests.support.door import MINISTRY, Door, open_door
from tests.web.test_refusals import PACKAGES, refused

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened


def post(door: Door, token: str, path: str = PACKAGES) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"}
    return door.client.post(path, json=door.package(), headers=headers)


def known(door: Door, token: str) -> str:
    """Send a first package with a token; whom the door remembers for it."""
    assert post(door, token).status_code == 201
    return str(door.app.state.doors.bearers.person(token, door.node.clock.now()))


def test_an_officer_who_was_suspended_since_submits_nothing(door: Door) -> None:
    token = door.token("analyst")
    officer = known(door, token)
    assert officer == door.ask("analyst", "GET", "/api/v1/me").json()["officer"]
    assert post(door, token).status_code == 201
    assert door.ask("admin", "POST", f"/api/v1/officers/{officer}/suspend").is_success
    before = door.contents()
    refused(post(door, token), 403, "policy.inactive-officer")
    assert door.contents() == before


def test_a_token_that_ended_since_opens_nothing(door: Door) -> None:
    token = door.token("analyst")
    known(door, token)
    door.federation.clock.sleep(7200)
    refused(post(door, token), 401, "token.expired")


def test_what_is_sent_is_counted_before_the_body_is_read(door: Door) -> None:
    token = door.token("analyst")
    known(door, token)
    doors = door.app.state.doors
    door.app.state.doors = replace(doors, intake=Intake(Allowance(officer_requests=0)))
    refused(post(door, token), 429, "caller.too-many")
    door.app.state.doors = doors
    assert post(door, token).status_code == 201


def test_a_misspelt_parameter_is_refused_there_too(door: Door) -> None:
    refused(post(door, door.token("analyst"), f"{PACKAGES}?stat=x"), 422, "query.unknown")


def test_tokens_are_remembered_until_they_end_and_not_without_bound() -> None:
    bearers = Bearers()
    bearers.note("one", MINISTRY, NOW + timedelta(minutes=5))
    assert bearers.person("one", NOW) == MINISTRY
    assert bearers.person("two", NOW) == ""
    assert bearers.person("one", NOW + timedelta(minutes=5)) == ""
    for number in range(5000):
        bearers.note(str(number), MINISTRY, NOW + timedelta(minutes=5))
    assert bearers.person("one", NOW) == ""
    assert bearers.person("4999", NOW) == MINISTRY
