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
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from api.domain import drafts as rules
from api.domain.drafts import DraftAct, DraftState
from api.domain.errors import ComityError, Invalid, Stale
from api.domain.events import Act, Subject
from api.records import drafts, statements
from api.records.drafts import Draft
from api.records.previews import Preview
from api.records.statements import Filed
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import Caller, entry_of
from api.services.node import Node
from api.services.previews import resting_on
from api.services.sealing import Sealed, seal_statement
from api.services.statements import endorsing
from api.services.statements.draft_form import (
    DraftView,
    Opened,
    opened_for,
    require_draft_seen,
    swap,
    view_of,
)
from api.services.statements.effects import check_content, effect_of
from api.services.statements.effects.base import Effect, Issued
from api.services.statements.effects.thread_record import loaded_once
from api.services.statements.passkeys import require_own_site
from api.services.statements.reading_record import require_read
from api.wire.encoding import b64u_decode, format_instant, parse_instant
from api.wire.endorsements import check_endorsement
from api.wire.envelope import APPROVED, RECORDED, Endorsement
from api.wire.statements import (
    By,
    Officer,
    Place,
    Statement,
    compose_statement,
    parse_statement,
)

_CANDIDATE_LIFE = timedelta(minutes=15)
_CLOCK_SKEW = timedelta(minutes=1)


def candidate(node: Node, caller: Caller, draft_id: str, form: str, kid: str) -> bytes:
    """Return exact payload bytes that name the caller as approver; reserves nothing.

    Args:
        node: this node.
        caller: an officer who may approve the draft.
        draft_id: the draft.
        form: ``jws`` or ``webauthn``.
        kid: the approver's enrolled key.
    """
    opened = opened_for(node, caller, draft_id, DraftAct.APPROVE, form)
    endorsing.require_own_key(caller, kid)
    approver = endorsing.officer(caller, opened.table.approved_by, form, kid)
    return _compose(node, opened.draft, approver, _judge(node, opened.draft)).payload


def approve_recorded(node: Node, caller: Caller, draft_id: str, seen: str) -> DraftView:
    """Approve the draft whose digest the caller saw; the node composes and seals.

    Raises:
        Stale: ``draft.stale``: the draft is another one now.
        Refused: own work, wrong role, or the table asks for an own key.
    """
    opened = opened_for(node, caller, draft_id, DraftAct.APPROVE, RECORDED)
    rules.require_seen(opened.draft.digest, seen)
    look = _look(node, caller, opened)
    approver = endorsing.officer(caller, opened.table.approved_by, RECORDED, None)
    judged = _judge(node, opened.draft)
    statement = _compose(node, opened.draft, approver, judged)
    return _seal(node, _Approval(caller, opened, look, judged), statement, None)


def approve_signed(
    node: Node, caller: Caller, draft_id: str, payload: bytes, signature: Mapping[str, Any]
) -> DraftView:
    """Approve with the caller's own signature over a candidate payload.

    Raises:
        Stale: ``draft.stale``: draft or thread moved since the candidate was made.
        Invalid: ``candidate.foreign``, ``candidate.expired``.
    """
    endorsement = Endorsement.from_json({**signature, "part": APPROVED})
    opened = opened_for(node, caller, draft_id, DraftAct.APPROVE, endorsement.form)
    proposed = parse_statement(payload)
    look = _look(node, caller, opened)
    judged = _judge(node, opened.draft)
    approver = _check_candidate(node, caller, opened, proposed, endorsement.form, judged)
    check_endorsement(approver, endorsement, payload)
    require_own_site(node, caller, endorsement)
    return _seal(node, _Approval(caller, opened, look, judged), proposed, endorsement)


def send(node: Node, caller: Caller, draft_id: str) -> DraftView:
    """Seal a draft of a type that needs no approval before it leaves."""
    opened = opened_for(node, caller, draft_id, DraftAct.SEND)
    judged = _judge(node, opened.draft)
    statement = _compose(node, opened.draft, None, judged)
    return _seal(node, _Approval(caller, opened, None, judged), statement, None)


