"""August 2023: Canada amends its regulations, which reaches whoever mirrored what they list."""

from typing import Final

from api.demo import cast
from api.demo.cast import Ministry
from api.demo.story import listing, recall, speaking
from api.demo.story.stage import Stage

_KEPT: Final = {
    "outcome": "kept",
    "reason": "The amendment rewords Canada's grounds; ours rest on our own law.",
}
TITLE = "4 August 2023: Canada amends, and who mirrored it is told"


def play(stage: Stage) -> None:
    """State the amendment; Washington's and London's reviewers look at what mirrors Canada's."""
    listing.amend(stage, cast.CA)
    speaking.settled(stage, cast.CA, cast.US, cast.UK)
    stage.together(lambda: _review(stage, cast.US), lambda: _review(stage, cast.UK))


def _review(stage: Stage, partner: Ministry) -> None:
    """Close every review that the amendment opened: the decision stands, for a reason."""
    reviewer = stage.officer(partner, "reviewer")
    waiting = recall.reviews(stage, partner)
    for task in waiting:
        reviewer.post("close a review", f"/tasks/{task['id']}/close", _KEPT)
    stage.tell(
        reviewer,
        f"reviews {len(waiting)} decisions that mirror Canada's and keeps them: {_KEPT['reason']}",
    )
