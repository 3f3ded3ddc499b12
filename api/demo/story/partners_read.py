"""London and Ottawa read what they were given, down to the last byte of an exhibit."""

import hashlib
from typing import Any

from api.demo import cast
from api.demo.cast import Ministry
from api.demo.door import ActFailedError
from api.demo.story import july_2020
from api.demo.story.narrator import short
from api.demo.story.stage import Stage, partners_of

TITLE = "The partners read it"


def play(stage: Stage) -> None:
    """Each partner's analyst reads the package and fetches its exhibits."""
    package = stage.book.packages[july_2020.PACKAGE]
    for partner in partners_of(cast.US):
        _read(stage, partner, package)


def _read(stage: Stage, partner: Ministry, package: str) -> None:
    analyst = stage.officer(partner, "analyst")
    found: dict[str, Any] = {}

    def complete() -> bool:
        found.update(analyst.get(f"read {short(package)}", f"/packages/{package}"))
        return all(exhibit["state"] == "held" for exhibit in found["exhibits"])

    stage.until(f"the exhibits of {short(package)} at {partner.id}", complete)
    for exhibit in found["exhibits"]:
        act = f"read the exhibit {exhibit['label']}"
        content = analyst.read_bytes(act, f"/exhibits/{exhibit['digest']}")
        if exhibit["digest"] != f"sha256:{hashlib.sha256(content).hexdigest()}":
            raise ActFailedError(act, "the bytes are not those that were signed")
    names = [subject["names"][0]["text"] for subject in found["body"]["subjects"]]
    stage.tell(
        analyst,
        f"reads {short(package)} from {found['originator']} with {len(found['exhibits'])} "
        f"exhibits, every digest as signed: {', '.join(names)}",
    )
