"""What will the partner see? Shown before anyone approves.

Owns the view of a draft from its recipient's side: content, what travels with it, and what stays.
"""

from typing import Any

from sqlalchemy import Connection

from api.ports.policy import Action
from api.records import packages, statements
from api.records.drafts import Draft
from api.services.authorising import Caller
from api.services.node import Node
from api.services.statements.draft_form import opened_by
from api.services.statements.effects import evidence as effects
from api.services.statements.effects import mirroring, thread_record
from api.wire.statements import Content


def preview(node: Node, caller: Caller, draft_id: str) -> dict[str, Any]:
    """Return what each recipient of a draft would receive if it were approved now.

    Returns:
        ``{draft, type, recipients: [{ministry, jurisdiction, receives: [...], exhibits: [...]}],
        signed_by, stays_here}``.
    """
    draft = opened_by(node, caller, draft_id, Action.DRAFT_PREVIEW).draft
    return node.db.read(lambda connection: _view(node, connection, draft))


def _view(node: Node, connection: Connection, draft: Draft) -> dict[str, Any]:
    content = draft.content
    package_id = content.body.get("package") if content.type == "release/1" else None
    travels: list[dict[str, Any]] = []
    exhibits: list[dict[str, Any]] = []
    if isinstance(package_id, str):
        travels.append(
            {
                "statement": package_id,
                "type": "evidence-package/1",
                "body": effects.package_body(connection, package_id),
            }
        )
        exhibits = [
            {
                "label": row.label,
                "digest": row.digest,
                "size": row.size,
                "media_type": row.media_type,
            }
            for row in packages.exhibits_of(connection, package_id)
        ]
    return {
        "draft": draft.id,
        "type": content.type,
        "recipients": [
            {
                "ministry": ministry,
                "jurisdiction": node.membership.member(ministry).jurisdiction,
                "receives": [
                    {"type": content.type, "body": dict(content.body)},
                    *travels,
                    *_brought(connection, content, ministry),
                ],
                "exhibits": exhibits,
                "holds_already": _holds(connection, ministry),
            }
            for ministry in content.to
        ],
        "signed_by": {"prepared": draft.prepared.to_json()},
        "stays_here": [
            "earlier versions of this draft and who wrote them",
            "return reasons and approvals other than the one named in the statement",
            "audit events: the partner gets a salted commitment to one, never its content",
        ],
    }


def _brought(connection: Connection, content: Content, ministry: str) -> list[dict[str, Any]]:
    """Return the statements that go along because this ministry was not given them yet."""
    body: dict[str, Any] = dict(content.body)
    ids = mirroring.travelling(connection, content.type, body, [ministry])
    known = statements.by_ids(connection, ids)
    opened = [thread_record.opened(known[id_]) for id_ in ids]
    return [{"statement": one.id, "type": one.type, "body": one.body} for one in opened]


def _holds(connection: Connection, ministry: str) -> list[str]:
    rows = packages.held_by(connection, ministry)
    known = statements.by_ids(connection, [row.package for row in rows])
    return [row.package for row in rows if row.package in known]
