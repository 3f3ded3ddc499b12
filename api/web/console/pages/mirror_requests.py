"""Mirror requests: both directions, and the page of one request with everything that bears on it.

Owns what the request page gathers: who asks what by when under which authority, each subject by its
names, evidence in reach, questions and answers, findings beside what was asked, what the law says,
the timeline, and whether both ends agree.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.domain.errors import ComityError
from api.domain.threads.facts import Phase
from api.domain.threads.state import in_order
from api.ports.policy import Action
from api.records.threads import ThreadComparison, Wanted
from api.services.desk import evidence, mirroring, object_words, package_lines, suggesting
from api.services.desk.mirroring import ThreadView
from api.web.console import listing, reading
from api.web.console.page import DESK, Answer, Page, View, Visit
from api.web.console.words import mark

_PHASES: Final = ("open", "closed", "withdrawn", "void")
_WAYS: Final = ("to-us", "from-us")


def index(visit: Visit) -> Answer:
    """List requests, newest first."""
    phase, way = visit.query.get("phase", ""), visit.query.get("way", "")
    home = visit.node.ministry
    wanted = Wanted(
        phase if phase in _PHASES else None,
        home if way == "from-us" else None,
        home if way == "to-us" else None,
    )
    page = listing.page_of(
        visit,
        f"threads:{wanted.phase}:{wanted.requester}:{wanted.addressee}",
        lambda limit, before: mirroring.threads_page(
            visit.node, visit.caller, wanted, limit=limit, before=before
        ),
        lambda one: (one.opened_at, one.id),
    )
    members = {
        "page": page,
        "phase": phase,
        "phases": _PHASES,
        "way": way,
        "query": visit.query,
        "home_ministry": home,
        "now": visit.node.now(),
        "makes": "analyst" in visit.caller.roles,
    }
    return View("mirror_requests.html", members)


def show(visit: Visit) -> Answer:
    """Show one request with everything that bears on it."""
    id_ = reading.full(visit.parts["thread"])
    view = mirroring.read(visit.node, visit.caller, id_)
    found = view
    said = [_said(one) for one in view.statements]
    opener = next((one for one in said if one["type"].startswith("mirror-request/")), None)
    members = {
        "row": found,
        "state": view.state,
        "ours": found.requester == visit.node.ministry,
        "other": found.addressee if found.requester == visit.node.ministry else found.requester,
        "opener": opener,
        "subjects": _subjects(visit, view, said),
        "questions": _questions(view, said),
        "evidence": _evidence(visit, view),
        "timeline": sorted(said, key=lambda one: (one["at"], one["seq"])),
        "comparison": view.comparison if isinstance(view.comparison, ThreadComparison) else None,
        "continued_by": view.continued_by,
        "parked": list(view.parked),
        "drafts": reading.drafts_about(visit, id_),
        "moves": _moves(visit, view),
        "silent": _silent(visit, view),
        "titles": _titles(visit, view),
        "now": visit.node.now(),
        "people": object_words.colleagues(visit.node),
        "names": {key: _first_name(one) for key, one in view.described.items()},
    }
    return View("mirror_request.html", members)


def _said(one: Any) -> dict[str, Any]:
    statement, by = one, one.by
    return {
        "id": statement.id,
        "type": statement.type,
        "issuer": statement.issuer,
        "seq": statement.seq or 0,
        "at": statement.issued_at,
        "body": statement.body,
        "prepared": by.prepared if by is not None else None,
        "approved": by.approved if by is not None else None,
        "void": one.void,
        "code": one.without_effect,
    }


def _first_name(subject: Mapping[str, Any]) -> str:
    return next(iter(reading.subject_names(subject)), str(subject.get("key", "")))


def _subjects(visit: Visit, view: ThreadView, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each subject with what was asked, what was found, and what the law says."""
    bodies = {one["id"]: one for one in said}
    law = _law(visit, view)
    found = []
    for key in in_order(view.state.subjects):
        state = view.state.subjects[key]
        finding = state.finding
        found.append(
            {
                "key": key,
                "name": _first_name(view.described.get(key, {"key": key})),
                "described": view.described.get(key, {}),
                "state": state,
                "finding": finding,
                "withdrawn": bodies.get(state.withdrawn.id) if state.withdrawn else None,
                "reasons": _reasons(bodies.get(finding.stamp.id)) if finding is not None else "",
                "by": bodies.get(finding.stamp.id) if finding is not None else None,
                "law": law.get(key, []),
                "may_find": _may_find(visit, view, key),
            }
        )
    return found


