"""Statements by two officers: one prepares and signs, another approves and signs.

Owns that movement for every type but evidence packages, and the wait until a partner has decided on
what was sent. What is said is the scenes' own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from api.demo import cast
from api.demo.cast import Ministry
from api.demo.story.stage import Stage
from api.wire.statements import Content

_SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class Speech:
    """What is to be said.

    Attributes:
        type: statement type, such as ``mirror-finding/1``.
        to: recipients.
        body: its body.
        what: for the narrator, after the officer's name.
        thread: id of the thread it belongs to, if any.
        prepared_by: account that prepares.
        approved_by: account that approves.
    """

    type: str
    to: Sequence[Ministry]
    body: Mapping[str, Any]
    what: str
    thread: str | None = None
    prepared_by: str = "analyst"
    approved_by: str = "reviewer"


def say(stage: Stage, ministry: Ministry, speech: Speech) -> str:
    """Say something in a ministry's name; returns the statement's id.

    Types that need no approval leave as soon as they are drafted.
    """
    author = stage.officer(ministry, speech.prepared_by)
    to = [one.id for one in speech.to]
    content = Content(speech.type, tuple(to), dict(speech.body), speech.thread)
    draft = author.post(
        f"draft: {speech.what}",
        "/drafts",
        {**content.to_json(), "to": to, "endorsement": author.endorse(content)},
    )
    if draft["state"] == _SEALED:
        stage.left(ministry.id, draft)
        stage.tell(author, speech.what)
        return str(draft["statement"])
    statement = stage.approve(stage.officer(ministry, speech.approved_by), draft, speech.what)
    stage.tell(author, f"{speech.what}; {speech.approved_by} approves")
    return statement


def settled(stage: Stage, sender: Ministry, *recipients: Ministry) -> None:
    """Wait until recipients have decided on everything that a ministry sent them so far."""
    for recipient in recipients:
        told = stage.book.told(sender.id, recipient.id)
        stage.until(
            f"delivery from {sender.id} to {recipient.id}",
            partial(_has_decided, stage, sender, recipient, told),
        )


def _has_decided(stage: Stage, sender: Ministry, recipient: Ministry, told: int) -> bool:
    """Say whether a recipient has decided on this many of a sender's statements."""
    auditor = stage.officer(sender, "auditor")
    for peer in auditor.get("ask for the streams", "/peers")["items"]:
        if peer["ministry"] == recipient.id:
            counts = peer["stream"]
            return int(counts["applied"]) + int(counts["refused"]) >= told
    return False


def everyone_settled(stage: Stage) -> None:
    """Wait until every delivery of the story so far has been decided."""
    for sender in cast.MINISTRIES:
        settled(stage, sender, *(one for one in cast.MINISTRIES if one != sender))
