"""Mirror threads between real nodes: every kind of answer, and the same state at both ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.domain.thread_facts import Phase
from tests.support.exchange import (
    UK,
    US,
    agreed,
    designate,
    find,
    request,
    say,
)
from tests.support.federation import Federation


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path)
    yield made
    made.close()


def two_asked(federation: Federation) -> tuple[str, list[str]]:
    """Two US designations and a request for both to the UK, delivered."""
    listed = [designate(federation, US, f"Person {number}") for number in (1, 2)]
    thread = request(federation, US, UK, {"s1": listed[0], "s2": listed[1]})
    federation.settle()
    return thread, listed


def test_partial_findings_an_effect_and_a_closure(federation: Federation) -> None:
    thread, listed = two_asked(federation)
    find(federation, UK, thread, "s1")
    mid = agreed(federation, thread)
    assert [one.key for one in mid.undecided()] == ["s2"]
    find(federation, UK, thread, "s2", "decline")
    followed = designate(
        federation,
        UK,
        "Person 1",
        day="2021-03-22",
        mirrors=[{"jurisdiction": "US", "designation": listed[0]}],
    )
    say(federation, UK, thread, "effect", subject="s1", designation=followed)
    say(federation, UK, thread, "closure", reason="Both are decided.")
    end = agreed(federation, thread)
    assert end.phase is Phase.CLOSED
    assert end.subjects["s1"].effects[0].designation == followed
    assert end.subjects["s2"].finding is not None
    assert end.inert == ()
