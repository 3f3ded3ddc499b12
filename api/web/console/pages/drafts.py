"""Drafts: what would leave, shown as the partner will see it; approving, returning, confirming.

Owns the pages of a decision. What is approved is the digest that the page showed: the form carries
it, and a draft that moved meanwhile leads back to the page with what was typed kept.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.domain.drafts import DraftState
from api.domain.errors import ComityError, Invalid, Refused, Stale
from api.ports.policy import Action
from api.services.desk import mirroring, object_words
from api.services.operations.status import stopped
from api.services.statements import approving, drafting, previewing, reading_record
from api.services.statements.draft_form import DraftView
from api.services.visibility import table_row
from api.web.console import listing, passkeys, reading, request_parts
from api.web.console.page import DESK, REVIEWER, Answer, Moved, Page, View, Visit
from api.web.console.pages import revising
from api.web.console.words import mark
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.envelope import APPROVED, PREPARED, WEBAUTHN
from api.wire.errors import WireError
from api.wire.types import MIRROR_FINDING

_STATES: Final = ("drafted", "returned", "sealed", "discarded")
_SHOWN_AGAIN: Final = {"draft.not-previewed": "unseen", "draft.exhibits-unread": "unread"}
_REVIEWERS: Final = frozenset({REVIEWER})


def index(visit: Visit) -> Answer:
    """List drafts, newest first."""
    state = visit.query.get("state", "")
    wanted = state if state in _STATES else None
    page = listing.page_of(
        visit,
        f"drafts:{wanted}",
        lambda limit, before: drafting.drafts_page(
            visit.node, visit.caller, limit=limit, before=before, state=wanted
        ),
        lambda one: (one.created_at, one.id),
    )
    lines = reading.draft_lines(visit, page.entries)
    members = {
        "lines": lines,
        "page": page,
        "state": state,
        "states": _STATES,
        "query": visit.query,
    }
    return View("drafts.html", members)


def show(visit: Visit) -> Answer:
    """Show a draft as its recipients will see it."""
    return _draft_shown(visit, {})


def _draft_shown(visit: Visit, more: dict[str, Any], status: int = 200) -> Answer:
    draft = drafting.read(visit.node, visit.caller, visit.parts["draft"])
    seen = previewing.preview(visit.node, visit.caller, draft.id)
    members = {
        "draft": draft,
        "title": reading.draft_title(visit, draft),
        "seen": seen,
        "names": (names := _names(visit, draft)),
        "subject_names": names | _described_names(seen),
        "within": _request_of(visit, draft),
        "powers": _powers(visit, draft),
        "people": object_words.colleagues(visit.node),
        "readings": reading_record.of_draft(visit.node, visit.caller, draft.id),
        "moved": False,
        "unseen": False,
        "unread": False,
        "reason": "",
        "faults": [],
        **more,
    }
    return View("draft.html", members, status)


def _powers(visit: Visit, draft: DraftView) -> dict[str, Any]:
    powers = reading.draft_powers(visit, draft)
    return powers | {"revise": powers["edit"] and draft.type in revising.FORMS}


def _names(visit: Visit, draft: DraftView) -> dict[str, str]:
    """Return the names behind the keys of a request's subjects."""
    if draft.thread is None:
        return {}
    lines = {one.key: one.name for one in mirroring.subject_lines(visit.node, draft.thread)}
    body: Mapping[str, Any] = draft.body
    named = [body.get("subject"), *(body.get("subjects") or [])]
    return {key: lines[key] for key in named if isinstance(key, str) and key in lines}


def _described_names(seen: previewing.PreviewView) -> dict[str, str]:
    """Return the names behind the keys of subjects that what leaves describes."""
    found: dict[str, str] = {}
    for part in (part for one in seen.recipients for part in one.receives):
        for subject in part.body.get("subjects") or []:
            if isinstance(subject, Mapping) and "key" in subject:
                found[str(subject["key"])] = next(iter(reading.subject_names(subject)), "")
    return found


