"""Washington's analyst builds the package on the eight subjects that the US listed in July 2020."""

from api.demo import cast
from api.demo.story import package_bodies
from api.demo.story.stage import Stage

TITLE = "Washington puts the case on paper"
PACKAGE = "july-2020"
DESCRIPTION = "package-2020-07"


def play(stage: Stage) -> None:
    """Store the exhibits, sign the manifest, submit: the package stays home."""
    package_bodies.submit_package(stage, stage.officer(cast.US, "analyst"), PACKAGE, DESCRIPTION)
