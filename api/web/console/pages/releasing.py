"""Releasing a package and recalling it: the forms, for a new draft and for its next version.

Owns both. A next version keeps what its form does not ask: to whom it goes, the release that it
replaces, the consent that it rests on, and whoever else the marking lets have it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.domain.drafts import DraftState
from api.domain.errors import ComityError, Conflict
from api.domain.evidence import ReleaseState
from api.ports.policy import Action
from api.services.desk import evidence
from api.services.desk.package_views import AcquisitionView, PackageView, ReleaseView
from api.services.statements.draft_form import DraftView
from api.web.console import marking_parts, reading
from api.web.console.page import (
    ANALYST,
    REVIEWER,
    Answer,
    Moved,
    Page,
    Revision,
    Target,
    View,
    Visit,
)
from api.web.console.words import mark
from api.wire.errors import WireError

Faults = list[dict[str, Any]]
Body = Mapping[str, Any]
_INSTRUCTIONS: Final = ("stop-use", "return", "destroy")
_WRONG: Final = 422


def _package(visit: Visit) -> PackageView:
    return evidence.read(visit.node, visit.caller, reading.full(visit.parts["package"]))


def ask_release(visit: Visit) -> Answer:
    """Ask to whom and under which marking; of a release that is replaced, what shall hold now."""
    return release_form(visit, [])


def _replaced(visit: Visit, releases: Sequence[ReleaseView]) -> ReleaseView | None:
    """Return the release of this ministry's that the new one shall supersede.

    Raises:
        Conflict: ``release.not-active``: it ended meanwhile, or was never ours.
    """
    id_ = visit.form.one("replaces") or visit.query.get("replaces", "")
    if not id_:
        return None
    for one in releases:
        ours = one.issuer == visit.node.ministry and one.state is ReleaseState.ACTIVE
        if ours and one.id == reading.full(id_):
            return one
    raise Conflict("release.not-active", "This release is in force no longer.")


def release_form(
    visit: Visit, faults: Faults, status: int = 200, revision: Revision | None = None
) -> Answer:
    """Show the form of a release: what was typed, else what the draft says, else a beginning."""
    view, form = _package(visit), visit.form
    body: Body = revision.body if revision is not None else {}
    if revision is None:
        replaced = _replaced(visit, view.releases)
    else:
        id_ = body.get("supersedes_release")
        replaced = next((one for one in view.releases if one.id == id_), None)
    before = body.get("marking")
    if before is None and replaced is not None:
        before = {"tlp": replaced.tlp, "originator_control": True}
    said = {name: str(body.get(name, "")) for name in ("recipient", "legal_basis", "note")}
    stated = body.get("acquired_independently", ()) if revision is not None else view.acquisitions
    members = {
        "row": view,
        "target": revision.target if revision is not None else Target(visit.to(visit.path)),
        "revising": revision is not None,
        "onward": "consent" in body,
        "to_fixed": said["recipient"] if revision is not None else "",
        "replaced": replaced,
        "held": [one.recipient for one in view.releases if one.state is ReleaseState.ACTIVE],
        "others": [
            (one.id, f"{one.name} ({one.jurisdiction})")
            for one in visit.node.membership.members
            if one.id != visit.node.ministry
        ],
        "tlp": marking_parts.LEVELS,
        "typed": marking_parts.typed(form, before)
        | ({name: form.one(name) for name in said} if form.fields else said),
        "acquired": _acquired(view),
        "acquired_chosen": form.every("acquired")
        if form.fields
        else [_exhibit_of(one) for one in stated],
        "faults": faults,
    }
    return View("package_release.html", members, status)


def _exhibit_of(one: AcquisitionView | Body) -> str:
    return one.exhibit if isinstance(one, AcquisitionView) else str(one["exhibit"])


def _acquired(view: PackageView) -> list[tuple[str, AcquisitionView]]:
    """Return the records of independent acquisition, each with its exhibit's label."""
    labels = {one.digest: one.label for one in view.exhibits}
    return [(labels.get(one.exhibit, ""), one) for one in view.acquisitions]


