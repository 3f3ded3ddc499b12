"""Statements of three ministries that cross each other: what arrives late must not undo a recall."""

from typing import Any

import pytest

from api.domain.errors import Conflict
from api.records import packages
from tests.support import exchange
from tests.support.acting import MARKING, recall
from tests.support.bad_peer import BadPeer
from tests.support.campaigns import campaign
from tests.support.check_log import check_everything
from tests.support.federation import Federation
from tests.support.signing import UK as UK_MINISTRY

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


def consented(federation: Federation) -> tuple[str, str]:
    """US's package, held by the UK, with consent to pass it on to Canada; package and consent."""
    package = exchange.package(federation, US)
    exchange.release(federation, US, package, UK)
    federation.settle()
    wanted = {"package": package, "recipient": CA, "purpose": "Its own listing."}
    request = exchange.issue(federation, UK, "onward-request/1", (US,), wanted)
    federation.settle()
    given = {"request": request, "package": package, "recipient": CA, "marking": MARKING}
    consent = exchange.issue(federation, US, "onward-consent/1", (UK,), given)
    federation.settle()
    return package, consent


def pass_on(federation: Federation, package: str, consent: str) -> str:
    content: dict[str, Any] = {
        "package": package,
        "recipient": CA,
        "marking": {**MARKING, "releasable_to": [CA]},
        "legal_basis": "For the test.",
        "originator": US,
        "consent": consent,
    }
    return exchange.issue(federation, UK, "release/1", (CA,), content)


def state(federation: Federation, ministry: str, package: str) -> str | None:
    row = federation[ministry].db.read(lambda connection: packages.by_id(connection, package))
    return None if row is None else str(row.state)


def outcomes(federation: Federation, package: str) -> dict[str, str]:
    """What the originator knows of its recall, by holder."""
    rows = federation[US].db.read(lambda connection: packages.holders_of(connection, package))
    return {row.ministry: row.recall_outcome for row in rows}


def test_an_onward_release_is_recalled_by_the_originator(federation: Federation) -> None:
    package, consent = consented(federation)
    pass_on(federation, package, consent)
    federation.settle()
    assert state(federation, CA, package) == "received"
    recall(federation, US, package)
    federation.settle()
    assert state(federation, CA, package) == state(federation, UK, package) == "recalled"
    assert outcomes(federation, package) == {UK: "applied", CA: "applied"}
    check_everything(federation)


@campaign("test_an_onward_release_is_recalled_by_the_originator")
def test_a_recall_that_overtakes_the_onward_release_still_holds(federation: Federation) -> None:
    """Canada hears of the recall first; the package must not come into use when it arrives."""
    package, consent = consented(federation)
    pass_on(federation, package, consent)
    federation.down = {UK}
    recall(federation, US, package)
    federation.settle()
    assert state(federation, CA, package) is None
    federation.down = set()
    federation.settle()
    assert state(federation, UK, package) == "recalled"
    assert state(federation, CA, package) in {None, "recalled"}
    check_everything(federation)


def test_a_recall_of_others_packages_is_not_remembered(federation: Federation) -> None:
    """Only what the package's own originator recalled is refused later."""
    package, consent = consented(federation)
    federation.down = {UK}
    bad = BadPeer(UK_MINISTRY, CA)
    false = {"package": package, "reason": "No.", "instruction": "destroy"}
    request = bad.deliver(bad.commit(bad.statement("recall/1", false)))
    assert federation.receive(CA, request).status == 200
    federation.step(CA)
    exchange.release(federation, US, package, CA)
    federation.settle()
    assert state(federation, CA, package) == "received"
    assert consent


def test_nothing_is_released_or_consented_after_the_recall(federation: Federation) -> None:
    package, consent = consented(federation)
    federation.down = {CA}
    recall(federation, US, package)
    federation.settle()
    with pytest.raises(Conflict):
        pass_on(federation, package, consent)
    with pytest.raises(Conflict):
        exchange.release(federation, US, package, CA)
    with pytest.raises(Conflict):
        recall(federation, US, package)


def test_a_superseding_package_and_a_recall_of_the_old_one_cross(federation: Federation) -> None:
    package = exchange.package(federation, US)
    exchange.release(federation, US, package, UK)
    federation.settle()
    newer = exchange.package(federation, US, "A newer package", supersedes=package)
    exchange.release(federation, US, newer, UK)
    recall(federation, US, package)
    federation.settle()
    assert state(federation, UK, package) == "recalled"
    assert state(federation, UK, newer) == "received"
    check_everything(federation)
