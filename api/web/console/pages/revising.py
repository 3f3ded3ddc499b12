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
from api.web.console.page import DESK, Answer, Moved, Page, Target, View, Visit
from api.web.console.pages import designation_forms, request_forms, thread_moves
from api.wire.errors import WireError
from api.wire.types import DESIGNATION

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


def _in_thread(kind: str) -> DraftForm:
    def show(visit: Visit, draft: DraftView, body: Body, faults: Faults, status: int) -> Answer:
        typed = visit.form if faults else thread_moves.typed(kind, body)
        within = replace(_within(visit, draft), form=typed)
        return thread_moves.form(within, kind, faults, status, _target(visit, draft))

    def read(visit: Visit, draft: DraftView) -> tuple[dict[str, Any], Faults]:
        return thread_moves.MOVES[kind].read(visit.form, _within(visit, draft))

    return DraftForm(show, read)


def _within(visit: Visit, draft: DraftView) -> Visit:
    thread = (draft.thread or "").removeprefix("sha256:")
    return replace(visit, parts={**visit.parts, "thread": thread})


FORMS: Final[Mapping[str, DraftForm]] = {
    DESIGNATION: DraftForm(_show_designation, _read_designation),
    "mirror-request/1": DraftForm(_show_request, _read_request),
    **{
        move.type: _in_thread(kind)
        for kind, move in thread_moves.MOVES.items()
        if not move.at_once and kind != "amendment"
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
