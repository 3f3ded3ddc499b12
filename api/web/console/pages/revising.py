"""Writing the next version of a draft: the form that made it, filled with what it says now.

Owns which form belongs to which type. What was returned is mended here; the writer joins the
authors, and the draft waits for approval again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from api.domain.errors import ComityError, Conflict, Stale
from api.ports.policy import Action
from api.services.statements import drafting
from api.services.statements.draft_form import DraftView
from api.web.console import case_fact_parts, designation_parts, reading
from api.web.console.page import DESK, Answer, Moved, Page, Revision, Target, View, Visit
from api.web.console.pages import (
    designation_forms,
    releasing,
    request_forms,
    thread_moves,
    verdicts,
)
from api.wire.errors import WireError
from api.wire.payloads.identity_verdict_v1 import reference
from api.wire.types import DESIGNATION, IDENTITY_VERDICT, RECALL, RELEASE

Faults = list[dict[str, Any]]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DraftForm:
    """The form of one type of draft.

    Attributes:
        show: draws it with a body, faults and a status.
        read: returns what the posted form says, with its faults.
    """

    show: Callable[[Visit, DraftView, Body, Faults, int], Answer]
    read: Callable[[Visit, DraftView], tuple[dict[str, Any], Faults]]


def _target(visit: Visit, draft: DraftView) -> Target:
    return Target(visit.to(f"/drafts/{draft.id}/revise"), draft.tag)


def _show_designation(
    visit: Visit, draft: DraftView, body: Body, faults: Faults, status: int
) -> Answer:
    target = _target(visit, draft)
    return designation_forms.new_form(visit, body, [], faults, status, target)


def _read_designation(visit: Visit, _draft: DraftView) -> tuple[dict[str, Any], Faults]:
    body = designation_parts.designation_in(visit.form, visit.node.me.jurisdiction)
    more = case_fact_parts.MORE in visit.form.fields
    return body, [] if more else designation_forms.faults_of(DESIGNATION, body)


def _show_request(
    visit: Visit, draft: DraftView, body: Body, faults: Faults, status: int
) -> Answer:
    to = next(iter(draft.to), "")
    return request_forms.form(visit, body, to, faults, status, _target(visit, draft))


def _read_request(visit: Visit, draft: DraftView) -> tuple[dict[str, Any], Faults]:
    return request_forms.read(visit, next(iter(draft.to), ""))


def _show_release(
    visit: Visit, draft: DraftView, body: Body, faults: Faults, status: int
) -> Answer:
    within = _with_part(visit, "package", draft.body["package"])
    return releasing.release_form(within, faults, status, Revision(body, _target(visit, draft)))


def _read_release(visit: Visit, draft: DraftView) -> tuple[dict[str, Any], Faults]:
    return releasing.revised_release(_with_part(visit, "package", draft.body["package"]), draft)


def _show_recall(visit: Visit, draft: DraftView, body: Body, faults: Faults, status: int) -> Answer:
    within = _with_part(visit, "package", draft.body["package"])
    return releasing.recall_form(within, faults, status, Revision(body, _target(visit, draft)))


def _read_recall(visit: Visit, draft: DraftView) -> tuple[dict[str, Any], Faults]:
    return releasing.recall_in(visit, draft.body)


def _show_verdict(
    visit: Visit, draft: DraftView, body: Body, faults: Faults, status: int
) -> Answer:
    one, other = (reference(draft.body[name]) for name in ("one", "other"))
    revision = Revision(body, _target(visit, draft))
    return verdicts.telling_form(visit, one, other, faults, status, revision)


def _read_verdict(visit: Visit, draft: DraftView) -> tuple[dict[str, Any], Faults]:
    return verdicts.told_in(visit, draft.body)


def _of_change(kind: str) -> DraftForm:
    """Return the form of what amends or ends a designation."""

    def show(visit: Visit, draft: DraftView, body: Body, faults: Faults, status: int) -> Answer:
        within = _with_part(visit, "designation", draft.body["designation"])
        target = _target(visit, draft)
        return designation_forms.change_form(within, kind, body, faults, status, target)

    def read(visit: Visit, draft: DraftView) -> tuple[dict[str, Any], Faults]:
        within = _with_part(visit, "designation", draft.body["designation"])
        return designation_forms.change_in(within, kind, draft.body)

    return DraftForm(show, read)


def _in_thread(kind: str) -> DraftForm:
    def show(visit: Visit, draft: DraftView, body: Body, faults: Faults, status: int) -> Answer:
        typed = visit.form if faults else thread_moves.typed(kind, body)
        within = replace(_with_part(visit, "thread", draft.thread or ""), form=typed)
        return thread_moves.form(within, kind, faults, status, _target(visit, draft))

    def read(visit: Visit, draft: DraftView) -> tuple[dict[str, Any], Faults]:
        within = _with_part(visit, "thread", draft.thread or "")
        if kind == "amendment":
            return thread_moves.amendment_in(within, draft.body)
        return thread_moves.MOVES[kind].read(visit.form, within)

    return DraftForm(show, read)


def _with_part(visit: Visit, name: str, id_: str) -> Visit:
    """Return the visit as a page below that object has it."""
    return replace(visit, parts={**visit.parts, name: id_.removeprefix("sha256:")})


FORMS: Final[Mapping[str, DraftForm]] = {
    DESIGNATION: DraftForm(_show_designation, _read_designation),
    "mirror-request/1": DraftForm(_show_request, _read_request),
    RELEASE: DraftForm(_show_release, _read_release),
    RECALL: DraftForm(_show_recall, _read_recall),
    IDENTITY_VERDICT: DraftForm(_show_verdict, _read_verdict),
    **{type_: _of_change(kind) for kind, (type_, _) in designation_forms.CHANGES.items()},
    **{
        move.type: _in_thread(kind) for kind, move in thread_moves.MOVES.items() if not move.at_once
    },
}
"""Types that a form revises; the others are set aside and made anew."""


def ask(visit: Visit) -> Answer:
    """Show the draft in its form, or say why there is none for this officer."""
    draft = drafting.read(visit.node, visit.caller, visit.parts["draft"])
    form = _form_of(visit, draft)
    if form is None:
        members = {"row": draft, "draft": draft, "faults": [], "moved": False}
        return View("draft_no_form.html", members)
    return form.show(visit, draft, draft.body, [], 200)


def _form_of(visit: Visit, draft: DraftView) -> DraftForm | None:
    return FORMS.get(draft.type) if reading.draft_powers(visit, draft)["edit"] else None


def revise(visit: Visit) -> Answer:
    """Keep the next version."""
    draft = drafting.read(visit.node, visit.caller, visit.parts["draft"])
    form = _form_of(visit, draft)
    if form is None:
        raise Conflict("draft.no-form", "Only its authors revise a draft that has not left.")
    body, faults = form.read(visit, draft)
    if faults:
        return form.show(visit, draft, body, faults, 422)
    if case_fact_parts.MORE in visit.form.fields:
        return form.show(visit, draft, body, [], 200)
    try:
        drafting.replace_content(visit.node, visit.caller, draft.id, visit.form.tag, body)
    except (ComityError, WireError) as error:
        status = 409 if isinstance(error, Stale) else 422
        return form.show(visit, draft, body, [reading.refused(error)], status)
    return Moved(visit.to(f"/drafts/{draft.id}"))


PAGES: Final = (
    Page("draft_revise", "/drafts/{draft}/revise", DESK, Action.DRAFT_EDIT, ask, revise),
)
