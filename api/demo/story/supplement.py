"""A second package goes out; it has a wrong date that nobody sees yet."""

from api.demo import cast
from api.demo.story import package_bodies, releasing
from api.demo.story.stage import Stage, partners_of

TITLE = "A supplement with a wrong date follows"
PACKAGE = "wrong-date"


def play(stage: Stage) -> None:
    """Submit and release the faulty package to both partners."""
    analyst, reviewer = stage.officer(cast.US, "analyst2"), stage.officer(cast.US, "reviewer")
    package = package_bodies.submit_package(stage, analyst, PACKAGE, "package-faulty")
    partners = partners_of(cast.US)
    releasing.release(stage, package, partners, (analyst, reviewer))
    releasing.delivered(stage, package, analyst, partners)
