"""What will the partner see? Shown before anyone approves.

Owns the view of a draft from its recipient's side: content, what travels with it, and what stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.events import Act, Subject
from api.domain.notation import Count, Digest, RecordId
from api.ports.policy import Action
from api.records import packages, statements
from api.records.drafts import Draft
from api.services.authorising import Caller
from api.services.node import Node
from api.services.previews import Shown, note_preview
from api.services.statements.draft_form import opened_by
from api.services.statements.effects import base, mirroring
from api.services.statements.effects import packages as effects
from api.services.statements.preview_words import DraftWords, in_words
from api.wire.statements import Content, Officer

_STAYS = (
    "earlier versions of this draft and who wrote them",
    "return reasons and approvals other than the one named in the statement",
    "audit events: the partner gets a salted commitment to one, never its content",
)


MOST_HELD: Final = 1000
"""Most ids of packages that a recipient holds already which a preview tells."""


@dataclass(frozen=True, slots=True)
class PartView:
    """One statement that a recipient gets; ``statement`` is the id of one that exists already."""

    type: str
    body: Mapping[str, Any]
    statement: Digest | None = None


@dataclass(frozen=True, slots=True)
class SentExhibit:
    """One file that a recipient may fetch, by its label."""

    label: str
    digest: Digest
    size: Count
    media_type: str


@dataclass(frozen=True, slots=True)
class RecipientView:
    """What one recipient gets.

    Attributes:
        ministry: its member id.
        jurisdiction: where it is.
        receives: the statement, and what travels with it.
        exhibits: files that it may fetch then.
        holds_already: ids of packages of this ministry that it holds, up to `MOST_HELD`.
    """

    ministry: str
    jurisdiction: str
    receives: tuple[PartView, ...]
    exhibits: tuple[SentExhibit, ...]
    holds_already: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who is named in the statement as having prepared it."""

    prepared: Officer


@dataclass(frozen=True, slots=True)
class PreviewView:
    """What leaves if a draft is approved now.

    Attributes:
        draft: its id.
        digest: of the version that is shown; an approval binds it.
        version: of the draft.
        type: statement type with its version.
        words: what it says, in words.
        recipients: what each of them gets.
        signed_by: who prepared it.
        stays_here: what does not leave, one phrase each.
    """

    draft: RecordId
    digest: Digest
    version: Count
    type: str
    words: DraftWords
    recipients: tuple[RecipientView, ...]
    signed_by: SignedBy
    stays_here: tuple[str, ...]


def preview(node: Node, caller: Caller, draft_id: str) -> PreviewView:
    """Return what each recipient of a draft would receive if it were approved now.

    Looking is an event, and the look without which nobody approves this version
    (``draft.not-previewed``).
    """
    opened = opened_by(node, caller, draft_id, Action.DRAFT_PREVIEW)
    draft = opened.draft
    found = node.db.read(lambda connection: _preview_view(node, connection, draft))
    shown = Shown(Subject("draft", draft.id, draft.version), draft.digest)
    note_preview(node, caller, opened.permit, shown, Act.DRAFT_PREVIEWED)
    return found


def _preview_view(node: Node, connection: Connection, draft: Draft) -> PreviewView:
    content = draft.content
    package_id = content.body.get("package") if content.type == "release/1" else None
    travels: list[PartView] = []
    exhibits: tuple[SentExhibit, ...] = ()
    if isinstance(package_id, str):
        body = effects.package_body(connection, package_id)
        travels.append(PartView("evidence-package/1", body, package_id))
        exhibits = tuple(
            SentExhibit(one.label, one.digest, one.size, one.media_type)
            for one in packages.exhibits_of(connection, package_id)
        )
    return PreviewView(
        draft=draft.id,
        digest=draft.digest,
        version=draft.version,
        type=content.type,
        words=in_words(node, connection, draft),
        recipients=tuple(
            RecipientView(
                ministry=ministry,
                jurisdiction=node.membership.member(ministry).jurisdiction,
                receives=(
                    PartView(content.type, dict(content.body)),
                    *travels,
                    *_brought(connection, content, ministry),
                ),
                exhibits=exhibits,
                holds_already=tuple(packages.held_ids(connection, ministry, MOST_HELD)),
            )
            for ministry in content.to
        ),
        signed_by=SignedBy(draft.prepared),
        stays_here=_STAYS,
    )


def _brought(connection: Connection, content: Content, ministry: str) -> list[PartView]:
    """Return the statements that go along because this ministry was not given them yet."""
    body: dict[str, Any] = dict(content.body)
    ids = mirroring.travelling(connection, content.type, body, [ministry])
    known = statements.by_ids(connection, ids)
    opened = [base.opened(known[id_]) for id_ in ids]
    return [PartView(one.type, one.body, one.id) for one in opened]
