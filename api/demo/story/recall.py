"""The wrong date is noticed: every holder is told to stop, and decisions on it are reviewed."""

from typing import Any

from api.demo import cast, facts
from api.demo.cast import Ministry
from api.demo.story import asking, july_2020, releasing, requests_2020, script, speaking, supplement
from api.demo.story.narrator import short
from api.demo.story.stage import Stage, partners_of

TITLE = "The wrong date is recalled, and reaches what rested on it"
_FOUND_ON_IT = "peng-jiarui"


def play(stage: Stage) -> None:
    """Recall, confirm, show what each holder did; then find again without the package."""
    package = stage.book.packages[supplement.PACKAGE]
    _recall(stage, package)
    _dispositions(stage, package)
    stage.together(
        lambda: _find_again(stage, requests_2020.TO_LONDON, cast.UK),
        lambda: _find_again(stage, requests_2020.TO_OTTAWA, cast.CA),
    )
    speaking.everyone_settled(stage)


def _recall(stage: Stage, package: str) -> None:
    first, second = stage.officer(cast.US, "reviewer"), stage.officer(cast.US, "reviewer2")
    draft = first.post(
        f"recall {short(package)}",
        f"/packages/{package}/recall",
        {
            "reason": "It dates the listing of the Corps 30 July 2020; it was 31 July 2020.",
            "instruction": "stop-use",
        },
    )
    stage.left(first.ministry, draft)
    stage.tell(first, f"recalls {short(package)} from {', '.join(draft['to'])} at once")
    second.post(f"confirm the recall of {short(package)}", f"/drafts/{draft['id']}/confirm")
    stage.tell(second, "confirms the recall as the second officer, within the 24 hours allowed")


def _dispositions(stage: Stage, package: str) -> None:
    owner = stage.officer(cast.US, "analyst2")
    wanted = {partner.id for partner in partners_of(cast.US)}

    def look() -> bool:
        rows = releasing.shown_holders(owner, package)
        return {
            item["ministry"] for item in rows if item.get("recall_outcome") == "applied"
        } >= wanted

    stage.until(f"the recall of {short(package)} at every holder", look)
    for item in releasing.shown_holders(owner, package):
        stage.narrator.say(
            f"{item['ministry']} stopped using {short(package)}: receipted "
            f"{item['recall_receipted_at']}, disposition {item['recall_outcome']} "
            f"{short(item['recall_disposition'])}"
        )
    for partner in partners_of(cast.US):
        analyst = stage.officer(partner, "analyst")
        found = analyst.get(f"read the recalled {short(package)}", f"/packages/{package}")
        stage.tell(analyst, f"sees {short(package)} marked as {found['state']}")


def _find_again(stage: Stage, name: str, partner: Ministry) -> None:
    """A review waits at each ministry that relied on it; finding again answers it."""
    reviewer = stage.officer(partner, "reviewer")
    waiting = reviews(stage, partner)
    stage.tell(
        reviewer,
        f"has {len(waiting)} review to make: a finding on "
        f"{facts.subject(_FOUND_ON_IT)['names'][0]['text']} rested on it",
    )
    words = script.again(_FOUND_ON_IT)
    thread = stage.book.threads[name]
    asking.find(stage, thread, _FOUND_ON_IT, words, (july_2020.PACKAGE,))
    stage.until(f"the end of the review at {partner.id}", lambda: not reviews(stage, partner))


def reviews(stage: Stage, ministry: Ministry) -> list[dict[str, Any]]:
    """Return the reviews that wait for a ministry's reviewer."""
    found = stage.officer(ministry, "reviewer").get("ask for the tasks", "/tasks")
    return [task for task in found["items"] if task["kind"] == "review"]
