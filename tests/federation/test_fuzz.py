"""Five seconds of valid messages with something changed in them; ``make fuzz`` goes on for longer."""

import random
from pathlib import Path
from typing import Any

import pytest

from api.services.road import receiving
from tests.fuzz.__main__ import run
from tests.fuzz.attacking import Finding
from tests.fuzz.mutating import mutated, places

SEED = 7


def test_a_changed_message_is_refused_or_decided_and_changes_nothing_else(tmp_path: Path) -> None:
    """A failure says the seed and the place that was changed."""
    assert run(tmp_path, seconds=5, seed=SEED).outcomes.total() > 0


def test_what_fails_at_the_door_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(receiving, "authenticate", fail)
    with pytest.raises(Finding, match=f"seed {SEED}: .*KeyError"):
        run(tmp_path, seconds=60, seed=SEED)


def test_a_change_is_a_change_somewhere() -> None:
    value = {"a": [1, {"b": "x"}], "c": None}
    rng = random.Random(SEED)
    assert list(places(value)) == [("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("c",)]
    found = [mutated(rng, value) for _ in range(200)]
    assert value == {"a": [1, {"b": "x"}], "c": None}
    assert {path for _, where in found for path in where} >= set(places(value))
    assert sum(changed != value for changed, _ in found) > 150
