"""Drafts and four eyes: an officer's content on its way to approval.

Owns the first half of the one road by which a statement of this ministry comes into being;
``approving`` owns the second. The rules:

* A draft names its preparer, who may sign it with an own key; everyone who wrote a version is in
  the author set, and no author approves.
* An approval binds the digest that was seen. Whatever moved since answers ``Stale``.
* Where the four-eyes table asks for no approval, sending seals at once; where it asks for a
  confirmation afterwards, the draft carries the time by which a second officer must confirm.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from api.domain import drafts as rules
from api.domain.drafts import DraftAct, DraftState
from api.domain.errors import Conflict, Invalid, NotFound
from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import drafts
from api.records.claimed_nonces import CLAIMED_NONCES, claim
from api.records.drafts import Draft
from api.records.unit_of_work import Taken, Unit
from api.services import recording, visibility
from api.services.authorising import Caller, Permit, authorise, collection, entry_of, unknown
from api.services.idempotency import Made, Once, keyed_call, made_before, write_once
from api.services.node import Node
from api.services.paging import Place
from api.services.previews import resting_on
from api.services.statements import approving, endorsing
from api.services.statements.draft_form import (
    DraftView,
    opened_by,
    opened_for,
    require_draft_seen,
    reread,
    swap,
    view_of,
)
from api.services.statements.effects import check_content
from api.services.statements.effects.law_checks import with_edition
from api.services.statements.passkeys import require_own_site
from api.services.statements.zones import require_main_names
from api.services.visibility import table_row
from api.wire.bodies import validate_body
from api.wire.body_faults import body_faults, refuse_unknown
from api.wire.canonical import Json
from api.wire.digests import digest
from api.wire.statements import Content, prepared_bytes


def create(
    node: Node, caller: Caller, content: Content, endorsement: Mapping[str, Any] | None = None
) -> DraftView:
    """Make a draft; types that need no approval are sealed at once.

    Args:
        node: this node.
        caller: an officer whose role prepares this type.
        content: type, recipients, thread and body.
        endorsement: the preparer's own signature as JSON, or ``None`` for the recorded form.

    Returns:
        The draft; that of an earlier call with the same idempotency key and content, if there was
        one and the caller may still read it.

    Raises:
        Invalid: the content is malformed or against its type's rules.
        WireError: ``statement.body`` and ``endorsement.*``.
        Refused: the policy denies it.
        NotFound: what the draft is about is absent, or the caller stands aside from it.
    """
    row = table_row(node, content.type)
    if content.type.startswith("evidence-package/"):
        raise Invalid("draft.package", "Submit evidence packages to /packages, not as drafts.")
    permit = _permit_to_create(node, caller, content, endorsement)
    once = keyed_call(caller, Act.DRAFT_CREATED, _asked(content))
    if (known := made_before(node, once)) is not None:
        return _sent(node, caller, known["draft"])
    require_meaning(content)
    content = _with_edition(node, content, endorsement)
    made = endorsing.preparation(node, caller, content, row.prepared_by, endorsement)
    endorsing.check_preparation(made)
    require_own_site(node, caller, made.proof)
    about = node.db.read(lambda connection: check_content(node, connection, content))
    values = _values(node, caller, content, made)
    values |= {
        "id": node.entropy.identifier(),
        "version": 1,
        "authors": json.dumps(sorted(caller.authors)),
        "about": about,
        "created_at": values["updated_at"],
    }

    def write(unit: Unit) -> None:
        unit.insert(drafts.DRAFTS, values)
        unit.insert(drafts.DRAFT_VERSIONS, drafts.version_row(values, caller.person))
        recording.record(node, unit, _entry(caller, permit, Act.DRAFT_CREATED, values["id"], 1))

    fresh = Fresh(made.nonce, {"draft": str(values["id"])})
    return _sent(node, caller, write_fresh(node, once, fresh, write)["draft"])


def _with_edition(node: Node, content: Content, endorsement: Mapping[str, Any] | None) -> Content:
    """Let a draft name its regime's edition in force, unless its preparer signed it as it is."""
    if endorsement is not None:
        return content
    return replace(content, body=with_edition(node, content.type, content.body))


