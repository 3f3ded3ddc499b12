"""Writing a proposal: the case, its next versions, putting it before the reviewers, sharing it.

Owns the author's pages; what reviewers do is in ``proposals``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from api.domain.errors import ComityError, Stale
from api.ports.policy import Action
from api.services import visibility
from api.services.desk import evidence, package_lines, proposals
from api.services.desk.proposals import ProposalView
from api.web.console import (
    body_words,
    case_fact_parts,
    law_choices,
    proposal_parts,
    reading,
)
from api.web.console.page import ANALYST, REVIEWER, Answer, Moved, Page, Target, View, Visit
from api.web.console.words import mark
from api.wire.errors import WireError

Faults = list[dict[str, Any]]
Offered = list[tuple[str, str, str]]
"""Subjects to choose from: value, name, title of the package."""
_MOST: Final = 100
_TYPE: Final = "designation-proposal/1"


def ask_new(visit: Visit) -> Answer:
    """Ask for the whole case."""
    chosen = [visit.query["subject"]] if "subject" in visit.query else []
    return _form(visit, {}, chosen, [])


def _form(
    visit: Visit,
    body: Mapping[str, Any],
    chosen: Sequence[str],
    faults: Faults,
    *,
    view: ProposalView | None = None,
    status: int = 200,
    offered: Offered | None = None,
) -> Answer:
    regimes = law_choices.of_home(visit)
    if offered is None:
        offered = _offered(visit, [one.partition(" ")[0] for one in chosen])
    by_name = {name: value for value, name, _ in offered}
    by_name |= {name: value for value, name, _ in offered if value in set(chosen)}
    values = {
        str(one.get("key")): by_name.get(next(iter(reading.subject_names(one)), ""), "")
        for one in body.get("subjects", ())
    }
    members = {
        "target": Target(visit.to(visit.path), view.tag if view is not None else ""),
        "view": view,
        "typed": proposal_parts.shown(body),
        "chosen": chosen,
        "offered": offered,
        "case_facts": case_fact_parts.lines(body, values),
        "fact_choices": case_fact_parts.CHOICES,
        "regimes": law_choices.options(visit, regimes),
        "thresholds": [(one.id, one.threshold.text) for one in regimes],
        "grounds": law_choices.grounds(visit, regimes),
        "measures": law_choices.MEASURES,
        "faults": faults,
    }
    return View("proposal_form.html", members, status)


def _offered(visit: Visit, also: Iterable[str]) -> Offered:
    """Return subjects of the newest packages here and of those that were chosen."""
    return [
        (f"{one.package} {one.key}", one.name, one.title)
        for one in package_lines.subjects_to_choose(visit.node, visit.caller, _MOST, also)
    ]


def _subjects(visit: Visit, package: str) -> dict[str, Mapping[str, Any]]:
    view = evidence.read(visit.node, visit.caller, package)
    return {f"{package} {one['key']}": one for one in view.body.get("subjects", [])}


def _chosen(visit: Visit, values: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return the chosen subjects by their value.

    Raises:
        NotFound: ``package.unknown``.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for package in dict.fromkeys(one.partition(" ")[0] for one in values):
        found |= _subjects(visit, package)
    return {value: found[value] for value in values if value in found}


def _read(visit: Visit) -> tuple[dict[str, Any], Faults]:
    form = visit.form
    try:
        described = _chosen(visit, form.every("subjects"))
    except ComityError as error:
        return {}, [reading.refused(error)]
    regime = visit.node.regimes.get(form.one("regime"))
    threshold = regime.threshold.text if regime is not None else ""
    body = proposal_parts.proposal_in(form, described, threshold)
    faults: Faults = [
        {"field": name, "text": text}
        for name, text in (
            ("subjects", mark("Choose at least one subject.")),
            ("regime", mark("Choose the regime.")),
            ("grounds", mark("Choose at least one ground.")),
            ("met", mark("Say whether the threshold is met.")),
            ("found_by", mark("Say who found that.")),
        )
        if not form.one(name)
    ]
    if case_fact_parts.MORE in form.fields:
        return body, []
    faults += case_fact_parts.unchosen(body)
    known = {one["field"] for one in faults} | {"grounds_0"}
    more = body_words.faults_in(_TYPE, body) if not faults else []
    return body, [*faults, *(one for one in more if one["field"] not in known)]


def write(visit: Visit) -> Answer:
    """Keep the first version of a proposal."""
    body, faults = _read(visit)
    chosen = visit.form.every("subjects")
    if faults:
        return _form(visit, body, chosen, faults, status=422)
    if case_fact_parts.MORE in visit.form.fields:
        return _form(visit, body, chosen, [])
    try:
        view = proposals.create(visit.node, visit.caller, body)
    except (ComityError, WireError) as error:
        return _form(visit, body, chosen, [reading.refused(error)], status=422)
    return Moved(visit.to(f"/proposals/{view.id}"))


def ask_edit(visit: Visit) -> Answer:
    """Ask for the next version."""
    view = proposals.read(visit.node, visit.caller, visit.parts["proposal"])
    offered = _offered(visit, visibility.named_in(view.body))
    # The proposal's subjects are known by their names.
    named = {name for one in view.body.get("subjects", []) for name in reading.subject_names(one)}
    chosen = [value for value, name, _ in offered if name in named]
    return _form(visit, view.body, chosen, [], view=view, offered=offered)


def edit(visit: Visit) -> Answer:
    """Keep the next version; its writer joins the authors."""
    view = proposals.read(visit.node, visit.caller, visit.parts["proposal"])
    body, faults = _read(visit)
    chosen = visit.form.every("subjects")
    if faults:
        return _form(visit, body, chosen, faults, view=view, status=422)
    if case_fact_parts.MORE in visit.form.fields:
        return _form(visit, body, chosen, [], view=view)
    try:
        proposals.replace(visit.node, visit.caller, view.id, visit.form.tag, body)
    except (ComityError, WireError) as error:
        status = 409 if isinstance(error, Stale) else 422
        return _form(visit, body, chosen, [reading.refused(error)], view=view, status=status)
    return Moved(visit.to(f"/proposals/{view.id}"))


_DECIDES: Final[Mapping[str, Callable[[Visit, str], object]]] = {
    "submit": lambda visit, id_: proposals.submit(visit.node, visit.caller, id_, visit.form.tag),
    "lapse": lambda visit, id_: proposals.lapse(
        visit.node, visit.caller, id_, visit.form.one("reason")
    ),
}


def _ask(kind: str) -> Callable[[Visit], Answer]:
    def ask(visit: Visit) -> Answer:
        return _step(visit, kind, [])

    return ask


def _step(visit: Visit, kind: str, faults: Faults, status: int = 200) -> Answer:
    view = proposals.read(visit.node, visit.caller, visit.parts["proposal"])
    others = [one.id for one in visit.node.membership.members if one.id != visit.node.ministry]
    members = {
        "view": view,
        "kind": kind,
        "target": Target(visit.to(f"/proposals/{view.id}/{kind}"), view.tag),
        "others": others,
        "typed": visit.form,
        "faults": faults,
    }
    return View(f"proposal_{kind}.html", members, status)


def _do(kind: str) -> Callable[[Visit], Answer]:
    def do(visit: Visit) -> Answer:
        id_ = visit.parts["proposal"]
        try:
            _DECIDES[kind](visit, id_)
        except (ComityError, WireError) as error:
            status = 409 if isinstance(error, Stale) else 422
            return _step(visit, kind, [reading.refused(error)], status)
        return Moved(visit.to(f"/proposals/{id_}"))

    return do


def share(visit: Visit) -> Answer:
    """Draft the statement that shares the releasable part."""
    to = visit.form.every("to")
    if not to:
        fault = {"field": "to", "text": mark("Choose at least one ministry that is told.")}
        return _step(visit, "share", [fault], 422)
    try:
        draft = proposals.share(visit.node, visit.caller, visit.parts["proposal"], to)
    except (ComityError, WireError) as error:
        return _step(visit, "share", [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft.id}"))


_ONE: Final = "/proposals/{proposal}"
_ANALYSTS: Final = frozenset({ANALYST})
PAGES: Final = (
    Page("proposal_new", "/proposals/new", _ANALYSTS, Action.DRAFT_CREATE, ask_new, write),
    Page("proposal_edit", f"{_ONE}/edit", _ANALYSTS, Action.DRAFT_EDIT, ask_edit, edit),
    Page(
        "proposal_submit",
        f"{_ONE}/submit",
        _ANALYSTS,
        Action.DRAFT_EDIT,
        _ask("submit"),
        _do("submit"),
    ),
    Page(
        "proposal_lapse",
        f"{_ONE}/lapse",
        frozenset({REVIEWER}),
        Action.PROPOSAL_LAPSE,
        _ask("lapse"),
        _do("lapse"),
    ),
    Page("proposal_share", f"{_ONE}/share", _ANALYSTS, Action.DRAFT_CREATE, _ask("share"), share),
)
