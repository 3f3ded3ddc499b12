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
    """Recall and confirm; each holder's own answer; then find again without the package."""
    package = stage.book.packages[supplement.PACKAGE]
    _recall(stage, package)
    _dispositions(stage, package)
    _answers(stage, package)
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
    second.get(f"look at the recall of {short(package)}", f"/drafts/{draft['id']}/preview")
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
            f"the recall of {short(package)} stands at {item['ministry']}: receipted "
            f"{item['recall_receipted_at']}, disposition {item['recall_outcome']} "
            f"{short(item['recall_disposition'])}"
        )


def _answers(stage: Stage, package: str) -> None:
    """London answers over REST, Ottawa with the command line; Washington reads both."""
    stage.together(
        lambda: _answer_by_rest(stage, package, cast.UK),
        lambda: _answer_by_command(stage, package, cast.CA),
    )
    owner = stage.officer(cast.US, "analyst2")
    wanted = {partner.id for partner in partners_of(cast.US)}

    def look() -> bool:
        holders = releasing.shown_holders(owner, package)
        return {holder["ministry"] for holder in holders if holder.get("answer")} >= wanted

    stage.until(f"the holders' answers about {short(package)}", look)
    for holder in releasing.shown_holders(owner, package):
        stage.book.recall_answers.append(
            {"package": package, "ministry": holder["ministry"], "answer": holder["answer"]}
        )
        stage.tell(owner, f"reads the answer of {holder['ministry']}: {holder['answer']}")


def _answer_by_rest(stage: Stage, package: str, partner: Ministry) -> None:
    analyst = stage.officer(partner, "analyst")
    act = f"acknowledge the recall of {short(package)}"
    recall = analyst.post(act, f"/packages/{package}/acknowledge-recall")
    stage.tell(analyst, f"reads why {short(package)} was recalled: {recall['reason']}")
    speaking.say(
        stage,
        partner,
        speaking.Speech(
            "recall-answer/1",
            (cast.US,),
            {"recall": recall["statement"], "answer": "stopped"},
            f"answers the recall of {short(package)}: stopped",
        ),
    )


def _answer_by_command(stage: Stage, package: str, partner: Ministry) -> None:
    """Type what an officer types; a reviewer approves the digest that the preview printed."""
    analyst, reviewer = (f"{partner.prefix}-{role}" for role in ("analyst", "reviewer"))
    comity = stage.powers.comity
    comity(analyst, "package", "acknowledge-recall", package)
    draft = comity(analyst, "package", "answer-recall", package, "--answer", "stopped")
    seen = comity(reviewer, "draft", "preview", draft["id"])
    sealed = comity(reviewer, "draft", "approve", draft["id"], "--digest", seen["digest"])
    stage.left(partner.id, sealed)
    stage.tell(
        stage.officer(partner, "reviewer"),
        f"approves with `comity draft approve` the answer to the recall of {short(package)}",
    )


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
