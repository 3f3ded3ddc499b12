"""U+0000 in any text an officer sends: refused alike on every database, before anything reads it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.door import Door, open_door
from tests.web.test_refusals import NOWHERE, refused

NUL = "a\0b"
OFFICER = "0" * 32
WHEN = {"starts": "2026-11-24T00:00:00.000Z", "ends": "2026-11-25T00:00:00.000Z"}
ACCOUNT = {"iss": "https://x", "sub": "y"}
REF = f"designation:{NOWHERE}"
JUDGED = {"one": REF, "other": f"{REF}#s1", "outcome": "same", "reason": "r"}
SAMPLE = {"name": "n", "rule": {"count": 1, "seed": "x"}}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened


BODIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sample": ("auditor", "audit/samples", {**SAMPLE, "name": NUL}),
    "seed": ("auditor", "audit/samples", {**SAMPLE, "rule": {"count": 1, "seed": NUL}}),
    "delegation": (
        "analyst",
        "delegations",
        {"delegate": OFFICER, "role": "analyst", **WHEN, "reason": NUL},
    ),
    "recusal": ("analyst", "recusals", {"object": NOWHERE, "reason": NUL}),
    "officer": ("admin", "officers", {"name": NUL, "identities": [ACCOUNT]}),
    "account": ("admin", "officers", {"name": "N", "identities": [{**ACCOUNT, "sub": NUL}]}),
    "grant": ("admin", "role-grants", {"officer": OFFICER, "role": "analyst", "sub": NUL}),
    "watch": ("analyst", "watches", {"ref": REF, "reason": NUL}),
    "entry": ("analyst", "watches", {"ref": f"list:uk:{NUL}", "reason": "r"}),
    "verdict": ("analyst", "verdicts", {**JUDGED, "reason": NUL}),
    "acquisition": (
        "reviewer",
        f"packages/{NOWHERE}/acquisitions",
        {"exhibit": NOWHERE, "source": NUL, "collector": "c", "collected": "2026"},
    ),
    "return": ("reviewer", f"packages/{NOWHERE}/return", {"reason": NUL}),
    "release": (
        "reviewer",
        f"packages/{NOWHERE}/release",
        {"recipient": "uk-fcdo", "marking": {}, "legal_basis": NUL},
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_in_a_body(door: Door, name: str) -> None:
    who, path, content = BODIES[name]
    refused(door.ask(who, "POST", f"/api/v1/{path}", json=content), 422, "text.nul")


@pytest.mark.parametrize(
    "path",
    [
        "subjects/page?ref=list:uk:a%00b",
        "subjects/entities?after=%00",
        "audit/events?object=a%00b",
        "lists?series=a%00b",
        "lists/diff?series=a%00b",
        "lists?a%00b=c",
    ],
)
def test_in_a_query(door: Door, path: str) -> None:
    refused(door.ask("analyst", "GET", f"/api/v1/{path}"), 422, "text.nul")


def test_in_a_path_there_is_nothing(door: Door) -> None:
    refused(door.ask("analyst", "GET", "/api/v1/packages/a%00b"), 404, "route.unknown")


def test_an_escape_that_is_not_one_is_text_like_other_text(door: Door) -> None:
    content = {**SAMPLE, "name": "C:\\u0000"}
    answer = door.ask("auditor", "POST", "/api/v1/audit/samples", json=content)
    assert "text.nul" not in answer.text
