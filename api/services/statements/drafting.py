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
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import drafts
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, collection, entry_of, visible
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.statements import approving, endorsing
from api.services.statements.draft_form import (
    DISCARDED,
    DRAFTED,
    RETURNED,
    SEALED,
    Draft,
    load,
    recused,
    require_state,
    resource,
    swap,
    table_row,
)
from api.services.statements.effects import effect_of
from api.services.statements.passkeys import require_own_site
from api.wire.bodies import validate_body
from api.wire.canonical import Json
from api.wire.digests import digest
from api.wire.envelope import Endorsement
from api.wire.statements import Content, Officer, prepared_bytes


def create(
    node: Node, caller: Caller, content: Content, endorsement: Mapping[str, Any] | None = None
) -> Draft:
    """Make a draft; types that need no approval are sealed at once.

    Args:
        node: this node.
        caller: an officer whose role prepares this type.
        content: type, recipients, thread and body.
        endorsement: the preparer's own signature as JSON, or ``None`` for the recorded form.

    Returns:
        The draft; that of an earlier call with the same idempotency key and content, if there was
        one.

    Raises:
        Invalid: the content is malformed or against its type's rules.
        WireError: ``statement.body`` and ``endorsement.*``.
        Refused: the policy denies it.
    """
    row = table_row(node, content.type)
    if content.type.startswith("evidence-package/"):
        raise Invalid("draft.package", "Submit evidence packages to /packages, not as drafts.")
    effect = effect_of(content.type)
    permit = authorise(
        node,
        caller,
        Action.DRAFT_CREATE,
        resource(node, row, None, aside=frozenset()),
        form=endorsing.form_of(endorsement),
    )
    once = keyed_call(caller, Act.DRAFT_CREATED, _asked(content))
    if (known := made_before(node, once)) is not None:
        return _sent(node, caller, read(node, caller, known["draft"]))
    validate_body(content.type, dict(content.body))
    prepared, proof = endorsing.preparer(caller, content, row.prepared_by, endorsement)
    require_own_site(node, caller, proof)
    about = node.db.read(lambda connection: effect.check(node, connection, content))
    values = _values(node, caller, content, prepared, proof)
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

    made = write_once(node, once, {"draft": values["id"]}, write)
    return _sent(node, caller, load(node, made["draft"]))


def _asked(content: Content) -> dict[str, Json]:
    """Return what makes two creating calls the same one."""
    return {
        "type": content.type,
        "to": [*content.to],
        "thread": content.thread,
        "body": dict(content.body),
    }


def _sent(node: Node, caller: Caller, draft: Draft) -> Draft:
    """Seal what needs no approval, unless an earlier call has done so."""
    approved = table_row(node, draft.row["type"]).needs_approval
    if approved or draft.row["state"] != DRAFTED:
        return draft
    return approving.send(node, caller, draft.row["id"])


def replace_content(
    node: Node,
    caller: Caller,
    draft_id: str,
    tag: str,
    body: Mapping[str, Any],
    endorsement: Mapping[str, Any] | None = None,
) -> Draft:
    """Write a new version of a draft; its writer joins the author set for good.

    Raises:
        Stale: ``draft.stale``: the tag is not that of the present version.
    """
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    permit = authorise(
        node,
        caller,
        Action.DRAFT_EDIT,
        resource(node, row, draft, aside=recused(node, draft)),
        visible_by=Action.DRAFT_READ,
    )
    require_state(draft, DRAFTED, RETURNED)
    if tag != draft.tag:
        raise Stale("draft.stale", "The draft changed since you read it; read it again.")
    content = replace(draft.content, body=body)
    validate_body(content.type, dict(body))
    prepared, proof = endorsing.preparer(caller, content, row.prepared_by, endorsement)
    require_own_site(node, caller, proof)
    about = node.db.read(
        lambda connection: effect_of(content.type).check(node, connection, content)
    )
    values = _values(node, caller, content, prepared, proof)
    version = draft.row["version"] + 1
    values |= {
        "version": version,
        "authors": json.dumps(sorted(draft.authors | caller.authors)),
        "about": about,
        "return_reason": None,
    }

    def write(unit: Unit) -> None:
        moved = {"version": draft.row["version"], "state": draft.row["state"]}
        if unit.update(drafts.DRAFTS, {"id": draft_id}, values, expect=moved) is None:
            raise Stale("draft.stale", "The draft changed since you read it; read it again.")
        row_values = {**values, "id": draft_id}
        unit.insert(drafts.DRAFT_VERSIONS, drafts.version_row(row_values, caller.person))
        recording.record(node, unit, _entry(caller, permit, Act.DRAFT_REPLACED, draft_id, version))

    node.db.write(write)
    return load(node, draft_id)


