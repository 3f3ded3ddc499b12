import datetime as dt
import itertools
import os
import subprocess
import sys
from typing import Any

import pytest

from api.domain.designations import (
    Designation,
    ProposalAct,
    ProposalState,
    check_instants,
    day_of,
    effective_on,
    may_change,
    may_designate,
    may_endorse,
    may_leave,
    next_proposal_state,
    shareable,
    standing,
)
from api.domain.errors import Conflict, Invalid
from api.wire.bodies import validate_body
from tests.support import checkout
from tests.support.bodies import INSTANTS, body, digest
from tests.support.statements import CA, US, statement

TORONTO = "America/Toronto"


def on(day: str, zone: str = TORONTO) -> dict[str, Any]:
    return {"in_force": {"at": day, "zone": zone}}


def listed(**changes: Any) -> Any:
    return statement("designation/1", body("designation/1", **changes), issuer=CA, to=(US,))


def amended(target: str, day: str, issuer: str = CA, **changes: Any) -> Any:
    members = {"designation": target, "changes": changes, "instants": on(day)}
    return statement("designation-amendment/1", members, issuer=issuer, to=(US,))


def delisted(target: str, day: str, issuer: str = CA) -> Any:
    members = body("delisting/1", designation=target, instants=on(day))
    return statement("delisting/1", members, issuer=issuer, to=(US,))


# Proposals.


def test_a_proposal_lives_as_drawn() -> None:
    state = ProposalState.DRAFTED
    for act, after in (
        (ProposalAct.SUBMIT, ProposalState.SUBMITTED),
        (ProposalAct.RETURN, ProposalState.RETURNED),
        (ProposalAct.SUBMIT, ProposalState.SUBMITTED),
        (ProposalAct.ENDORSE, ProposalState.ENDORSED),
        (ProposalAct.DESIGNATE, ProposalState.DESIGNATED),
    ):
        state = next_proposal_state(state, act)
        assert state is after
    for state, act in itertools.product(
        (ProposalState.DESIGNATED, ProposalState.LAPSED), ProposalAct
    ):
        with pytest.raises(Conflict):
            next_proposal_state(state, act)
    with pytest.raises(Conflict) as caught:
        next_proposal_state(ProposalState.SUBMITTED, ProposalAct.DESIGNATE)
    assert caught.value.code == "proposal.submitted"


def test_every_ground_needs_evidence_and_a_finding_on_its_threshold() -> None:
    proposal = body("designation-proposal/1")
    assert may_endorse(proposal)
    proposal["grounds"][0]["threshold"]["met"] = False
    assert may_endorse(proposal).code == "proposal.threshold-not-met"
    proposal["grounds"][0]["evidence"] = []
    assert may_endorse(proposal).code == "proposal.ground-without-evidence"


def test_internal_reasons_stay_at_home() -> None:
    proposal = {**body("designation-proposal/1"), "x-minute": "internal too"}
    assert may_leave(proposal, issuer=US, to=(US,))
    assert may_leave(proposal, issuer=US, to=(US, CA)).code == "proposal.internal-reasons"
    shared = shareable(proposal)
    validate_body("designation-proposal/1", shared)
    assert shared["reasons"] == {"releasable": proposal["reasons"]["releasable"]}
    assert "x-minute" not in shared
    assert may_leave(shared, issuer=US, to=(CA,))


# Instants.


def test_registration_counts_before_announcement() -> None:
    assert effective_on(INSTANTS) == dt.date(2021, 3, 21)
    assert effective_on(on("2020-07-09", "America/New_York")) == dt.date(2020, 7, 9)


@pytest.mark.parametrize(
    ("at", "zone", "day"),
    [
        ("2021-03-22T03:30:00.000Z", TORONTO, dt.date(2021, 3, 21)),
        ("2021-03-22T03:30:00.000Z", "Europe/London", dt.date(2021, 3, 22)),
        ("2021-03-22T03:30:00.000Z", "Nowhere/Place", dt.date(2021, 3, 22)),
        ("2021-03-21", TORONTO, dt.date(2021, 3, 21)),
    ],
)
def test_a_moment_is_read_in_its_own_zone(at: str, zone: str, day: dt.date) -> None:
    assert day_of({"at": at, "zone": zone}) == day


