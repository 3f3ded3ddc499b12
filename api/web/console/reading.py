"""Between use cases and pages: the one place that knows in which form things come back.

Owns small adapters (titles, addresses, names of subjects). A page gets what it
shows from here where a use case returns no read model of its own.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.domain.changes import ChangeKind
from api.domain.drafts import DraftAct, DraftState
from api.domain.errors import ComityError
from api.domain.four_eyes import Row as FourEyesRow
from api.records.proposed import KEY_REQUEST
from api.services.desk import mirroring, object_words, package_lines
from api.services.statements import draft_form, drafting
from api.services.statements.draft_form import DraftView
from api.services.visibility import table_row
from api.web.console import body_words
from api.web.console.page import Visit
from api.web.console.words import mark
from api.wire.body_faults import BodyFault
from api.wire.envelope import RECORDED, WEBAUTHN
from api.wire.errors import WireError

_PLACED: Final = re.compile(r"(?:At )?/body((?:/[A-Za-z0-9_*]+)+): (.+?)\.?")
_PATHS: Final = {
    "draft": "/drafts/",
    "package": "/packages/",
    "thread": "/mirror-requests/",
    "designation": "/designations/",
    "proposal": "/proposals/",
}
_DECIDED_AT: Final[Mapping[str, tuple[str, str]]] = {
    ChangeKind.OFFICER: ("/people/officers/", "/approve"),
    ChangeKind.GRANT: ("/people/grants/", "/approve"),
    ChangeKind.KEY: ("/people/keys/", "/approve"),
    KEY_REQUEST: ("/people/key-requests/", "/approve"),
    ChangeKind.SUSPENSION: ("/people/suspensions/", "/approve"),
    ChangeKind.REINSTATEMENT: ("/people/reinstatements/", "/approve"),
    ChangeKind.DELEGATION: ("/people/absences/", "/approve"),
    ChangeKind.RELYING_PARTY: ("/people/passkey-sites/", "/approve"),
    ChangeKind.REGIME: ("/law/editions/", "/approve"),
    ChangeKind.MEMBERSHIP: ("/run/membership/", "/approve"),
    ChangeKind.ERASURE: ("/run/erasures/", "/approve"),
    ChangeKind.EPOCH: ("/partners/", "/epoch/approve"),
}
"""Where an administrator decides on a change; the command line for those without a page."""


def full(hexadecimal: str) -> str:
    """Return the id behind an address: statements' ids carry a scheme, others do not."""
    return f"sha256:{hexadecimal}"


def href_of(visit: Visit, kind: str, id_: str) -> str:
    """Return the address of an object's page; empty if its kind has none."""
    base, after = _PATHS.get(kind, ""), ""
    if kind in _DECIDED_AT:
        base, after = _DECIDED_AT[kind]
    return visit.to(f"{base}{id_.removeprefix('sha256:')}{after}") if base else ""


def subject_names(subject: Mapping[str, Any]) -> list[str]:
    """Return a described subject's names as they were written."""
    found = subject.get("names") or []
    return [str(one.get("text", "")) if isinstance(one, Mapping) else str(one) for one in found]


def draft_title(visit: Visit, draft: DraftView) -> str:
    """Return what a draft is about: its package's title, or the names of its subjects."""
    return draft_titles(visit, [draft])[draft.id]


def draft_titles(visit: Visit, drafts: Sequence[DraftView]) -> dict[str, str]:
    """Return what drafts are about, by id; packages and requests are looked up together."""
    packages = [one.body.get("package") for one in drafts]
    titles = package_lines.titles(
        visit.node, visit.caller, {one for one in packages if isinstance(one, str)}
    )
    threads = {one.thread for one in drafts if one.thread is not None}
    lines = mirroring.subject_lines_of(visit.node, threads) if threads else {}
    found = {one.id: _draft_title(one, titles, lines) for one in drafts}
    others = {one.about for one in drafts if one.about is not None and not found[one.id]}
    called = object_words.titles(visit.node, others) if others else {}
    return {one.id: found[one.id] or called.get(one.about or "", "") for one in drafts}


