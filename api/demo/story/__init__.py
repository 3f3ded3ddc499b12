"""The story, scene by scene.

    stage    what every scene is given: officers, narrator, and what earlier scenes made
    ACTS     the scenes by name, in the order in which they are played

A scene is a module with ``TITLE`` and ``play(stage)``; it acts only through officers at their
nodes' REST doors, as people do, and says what it did in one line per act.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from api.demo.story import (
    amendment_2023,
    closing_2021,
    coverage,
    december_2024,
    findings_2020,
    july_2020,
    law_2020,
    listing_2020,
    march_2021,
    not_the_same,
    partners_read,
    published_lists,
    recall,
    release,
    requests_2020,
    supplement,
)
from api.demo.story.stage import Stage


class Scene(Protocol):
    """What a scene's module offers."""

    TITLE: str

    def play(self, stage: Stage) -> None:
        """Play it to its end.

        Raises:
            ActFailedError: an act was refused or did not happen in time.
        """
        ...


ACTS: Final[Mapping[str, Scene]] = {
    "listing-2020": listing_2020,
    "july-2020": july_2020,
    "release": release,
    "partners-read": partners_read,
    "supplement": supplement,
    "law-2020": law_2020,
    "requests-2020": requests_2020,
    "findings-2020": findings_2020,
    "march-2021": march_2021,
    "not-the-same": not_the_same,
    "recall": recall,
    "closing-2021": closing_2021,
    "amendment-2023": amendment_2023,
    "december-2024": december_2024,
    "published-lists": published_lists,
    "coverage": coverage,
}


def play(stage: Stage, until: str) -> None:
    """Play the scenes in order, up to and with the named one."""
    for name, scene in ACTS.items():
        stage.narrator.scene(scene.TITLE)
        scene.play(stage)
        if name == until:
            return
