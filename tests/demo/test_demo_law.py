"""The law says the same on the demo's threads as the command says of the same public subjects."""

import json
from collections.abc import Iterator
from typing import Any

from tests.support.demo import Demo

ASKED = "xinjiang-2020"
THREADS = {"ca-gac": "ca-analyst", "uk-fcdo": "uk-analyst"}


def told(row: dict[str, Any], found: dict[str, Any]) -> tuple[Any, ...]:
    """What the command promises of a subject under a regime, and what it rests on."""
    citation = found["provision"]
    plain = citation if isinstance(citation, str) else citation["en"]
    return (
        row["regime"],
        found["status"],
        plain,
        tuple(found["instead"]),
        found["ground"],
        found["reason"],
        found["edition"],
        found["barred"],
    )


def by_subject(rows: Iterator[tuple[str, tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for subject, row in rows:
        found.setdefault(subject, []).append(row)
    return {subject: sorted(each) for subject, each in found.items()}


def commanded(demo: Demo, profile: str) -> list[dict[str, Any]]:
    done = demo.comity("--profile", profile, "regimes", "check", "--subjects", ASKED, "--json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_threads_say_of_the_eight_what_the_command_says(demo: Demo) -> None:
    """Each subject under each of the regimes: status, provision, what to try instead, and why."""
    for addressee, profile in THREADS.items():
        rows = commanded(demo, profile)
        expected = by_subject((row["list_reference"], told(row, row)) for row in rows)
        assert len(expected) == 8
        regimes = sorted({row["regime"] for row in rows})
        compared = 0
        for thread in demo.call(profile, "GET", "/mirror-requests").json()["items"]:
            seen = demo.call(profile, "GET", f"/mirror-requests/{thread['id']}").json()
            if (seen["requester"], seen["addressee"]) != ("us-treasury", addressee):
                continue
            references = {one["key"]: reference(one) for one in seen["subjects"]}
            asked = "&".join(f"regime={one}" for one in regimes)
            path = f"/mirror-requests/{thread['id']}/suggestions?{asked}"
            found = by_subject(
                (references[one["key"]], told(one, one["assessment"]))
                for one in demo.call(profile, "GET", path).json()["items"]
            )
            common = expected.keys() & found.keys()
            assert {one: found[one] for one in common} == {one: expected[one] for one in common}
            compared = max(compared, len(common))
        assert compared == 8


def reference(described: dict[str, Any]) -> str:
    """The uid of OFAC's list that a subject is described with."""
    return next(
        (one["value"] for one in described.get("identifiers", []) if one["scheme"] == "ofac-uid"),
        "",
    )
