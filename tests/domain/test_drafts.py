import pytest

from api.domain.drafts import (
    DraftAct,
    DraftState,
    require_open,
    require_reason,
    require_seen,
    require_unconfirmed,
)
from api.domain.errors import Conflict, Invalid, Stale

DUE = "2026-11-24T12:00:00.000Z"
OPEN = {
    DraftState.DRAFTED: set(DraftAct) - {DraftAct.CONFIRM},
    DraftState.RETURNED: {DraftAct.REPLACE, DraftAct.DISCARD},
    DraftState.SEALED: {DraftAct.CONFIRM},
    DraftState.DISCARDED: set(),
}


@pytest.mark.parametrize("state", DraftState)
@pytest.mark.parametrize("act", DraftAct)
def test_a_draft_lives_as_drawn(state: DraftState, act: DraftAct) -> None:
    if act in OPEN[state]:
        require_open(state, act)
        return
    with pytest.raises(Conflict) as refusal:
        require_open(state, act)
    assert refusal.value.code == f"draft.{state.value}"


def test_an_approval_binds_the_version_that_was_seen() -> None:
    require_seen("sha256:aa", "sha256:aa")
    with pytest.raises(Stale) as refusal:
        require_seen("sha256:aa", "sha256:ab")
    assert refusal.value.code == "draft.stale"


def test_the_second_look_is_taken_once_and_only_where_it_is_asked_for() -> None:
    require_unconfirmed(DUE, None)
    with pytest.raises(Conflict) as unasked:
        require_unconfirmed(None, None)
    assert unasked.value.code == "draft.not-awaiting-confirmation"
    with pytest.raises(Conflict) as again:
        require_unconfirmed(DUE, "rae")
    assert again.value.code == "draft.confirmed"


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_nothing_goes_back_without_a_reason(reason: str) -> None:
    require_reason("Which post?")
    with pytest.raises(Invalid):
        require_reason(reason)
