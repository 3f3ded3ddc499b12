"""Mirror requests as forms: what a request and its amendment say, and back.

Owns the reading. Subjects are those of the designations that are to be mirrored, described as the
designations describe them; evidence is named by the releases that gave it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.services.desk.mirroring import SaidView, ThreadView
from api.web.console.case_fact_parts import facts_in
from api.web.console.forms import Form

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def end_of_day(text: str) -> str:
    """Return the last instant of a day in UTC; what is no day stays as it was typed."""
    return f"{text}T23:59:59.000Z" if _DAY.fullmatch(text) else text


def day_of(instant: str) -> str:
    """Return the day of an instant, as its field shows it."""
    return instant[:10] if _DAY.fullmatch(instant[:10]) else instant


def evidence_in(form: Form) -> list[dict[str, str]]:
    """Return the releases that were chosen, each with its package."""
    pairs = (one.partition(" ") for one in form.every("evidence"))
    return [{"release": release, "package": package} for release, _, package in pairs]


def request_in(form: Form, described: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the body of ``mirror-request/1``.

    Args:
        form: what was posted.
        described: the subject of each designation that was chosen, by its id.
    """
    keys = {id_: f"s{number}" for number, id_ in enumerate(described, 1)}
    subjects = [{**dict(facts), "key": keys[id_]} for id_, facts in described.items()]
    body: dict[str, Any] = {
        "title": form.one("title"),
        "subjects": subjects,
        "designations": {key: id_ for id_, key in keys.items()},
        "evidence": evidence_in(form),
        "authority": form.one("authority"),
        "permitted_use": form.lines("permitted_use"),
        "respond_by": end_of_day(form.one("respond_by")),
        "reasons": {"releasable": form.one("reasons_releasable")},
    }
    if form.one("regime"):
        body["regimes"] = dict.fromkeys(keys.values(), form.one("regime"))
    if form.one("release_at"):
        body["release_at"] = end_of_day(form.one("release_at"))
    if form.one("continues"):
        body["continues"] = form.one("continues")
    return body | facts_in(form, keys)


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form of a request shows of a body."""
    evidence: Sequence[Mapping[str, str]] = body.get("evidence", [])
    return {
        "title": body.get("title", ""),
        "designations": list(body.get("designations", {}).values()),
        "evidence": [f"{one['release']} {one['package']}" for one in evidence],
        "authority": body.get("authority", ""),
        "permitted_use": "\n".join(body.get("permitted_use", [])),
        "respond_by": day_of(body.get("respond_by", "")),
        "release_at": day_of(body.get("release_at", "")),
        "reasons": body.get("reasons", {}).get("releasable", ""),
        "regime": next(iter(body.get("regimes", {}).values()), ""),
        "continues": body.get("continues", ""),
    }


def standing_finding(view: ThreadView, subject: str) -> SaidView | None:
    """Return the finding that stands on a subject, as it was said; another one replaces it."""
    found = view.state.subjects.get(subject)
    if found is None or found.finding is None:
        return None
    wanted = found.finding.stamp.id
    return next((one for one in view.statements if one.id == wanted), None)
