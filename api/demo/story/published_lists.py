"""Published lists: brought into every node; who of a US programme others list, and who is open."""

from functools import partial
from typing import Any

from api.demo import cast, facts
from api.demo.cast import Ministry
from api.demo.door import ActFailedError
from api.demo.story.stage import Stage

TITLE = "What the published lists say"
PROGRAMME = "GLOMAG"
MEASURED = ("CA", "EU", "UK")
_EXTRACTS = ("ofac-sdn-2024-05-07.xml", "eu-fsf-2024-05-13.xml")
_NO_DAY = "day not known"
_WHOLE = ("SOR-2021-49-2025-07-31.xml",)


def play(stage: Stage) -> None:
    """Bring the lists in at each ministry, then measure three jurisdictions at Washington's."""
    stage.together(*(partial(_bring_all, stage, one) for one in cast.MINISTRIES))
    found = {home: _measure(stage, home) for home in MEASURED}
    _require_as_published(found["CA"])
    for home, one in found.items():
        counts = one["counts"]
        told = f"{counts['listed']} of {counts['subjects']}" if one["known"] else "not known"
        lists = ", ".join(f"{each['list']} of {each['as_of']}" for each in one["lists"])
        stage.narrator.say(f"{PROGRAMME} on the lists of {home} ({lists or 'none held'}): {told}")
    stage.narrator.table(["subject", "US", *MEASURED], _rows(found))
    _tell_links(stage, found["CA"])
    _watch(stage)


def _bring_all(stage: Stage, ministry: Ministry) -> None:
    analyst = stage.officer(ministry, "analyst")
    made = []
    for name in (*_EXTRACTS, *_WHOLE):
        terms = {"partial": "true"} if name in _EXTRACTS else {}
        data = facts.published_list(name)
        made.append(analyst.bring(f"import {name}", "/lists", data, name=name, **terms)["edition"])
    told = ", ".join(f"{one['series']} of {one['as_of']} ({one['count']} entries)" for one in made)
    stage.tell(analyst, f"imports {told}")


def _measure(stage: Stage, jurisdiction: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.officer(cast.US, "analyst").get(
        f"measure {jurisdiction}",
        "/coverage/programme",
        programme=PROGRAMME,
        jurisdiction=jurisdiction,
    )
    return found


def _require_as_published(found: dict[str, Any]) -> None:
    """Hold what the lists come to against the designations that the story's sources tell."""
    told = {
        one["list_id"]: one["matches"][0]["since"] if one["matches"] else None
        for one in found["subjects"]
    }
    for reference, since in facts.followed("US", found["jurisdiction"]).items():
        if told.get(reference, "") != since:
            raise ActFailedError("measure coverage", f"{reference} has {told.get(reference)}")


def _tell_links(stage: Stage, found: dict[str, Any]) -> None:
    """Tell whose body is uncovered although whom it hangs on is listed, and what the law says."""
    for one in found["subjects"]:
        for other in one["network"]:
            if other["uncovered"] == "body":
                stage.narrator.say(
                    f"{found['jurisdiction']} lists {other['name']}, and not {one['name']}, which "
                    f"hangs on that name ({other['kind']})"
                )
    for test in found["ownership"]:
        stage.narrator.say(f"{test['regime']} on what they own: {test['text']} [{test['basis']}]")


def _watch(stage: Stage) -> None:
    """Let Ottawa watch the programme: its node raises one task with the names of the uncovered."""
    analyst = stage.officer(cast.CA, "analyst")
    watched = {"ref": f"programme:us-ofac-sdn:{PROGRAMME}", "reason": "Whom Canada may follow."}
    analyst.post("watch the programme", "/watches", watched)
    tasks: list[dict[str, Any]] = []

    def raised() -> bool:
        found = analyst.get("look at the tasks", "/tasks", scope="mine", limit=200)["items"]
        tasks[:] = [one for one in found if one["key"] == "uncovered"]
        return bool(tasks)

    stage.until("the task about whom no list here has", raised)
    for one in tasks:
        stage.tell(analyst, f"has a task, {one['why']} {', '.join(one['names'])}")


def _rows(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Return a line for each subject: since when it is listed, and days after the first list."""
    first, *_ = found.values()
    matched = {
        home: {one["list_id"]: one["matches"] for one in answer["subjects"]}
        for home, answer in found.items()
        if answer["known"]
    }
    return [
        [
            one["name"],
            one["since"] or _NO_DAY,
            *(
                _followed_cell(matched[home][one["list_id"]]) if home in matched else "not known"
                for home in found
            ),
        ]
        for one in first["subjects"]
    ]


def _followed_cell(matches: list[dict[str, Any]]) -> str:
    if not matches:
        return "-"
    best = matches[0]
    lag = "" if best["lag_days"] is None else f" {best['lag_days']:+d}"
    return f"{best['since'] or _NO_DAY}{lag}"
