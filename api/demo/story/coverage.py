"""Coverage from statements alone: who followed Washington's eight, since when, with what lag."""

from typing import Any

from api.demo import cast
from api.demo.story.stage import Stage

TITLE = "What became of the eight"
BASE = "US:2020-07"
_LOOKS = (("CA", "2021-03-22"), ("CA", "2024-12-09"), ("UK", "2024-12-31"))


def play(stage: Stage) -> None:
    """Draw the comparison at one node for three days of interest."""
    analyst = stage.officer(cast.US, "analyst")
    for jurisdiction, day in _LOOKS:
        found = _compare(stage, jurisdiction, day)
        names = ", ".join(
            f"{one['name']} ({one['since']}, {one['lag_days']} days)" for one in found["subjects"]
        )
        stage.tell(
            analyst,
            f"on {day} {jurisdiction} had {found['listed']} of {found['of']}: {names or 'nobody'}",
        )
    _board(stage)


def _board(stage: Stage) -> None:
    """Show every listed subject against the three jurisdictions, with days after the first."""
    found = stage.officer(cast.UK, "reviewer").get("draw the board", "/coverage/board")
    homes = found["jurisdictions"]
    stage.narrator.table(
        ["subject", *homes],
        [
            [row["name"], *(_cell(row["jurisdictions"][home]) for home in homes)]
            for row in found["subjects"]
        ],
    )


def _cell(listed: dict[str, Any] | None) -> str:
    return "-" if listed is None else f"{listed['since']} +{listed['lag_days']}"


def _compare(stage: Stage, jurisdiction: str, day: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.officer(cast.US, "analyst").get(
        "compare coverage",
        "/coverage",
        base=BASE,
        jurisdiction=jurisdiction,
        as_of=day,
    )
    return found
