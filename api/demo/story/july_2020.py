"""Washington's analyst builds the package on the eight subjects that the US listed in July 2020."""

from api.demo import cast
from api.demo.story import package_bodies
from api.demo.story.stage import Stage

TITLE = "July 2020: Washington puts the case on paper"
PACKAGE = "july-2020"


def play(stage: Stage) -> None:
    """Store the exhibits, sign the manifest, submit: the package stays home."""
    analyst = stage.officer(cast.US, "analyst")
    body, contents = package_bodies.compose("package-2020-07")
    for entry, content in zip(body["exhibits"], contents, strict=True):
        analyst.upload(f"store the exhibit {entry['label']}", content)
    stage.tell(analyst, f"stores {len(contents)} exhibits, each named by its SHA-256")
    stage.submit(analyst, PACKAGE, body)