def _request_of(visit: Visit, draft: DraftView) -> dict[str, Any]:
    """Return the request that a draft is part of, and the sent finding that it would replace."""
    if draft.thread is None:
        return {}
    try:
        view = mirroring.read(visit.node, visit.caller, draft.thread)
    except ComityError:
        return {}
    finds = draft.type == MIRROR_FINDING and draft.state is not DraftState.SEALED
    subject = str(draft.body.get("subject"))
    return {
        "title": view.title,
        "href": reading.href_of(visit, "thread", view.id),
        "before": request_parts.standing_finding(view, subject) if finds else None,
    }


def ask_approve(visit: Visit) -> Answer:
    """Ask for the approval on a page of its own."""
    return _approval(visit, [])


def _approval(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    """Show the page of an approval: with a passkey where the officer has one."""
    draft = drafting.read(visit.node, visit.caller, visit.parts["draft"])
    keys = passkeys.usable(visit) if reading.draft_powers(visit, draft)["signed"] else []
    wanted = visit.query.get("key", "") or visit.form.one("key")
    chosen = next((one for one in keys if one.kid == wanted), next(iter(keys), None))
    without = visit.query.get("without", "") == "1"
    more: dict[str, Any] = {"faults": faults, "keys": keys, "key": None, "without": without}
    if chosen is not None and not without:
        node, caller = visit.node, visit.caller
        payload = approving.candidate(node, caller, draft.id, WEBAUTHN, chosen.kid)
        options = passkeys.options(visit, payload, [chosen])
        more |= {"key": chosen, "payload": b64u_encode(payload), "options": options}
    return _decision(visit, "draft_approve.html", more, status)


def approve(visit: Visit) -> Answer:
    """Approve the digest that was shown, or sign its payload; the ministry then seals it."""
    draft_id = visit.parts["draft"]
    if visit.form.one("sure") != "yes":
        fault = {"field": "sure", "text": mark("Confirm that you checked what will leave.")}
        return _approval(visit, [fault], 422)
    try:
        if visit.form.one("payload"):
            payload = b64u_decode(visit.form.one("payload"))
            signature = passkeys.signature(visit, APPROVED)
            approving.approve_signed(visit.node, visit.caller, draft_id, payload, signature)
        else:
            approving.approve_recorded(visit.node, visit.caller, draft_id, visit.form.tag)
    except Stale:
        return _draft_shown(visit, {"moved": True}, 409)
    except Refused as error:
        if error.code not in _SHOWN_AGAIN:
            raise
        return _draft_shown(visit, {_SHOWN_AGAIN[error.code]: True}, 409)
    except (Invalid, WireError) as error:
        return _approval(visit, [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft_id}/done"))


def ask_sign(visit: Visit) -> Answer:
    """Ask the preparer for a signature of their own."""
    return _signing(visit, [])


def _signing(visit: Visit, faults: list[dict[str, Any]], status: int = 200) -> Answer:
    draft = drafting.read(visit.node, visit.caller, visit.parts["draft"])
    keys = passkeys.usable(visit) if reading.draft_powers(visit, draft)["sign"] else []
    more: dict[str, Any] = {"faults": faults, "keys": keys, "options": ""}
    if keys and draft.nonce is not None:
        data = drafting.signable(visit.node, draft)
        more["options"] = passkeys.options(visit, data, keys)
    return _decision(visit, "draft_sign.html", more, status)


def sign(visit: Visit) -> Answer:
    """Write the same content again under the preparer's own signature."""
    draft = drafting.read(visit.node, visit.caller, visit.parts["draft"])
    if draft.tag != visit.form.tag:
        # The digest would not tell: content and nonce stay the same.
        return _draft_shown(visit, {"moved": True}, 409)
    try:
        endorsement = {**passkeys.signature(visit, PREPARED), "nonce": draft.nonce}
        node, caller = visit.node, visit.caller
        drafting.replace_content(node, caller, draft.id, draft.tag, draft.body, endorsement)
    except Stale:
        return _draft_shown(visit, {"moved": True}, 409)
    except (Invalid, WireError) as error:
        return _signing(visit, [reading.refused(error)], 422)
    return Moved(visit.to(f"/drafts/{draft.id}"))


def ask_return(visit: Visit) -> Answer:
    """Ask why the draft goes back."""
    return _decision(visit, "draft_return.html", {})


def give_back(visit: Visit) -> Answer:
    """Return the draft to its authors with a reason."""
    draft_id, reason = visit.parts["draft"], visit.form.one("reason")
    if not reason:
        fault = {
            "field": "reason",
            "text": mark("Say why, so that the authors know what to change."),
        }
        return _decision(visit, "draft_return.html", {"faults": [fault]}, 422)
    draft = drafting.read(visit.node, visit.caller, draft_id)
    if draft.digest != visit.form.tag:
        return _decision(visit, "draft_return.html", {"moved": True, "reason": reason}, 409)
    try:
        drafting.give_back(visit.node, visit.caller, draft_id, reason)
    except Stale:
        return _decision(visit, "draft_return.html", {"moved": True, "reason": reason}, 409)
    except Invalid as error:
        more = {"faults": [reading.refused(error)], "reason": reason}
        return _decision(visit, "draft_return.html", more, 422)
    return Moved(visit.to(f"/drafts/{draft_id}/done"))


def ask_discard(visit: Visit) -> Answer:
    """Ask whether to set the draft aside."""
    return _decision(visit, "draft_discard.html", {})


def discard(visit: Visit) -> Answer:
    """Set the draft aside for good."""
    draft_id = visit.parts["draft"]
    drafting.discard(visit.node, visit.caller, draft_id)
    return Moved(visit.to(f"/drafts/{draft_id}/done"))


def ask_confirm(visit: Visit) -> Answer:
    """Ask for the second look at what left at once."""
    return _decision(visit, "draft_confirm.html", {})


def confirm(visit: Visit) -> Answer:
    """Record the second look."""
    draft_id = visit.parts["draft"]
    try:
        drafting.confirm(visit.node, visit.caller, draft_id)
    except Refused as error:
        if error.code != "draft.not-previewed":
            raise
        return _draft_shown(visit, {"unseen": True}, 409)
    return Moved(visit.to(f"/drafts/{draft_id}/done"))


def done(visit: Visit) -> Answer:
    """Confirm what was done, with the reference."""
    draft = drafting.read(visit.node, visit.caller, visit.parts["draft"])
    members = {
        "draft": draft,
        "title": reading.draft_title(visit, draft),
        "approved": table_row(visit.node, draft.type).needs_approval,
        "stopped": stopped(visit.node),
    }
    return View("draft_done.html", members)


def _decision(visit: Visit, template: str, more: dict[str, Any], status: int = 200) -> Answer:
    """Show a page with one decision on it."""
    draft = drafting.read(visit.node, visit.caller, visit.parts["draft"])
    members: dict[str, Any] = {
        "draft": draft,
        "title": reading.draft_title(visit, draft),
        "powers": reading.draft_powers(visit, draft),
        "faults": [],
        "reason": "",
        "moved": False,
        "names": _names(visit, draft),
    }
    return View(template, members | more, status)


_DRAFT: Final = "/drafts/{draft}"
PAGES: Final = (
    Page("drafts", "/drafts", DESK, Action.DRAFT_LIST, index),
    Page("draft", _DRAFT, DESK, Action.DRAFT_PREVIEW, show),
    Page(
        "draft_approve",
        f"{_DRAFT}/approve",
        _REVIEWERS,
        Action.DRAFT_APPROVE,
        ask_approve,
        approve,
        fresh=True,
    ),
    Page("draft_sign", f"{_DRAFT}/sign", DESK, Action.DRAFT_EDIT, ask_sign, sign),
    Page(
        "draft_return",
        f"{_DRAFT}/return",
        _REVIEWERS,
        Action.DRAFT_RETURN,
        ask_return,
        give_back,
        fresh=True,
    ),
    Page(
        "draft_discard",
        f"{_DRAFT}/discard",
        DESK,
        Action.DRAFT_DISCARD,
        ask_discard,
        discard,
    ),
    Page(
        "draft_confirm",
        f"{_DRAFT}/confirm",
        _REVIEWERS,
        Action.DRAFT_CONFIRM,
        ask_confirm,
        confirm,
        fresh=True,
    ),
    Page("draft_done", f"{_DRAFT}/done", DESK, Action.DRAFT_READ, done),
)
