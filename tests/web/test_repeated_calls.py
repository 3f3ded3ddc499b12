"""Every call that makes something takes an Idempotency-Key: the same answer, the work once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from api.wire.encoding import b64u_encode
from api.wire.membership import compose_membership
from tests.support import exchange
from tests.support.bodies import body
from tests.support.door import MINISTRY, Door, answered, open_door, release_to
from tests.support.signing import Signatory

V1: Final = "/api/v1"
KEYED: Final = {"idempotency-key": "the-same-call"}
Call = tuple[str, str, dict[str, Any]]
"""Who posts what where."""


def person(door: Door, name: str) -> str:
    return str(door.ask(name, "GET", f"{V1}/me").json()["officer"])


def new_designation(_door: Door, mark: str) -> Call:
    content = body("designation/1", jurisdiction="US", regime="US-GLOMAG", instrument=mark)
    return "analyst", f"{V1}/designations", {"to": ["uk-fcdo"], "body": content | {"mirrors": []}}


def new_proposal(_door: Door, mark: str) -> Call:
    content = body("designation-proposal/1", regime="US-GLOMAG", measures=["asset_freeze"])
    ground = {**content["grounds"][0], "evidence": []}
    return "analyst", f"{V1}/proposals", {"body": content | {"grounds": [ground], "title": mark}}


def new_officer(_door: Door, mark: str) -> Call:
    identities = [{"iss": "https://id.example", "sub": mark}]
    return "admin", f"{V1}/officers", {"name": "A New Person", "identities": identities}


def new_grant(door: Door, mark: str) -> Call:
    grant = {"officer": person(door, "analyst"), "role": "reviewer", "sub": mark}
    return "admin", f"{V1}/role-grants", grant


def new_key(door: Door, mark: str) -> Call:
    return "reviewer", f"{V1}/keys", answered(door, "reviewer", Signatory(mark))


def new_delegation(door: Door, mark: str) -> Call:
    now = door.node.clock.now()
    period = {"starts": f"{now.year + 1}-01-01T00:00:00.000Z"}
    period |= {"ends": f"{now.year + 1}-01-08T00:00:00.000Z"}
    lent = {"delegate": person(door, "reviewer2"), "role": "reviewer", "reason": mark}
    return "reviewer", f"{V1}/delegations", lent | period


def new_recusal(door: Door, _mark: str) -> Call:
    return "analyst", f"{V1}/recusals", {"object": door.submitted(), "reason": "A relative."}


def new_watch(door: Door, mark: str) -> Call:
    listed = exchange.designate(door.federation, MINISTRY, mark)
    return "analyst", f"{V1}/watches", {"ref": f"designation:{listed}", "reason": mark}


def new_acquisition(door: Door, mark: str) -> Call:
    package, digest = door.submitted(), door.package()["body"]["exhibits"][0]["digest"]
    content = {"exhibit": digest, "source": mark, "collector": "A post.", "collected": "2026"}
    return "reviewer", f"{V1}/packages/{package}/acquisitions", content


def new_membership(door: Door, mark: str) -> Call:
    old, beside = door.node.membership, "ca-gac" if mark == "one" else "uk-fcdo"
    kept = [member for member in old.members if member.id in {MINISTRY, beside}]
    file = compose_membership(old.serial + 1, old.digest, kept).raw
    return "admin", f"{V1}/memberships", {"file": b64u_encode(file)}


def new_epoch(door: Door, mark: str) -> Call:
    peer = "ca-gac" if mark == "other" else "uk-fcdo"
    door.ask("admin", "POST", f"{V1}/peers/{peer}/epoch/withdraw")
    return "admin", f"{V1}/peers/{peer}/epoch", {}


MADE: Final[dict[str, Callable[[Door, str], Call]]] = {
    "designation": new_designation,
    "proposal": new_proposal,
    "officer": new_officer,
    "grant": new_grant,
    "key": new_key,
    "delegation": new_delegation,
    "recusal": new_recusal,
    "watch": new_watch,
    "acquisition": new_acquisition,
    "membership": new_membership,
    "epoch": new_epoch,
}


@pytest.mark.parametrize("what", MADE)
def test_the_same_call_again_makes_nothing_and_answers_alike(door: Door, what: str) -> None:
    who, path, content = MADE[what](door, "again")
    headers = {"idempotency-key": f"again-{what}"}
    first = door.ask(who, "POST", path, json=content, headers=headers)
    assert first.status_code == 201, first.text
    before = door.contents()
    again = door.ask(who, "POST", path, json=content, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert door.contents() == before


@pytest.mark.parametrize("what", MADE)
def test_another_call_under_the_same_key_is_refused(door: Door, what: str) -> None:
    headers = {"idempotency-key": f"other-{what}"}
    who, path, content = MADE[what](door, "one")
    assert door.ask(who, "POST", path, json=content, headers=headers).status_code == 201
    _, there, other = MADE[what](door, "other")
    before = door.contents()
    refused = door.ask(who, "POST", there, json=other, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency.reused")
    assert door.contents() == before


def test_a_key_of_one_kind_of_call_answers_no_other(door: Door) -> None:
    headers = {"idempotency-key": "two kinds".replace(" ", "-")}
    who, path, content = new_proposal(door, "kinds")
    assert door.ask(who, "POST", path, json=content, headers=headers).status_code == 201
    who, path, content = new_recusal(door, "kinds")
    refused = door.ask(who, "POST", path, json=content, headers=headers)
    assert refused.json()["code"] == "idempotency.reused"


def test_a_key_is_the_callers_own(door: Door) -> None:
    headers = {"idempotency-key": "mine"}
    _, path, content = new_recusal(door, "mine")
    first = door.ask("analyst", "POST", path, json=content, headers=headers)
    other = door.ask("analyst2", "POST", path, json=content, headers=headers)
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["officer"] != other.json()["officer"]


@pytest.fixture
def own_door(tmp_path: Path) -> Iterator[Door]:
    """A door of the test's own, for officers who come and go."""
    with open_door(tmp_path) as opened:
        yield opened


