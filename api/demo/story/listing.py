"""Designations from the facts: what a jurisdiction listed, with the instants that differ in law.

Owns the bodies of ``designation/1`` and ``designation-amendment/1``; each goes to both partners, so
that coverage can be drawn at every node from statements alone.
"""

from collections.abc import Sequence
from typing import Any

from api.demo import facts
from api.demo.cast import Ministry
from api.demo.story import speaking
from api.demo.story.speaking import Speech
from api.demo.story.stage import Stage, partners_of

_INSTANTS = ("registered", "in_force", "announced")


def designate(
    stage: Stage,
    ministry: Ministry,
    subjects: Sequence[str],
    mirroring: Sequence[Ministry] = (),
    proposal: str | None = None,
) -> None:
    """State that a ministry's jurisdiction listed these subjects.

    Args:
        stage: where it is played.
        ministry: whose designations.
        subjects: who.
        mirroring: ministries whose designations of the same subjects are mirrored, where there
            are any.
        proposal: id of the endorsed proposal that they follow.
    """
    for subject in subjects:
        body = _body(stage, ministry, subject, mirroring)
        if proposal is not None:
            body["proposal"] = proposal
        since = (body["instants"].get("registered") or body["instants"]["in_force"])["at"]
        name = body["subject"]["names"][0]["text"]
        speech = Speech(
            "designation/1",
            partners_of(ministry),
            body,
            f"states that {ministry.jurisdiction} listed {name} under {body['regime']} on {since}",
        )
        made = speaking.say(stage, ministry, speech)
        stage.book.designations[subject, ministry.id] = made


def amend(stage: Stage, ministry: Ministry) -> None:
    """State the story's one amendment for every designation of a ministry that it touches."""
    fact = facts.amendment(ministry.jurisdiction)
    for subject in fact["subjects"]:
        body = {
            "designation": stage.book.designations[subject, ministry.id],
            "changes": {"instrument": fact["instrument"], "grounds": fact["grounds"]},
            "instants": _instants(fact),
            "sources": fact["sources"],
        }
        name = facts.subject(subject)["names"][0]["text"]
        what = f"amends the designation of {name}: {fact['grounds'][0]}"
        partners = partners_of(ministry)
        speaking.say(stage, ministry, Speech("designation-amendment/1", partners, body, what))


def _body(
    stage: Stage, ministry: Ministry, subject: str, mirroring: Sequence[Ministry]
) -> dict[str, Any]:
    fact = facts.designation(subject, ministry.jurisdiction)
    body = {
        "subject": facts.subject(subject),
        "jurisdiction": ministry.jurisdiction,
        **{
            name: fact[name]
            for name in ("regime", "instrument", "grounds", "list_reference", "measures", "sources")
        },
        "instants": _instants(fact),
    }
    mirrors = [
        {"jurisdiction": one.jurisdiction, "designation": known}
        for one in mirroring
        if (known := stage.book.designations.get((subject, one.id))) is not None
    ]
    return {**body, "mirrors": mirrors} if mirrors else body


def _instants(fact: dict[str, Any]) -> dict[str, Any]:
    return {name: {"at": fact[name], "zone": fact["zone"]} for name in _INSTANTS if name in fact}