def _reasons(said: Mapping[str, Any] | None) -> str:
    reasons = said["body"].get("reasons") if said is not None else None
    return str(reasons.get("releasable", "")) if isinstance(reasons, Mapping) else ""


def _law(visit: Visit, view: ThreadView) -> dict[str, list[Any]]:
    """Return what to weigh for each subject; nothing where the use case has nothing to say."""
    try:
        suggested = suggesting.suggestions(visit.node, visit.caller, view.state.id)
    except ComityError:
        return {}
    found: dict[str, list[Any]] = {}
    for one in suggested:
        found.setdefault(one.key, []).append(one)
    return found


def _questions(view: ThreadView, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    bodies = {one["id"]: one for one in said}
    found = []
    for key in in_order(view.state.questions):
        question = view.state.questions[key]
        found.append(
            {
                "key": key,
                "asked": bodies.get(question.stamp.id),
                "answers": [bodies[one.id] for one in question.answers if one.id in bodies],
                "subjects": question.subjects,
            }
        )
    return found


def _evidence(visit: Visit, view: ThreadView) -> list[dict[str, Any]]:
    """Return the packages that the request rests on, as far as the officer may read them."""
    found = []
    for release, package in view.state.terms.evidence:
        try:
            seen = evidence.read(visit.node, visit.caller, package)
        except ComityError:
            seen = None
        found.append({"release": release, "package": package, "row": seen})
    return found


def _moves(visit: Visit, view: ThreadView) -> list[str]:
    """Return the kinds of statement that this side may make now, for the page's actions."""
    if str(view.state.phase) != "open":
        return []
    ours = view.state.requester == visit.node.ministry
    analyst = "analyst" in visit.caller.roles
    if ours:
        found = ["amendment", "withdrawal"] if analyst else []
        return ["answer", *found] if analyst and view.state.open_questions else found
    found = ["closure"]
    if analyst:
        found = ["acknowledgement", *(["question"] if _stands(view) else []), *found]
    return found


def _stands(view: ThreadView) -> bool:
    """Whether a subject is left of which something can be asked."""
    return any(one.phase is not Phase.WITHDRAWN for one in view.state.subjects.values())


def _silent(visit: Visit, view: ThreadView) -> str:
    """Return why this ministry cannot ask a question; empty if it can, or never asks here."""
    if view.state.addressee != visit.node.ministry:
        return ""
    if str(view.state.phase) != "open":
        return mark("No question can be asked: the request has ended.")
    if not _stands(view):
        return mark("No question can be asked: every subject was withdrawn.")
    return "" if "analyst" in visit.caller.roles else mark("An analyst asks questions.")


def _titles(visit: Visit, view: ThreadView) -> dict[str, str]:
    """Return the titles of the packages on which findings rest; none of one that is not open."""
    found = [one.finding for one in view.state.subjects.values() if one.finding is not None]
    wanted = {id_ for one in found for id_ in one.relies_on}
    known = package_lines.titles(visit.node, visit.caller, wanted)
    return {id_: known.get(id_, "") for id_ in wanted}


def _may_find(visit: Visit, view: ThreadView, key: str) -> list[str]:
    """Return what this ministry can say on a subject now: ``finding``, ``effect``, or both."""
    state = view.state
    if str(state.phase) != "open" or state.addressee != visit.node.ministry:
        return []
    if not visit.caller.roles & DESK or str(state.subjects[key].phase) not in {"awaiting", "found"}:
        return []
    finding = state.subjects[key].finding
    mirrored = finding is not None and str(finding.kind).startswith("mirror")
    return ["effect", "finding"] if mirrored else ["finding"]


PAGES: Final = (
    Page("mirror_requests", "/mirror-requests", DESK, Action.MIRROR_LIST, index),
    Page("mirror_request", "/mirror-requests/{thread}", DESK, Action.MIRROR_READ, show),
)
