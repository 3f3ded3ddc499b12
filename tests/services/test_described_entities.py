"""Subjects of statements as FollowTheMoney entities, for whoever may read them; on both databases."""

from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import Refused
from api.services.authorising import Caller
from api.services.desk.described_entities import described_page
from api.services.desk.recusing import Aside, recuse
from api.services.node import Node
from tests.support import exchange, foreign
from tests.support.entities import judged_entities
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation

TOLD = {
    **exchange.person("WANG Told"),
    "birth_dates": [{"value": "1962-03", "source": "Company register"}],
    "identifiers": [{"scheme": "passport", "value": "G7654321"}],
    "positions": [{"title": "Secretary", "from": "2018"}],
    "countries": ["CN"],
    "source": "A register of officials",
}
BODY = {"schema": "PublicBody", "names": [{"text": "A Bureau", "script": "Latn"}]}


def everything(node: Node, caller: Caller, limit: int = 2) -> dict[str, dict[str, Any]]:
    """All entities, asked for in small pages, by id."""
    found: dict[str, dict[str, Any]] = {}
    after = ""
    while True:
        page = described_page(node, caller, limit=limit, after=after)
        found |= {one["id"]: one for one in page.entities}
        if not page.more:
            return found
        assert page.more > after
        after = page.more


def test_each_statement_s_subject_is_an_entity(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    listed = exchange.designate(federation, US, "WANG Told", subject=TOLD, sources=["Notice 7"])
    package = exchange.package(federation, US, subjects=[{"key": "s1", **BODY}])
    exchange.request(federation, US, UK, {"s1": listed}, subjects=[{"key": "s1", **TOLD}])
    ended = exchange.designate(federation, CA, "LI Delisted", to=(US,))
    delisting = {
        "designation": ended,
        "instants": {"in_force": {"at": "2021-01-01", "zone": "Etc/UTC"}},
    }
    exchange.issue(federation, CA, "delisting/1", (US,), {**delisting, "reason": "Ended."})
    federation.settle()
    found = everything(us, analyst)
    of_listed = next(one for one in found if listed[7:20] in one and not one.endswith("sanction"))
    said = found[of_listed]["properties"]
    assert (said["name"], said["birthDate"]) == (["WANG Told"], ["1962-03"])
    assert (said["passportNumber"], said["position"]) == (["G7654321"], ["Secretary (2018/..)"])
    assert (said["nationality"], said["topics"]) == (["cn"], ["sanction"])
    assert said["notes"] == [
        f"Described by {US}: designation {listed}",
        "A register of officials",
        "Company register",
        "Notice 7",
    ]
    sanction = found[f"{of_listed}-sanction"]["properties"]
    assert (sanction["entity"], sanction["program"]) == ([of_listed], ["US-GLOMAG"])
    assert sanction["startDate"] == ["2020-07-09"]
    bodies = [one for one in found.values() if one["schema"] == "PublicBody"]
    assert [one["properties"]["name"] for one in bodies] == [["A Bureau"]]
    assert package in bodies[0]["properties"]["notes"][0]
    gone = [one for one in found.values() if one["properties"].get("name") == ["LI Delisted"]]
    assert len(gone) == 1
    assert "topics" not in gone[0]["properties"], "no longer listed"


@foreign.needs("ftm")
def test_the_package_takes_every_property(federation: Federation, tmp_path: Path) -> None:
    listed = exchange.designate(federation, US, "WANG Told", subject=TOLD, sources=["Notice 7"])
    exchange.package(federation, US, subjects=[{"key": "s1", **BODY}])
    exchange.request(federation, US, UK, {"s1": listed}, subjects=[{"key": "s1", **TOLD}])
    found = everything(federation[US], federation.officer(US, "analyst"))
    taken = judged_entities(tmp_path, found.values())
    assert {id_: one["properties"].keys() for id_, one in taken.items()} == {
        id_: one["properties"].keys() for id_, one in found.items()
    }


def test_what_an_officer_may_not_read_does_not_leave(federation: Federation) -> None:
    us = federation[US]
    listed = exchange.designate(federation, US, "WANG Told", subject=TOLD)
    exchange.designate(federation, US, "ZHOU Other")
    analyst2 = federation.officer(US, "analyst2")
    assert "G7654321" in str(everything(us, analyst2))
    recuse(us, analyst2, Aside("", listed, "A relative works there."))
    left = str(everything(us, federation.officer(US, "analyst2"), limit=1))
    assert "G7654321" not in left
    assert listed not in left
    assert "ZHOU Other" in left
    for name in ("auditor", "admin"):
        with pytest.raises(Refused):
            described_page(us, federation.officer(US, name), limit=10)


def test_the_next_page_names_nothing_hidden(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst2")
    packages = [exchange.package(federation, US) for _ in range(3)]
    for hidden in sorted(packages)[::2]:
        recuse(us, analyst, Aside("", hidden, "A relative."))
    page = described_page(us, analyst, limit=1)
    pages = [page]
    while page.more:
        page = described_page(us, analyst, limit=1, after=page.more)
        pages.append(page)
    told = str(pages)
    assert [one in told for one in sorted(packages)] == [False, True, False]
