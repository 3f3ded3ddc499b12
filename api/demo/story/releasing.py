"""Releasing one package to several partners: a draft each, approved by a second person.

Owns the movement; which package and to whom is the scenes' own.
"""

from collections.abc import Sequence
from typing import Any

from api.demo.cast import Ministry
from api.demo.door import OfficerAtNode
from api.demo.story.narrator import short
from api.demo.story.stage import Stage
from api.wire.statements import Content

_RELEASE = "release/1"


def release(
    stage: Stage,
    package: str,
    recipients: Sequence[Ministry],
    by: tuple[OfficerAtNode, OfficerAtNode],
) -> None:
    """Release a package to each recipient.

    Args:
        stage: where it is played.
        package: its id.
        recipients: one release each.
        by: analyst and reviewer.
    """
    analyst, reviewer = by
    for recipient in recipients:
        what = f"the release of {short(package)} to {recipient.id}"
        content = _content(recipient)
        body = {**content, "package": package}
        proof = analyst.endorse(Content(_RELEASE, (recipient.id,), body))
        draft = analyst.post(
            f"draft {what}",
            f"/packages/{package}/release",
            {**content, "endorsement": proof},
        )
        stage.tell(analyst, f"drafts {what} under {content['marking']['tlp']}, signed")
        statement = stage.approve(reviewer, draft, what)
        stage.book.releases[package, recipient.id] = statement
        stage.tell(reviewer, f"approves {what} with an own signature; the ministry seals it")


def delivered(
    stage: Stage, package: str, owner: OfficerAtNode, recipients: Sequence[Ministry]
) -> None:
    """Wait until every recipient's node has receipted and applied the release, and say so."""
    wanted = {recipient.id for recipient in recipients}

    def look() -> bool:
        rows = shown_holders(owner, package)
        return {item["ministry"] for item in rows if item["state"] == "applied"} >= wanted

    stage.until(f"delivery of {short(package)}", look)
    for item in shown_holders(owner, package):
        if item["ministry"] in wanted:
            stage.narrator.say(
                f"{item['ministry']} holds {short(package)}: receipted {item['receipted_at']}, "
                f"disposition {item['state']} {short(item['disposition'])}"
            )


def shown_holders(owner: OfficerAtNode, package: str) -> list[dict[str, Any]]:
    """Return who holds a package and what each did with it."""
    found = owner.get(f"ask who holds {short(package)}", f"/packages/{package}/holders")
    items: list[dict[str, Any]] = found["items"]
    return items


def _content(recipient: Ministry) -> dict[str, Any]:
    return {
        "recipient": recipient.id,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [recipient.id],
            "originator_control": True,
            "permitted_use": [f"consideration of designation under the law of {recipient.place}"],
        },
        "legal_basis": "Public facts; a real release names the sender's power to disclose.",
    }