def give_back(node: Node, caller: Caller, draft_id: str, reason: str) -> Draft:
    """Return a draft to its authors with a reason."""
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    permit = authorise(
        node,
        caller,
        Action.DRAFT_RETURN,
        resource(node, row, draft, aside=recused(node, draft)),
        visible_by=Action.DRAFT_READ,
    )
    require_state(draft, DRAFTED)
    if not reason.strip():
        raise Invalid("draft.reason-missing", "Say why the draft is returned.")

    def write(unit: Unit) -> None:
        values = {"state": RETURNED, "return_reason": reason, "updated_at": node.now()}
        swap(unit, draft, values)
        version = draft.row["version"]
        recording.record(node, unit, _entry(caller, permit, Act.DRAFT_RETURNED, draft_id, version))

    node.db.write(write)
    return load(node, draft_id)


def discard(node: Node, caller: Caller, draft_id: str) -> Draft:
    """Set aside a draft that has not left."""
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    permit = authorise(
        node,
        caller,
        Action.DRAFT_DISCARD,
        resource(node, row, draft, aside=recused(node, draft)),
        visible_by=Action.DRAFT_READ,
    )
    require_state(draft, DRAFTED, RETURNED)

    def write(unit: Unit) -> None:
        swap(unit, draft, {"state": DISCARDED, "updated_at": node.now()})
        entry = _entry(caller, permit, Act.DRAFT_DISCARDED, draft_id, draft.row["version"])
        recording.record(node, unit, entry)

    node.db.write(write)
    return load(node, draft_id)


def confirm(node: Node, caller: Caller, draft_id: str) -> Draft:
    """Record the second look at a statement that left at once (a recall)."""
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    permit = authorise(
        node,
        caller,
        Action.DRAFT_CONFIRM,
        resource(node, row, draft, aside=recused(node, draft)),
        visible_by=Action.DRAFT_READ,
    )
    require_state(draft, SEALED)
    if draft.row["confirmed_by"] is not None:
        raise Conflict("draft.confirmed", "This statement has been confirmed already.")

    def write(unit: Unit) -> None:
        swap(unit, draft, {"confirmed_by": caller.person, "updated_at": node.now()})
        entry = _entry(caller, permit, Act.DRAFT_CONFIRMED, draft_id, draft.row["version"])
        recording.record(node, unit, entry)

    node.db.write(write)
    return load(node, draft_id)


def read(node: Node, caller: Caller, draft_id: str) -> Draft:
    """Return a draft that the caller may see."""
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    authorise(
        node,
        caller,
        Action.DRAFT_READ,
        resource(node, row, draft, aside=recused(node, draft)),
        visible_by=Action.DRAFT_READ,
    )
    return draft


def listed(
    node: Node,
    caller: Caller,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    state: str | None = None,
) -> list[Draft]:
    """Return a page of drafts that the caller may read, newest first."""
    authorise(node, caller, Action.DRAFT_LIST, collection("drafts"))
    rows = node.db.read(
        lambda connection: drafts.page(connection, limit=limit, before=before, state=state)
    )
    found = [Draft(row) for row in rows]
    targets = [
        resource(node, table_row(node, each.row["type"]), each, aside=recused(node, each))
        for each in found
    ]
    allowed = visible(node, caller, Action.DRAFT_READ, targets)
    return [each for each, may in zip(found, allowed, strict=True) if may]


def _values(
    node: Node, caller: Caller, content: Content, prepared: Officer, proof: Endorsement | None
) -> dict[str, Any]:
    signed = prepared_bytes(content.type, content.to, content.thread, content.body)
    return {
        "type": content.type,
        "state": DRAFTED,
        "digest": digest(signed),
        "to": json.dumps(list(content.to)),
        "thread": content.thread,
        "body": json.dumps(content.body, ensure_ascii=False),
        "prepared": json.dumps(prepared.to_json()),
        "endorsement": None if proof is None else json.dumps(proof.to_json()),
        "preparer": caller.person,
        "updated_at": node.now(),
    }


def _entry(
    caller: Caller, permit: Permit, act: Act, draft_id: str, version: int
) -> recording.Entry:
    return entry_of(caller, permit, act, Subject("draft", draft_id, version))
