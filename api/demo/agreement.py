"""Both ends of every mirror request compared: the same state digest, the findings as told.

Owns that part of the reckoning. What each end says is read from its own node by its own officer.
"""

from typing import Any

from api.demo import cast
from api.demo.story.book import Asked
from api.demo.story.stage import Stage

_PAGE = 200


def threads(stage: Stage) -> list[dict[str, Any]]:
    """Return every mirror request that any node knows, with what each party computes of it.

    Returns:
        One entry per thread, the oldest first: ``id``, ``requester``, ``addressee``, ``phase``,
        ``findings`` by subject key as the addressee has them, ``state_at`` by ministry.
    """
    found: dict[str, dict[str, Any]] = {}
    for ministry in cast.MINISTRIES:
        reader = stage.officer(ministry, "analyst")
        listed = reader.get("list the mirror requests", "/mirror-requests", limit=_PAGE)["items"]
        for item in reversed(listed):
            entry = found.setdefault(item["id"], _thread_entry(item))
            entry["state_at"][ministry.id] = item["state_digest"]
            if ministry.id == item["addressee"]:
                entry["findings"] = {
                    one["key"]: one["finding"] for one in item["subjects"] if "finding" in one
                }
    return list(found.values())


def faults(found: list[dict[str, Any]], told: dict[str, Asked]) -> list[str]:
    """Return a sentence for each thread whose ends differ, or that is not as the story has it.

    A thread that somebody began at a console is none of the story's; its ends must agree too.
    """
    sentences = []
    known = {entry["id"]: entry for entry in found}
    for entry in found:
        states = entry["state_at"]
        if set(states) != {entry["requester"], entry["addressee"]} or len({*states.values()}) != 1:
            sentences.append(f"the ends of thread {entry['id']} differ: {states}")
    for thread in told.values():
        entry = known.get(thread.id, {})
        if entry.get("findings") != thread.findings:
            sentences.append(f"the findings of {thread.name} are not as told: {entry}")
    return sentences


def _thread_entry(item: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "requester", "addressee", "phase")
    return {**{name: item[name] for name in names}, "findings": {}, "state_at": {}}
