"""Approval: from a draft that another officer saw to a sealed statement.

Owns the second half of the road that ``drafting`` begins. The order of events in :func:`_seal`:

1. The policy permits the approver; the draft is the one that was seen; its type's rules hold.
2. The payload is composed (or the signed candidate is compared with what would be composed).
3. The ministry seals it; no write lock is held.
4. Statement, effects, event, outbox and draft state commit in one transaction. *A crash before
   leaves the draft as it was; after, everything is there.* Two approvals of one draft meet at the
   compare-and-set and at the key of ``approvals``: one commits, the other answers ``Stale``.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from api.domain.errors import Invalid, Stale
from api.domain.four_eyes import Row
from api.ports.policy import Action
from api.records import drafts, statements
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, entry_of
from api.services.node import Node
from api.services.sealing import Sealed, seal_statement
from api.services.statements import endorsing
from api.services.statements.draft_form import (
    DRAFTED,
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
from api.services.statements.effects.base import Effect, Issued
from api.services.statements.passkeys import require_own_site
from api.wire.digests import digest
from api.wire.encoding import format_instant, parse_instant
from api.wire.endorsements import check_endorsement
from api.wire.envelope import APPROVED, RECORDED, Endorsement
from api.wire.statements import (
    NONCE_BYTES,
    By,
    Officer,
    Statement,
    compose_statement,
    parse_statement,
)

_CANDIDATE_LIFE = timedelta(minutes=15)


def candidate(node: Node, caller: Caller, draft_id: str, form: str, kid: str) -> bytes:
    """Return exact payload bytes that name the caller as approver; reserves nothing.

    Args:
        node: this node.
        caller: an officer who may approve the draft.
        draft_id: the draft.
        form: ``jws`` or ``webauthn``.
        kid: the approver's enrolled key.
    """
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    authorise(
        node,
        caller,
        Action.DRAFT_APPROVE,
        resource(node, row, draft, aside=recused(node, draft)),
        form=form,
        visible_by=Action.DRAFT_READ,
    )
    require_state(draft, DRAFTED)
    endorsing.require_own_key(caller, kid)
    approver = endorsing.officer(caller, row.approved_by, form, kid)
    return _compose(node, draft, approver).payload


def approve_recorded(node: Node, caller: Caller, draft_id: str, seen: str) -> Draft:
    """Approve the draft whose digest the caller saw; the node composes and seals.

    Raises:
        Stale: ``draft.stale``: the draft is another one now.
        Refused: own work, wrong role, or the table asks for an own key.
    """
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    permit = _permit_to_approve(node, caller, draft, row, RECORDED)
    if seen != draft.row["digest"]:
        raise Stale("draft.stale", "The draft changed since you read it; read it again.")
    approver = endorsing.officer(caller, row.approved_by, RECORDED, None)
    return _seal(node, caller, draft, permit, _compose(node, draft, approver), None)


def approve_signed(
    node: Node, caller: Caller, draft_id: str, payload: bytes, signature: Mapping[str, Any]
) -> Draft:
    """Approve with the caller's own signature over a candidate payload.

    Raises:
        Stale: ``draft.stale``: draft or thread moved since the candidate was made.
        Invalid: ``candidate.foreign``, ``candidate.expired``.
    """
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    endorsement = Endorsement.from_json({**signature, "part": APPROVED})
    permit = _permit_to_approve(node, caller, draft, row, endorsement.form)
    proposed = parse_statement(payload)
    approver = _check_candidate(node, caller, draft, proposed)
    check_endorsement(approver, endorsement, payload)
    require_own_site(node, caller, endorsement)
    return _seal(node, caller, draft, permit, proposed, endorsement)


def send(node: Node, caller: Caller, draft_id: str) -> Draft:
    """Seal a draft of a type that needs no approval before it leaves."""
    draft = load(node, draft_id)
    row = table_row(node, draft.row["type"])
    permit = authorise(
        node,
        caller,
        Action.DRAFT_SEND,
        resource(node, row, draft, aside=recused(node, draft)),
        visible_by=Action.DRAFT_READ,
    )
    require_state(draft, DRAFTED)
    return _seal(node, caller, draft, permit, _compose(node, draft, None), None)


def _permit_to_approve(node: Node, caller: Caller, draft: Draft, row: Row, form: str) -> Permit:
    permit = authorise(
        node,
        caller,
        Action.DRAFT_APPROVE,
        resource(node, row, draft, aside=recused(node, draft)),
        form=form,
        visible_by=Action.DRAFT_READ,
    )
    require_state(draft, DRAFTED)
    return permit


def _compose(node: Node, draft: Draft, approver: Officer | None) -> Statement:
    content = draft.content
    place = node.db.read(
        lambda connection: effect_of(content.type).place(node, connection, content)
    )
    return compose_statement(
        content,
        issuer=node.ministry,
        issued_at=node.clock.now(),
        nonce=node.entropy.token(NONCE_BYTES),
        by=By(draft.prepared, approver),
        place=place,
    )


def _check_candidate(node: Node, caller: Caller, draft: Draft, proposed: Statement) -> Officer:
    """Return the approver whom the candidate names: the caller."""
    content = draft.content
    same = (
        digest(proposed.prepared) == draft.row["digest"]
        and proposed.issuer == node.ministry
        and proposed.by is not None
        and proposed.by.prepared == draft.prepared
    )
    if not same:
        raise Stale("draft.stale", "The draft changed since the candidate was made; ask again.")
    approver = proposed.by.approved if proposed.by is not None else None
    if approver is None or (approver.iss, approver.sub) != (caller.iss, caller.sub):
        raise Invalid("candidate.foreign", "Sign a candidate that names you as the approver.")
    endorsing.require_own_key(caller, approver.kid or "")
    age = node.clock.now() - parse_instant(proposed.issued_at)
    if not -timedelta(minutes=1) <= age <= _CANDIDATE_LIFE:
        raise Invalid("candidate.expired", "This candidate is too old; ask for a new one.")
    place = node.db.read(
        lambda connection: effect_of(content.type).place(node, connection, content)
    )
    stated = (proposed.seq, proposed.prev, proposed.seen)
    if place is not None and stated != (place.seq, place.prev, place.seen):
        raise Stale("thread.moved", "The thread moved since the candidate was made; ask again.")
    return approver


def _seal(
    node: Node,
    caller: Caller,
    draft: Draft,
    permit: Permit,
    statement: Statement,
    approval: Endorsement | None,
) -> Draft:
    content = draft.content
    effect = effect_of(content.type)
    about = node.db.read(lambda connection: effect.check(node, connection, content))
    endorsements = [proof for proof in (draft.endorsement, approval) if proof is not None]
    sealed = seal_statement(node, statement, endorsements)
    try:
        node.db.write(
            lambda unit: _write_sealed(node, unit, caller, draft, permit, sealed, effect, about)
        )
    except Taken as error:
        # Only the constraints on approvals and on (thread, issuer, seq) can be violated here.
        raise Stale("draft.stale", "Another officer was faster; read it again.") from error
    return load(node, draft.row["id"])


def _write_sealed(  # noqa: PLR0913, PLR0917 - one transaction, spelled out in one place
    node: Node,
    unit: Unit,
    caller: Caller,
    draft: Draft,
    permit: Permit,
    sealed: Sealed,
    effect: Effect,
    about: str | None,
) -> None:
    at = node.now()
    row = table_row(node, draft.row["type"])
    values: dict[str, Any] = {
        "state": SEALED,
        "statement": sealed.statement.id,
        "updated_at": at,
    }
    if row.needs_confirmation and row.confirm_within_hours is not None:
        until = node.clock.now() + timedelta(hours=row.confirm_within_hours)
        values["confirm_by"] = format_instant(until)
    swap(unit, draft, values)
    if row.needs_approval:
        unit.insert(
            drafts.APPROVALS,
            {
                "draft": draft.row["id"],
                "version": draft.row["version"],
                "approver": caller.person,
                "statement": sealed.statement.id,
                "at": at,
            },
        )
    unit.insert(
        statements.STATEMENTS,
        statements.values(
            sealed.statement, sealed.envelope, sealed.digest, origin="own", about=about, at=at
        ),
    )
    issued = Issued(sealed.statement, at, caller.person, draft.row["id"])
    consequence = effect.issue(node, unit, issued)
    recording.post(node, unit, consequence.recipients, sealed.statement.id, bring=consequence.bring)
    recording.record(
        node,
        unit,
        recording.concerning(
            entry_of(caller, permit, consequence.act, consequence.subject),
            sealed.statement.id,
            sealed.digest,
        ),
    )
