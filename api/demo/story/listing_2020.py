"""Washington tells its partners what it listed in July 2020."""

from api.demo import cast, facts
from api.demo.story import july_2020, listing
from api.demo.story.stage import Stage

TITLE = "July 2020: Washington lists eight"


def play(stage: Stage) -> None:
    """State the eight designations, on 9 and on 31 July."""
    listing.designate(stage, cast.US, facts.package(july_2020.DESCRIPTION)["subjects"])
