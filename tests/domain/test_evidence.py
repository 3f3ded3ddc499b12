from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain.evidence import (
    Consent,
    HolderState,
    Holding,
    PackageState,
    Situation,
    consent_covers,
    holder_state,
    may_release,
    provably_held,
)
from tests.support.bodies import body, digest

DAYS = [f"2026-11-{day:02}T12:00:00.000Z" for day in range(1, 10)]
OPEN = Situation(PackageState.SUBMITTED, "us-treasury", {})


def test_one_release_per_recipient_unless_superseded() -> None:
    release = body("release/1")
    assert may_release(OPEN, release)
    held = Situation(PackageState.RELEASED, "us-treasury", {"uk-fcdo": digest("1")})
    assert may_release(held, release).code == "release.exists"
    assert may_release(held, body("release/1", supersedes_release=digest("1")))
    wrong = body("release/1", supersedes_release=digest("2"))
    assert may_release(held, wrong).code == "release.supersedes-other"
    assert may_release(OPEN, wrong).code == "release.supersedes-other"
    assert may_release(held, body("release/1", recipient="ca-gac"))


@pytest.mark.parametrize(
    "state", [PackageState.RETURNED, PackageState.SUPERSEDED, PackageState.RECALLED]
)
def test_what_is_not_current_is_not_released(state: PackageState) -> None:
    assert (
        may_release(Situation(state, "us-treasury", {}), body("release/1")).code
        == "package.not-releasable"
    )


def test_the_files_come_before_the_release() -> None:
    lacking = Situation(PackageState.SUBMITTED, "us-treasury", {}, missing_exhibits=1)
    assert may_release(lacking, body("release/1")).code == "package.exhibits-missing"


def onward(at: str = DAYS[0], holder: str = "uk-fcdo", **changes: Any) -> str:
    release = body("release/1", recipient="ca-gac", originator="us-treasury", consent=digest("c"))
    consent = Consent(
        "us-treasury", ("uk-fcdo",), body("onward-consent/1", until=DAYS[4], **changes)
    )
    return consent_covers(
        consent, originator="us-treasury", holder=holder, release=release, at=at
    ).code


def test_a_consent_is_for_one_package_one_recipient_one_holder_and_a_time() -> None:
    assert onward() == "ok"
    assert onward(at=DAYS[4]) == "ok"
    assert onward(at=DAYS[5]) == "onward.consent-expired"
    assert onward(package=digest("99")) == "onward.no-consent"
    assert onward(recipient="eu-eeas") == "onward.no-consent"
    assert onward(holder="ca-gac") == "onward.no-consent"
    release = body("release/1", recipient="ca-gac", originator="ca-gac", consent=digest("c"))
    given_ = Consent("us-treasury", ("uk-fcdo",), body("onward-consent/1"))
    facts: dict[str, Any] = {"holder": "uk-fcdo", "release": release, "at": DAYS[0]}
    assert not consent_covers(given_, originator="us-treasury", **facts)
    assert not consent_covers(None, originator="us-treasury", **facts)


def test_what_was_known_of_a_copy_on_each_day() -> None:
    holding = Holding(
        "uk-fcdo",
        released_at=DAYS[1],
        receipted_at=DAYS[2],
        disposed_at=DAYS[3],
        outcome="applied",
        recalled_at=DAYS[5],
        recall_receipted_at=DAYS[6],
        recall_disposed_at=DAYS[7],
        recall_outcome="applied",
    )
    assert [holder_state(holding, day) for day in DAYS] == [
        HolderState.NONE,
        HolderState.SENT,
        HolderState.RECEIPTED,
        HolderState.APPLIED,
        HolderState.APPLIED,
        HolderState.RECALL_SENT,
        HolderState.RECALL_RECEIPTED,
        HolderState.RECALLED,
        HolderState.RECALLED,
    ]
    assert [provably_held(holding, day) for day in DAYS] == [False] * 2 + [True] * 5 + [False] * 2


def test_a_release_without_receipt_and_a_refusal_prove_nothing() -> None:
    sent = Holding("uk-fcdo", released_at=DAYS[0])
    refused = Holding(
        "uk-fcdo", released_at=DAYS[0], receipted_at=DAYS[1], disposed_at=DAYS[2], outcome="refused"
    )
    assert not provably_held(sent, DAYS[8])
    assert provably_held(refused, DAYS[1])
    assert not provably_held(refused, DAYS[2])
    assert holder_state(refused, DAYS[8]) is HolderState.REFUSED
    assert holder_state(Holding("ca-gac", consented_at=DAYS[0]), DAYS[1]) is HolderState.CONSENTED


instants = st.none() | st.sampled_from(DAYS)


@given(
    holding=st.builds(
        Holding,
        st.just("uk-fcdo"),
        consented_at=instants,
        released_at=instants,
        receipted_at=instants,
        disposed_at=instants,
        outcome=st.sampled_from(["applied", "refused"]),
        recalled_at=instants,
        recall_receipted_at=instants,
        recall_disposed_at=instants,
        recall_outcome=st.sampled_from(["applied", "refused"]),
    )
)
def test_knowledge_only_grows(holding: Holding) -> None:
    order = list(HolderState)
    ranks = [order.index(holder_state(holding, day)) for day in DAYS]
    assert ranks == sorted(ranks)
