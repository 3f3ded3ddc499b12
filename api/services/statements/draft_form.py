"""The form of a draft: what its officers see, and how every act on one begins.

Owns what ``drafting`` (before approval) and ``approving`` (from approval on) share: the read model,
the one way to open a draft for an act, and the compare-and-set that every act ends with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from api.domain import drafts as rules
from api.domain.drafts import DraftAct, DraftState
from api.domain.events import Subject
from api.domain.four_eyes import Row
from api.domain.notation import Count, Digest, Instant, RecordId
from api.ports.policy import Action, Resource
from api.records import drafts
from api.records.drafts import Draft
from api.records.previews import Preview
from api.records.unit_of_work import Unit
from api.services import visibility
from api.services.authorising import Caller, Permit, may, unknown
from api.services.node import Node
from api.services.previews import Shown, require_preview
from api.services.visibility import table_row
from api.wire.envelope import RECORDED
from api.wire.statements import Officer


@dataclass(frozen=True, slots=True)
class DraftView:
    """A draft as its officers see it.

    Attributes:
        id: 32 hex digits.
        type: statement type with its version.
        state: ``drafted``, ``returned``, ``sealed`` or ``discarded``.
        version: from 1.
        digest: what an approval binds.
        nonce: that every signature over a version covers.
        to: recipients.
        thread: the mirror request that it belongs to.
        about: id of the object that it is about.
        body: the statement's body.
        prepared: how the statement will name the preparer.
        authors: officer records of everyone who wrote a version.
        created_at: when the first version was written.
        updated_at: when it last changed.
        confirm_by: when a second officer's look at what left at once is due.
        confirmed_by: officer record of who took that look.
        return_reason: why it was returned.
        statement: id of the statement that it became.
        tag: entity tag of this version.
    """

    id: RecordId
    type: str
    state: DraftState
    version: Count
    digest: Digest
    nonce: str | None
    to: tuple[str, ...]
    thread: Digest | None
    about: str | None
    body: Mapping[str, Any]
    prepared: Officer
    authors: frozenset[str]
    created_at: Instant
    updated_at: Instant
    confirm_by: Instant | None
    confirmed_by: str | None
    return_reason: str | None
    statement: Digest | None
    tag: str


def view_of(draft: Draft) -> DraftView:
    """Return a draft as its officers see it."""
    return DraftView(
        id=draft.id,
        type=draft.type,
        state=draft.state,
        version=draft.version,
        digest=draft.digest,
        nonce=draft.nonce,
        to=draft.to,
        thread=draft.thread,
        about=draft.about,
        body=draft.body,
        prepared=draft.prepared,
        authors=draft.authors,
        created_at=draft.created_at,
        updated_at=draft.updated_at,
        confirm_by=draft.confirm_by,
        confirmed_by=draft.confirmed_by,
        return_reason=draft.return_reason,
        statement=draft.statement,
        tag=draft.tag,
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft with the permit to act on it.

    Attributes:
        draft: as it stands.
        table: the four-eyes row of its type.
        permit: for the act it was opened for.
    """

    draft: Draft
    table: Row
    permit: Permit


_ACTIONS: Mapping[DraftAct, Action] = {
    DraftAct.REPLACE: Action.DRAFT_EDIT,
    DraftAct.APPROVE: Action.DRAFT_APPROVE,
    DraftAct.SEND: Action.DRAFT_SEND,
    DraftAct.RETURN: Action.DRAFT_RETURN,
    DraftAct.DISCARD: Action.DRAFT_DISCARD,
    DraftAct.CONFIRM: Action.DRAFT_CONFIRM,
}


def opened_for(
    node: Node, caller: Caller, draft_id: str, act: DraftAct, form: str | None = None
) -> Opened:
    """Return a draft that the caller may act on, in a state in which the act is possible.

    Args:
        node: this node.
        caller: who acts.
        draft_id: the draft.
        act: what is to happen to it.
        form: how the officer signs the act.

    Raises:
        NotFound: ``draft.unknown``: absent, or not for the caller.
        Refused: the policy denies the act.
        Conflict: ``draft.<state>``.
    """
    opened = opened_by(node, caller, draft_id, _ACTIONS[act], form)
    rules.require_open(opened.draft.state, act)
    return opened


def opened_by(
    node: Node, caller: Caller, draft_id: str, action: Action, form: str | None = None
) -> Opened:
    """Return a draft for an action, in whatever state it is; see :func:`opened_for`."""

    def read(connection: Connection) -> tuple[Draft, Resource] | None:
        draft = drafts.by_id(connection, draft_id)
        if draft is None:
            return None
        (target,) = visibility.resources(node, connection, [draft])
        return draft, target

    found = node.db.read(read)
    if found is None:
        raise unknown("draft")
    draft, target = found
    permit = visibility.permit_on_package(node, caller, action, draft, target, form=form)
    return Opened(draft, table_row(node, draft.type), permit)


def open_acts(
    node: Node, caller: Caller, draft_id: str, form: str = RECORDED
) -> frozenset[DraftAct]:
    """Return what the caller could do with a draft now, recording nothing; for pages.

    Args:
        node: this node.
        caller: who looks.
        draft_id: a draft that the caller was found to see.
        form: how they would sign an approval.
    """

    def read(connection: Connection) -> tuple[Draft, Resource] | None:
        draft = drafts.by_id(connection, draft_id)
        if draft is None:
            return None
        return draft, visibility.resources(node, connection, [draft])[0]

    found = node.db.read(read)
    if found is None:
        return frozenset()
    draft, target = found
    unconfirmed = draft.confirm_by is not None and draft.confirmed_by is None
    return frozenset(
        act
        for act, action in _ACTIONS.items()
        if rules.is_open(draft.state, act)
        and (act is not DraftAct.CONFIRM or unconfirmed)
        and may(node, caller, action, target, form=form)
    )


def swap(unit: Unit, draft: Draft, values: Mapping[str, Any]) -> None:
    """Change the draft if nobody else did in between.

    Raises:
        Stale: ``draft.stale``.
    """
    expect = {
        "version": draft.version,
        "state": draft.state.value,
        "digest": draft.digest,
        "confirmed_by": draft.confirmed_by,
    }
    if unit.update(drafts.DRAFTS, {"id": draft.id}, values, expect=expect) is None:
        raise rules.stale()


def reread(node: Node, draft_id: str) -> DraftView:
    """Return a draft after an act on it."""
    draft = node.db.read(lambda connection: drafts.by_id(connection, draft_id))
    if draft is None:
        raise unknown("draft")
    return view_of(draft)


def require_draft_seen(node: Node, caller: Caller, draft: Draft) -> Preview:
    """Return the look at this very digest without which nobody approves or confirms it.

    Raises:
        Refused: ``draft.not-previewed``.
    """
    shown = Shown(Subject("draft", draft.id, draft.version), draft.digest)
    command = f"comity draft preview {draft.id}"
    return require_preview(node, caller, shown, "draft.not-previewed", command)
