"""What can be asked of the policies and what can stand in the log are exactly what happens."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from api.domain.events import Act
from api.ports.policy import Action

API = Path(__file__).resolve().parents[2] / "api"
OWNERS = {
    API / "domain" / "events.py",
    API / "ports" / "policy.py",
    API / "domain" / "approvals.py",
    # It names acts that a restored node may record; it performs none.
    API / "services" / "recording.py",
}
SOURCES = {
    path: path.read_text(encoding="utf-8") for path in API.rglob("*.py") if path not in OWNERS
}


def named(vocabulary: type[StrEnum], folder: str) -> set[str]:
    """The members that modules below a folder of the package name."""
    pattern = re.compile(rf"\b{vocabulary.__name__}\.([A-Z_]+)\b")
    root = API / folder
    return {
        name
        for path, text in SOURCES.items()
        if path.is_relative_to(root)
        for name in pattern.findall(text)
    }


def test_every_action_is_asked_by_a_use_case() -> None:
    assert {action.name for action in Action} - named(Action, "services") == set()


def test_every_act_is_recorded_by_a_use_case() -> None:
    assert {act.name for act in Act} - named(Act, "services") == set()


@pytest.mark.parametrize("vocabulary", [Act, Action])
def test_no_name_is_made_from_text(vocabulary: type[StrEnum]) -> None:
    made = re.compile(rf"\b{vocabulary.__name__}[(\[]")
    assert [str(path) for path, text in SOURCES.items() if made.search(text)] == []


def test_acts_are_named_object_past_participle() -> None:
    assert [act for act in Act if not re.fullmatch(r"[a-z-]+\.[a-z]+", act.value)] == []