def test_nothing_bites_before_it_is_made() -> None:
    made = {"made": {"at": "2021-03-21", "zone": TORONTO}}
    assert check_instants({**INSTANTS, **made})
    late = {"made": {"at": "2021-03-22", "zone": TORONTO}}
    assert check_instants({**INSTANTS, **late}).code == "instants.order"
    assert check_instants(on("2021-03-21", "Mars/Olympus")).code == "instants.zone"
    assert check_instants({**INSTANTS, "x-later": "anything"})


def test_a_ministry_speaks_for_its_own_jurisdiction() -> None:
    assert may_designate(body("designation/1"), "CA")
    assert may_designate(body("designation/1"), "US").code == "designation.jurisdiction"
    wrong = body("designation/1", regime="US-GLOMAG")
    assert may_designate(wrong, "CA").code == "designation.regime"
    assert (
        may_designate(body("designation/1", instants=on("2021-03-21", "X/Y")), "CA").code
        == "instants.zone"
    )


# Designations as they stand.


def test_a_designation_with_its_amendments_in_the_order_of_their_effect() -> None:
    first = listed()
    later = amended(first.id, "2023-06-01", list_reference="item 3")
    earlier = amended(
        first.id, "2022-06-01", list_reference="item 2", measures=["asset_freeze", "entry_ban"]
    )
    for order in itertools.permutations([later, earlier, earlier]):
        now = standing(first, order)
        assert now.body["list_reference"] == "item 3"
        assert now.body["measures"] == ["asset_freeze", "entry_ban"]
        assert now.amendments == (earlier.id, later.id)
        assert now.since == dt.date(2021, 3, 21)


def test_only_its_own_ministry_changes_a_designation() -> None:
    first = listed()
    foreign = [
        amended(first.id, "2022-01-01", issuer=US, regime="CA-OTHER"),
        delisted(first.id, "2022-01-01", US),
    ]
    elsewhere = [
        amended(digest("77"), "2022-01-01", regime="CA-OTHER"),
        delisted(digest("77"), "2022-01-01"),
    ]
    now = standing(first, [*foreign, *elsewhere])
    assert now.body["regime"] == "CA-SEMA"
    assert now.delisting is None
    assert may_change(now, CA)
    assert may_change(now, US).code == "designation.not-yours"
    assert may_change(None, CA).code == "designation.unknown"


def test_an_amendment_cannot_move_the_jurisdiction_or_the_date() -> None:
    first = listed()
    sly = amended(
        first.id,
        "2022-01-01",
        measures=["asset_freeze"],
        jurisdiction="US",
        instants=on("2000-01-01"),
    )
    now = standing(first, [sly])
    assert now.jurisdiction == "CA"
    assert now.since == dt.date(2021, 3, 21)


def test_a_delisting_ends_it_from_its_day_on() -> None:
    first = listed()
    now = standing(first, [delisted(first.id, "2024-05-01"), delisted(first.id, "2023-05-01")])
    assert now.delisting is not None
    assert now.delisting.on == dt.date(2023, 5, 1)
    assert now.stands(dt.date(2023, 4, 30))
    assert not now.stands(dt.date(2023, 5, 1))
    assert not now.stands(dt.date(2021, 3, 20))
    assert may_change(now, CA).code == "designation.delisted"


def test_what_a_designation_is_called_and_mirrors() -> None:
    now: Designation = standing(listed(), [])
    assert now.name == "ZHU Hailun"
    assert now.mirrored == (digest("d1"),)
    only = body("designation/1")
    only["subject"]["names"] = [{"text": "朱海仑", "script": "Hans"}]
    assert standing(listed(subject=only["subject"]), []).name == "朱海仑"
    with pytest.raises(Invalid):
        standing(delisted(digest("1"), "2021-01-01"), [])


def test_zones_are_known_where_the_system_has_none() -> None:
    """The bundled ``tzdata`` answers, so that every receiver reads a day alike."""
    asked = "from api.domain import designations as d; print(d._zone('America/Toronto'))"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONTZPATH": "", "PYTHONPATH": str(checkout.ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "America/Toronto"
