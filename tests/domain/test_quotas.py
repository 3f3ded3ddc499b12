"""Allowances refill with time, each partner's apart; who waits as told gets on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain.errors import TooMany
from api.domain.quotas import Allowance, Quotas, Rate

WHAT = Allowance.MESSAGES


def made(amount: float = 10, seconds: float = 60) -> Quotas:
    return Quotas({WHAT: Rate(amount, seconds)})


def test_what_is_saved_up_may_be_used_at_once_and_no_more() -> None:
    quotas = made()
    for _ in range(10):
        quotas.take("uk-fcdo", WHAT, 0)
    with pytest.raises(TooMany) as refused:
        quotas.take("uk-fcdo", WHAT, 0)
    assert (refused.value.code, refused.value.retry_after) == ("peer.quota", 6)
    quotas.take("ca-gac", WHAT, 0)  # another's haste is its own
    quotas.take("uk-fcdo", WHAT, 6)


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 25)), max_size=60))
def test_the_rate_holds_and_whoever_waits_as_told_is_served(
    asked: list[tuple[float, float]],
) -> None:
    quotas, now, taken = made(), 0.0, 0.0
    for pause, amount in asked:
        now += pause
        try:
            quotas.take("uk-fcdo", WHAT, now, amount)
        except TooMany as refusal:
            now += refusal.retry_after
            quotas.take("uk-fcdo", WHAT, now, amount)
        taken += min(amount, 10)
    assert taken <= 10 + now * 10 / 60 + 1e-3


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    quotas = made()
    for _ in range(10):
        quotas.take("uk-fcdo", WHAT, 100)
    with pytest.raises(TooMany):
        quotas.take("uk-fcdo", WHAT, 50)
