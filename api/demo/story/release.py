"""The package goes to London and Ottawa: one analyst drafts, a reviewer decides, nodes deliver."""

from api.demo import cast
from api.demo.story import july_2020, releasing
from api.demo.story.stage import Stage, partners_of

TITLE = "The case is released to London and Ottawa"


def play(stage: Stage) -> None:
    """Release to both partners and wait until each node has taken it up."""
    analyst, reviewer = stage.officer(cast.US, "analyst"), stage.officer(cast.US, "reviewer")
    package, partners = stage.book.packages[july_2020.PACKAGE], partners_of(cast.US)
    releasing.release(stage, package, partners, (analyst, reviewer))
    releasing.delivered(stage, package, analyst, partners)
