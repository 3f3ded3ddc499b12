"""Packages: the list, one with its exhibits and holders; return, download."""

from collections.abc import Mapping
from typing import Any, Final

from api.domain.errors import ComityError
from api.domain.evidence import PackageState
from api.ports.policy import Action
from api.services.desk import evidence, exhibits, package_files, passing_on
from api.web.console import listing, reading
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
        "acquired": {one.exhibit: one for one in view.acquisitions},
        "can_record": own and REVIEWER in caller.roles,
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
        "package_return",
        f"{_ONE}/return",
        _ONLY_REVIEWERS,
        Action.PACKAGE_RETURN,
        ask_return,
        give_back,
        fresh=True,
    ),
)