def release_in(
    visit: Visit, view: PackageView, recipient: str, before: Body
) -> tuple[dict[str, Any], Faults]:
    """Return what the posted form says of a release, with its faults.

    Args:
        visit: with the form.
        view: the package.
        recipient: who gets it.
        before: the draft's present words; none for a new one.
    """
    form = visit.form
    faults: Faults = [
        {"field": name, "text": text}
        for name, value, text in (
            ("recipient", recipient, mark("Choose the ministry that gets the package.")),
            ("legal_basis", form.one("legal_basis"), mark("Say which law lets you disclose it.")),
        )
        if not value
    ]
    faults += marking_parts.unmarked(form)
    kept: Body = before.get("marking", {})
    marking = {**kept, **marking_parts.marking_in(form, recipient)}
    if kept.get("releasable_to"):
        marking["releasable_to"] = kept["releasable_to"]
    asked = {"note", "acquired_independently"}
    body: dict[str, Any] = {name: value for name, value in before.items() if name not in asked}
    body |= {"recipient": recipient, "marking": marking, "legal_basis": form.one("legal_basis")}
    if form.one("note"):
        body["note"] = form.one("note")
    chosen = set(form.every("acquired"))
    stated = [
        {
            "exhibit": one.exhibit,
            "source": one.source,
            "collector": one.collector,
            "collected": one.collected,
        }
        for one in view.acquisitions
        if one.exhibit in chosen
    ]
    return body | ({"acquired_independently": stated} if stated else {}), faults


def release(visit: Visit) -> Answer:
    """Draft the release; another officer approves it."""
    view = _package(visit)
    replaced = _replaced(visit, view.releases)
    recipient = replaced.recipient if replaced is not None else visit.form.one("recipient")
    content, faults = release_in(visit, view, recipient, {})
    if faults:
        return release_form(visit, faults, _WRONG)
    if replaced is not None:
        content["supersedes_release"] = replaced.id
    try:
        draft = evidence.release(visit.node, visit.caller, view.id, content)
    except (ComityError, WireError) as error:
        return release_form(visit, [reading.refused(error)], _WRONG)
    return Moved(visit.to(f"/drafts/{draft.id}"))


def revised_release(visit: Visit, draft: DraftView) -> tuple[dict[str, Any], Faults]:
    """Return the next version of a release; who gets it stays."""
    return release_in(visit, _package(visit), next(iter(draft.to), ""), draft.body)


def ask_recall(visit: Visit) -> Answer:
    """Ask why the package is recalled, and what holders must do."""
    return recall_form(visit, [])


def recall_form(
    visit: Visit, faults: Faults, status: int = 200, revision: Revision | None = None
) -> Answer:
    """Show the form of a recall."""
    view, form = _package(visit), visit.form
    body: Body = revision.body if revision is not None else {}
    names = ("reason", "instruction")
    members = {
        "row": view,
        "target": revision.target if revision is not None else Target(visit.to(visit.path)),
        "revising": revision is not None,
        "holders": evidence.holders(visit.node, visit.caller, view.id),
        "instructions": _INSTRUCTIONS,
        "typed": {name: form.one(name) if form.fields else body.get(name, "") for name in names},
        "faults": faults,
    }
    return View("package_recall.html", members, status)


def recall_in(visit: Visit, before: Body) -> tuple[dict[str, Any], Faults]:
    """Return what the posted form says of a recall, with its faults."""
    form, faults = visit.form, []
    if form.one("instruction") not in _INSTRUCTIONS:
        faults.append({"field": "instruction", "text": mark("Say what the holders must do.")})
    if not form.one("reason"):
        faults.append({"field": "reason", "text": mark("Say why; every holder reads it.")})
    said = {"reason": form.one("reason"), "instruction": form.one("instruction")}
    return {**before, **said}, faults


def recall(visit: Visit) -> Answer:
    """Recall the package from every holder at once."""
    content, faults = recall_in(visit, {})
    if faults:
        return recall_form(visit, faults, _WRONG)
    package = reading.full(visit.parts["package"])
    try:
        draft = evidence.recall(visit.node, visit.caller, package, content)
    except ComityError as error:
        return recall_form(visit, [reading.refused(error)], _WRONG)
    # A ministry may ask for an approval before a recall leaves.
    done = "/done" if draft.state is DraftState.SEALED else ""
    return Moved(visit.to(f"/drafts/{draft.id}{done}"))


_ONE: Final = "/packages/{package}"
PAGES: Final = (
    Page(
        "package_release",
        f"{_ONE}/release",
        frozenset({ANALYST}),
        Action.DRAFT_CREATE,
        ask_release,
        release,
    ),
    Page(
        "package_recall",
        f"{_ONE}/recall",
        frozenset({REVIEWER}),
        Action.DRAFT_CREATE,
        ask_recall,
        recall,
        fresh=True,
    ),
)
