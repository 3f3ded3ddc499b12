"""Coverage from statements alone: who followed Washington's eight, since when, with what lag."""

from typing import Any

from api.demo import cast, facts
from api.demo.door import ActFailedError, OfficerAtNode
from api.demo.story import july_2020
from api.demo.story.stage import Stage

TITLE = "What became of the eight"
BASE = "US:2020-07"
_LOOKS = (("CA", "2021-03-22"), ("CA", "2024-12-09"), ("UK", "2024-12-31"))


def play(stage: Stage) -> None:
    """Compare on days of interest, at every node: each has it from the statements it was sent."""
    eight = facts.package(july_2020.DESCRIPTION)["subjects"]
    for jurisdiction, day in _LOOKS:
        published = facts.listed_by(jurisdiction, day, eight)
        drawn = [
            _compare(stage.officer(one, "analyst"), jurisdiction, day) for one in cast.MINISTRIES
        ]
        for found in drawn:
            since = {one["name"]: one["since"] for one in found["subjects"]}
            if since != published or found["of"] != len(eight):
                raise ActFailedError("compare coverage", f"on {day} a node has {since}")
        names = ", ".join(
            f"{one['name']} ({one['since']}, {one['lag_days']} days)"
            for one in drawn[0]["subjects"]
        )
        stage.narrator.say(
            f"on {day} {jurisdiction} had {len(published)} of {len(eight)}, "
            f"says every node: {names}"
        )
    _board(stage)


def _board(stage: Stage) -> None:
    """Show every listed subject against the three jurisdictions, with days after the first."""
    found = stage.officer(cast.UK, "reviewer").get("draw the board", "/coverage/board")
    homes = found["jurisdictions"]
    stage.narrator.table(
        ["subject", *homes],
        [
            [item["name"], *(_cell(item["jurisdictions"][home]) for home in homes)]
            for item in found["subjects"]
        ],
    )


def _cell(listed: dict[str, Any] | None) -> str:
    return "-" if listed is None else f"{listed['since']} +{listed['lag_days']}"


def _compare(reader: OfficerAtNode, jurisdiction: str, day: str) -> dict[str, Any]:
    found: dict[str, Any] = reader.get(
        "compare coverage", "/coverage", base=BASE, jurisdiction=jurisdiction, as_of=day
    )
    return found
