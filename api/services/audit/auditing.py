"""Reading the audit log: a page of events for auditors.

Owns the auditor's view of events; exporting and checking are ``exporting`` and ``fsck``.
"""

import json
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from api.ports.policy import Action
from api.records import audit, log
from api.services.authorising import Caller, authorise, collection
from api.services.node import Node


def listed(
    node: Node,
    caller: Caller,
    *,
    limit: int,
    before: int | None = None,
    act: str | None = None,
    object_id: str | None = None,
) -> list[dict[str, Any]]:
    """Return events newest first, each with its place in the log and its raw content."""
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))

    def read(connection: Connection) -> list[RowMapping]:
        return log.events_page(connection, limit=limit, before=before, act=act, object_id=object_id)

    return [view(row) for row in node.db.read(read)]


def view(row: RowMapping) -> dict[str, Any]:
    """Return an event as auditors see it; ``gap`` says why one is missing."""
    body = row["body"]
    gap = None
    if body is None:
        gap = "erased" if audit.is_erased(row["id"]) else "lost"
    return {
        "seq": row["seq"],
        "index": row["leaf_index"],
        "erased": gap == "erased",
        "gap": gap,
        "statement": row["statement"],
        "event": None if body is None else json.loads(bytes(body)),
    }
