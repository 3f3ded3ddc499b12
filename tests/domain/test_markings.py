from typing import Any

import pytest
from hypothesis import strategies as st

from api.domain.markings import TLP_ORDER, Marking, level, may_pass_on, may_release, within

HOME = {"us-treasury": "US", "uk-fcdo": "UK", "ca-gac": "CA", "ca-finance": "CA"}


def marking(tlp: str = "AMBER", *listed: str, control: bool = False) -> dict[str, Any]:
    return {
        "tlp": tlp,
        "releasable_to": list(listed),
        "originator_control": control,
        "permitted_use": ["consideration"],
    }


markings = st.builds(
    lambda tlp, listed, control, uses: {
        "tlp": tlp,
        "releasable_to": listed,
        "originator_control": control,
        "permitted_use": uses,
    },
    st.sampled_from([*TLP_ORDER, "PURPLE"]),
    st.lists(st.sampled_from([*HOME, "US", "UK", "CA"]), max_size=4, unique=True),
    st.booleans(),
    st.lists(st.sampled_from(["listing", "trial", "training"]), max_size=3, unique=True),
)


@pytest.mark.parametrize(
    ("mark", "recipient", "allowed"),
    [
        (marking("RED", "uk-fcdo"), "uk-fcdo", True),
        (marking("RED", "UK"), "uk-fcdo", True),
        (marking("RED", "UK"), "ca-gac", False),
        (marking("CLEAR", "UK"), "ca-gac", False),
        (marking("CLEAR"), "ca-gac", True),
        (marking("GREEN"), "ca-gac", True),
        (marking("AMBER"), "ca-gac", False),
        (marking("AMBER+STRICT"), "ca-gac", False),
        (marking("RED"), "ca-gac", False),
        (marking("PURPLE"), "ca-gac", False),
        ({}, "ca-gac", False),
    ],
)
def test_who_may_be_given_it(mark: dict[str, Any], recipient: str, allowed: bool) -> None:
    decision = may_release(mark, recipient=recipient, jurisdiction=HOME[recipient])
    assert decision.allowed is allowed
    assert decision.code == ("ok" if allowed else "marking.not-releasable")


def test_an_unknown_label_is_the_highest() -> None:
    assert [level(tlp) for tlp in TLP_ORDER] == [0, 1, 2, 3, 4]
    assert level("PURPLE") == level("RED")
    assert Marking.of({"tlp": "PURPLE"}).tlp == "RED"
    assert Marking.of({}).originator_control


def test_passing_on_under_originator_control_needs_consent() -> None:
    held = marking("AMBER", "UK", "CA", control=True)
    proposed = marking("AMBER", "ca-gac", control=True)
    without = may_pass_on(held, proposed, consent=None, recipient="ca-gac", jurisdictions=HOME)
    assert without.code == "marking.originator-control"
    given_ = marking("AMBER", "CA", control=True)
    assert may_pass_on(held, proposed, consent=given_, recipient="ca-gac", jurisdictions=HOME)
    elsewhere = may_pass_on(
        held, proposed, consent=marking("AMBER", "UK"), recipient="ca-gac", jurisdictions=HOME
    )
    assert elsewhere.code == "marking.not-releasable"
    free = marking("GREEN")
    assert may_pass_on(free, free, consent=None, recipient="ca-gac", jurisdictions=HOME)


@pytest.mark.parametrize(
    ("proposed", "fits"),
    [
        (marking("AMBER", "ca-gac", control=True), True),
        (marking("AMBER", "CA", control=True), True),
        (marking("RED", "CA", control=True), True),
        (marking("RED", control=True), True),
        (marking("GREEN", "CA", control=True), False),
        (marking("AMBER", "CA"), False),
        (marking("AMBER", "CA", "UK", control=True), False),
        (marking("GREEN", control=True), False),
        ({**marking("AMBER", "CA", control=True), "permitted_use": ["anything"]}, False),
    ],
)
def test_nobody_widens_a_marking(proposed: dict[str, Any], fits: bool) -> None:
    bounds = marking("AMBER", "CA", control=True)
    assert within(proposed, bounds, HOME).allowed is fits
