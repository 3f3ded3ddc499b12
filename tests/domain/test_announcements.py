"""Days that a ministry gives for entries whose list has none."""

import copy
from typing import Any

import pytest

from api.adapters.policy.regimes import load_announcements
from api.domain.errors import Invalid
from api.domain.lists.announcements import by_entry, parse
from tests.support.federation import POLICIES

_GOOD: dict[str, Any] = {
    "series": "us-ofac-sdn",
    "about": "Invented.",
    "announcements": [{"day": "2020-07-09", "source": "A release.", "entries": ["1", "2"]}],
}


def changed(**members: Any) -> dict[str, Any]:
    found = copy.deepcopy(_GOOD)
    found["announcements"][0].update(members)
    return found


def test_what_is_shipped_is_read() -> None:
    known = by_entry(load_announcements(POLICIES))
    assert known["us-ofac-sdn", "29220"].day.isoformat() == "2020-07-09"
    assert all(one.source for one in known.values())


@pytest.mark.parametrize(
    "document",
    [
        [],
        {**_GOOD, "more": 1},
        {**_GOOD, "series": ""},
        {**_GOOD, "announcements": {}},
        changed(day="9 July 2020"),
        changed(day=None),
        changed(source=" "),
        changed(entries=[]),
        changed(entries=["1", "1"]),
        changed(entries=[1]),
        changed(note="x"),
    ],
)
def test_anything_else_is_refused(document: Any) -> None:
    with pytest.raises(Invalid, match="announcements"):
        parse(document)
