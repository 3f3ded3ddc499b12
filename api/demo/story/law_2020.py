"""What the law allows, asked before anybody asks a partner: the Act of the letter lists no body."""

import datetime as dt
from typing import Any

from api.demo import cast, facts
from api.demo.cast import Ministry
from api.demo.door import ActFailedError
from api.demo.story.stage import Stage

TITLE = "August 2020: the law first, before anybody asks"
LETTER = "2020-08-18"
_CASE = "xinjiang-2020"
_ASKED_UNDER = "CA-JVCFOA"
_BODIES = ("xpsb", "xpcc")
_MIRRORED_FIRST = "zhu-hailun"


def play(stage: Stage) -> None:
    """Ottawa's analyst asks the recorded law about the eight, as ``comity regimes check`` does."""
    found = stage.powers.comity("ca-analyst", "regimes", "check", "--subjects", _CASE)
    barred = _under(found, barred=True)
    if tuple(one["subject"] for one in barred) != _BODIES:
        raise ActFailedError("ask the law", f"{_ASKED_UNDER} bars {barred}")
    analyst = stage.officer(cast.CA, "analyst")
    stage.narrator.say(
        f"the letter of {LETTER} names one Act of Canada for all eight; Ottawa asks the law at once"
    )
    for one in barred:
        stage.tell(
            analyst,
            f"reads on {one['name']}: {one['reason']} ({one['provision']}; edition "
            f"{one['edition']}). Instead: {_instead(found, one)}",
        )
    _tell_open(stage, _under(found, barred=False))
    stage.narrator.say(
        f"{_days_lost(cast.CA)} days passed from the letter to the first mirrored listing in Canada"
    )


def _under(found: list[dict[str, Any]], *, barred: bool) -> list[dict[str, Any]]:
    return [one for one in found if one["regime"] == _ASKED_UNDER and one["barred"] is barred]


def _instead(found: list[dict[str, Any]], barred: dict[str, Any]) -> str:
    """Return what is to be tried instead, with what the law says of it."""
    words = []
    for regime in barred["instead"]:
        other = next(
            one for one in found if (one["subject"], one["regime"]) == (barred["subject"], regime)
        )
        words.append(f"{regime}, {other['status']} by {other['provision']}")
    return "; ".join(words)


def _tell_open(stage: Stage, rest: list[dict[str, Any]]) -> None:
    """Tell once what stays open on those whom the Act does not bar."""
    by_reason: dict[str, list[str]] = {}
    for one in rest:
        by_reason.setdefault(f"{one['status']}: {one['reason']}", []).append(one["name"])
    for reason, names in by_reason.items():
        stage.tell(stage.officer(cast.CA, "analyst"), f"reads on {', '.join(names)}: {reason}")


def _days_lost(ministry: Ministry) -> int:
    """Return the days from the letter to the first of the eight that a jurisdiction announced."""
    listed = facts.designation(_MIRRORED_FIRST, ministry.jurisdiction)
    return (dt.date.fromisoformat(listed["announced"]) - dt.date.fromisoformat(LETTER)).days