def _draft_title(
    draft: DraftView,
    titles: Mapping[str, str],
    lines: Mapping[str, Sequence[mirroring.SubjectLine]],
) -> str:
    body: Mapping[str, Any] = draft.body
    package = body.get("package")
    if isinstance(package, str):
        return titles.get(package, "")
    if draft.thread is not None:
        asked = lines.get(draft.thread, ())
        about = [one for one in asked if one.key == body.get("subject")] or asked
        return ", ".join(one.name for one in about)
    subjects = body.get("subjects") or ([body["subject"]] if "subject" in body else [])
    described = [one for one in subjects if isinstance(one, Mapping)]
    return ", ".join(next(iter(subject_names(one)), "") for one in described)


def draft_lines(visit: Visit, drafts: Sequence[DraftView]) -> list[dict[str, Any]]:
    """Return drafts as lists show them."""
    titles = draft_titles(visit, drafts)
    names = object_words.colleagues(visit.node) if drafts else {}
    return [
        {
            "id": draft.id,
            "type": draft.type,
            "state": draft.state,
            "title": titles[draft.id],
            "to": list(draft.to),
            "by": names.get(f"{draft.prepared.iss} {draft.prepared.sub}", draft.prepared.sub),
            "at": draft.updated_at,
            "href": visit.to(f"/drafts/{draft.id}"),
        }
        for draft in drafts
    ]


def draft_powers(visit: Visit, draft: DraftView) -> dict[str, Any]:
    """Return what the officer may do with a draft, and why not.

    Returns:
        One boolean for each act, and ``why``: the message that says why there is no approval.
    """
    open_ = draft.state is DraftState.DRAFTED
    acts = draft_form.open_acts(visit.node, visit.caller, draft.id)
    signed = draft_form.open_acts(visit.node, visit.caller, draft.id, WEBAUTHN)
    table = table_row(visit.node, draft.type)
    powers: dict[str, Any] = {
        "recorded": table.needs_approval and DraftAct.APPROVE in acts,
        "signed": table.needs_approval and DraftAct.APPROVE in signed,
        "give_back": DraftAct.RETURN in acts,
        "edit": DraftAct.REPLACE in acts,
        "discard": DraftAct.DISCARD in acts,
        "confirm": DraftAct.CONFIRM in acts,
    }
    powers["approve"] = powers["recorded"] or powers["signed"]
    mine = (draft.prepared.iss, draft.prepared.sub) == (visit.caller.iss, visit.caller.sub)
    powers["sign"] = open_ and mine and powers["edit"] and draft.prepared.form == RECORDED
    powers["why"] = "" if powers["approve"] or not open_ else _why_not(visit, draft, table)
    return powers


def _why_not(visit: Visit, draft: DraftView, table: FourEyesRow) -> str:
    if visit.caller.authors & draft.authors:
        return mark(
            "You wrote this draft, or a version of it. Somebody else must approve it, whatever "
            "account you use."
        )
    if not set(table.approved_by) & visit.caller.roles:
        return mark("A reviewer of your ministry approves drafts of this kind.")
    return mark("The policies of your ministry do not let you approve this draft.")


def drafts_about(visit: Visit, thread_id: str) -> list[dict[str, Any]]:
    """Return open drafts of this ministry in a request."""
    found = drafting.drafts_page(
        visit.node, visit.caller, limit=200, state="drafted", thread=thread_id
    )
    return draft_lines(visit, found)


def compact(value: Mapping[str, Any]) -> str:
    """Return JSON as an attribute of a page carries it."""
    return json.dumps(value, separators=(",", ":"))


def refused(error: ComityError | WireError) -> dict[str, Any]:
    """Return a refusal as an entry of the error summary, in the language it was written in.

    One that names a place in a statement's body becomes a fault of that field.
    """
    placed = _PLACED.fullmatch(error.message)
    if placed:
        parts = placed[1].split("/")[1:]
        place = tuple(int(one) if one.isdecimal() else one for one in parts)
        return body_words.fault_of(BodyFault(place, placed[2]), place)
    return {"field": "", "text": error.message, "foreign": True}