def _look(node: Node, caller: Caller, opened: Opened) -> Preview:
    """Return the look at this very digest without which nobody approves it.

    Raises:
        Refused: ``draft.not-previewed``, ``draft.exhibits-unread``.
    """
    look = require_draft_seen(node, caller, opened.draft)
    require_read(node, caller, opened.draft, opened.table)
    return look


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one look at the database says of a draft.

    Attributes:
        place: of the statement in its thread; ``None`` outside of threads.
        about: id of the object that it is about.
        refusal: why its type's rules let it not be issued now.
    """

    place: Place | None
    about: str | None = None
    refusal: ComityError | None = None


def _judge(node: Node, draft: Draft) -> _Judged:
    """Find a draft's place and judge its content, on one snapshot and with its thread loaded once.

    A refusal is kept until the candidate was compared: whose thread moved hears of that first.
    """

    def read(connection: Connection) -> _Judged:
        place = effect_of(draft.type).place(node, connection, draft.content)
        try:
            return _Judged(place, check_content(node, connection, draft.content))
        except ComityError as error:
            return _Judged(place, refusal=error)

    with loaded_once():
        return node.db.read(read)


def _compose(
    node: Node,
    draft: Draft,
    approver: Officer | None,
    judged: _Judged,
    like: Statement | None = None,
) -> Statement:
    """Compose the statement that a draft becomes now.

    Args:
        node: this node.
        draft: what was prepared.
        approver: who approves; ``None`` where nobody does before it leaves.
        judged: where the statement stands.
        like: a candidate that was composed before: its time is taken over.
    """
    content = draft.content
    if draft.nonce is None:
        raise Stale("draft.stale", "This draft has no nonce yet: write its next version first.")
    issued_at = parse_instant(like.issued_at) if like is not None else node.clock.now()
    return compose_statement(
        content,
        issuer=node.ministry,
        issued_at=issued_at,
        nonce=b64u_decode(draft.nonce),
        by=By(draft.prepared, approver),
        place=judged.place,
    )


def _check_candidate(
    node: Node, caller: Caller, opened: Opened, proposed: Statement, form: str, judged: _Judged
) -> Officer:
    """Compare a candidate, whole, with what this node composes for this caller now.

    Returns:
        The approver whom it names: the caller.

    Raises:
        Stale: ``draft.stale``, ``thread.moved``.
        Invalid: ``candidate.foreign``, ``candidate.expired``.
        Refused: ``key.not-enrolled``.
    """
    named = proposed.by.approved if proposed.by is not None else None
    if named is None or (named.iss, named.sub) != (caller.iss, caller.sub):
        raise Invalid("candidate.foreign", "Sign a candidate that names you as the approver.")
    kid = named.kid or ""
    endorsing.require_own_key(caller, kid)
    age = node.clock.now() - parse_instant(proposed.issued_at)
    if not -_CLOCK_SKEW <= age <= _CANDIDATE_LIFE:
        raise Invalid("candidate.expired", "This candidate is too old; ask for a new one.")
    approver = endorsing.officer(caller, opened.table.approved_by, form, kid)
    expected = _compose(node, opened.draft, approver, judged, like=proposed)
    if proposed.payload == expected.payload:
        return approver
    if (proposed.seq, proposed.prev, proposed.seen) != (
        expected.seq,
        expected.prev,
        expected.seen,
    ):
        raise Stale("thread.moved", "The thread moved since the candidate was made; ask again.")
    if proposed.by == expected.by or proposed.body != expected.body:
        raise Stale("draft.stale", "The draft changed since the candidate was made; ask again.")
    raise Invalid("candidate.foreign", "Sign the candidate as this node composed it for you.")


@dataclass(frozen=True, slots=True)
class _Approval:
    """Who lets a draft become a statement, and on which look; ``None`` where nobody approves."""

    caller: Caller
    opened: Opened
    look: Preview | None
    judged: _Judged


@dataclass(frozen=True, slots=True)
class _Sealing:
    """What one transaction turns into a statement.

    Attributes:
        approval: whose act it is, with the draft and its permit.
        sealed: the statement in its envelope.
        effect: its type's effect.
    """

    approval: _Approval
    sealed: Sealed
    effect: Effect


def _seal(
    node: Node, approval: _Approval, statement: Statement, signature: Endorsement | None
) -> DraftView:
    draft = approval.opened.draft
    effect = effect_of(draft.type)
    if approval.judged.refusal is not None:
        raise approval.judged.refusal
    endorsements = [proof for proof in (draft.endorsement, signature) if proof is not None]
    sealed = seal_statement(node, statement, endorsements)
    sealing = _Sealing(approval, sealed, effect)
    try:
        made = node.db.write(lambda unit: _write_sealed(node, unit, sealing))
    except Taken as error:
        # Only the constraints on approvals and on (thread, issuer, seq) can be violated here.
        raise Stale("draft.stale", "Another officer was faster; read it again.") from error
    return view_of(made)


def _write_sealed(node: Node, unit: Unit, sealing: _Sealing) -> Draft:
    """Store statement, effects, event, outbox and draft state together; returns the draft then."""
    approval, sealed, at = sealing.approval, sealing.sealed, node.now()
    opened, caller = approval.opened, approval.caller
    draft = opened.draft
    became = _became(node, opened, sealed, at)
    changed = {
        "state": became.state.value,
        "statement": became.statement,
        "updated_at": at,
        "confirm_by": became.confirm_by,
    }
    swap(unit, draft, changed)
    if approval.look is not None:
        unit.insert(
            drafts.APPROVALS,
            {
                "draft": draft.id,
                "version": draft.version,
                "approver": caller.person,
                "statement": sealed.statement.id,
                "at": at,
            },
        )
    filed = Filed(sealed.envelope, sealed.digest, "own", approval.judged.about, at)
    statements.store(unit, sealed.statement, filed)
    if approval.look is not None:
        subject = Subject("draft", draft.id, draft.version)
        entry = entry_of(caller, opened.permit, Act.DRAFT_APPROVED, subject)
        recording.record(node, unit, resting_on(entry, approval.look))
    issued = Issued(sealed.statement, at, caller.person, draft.id)
    consequence = sealing.effect.issue(node, unit, issued)
    recording.post(node, unit, consequence.recipients, sealed.statement.id, bring=consequence.bring)
    recording.record(
        node,
        unit,
        recording.concerning(
            entry_of(caller, opened.permit, consequence.act, consequence.subject),
            sealed.statement.id,
            sealed.digest,
        ),
    )
    return became


def _became(node: Node, opened: Opened, sealed: Sealed, at: str) -> Draft:
    """Return the draft as it stands once it is sealed."""
    draft, table = opened.draft, opened.table
    confirm_by = draft.confirm_by
    if table.needs_confirmation and table.confirm_within_hours is not None:
        until = node.clock.now() + timedelta(hours=table.confirm_within_hours)
        confirm_by = format_instant(until)
    return replace(
        draft,
        state=DraftState.SEALED,
        statement=sealed.statement.id,
        updated_at=at,
        confirm_by=confirm_by,
    )