def keyed_release(door: Door) -> tuple[str, dict[str, Any], str]:
    """Path and content of a keyed call that drafted a release; and the package."""
    package = door.submitted()
    path = f"{V1}/packages/{package}/release"
    made = door.ask("analyst", "POST", path, json=release_to("uk-fcdo"), headers=KEYED)
    assert made.status_code == 201, made.text
    content = {"type": "release/1", "to": ["uk-fcdo"], "body": made.json()["body"]}
    return f"{V1}/drafts", content, package


def keyed_package(door: Door) -> tuple[str, dict[str, Any], str]:
    """As `keyed_release`, of a call that submitted a package."""
    content = door.package()
    made = door.ask("analyst", "POST", f"{V1}/packages", json=content, headers=KEYED)
    assert made.status_code == 201, made.text
    return f"{V1}/packages", content, str(made.json()["id"])


def suspended(door: Door, _package: str) -> None:
    officer = person(door, "analyst")
    assert door.ask("admin", "POST", f"{V1}/officers/{officer}/suspend").is_success


def without_the_role(door: Door, _package: str) -> None:
    grants = door.ask("admin", "GET", f"{V1}/role-grants").json()["items"]
    officer = person(door, "analyst")
    (grant,) = (one["id"] for one in grants if one["officer"] == officer)
    assert door.ask("admin", "POST", f"{V1}/role-grants/{grant}/revoke").is_success


def standing_aside(door: Door, package: str) -> None:
    content = {"object": package, "reason": "A relative."}
    assert door.ask("analyst", "POST", f"{V1}/recusals", json=content).status_code == 201


@pytest.mark.parametrize("since", [suspended, without_the_role, standing_aside])
@pytest.mark.parametrize("call", [keyed_release, keyed_package])
def test_a_key_opens_nothing_that_a_fresh_call_would_not(
    own_door: Door,
    call: Callable[[Door], tuple[str, dict[str, Any], str]],
    since: Callable[[Door, str], None],
) -> None:
    path, content, package = call(own_door)
    again = own_door.ask("analyst", "POST", path, json=content, headers=KEYED)
    assert again.status_code == 201, again.text
    since(own_door, package)
    before = own_door.contents()
    refused = own_door.ask("analyst", "POST", path, json=content, headers=KEYED)
    assert refused.status_code in {403, 404}, refused.text
    assert set(refused.json()) & {"body", "id", "digest"} == set()
    assert own_door.contents() == before
