"""A package with a wrong date leaves, and every holder is told to stop using it."""

from api.demo import cast
from api.demo.story import package_bodies, releasing
from api.demo.story.narrator import short
from api.demo.story.stage import Stage, partners_of

TITLE = "A wrong date is recalled"
PACKAGE = "wrong-date"


def play(stage: Stage) -> None:
    """Release the faulty package, notice, recall, confirm, and show what each holder did."""
    partners = partners_of(cast.US)
    analyst, reviewer = stage.officer(cast.US, "analyst2"), stage.officer(cast.US, "reviewer")
    body, contents = package_bodies.compose("package-faulty")
    for entry, content in zip(body["exhibits"], contents, strict=True):
        analyst.upload(f"store the exhibit {entry['label']}", content)
    package = stage.submit(analyst, PACKAGE, body)
    releasing.release(stage, package, partners, (analyst, reviewer))
    releasing.delivered(stage, package, analyst, partners)
    _recall(stage, package)
    _dispositions(stage, package)


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
        rows = releasing.holders(owner, package)
        return {row["ministry"] for row in rows if row.get("recall_outcome") == "applied"} >= wanted

    stage.until(f"the recall of {short(package)} at every holder", look)
    for row in releasing.holders(owner, package):
        stage.narrator.say(
            f"{row['ministry']} stopped using {short(package)}: receipted "
            f"{row['recall_receipted_at']}, disposition {row['recall_outcome']} "
            f"{short(row['recall_disposition'])}"
        )
    for partner in partners_of(cast.US):
        analyst = stage.officer(partner, "analyst")
        found = analyst.get(f"read the recalled {short(package)}", f"/packages/{package}")
        stage.tell(analyst, f"sees {short(package)} marked as {found['state']}")
