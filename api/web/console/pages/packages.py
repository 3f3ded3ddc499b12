"""Packages: the list, one with its exhibits and holders; release, recall, return, download."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.domain.errors import ComityError, Conflict
from api.domain.evidence import PackageState, ReleaseState
from api.ports.policy import Action
from api.services.desk import evidence, exhibits, package_files, passing_on
from api.services.desk.package_views import ReleaseView
from api.web.console import listing, marking_parts, reading
from api.web.console.page import (
    ANALYST,
    DESK,
    REVIEWER,
    Answer,
    Moved,
    Page,
    Sending,
    View,
    Visit,
)
from api.web.console.words import mark

_STATES: Final = tuple(PackageState)
_INSTRUCTIONS: Final = ("stop-use", "return", "destroy")
_ONLY_ANALYSTS: Final = frozenset({ANALYST})
_ONLY_REVIEWERS: Final = frozenset({REVIEWER})
_ACTS: Final = (
    (
        mark("Release to a ministry"),
        _ONLY_ANALYSTS,
        frozenset({PackageState.SUBMITTED, PackageState.RELEASED}),
    ),
    (mark("Return to its author"), _ONLY_REVIEWERS, frozenset({PackageState.SUBMITTED})),
    (mark("Recall"), _ONLY_REVIEWERS, frozenset({PackageState.RELEASED})),
)
"""What is done with an own package, by which roles, in which states."""


def index(visit: Visit) -> Answer:
    """List the packages held here, newest first."""
    state = visit.query.get("state", "")
    wanted = state if state in set(_STATES) else None
    page = listing.page_of(
        visit,
        f"packages:{wanted}",
        lambda limit, before: evidence.packages_page(
            visit.node, visit.caller, limit=limit, before=before, state=wanted
        ),
        lambda one: (one.submitted_at, one.id),
    )
    members = {
        "page": page,
        "state": state,
        "states": _STATES,
        "query": visit.query,
        "home_ministry": visit.node.ministry,
        "makes": ANALYST in visit.caller.roles,
    }
    return View("packages.html", members)


def show(visit: Visit) -> Answer:
    """Show one package: what it says, its exhibits, who holds it."""
    return View("package.html", _facts(visit))


def _facts(visit: Visit) -> dict[str, Any]:
    node, caller = visit.node, visit.caller
    id_ = reading.full(visit.parts["package"])
    view = evidence.read(node, caller, id_)
    found = view
    own = found.originator == node.ministry
    stored = {one.label: one for one in view.exhibits}
    return {
        "row": found,
        "body": view.body,
        "statement": view,
        "exhibits": [_exhibit(one, stored) for one in view.body.get("exhibits", [])],
        "releases": view.releases,
        "onward": passing_on.asked_of(node, caller, id_),
        "analyst": ANALYST in caller.roles,
        "holders": _holders(visit, id_),
        "own": own,
        "home_ministry": node.ministry,
        "can_withdraw": own and REVIEWER in caller.roles,
        "can_answer": view.recall is not None
        and not own
        and not view.withheld
        and view.recall.answer is None
        and ANALYST in caller.roles,
        "subjects": _subjects(view.body),
        "can_release": own
        and ANALYST in caller.roles
        and found.state in {PackageState.SUBMITTED, PackageState.RELEASED},
        "can_recall": own and REVIEWER in caller.roles and found.state == PackageState.RELEASED,
        "others_may": _roles_that_may(visit, found.state) if own else [],
        "can_return": found.state == PackageState.SUBMITTED
        and evidence.may_return(node, caller, id_),
    }


def _roles_that_may(visit: Visit, state: PackageState) -> list[tuple[str, list[str]]]:
    """Return the acts that the own package's state allows and the officer's roles do not."""
    return [
        (text, sorted(roles))
        for text, roles, states in _ACTS
        if state in states and not roles & visit.caller.roles
    ]


def _exhibit(described: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    known = stored.get(str(described["label"]))
    return {**described, "state": known.state if known is not None else "awaited"}


def _subjects(body: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(one.get("key", "")): next(iter(reading.subject_names(one)), "")
        for one in body.get("subjects", [])
    }


def _holders(visit: Visit, id_: str) -> list[Any]:
    try:
        return list(evidence.holders(visit.node, visit.caller, id_))
    except ComityError:
        return []


def fetch(visit: Visit) -> Answer:
    """Download the package file with exhibits, receipts and proof."""
    id_ = reading.full(visit.parts["package"])
    chunks = package_files.open_file(visit.node, visit.caller, id_)
    return Sending(chunks, f"{visit.parts['package'][:16]}.comity", "application/zip")


def exhibit(visit: Visit) -> Answer:
    """Download one exhibit under its label; it is never drawn in the browser."""
    id_, digest = reading.full(visit.parts["package"]), reading.full(visit.parts["digest"])
    view = evidence.read(visit.node, visit.caller, id_)
    labels = [str(one.label) for one in view.exhibits if one.digest == digest]
    stored = exhibits.open_exhibit(visit.node, visit.caller, digest)
    chunks = visit.node.store.read(digest, 0, stored.size)
    return Sending(chunks, _file_name(labels[0] if labels else digest[7:23]), size=stored.size)


def _file_name(label: str) -> str:
    """Return a label as a file name: letters, digits and a few signs, no path, no leading dot."""
    kept = "".join(
        one if one.isascii() and (one.isalnum() or one in "._-") else "_" for one in label
    )
    return kept.lstrip(".")[:120] or "exhibit"


def ask_release(visit: Visit) -> Answer:
    """Ask to whom and under which marking; of a release that is replaced, what shall hold now."""
    return _release_form(visit, [])


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


def _release_form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    facts = _facts(visit)
    others = [one for one in visit.node.membership.members if one.id != visit.node.ministry]
    form = visit.form
    replaced = _replaced(visit, facts["releases"])
    before = {"tlp": replaced.tlp, "originator_control": True} if replaced else None
    members = {
        **facts,
        "replaced": replaced,
        "others": [(one.id, f"{one.id} ({one.jurisdiction})") for one in others],
        "tlp": marking_parts.LEVELS,
        "typed": marking_parts.typed(form, before)
        | {name: form.one(name) for name in ("recipient", "legal_basis", "note")},
        "faults": faults,
    }
    return View("package_release.html", members, status)


def release(visit: Visit) -> Answer:
    """Draft the release; another officer approves it."""
    form, package = visit.form, reading.full(visit.parts["package"])
    replaced = _replaced(visit, evidence.read(visit.node, visit.caller, package).releases)
    recipient = replaced.recipient if replaced is not None else form.one("recipient")
    faults = [
        {"field": name, "text": text}
        for name, value, text in (
            ("recipient", recipient, mark("Choose the ministry that gets the package.")),
            ("legal_basis", form.one("legal_basis"), mark("Say which law lets you disclose it.")),
        )
        if not value
    ]
    faults += marking_parts.unmarked(form)
    if faults:
        return _release_form(visit, faults, 422)
    content: dict[str, Any] = {
        "recipient": recipient,
        "marking": marking_parts.marking_in(form, recipient),
        "legal_basis": form.one("legal_basis"),
    }
    if form.one("note"):
        content["note"] = form.one("note")
    if replaced is not None:
        content["supersedes_release"] = replaced.id
    try:
        draft = evidence.release(visit.node, visit.caller, package, content)
    except ComityError as error:
        return _release_form(visit, [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft.id}"))


def ask_recall(visit: Visit) -> Answer:
    """Ask why the package is recalled, and what holders must do."""
    return _recall_form(visit, [])


def _recall_form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    members = {
        **_facts(visit),
        "instructions": _INSTRUCTIONS,
        "typed": {
            "reason": visit.form.one("reason"),
            "instruction": visit.form.one("instruction"),
        },
        "faults": faults,
    }
    return View("package_recall.html", members, status)


def recall(visit: Visit) -> Answer:
    """Recall the package from every holder at once."""
    form = visit.form
    faults = []
    if form.one("instruction") not in _INSTRUCTIONS:
        faults.append({"field": "instruction", "text": mark("Say what the holders must do.")})
    if not form.one("reason"):
        faults.append({"field": "reason", "text": mark("Say why; every holder reads it.")})
    if faults:
        return _recall_form(visit, faults, 422)
    content = {"reason": form.one("reason"), "instruction": form.one("instruction")}
    try:
        draft = evidence.recall(
            visit.node, visit.caller, reading.full(visit.parts["package"]), content
        )
    except ComityError as error:
        return _recall_form(visit, [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft.id}/done"))


def ask_return(visit: Visit) -> Answer:
    """Ask why the package goes back to its author."""
    return _return_form(visit, [])


def _return_form(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    members = {**_facts(visit), "reason": visit.form.one("reason"), "faults": faults}
    return View("package_return.html", members, status)


def give_back(visit: Visit) -> Answer:
    """Return a submitted package to its author."""
    reason = visit.form.one("reason")
    if not reason:
        fault = {
            "field": "reason",
            "text": mark("Say why, so that its author knows what to change."),
        }
        return _return_form(visit, [fault], 422)
    id_ = reading.full(visit.parts["package"])
    try:
        evidence.give_back(visit.node, visit.caller, id_, reason)
    except ComityError as error:
        return _return_form(visit, [reading.refused(error)], 422)
    return Moved(reading.href_of(visit, "package", id_))


_ONE: Final = "/packages/{package}"
PAGES: Final = (
    Page("packages", "/packages", DESK, Action.PACKAGE_LIST, index),
    Page("package", _ONE, DESK, Action.PACKAGE_READ, show),
    Page("package_file", f"{_ONE}/file", DESK, Action.PACKAGE_FETCH, fetch, download=True),
    Page(
        "package_exhibit",
        f"{_ONE}/exhibits/{{digest}}",
        DESK,
        Action.EXHIBIT_READ,
        exhibit,
        download=True,
    ),
    Page(
        "package_release",
        f"{_ONE}/release",
        _ONLY_ANALYSTS,
        Action.DRAFT_CREATE,
        ask_release,
        release,
    ),
    Page(
        "package_recall",
        f"{_ONE}/recall",
        _ONLY_REVIEWERS,
        Action.DRAFT_CREATE,
        ask_recall,
        recall,
        fresh=True,
    ),
    Page(
        "package_return",
        f"{_ONE}/return",
        _ONLY_REVIEWERS,
        Action.PACKAGE_RETURN,
        ask_return,
        give_back,
        fresh=True,
    ),
)