def require_meaning(content: Content) -> None:
    """Refuse content that its type does not know: nothing is signed that means nothing.

    Raises:
        WireError: ``statement.body``, ``statement.unknown-member`` with the nearest known name.
        Invalid: ``instants.zone``.
    """
    body = dict(content.body)
    if body_faults(content.type, body):
        validate_body(content.type, body)
        refuse_unknown(content.type, body)
    require_main_names(body)


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a call makes under a nonce that nothing else of this ministry may have.

    Attributes:
        nonce: of the draft or package.
        made: ids of what is made, as ``write_once`` takes them.
    """

    nonce: str
    made: Made


def write_fresh(node: Node, once: Once | None, fresh: Fresh, write: Callable[[Unit], None]) -> Made:
    """Run a unit that takes a nonce for what it makes; see ``idempotency.write_once``.

    Partners refuse a ministry's second statement with one nonce (PROTOCOL §9, *Preparer's bytes*).
    The nonce may have been taken by the same call a moment ago, whose key then tells so.

    Raises:
        Conflict: ``draft.nonce-used``: it stands in a draft or statement of this ministry.
    """

    def claiming(unit: Unit) -> None:
        claim(unit, node.ministry, fresh.nonce)
        write(unit)

    try:
        return write_once(node, once, fresh.made, claiming)
    except Taken as taken:
        if taken.table not in {CLAIMED_NONCES.name, drafts.DRAFTS.name}:
            raise
        raise Conflict(
            "draft.nonce-used", "This nonce was used for another draft; draw a new one and sign."
        ) from None


def _permit_to_create(
    node: Node, caller: Caller, content: Content, endorsement: Mapping[str, Any] | None
) -> Permit:
    """Ask with what the draft will be about, so that a recusal from that holds here as well."""
    named = visibility.named_in(content.body)
    if content.thread is not None:
        named.add(content.thread)
    aside = visibility.aside_from(node, named)
    target = visibility.draft_resource(node, table_row(node, content.type), None, aside)
    form = endorsing.form_of(endorsement)
    # The answer for what is not there: a 403 would tell what they stand aside from.
    seen_by = Action.DRAFT_CREATE if aside & caller.authors else None
    try:
        return authorise(node, caller, Action.DRAFT_CREATE, target, form=form, visible_by=seen_by)
    except NotFound as hidden:
        raise unknown(_kind_named(content), hidden.policies) from None


def _kind_named(content: Content) -> str:
    """Return the kind of object whose absence answers a draft that the caller may not make."""
    if content.thread is not None:
        return "thread"
    named = (kind for kind in ("package", "designation", "proposal") if kind in content.body)
    return next(named, "package")


def _asked(content: Content) -> dict[str, Json]:
    """Return what makes two creating calls the same one."""
    return {
        "type": content.type,
        "to": [*content.to],
        "thread": content.thread,
        "body": dict(content.body),
    }


def _sent(node: Node, caller: Caller, draft_id: str) -> DraftView:
    """Seal what needs no approval, unless an earlier call has done so."""
    draft = opened_by(node, caller, draft_id, Action.DRAFT_READ).draft
    if table_row(node, draft.type).needs_approval or draft.state is not DraftState.DRAFTED:
        return view_of(draft)
    return approving.send(node, caller, draft_id)


def replace_content(
    node: Node,
    caller: Caller,
    draft_id: str,
    tag: str,
    body: Mapping[str, Any],
    endorsement: Mapping[str, Any] | None = None,
) -> DraftView:
    """Write a new version of a draft; its writer joins the author set for good.

    Raises:
        Stale: ``draft.stale``: the tag is not that of the present version.
    """
    opened = opened_for(node, caller, draft_id, DraftAct.REPLACE)
    draft = opened.draft
    rules.require_seen(draft.tag, tag)
    content = replace(draft.content, body=body)
    _permit_to_create(node, caller, content, endorsement)
    require_meaning(content)
    content = _with_edition(node, content, endorsement)
    made = endorsing.preparation(node, caller, content, opened.table.prepared_by, endorsement)
    made = _with_nonce(draft, made)
    endorsing.check_preparation(made)
    require_own_site(node, caller, made.proof)
    about = node.db.read(lambda connection: check_content(node, connection, content))
    values = _values(node, caller, content, made)
    version = draft.version + 1
    values |= {
        "version": version,
        "authors": json.dumps(sorted(draft.authors | caller.authors)),
        "about": about,
        "return_reason": None,
    }

    def write(unit: Unit) -> None:
        swap(unit, draft, values)
        row_values = {**values, "id": draft_id}
        unit.insert(drafts.DRAFT_VERSIONS, drafts.version_row(row_values, caller.person))
        entry = _entry(caller, opened.permit, Act.DRAFT_REPLACED, draft_id, version)
        recording.record(node, unit, entry)

    node.db.write(write)
    return reread(node, draft_id)


def signable(node: Node, draft: DraftView) -> bytes:
    """Return what the preparer's own signature over the present version covers (PROTOCOL §9).

    Raises:
        Stale: ``draft.stale``: the draft has no nonce yet.
    """
    if draft.nonce is None:
        raise rules.stale()
    content = Content(draft.type, draft.to, dict(draft.body), draft.thread)
    return prepared_bytes(content, issuer=node.ministry, nonce=draft.nonce)


def give_back(node: Node, caller: Caller, draft_id: str, reason: str) -> DraftView:
    """Return a draft to its authors with a reason."""
    rules.require_reason(reason)
    values = {"state": DraftState.RETURNED.value, "return_reason": reason}
    return _changed(node, caller, draft_id, (DraftAct.RETURN, Act.DRAFT_RETURNED), values)


def discard(node: Node, caller: Caller, draft_id: str) -> DraftView:
    """Set aside a draft that has not left."""
    values = {"state": DraftState.DISCARDED.value}
    return _changed(node, caller, draft_id, (DraftAct.DISCARD, Act.DRAFT_DISCARDED), values)


def confirm(node: Node, caller: Caller, draft_id: str) -> DraftView:
    """Record the second look at a statement that left at once (a recall).

    Raises:
        Refused: ``draft.not-previewed``, own work, wrong role.
    """
    opened = opened_for(node, caller, draft_id, DraftAct.CONFIRM)
    draft = opened.draft
    rules.require_unconfirmed(draft.confirm_by, draft.confirmed_by)
    look = require_draft_seen(node, caller, draft)
    values = {"confirmed_by": caller.person, "updated_at": node.now()}

    def write(unit: Unit) -> None:
        swap(unit, draft, values)
        entry = _entry(caller, opened.permit, Act.DRAFT_CONFIRMED, draft_id, draft.version)
        recording.record(node, unit, resting_on(entry, look))

    node.db.write(write)
    return reread(node, draft_id)


def _changed(
    node: Node,
    caller: Caller,
    draft_id: str,
    moved: tuple[DraftAct, Act],
    values: Mapping[str, Any],
) -> DraftView:
    """Change a draft's state, if it still is as the caller's permit found it."""
    act, recorded = moved
    opened = opened_for(node, caller, draft_id, act)
    draft = opened.draft

    def write(unit: Unit) -> None:
        swap(unit, draft, {**values, "updated_at": node.now()})
        entry = _entry(caller, opened.permit, recorded, draft_id, draft.version)
        recording.record(node, unit, entry)

    node.db.write(write)
    return reread(node, draft_id)


def read(node: Node, caller: Caller, draft_id: str) -> DraftView:
    """Return a draft that the caller may see."""
    return view_of(opened_by(node, caller, draft_id, Action.DRAFT_READ).draft)


def several(node: Node, caller: Caller, ids: Iterable[str]) -> list[DraftView]:
    """Return those of these drafts that the caller may see."""
    wanted = [(visibility.ObjectKind.DRAFT.value, id_) for id_ in ids]
    if not wanted:
        return []
    seen = sorted(id_ for _, id_ in visibility.readable(node, caller, wanted))
    found = node.db.read(lambda connection: drafts.drafts_by_ids(connection, seen))
    return [view_of(one) for one in found.values()]


def drafts_page(
    node: Node,
    caller: Caller,
    *,
    limit: int,
    before: Place | None = None,
    state: str | None = None,
    thread: str | None = None,
) -> list[DraftView]:
    """Return a page of drafts that the caller may read, newest first."""
    authorise(node, caller, Action.DRAFT_LIST, collection("drafts"))

    found = visibility.readable_page(
        node,
        caller,
        lambda connection, at, size: drafts.page(
            connection, limit=size, before=at, state=state, thread=thread
        ),
        limit=limit,
        start=before,
    )
    return [view_of(one) for one in found]


def _with_nonce(draft: Draft, made: endorsing.Preparation) -> endorsing.Preparation:
    """Return a new version's preparation under the draft's own nonce, which versions keep.

    Raises:
        Invalid: ``draft.nonce``: the signature covers another one.
    """
    if draft.nonce is None or made.nonce == draft.nonce:
        return made
    if made.proof is not None:
        raise Invalid("draft.nonce", "Sign every version with the nonce of the draft.")
    return replace(made, nonce=draft.nonce)


def _values(
    node: Node, caller: Caller, content: Content, made: endorsing.Preparation
) -> dict[str, Any]:
    proof = made.proof
    return {
        "type": content.type,
        "state": DraftState.DRAFTED.value,
        "digest": digest(made.signed),
        "nonce": made.nonce,
        "to": json.dumps(list(content.to)),
        "thread": content.thread,
        "body": json.dumps(content.body, ensure_ascii=False),
        "prepared": json.dumps(made.officer.to_json()),
        "endorsement": None if proof is None else json.dumps(proof.to_json()),
        "preparer": caller.person,
        "updated_at": node.now(),
    }


def _entry(
    caller: Caller, permit: Permit, act: Act, draft_id: str, version: int
) -> recording.Entry:
    return entry_of(caller, permit, act, Subject("draft", draft_id, version))
