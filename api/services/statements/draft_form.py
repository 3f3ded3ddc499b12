"""The form of a draft: its row, its resource for the policies, its states.

Owns what ``drafting`` (before approval) and ``approving`` (from approval on) share. A draft names
its preparer, who may sign it with an own key; everyone who wrote a version is in the author set.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import RowMapping

from api.domain.errors import Conflict, Invalid, Stale
from api.domain.four_eyes import Row
from api.ports.policy import Resource
from api.records import drafts, officers
from api.records.unit_of_work import Unit
from api.services.authorising import unknown
from api.services.node import Node
from api.wire.envelope import Endorsement
from api.wire.statements import Content, Officer

DRAFTED, RETURNED, SEALED, DISCARDED = "drafted", "returned", "sealed", "discarded"


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as its officers see it."""

    row: RowMapping

    @property
    def content(self) -> Content:
        """What would be signed."""
        return Content(
            self.row["type"],
            tuple(json.loads(self.row["to"])),
            json.loads(self.row["body"]),
            self.row["thread"],
        )

    @property
    def prepared(self) -> Officer:
        """Who prepared the present version."""
        return Officer.from_json(json.loads(self.row["prepared"]))

    @property
    def endorsement(self) -> Endorsement | None:
        """The preparer's own signature, if there is one."""
        text = self.row["endorsement"]
        return None if text is None else Endorsement.from_json(json.loads(text))

    @property
    def authors(self) -> frozenset[str]:
        """Everyone who wrote any version."""
        return frozenset(json.loads(self.row["authors"]))

    @property
    def tag(self) -> str:
        """Entity tag of this version."""
        return f"{self.row['version']}-{self.row['digest'][7:23]}"


def table_row(node: Node, type_: str) -> Row:
    """Return the four-eyes row of a statement type.

    Raises:
        Invalid: ``statement.type``: officers draft no such statement.
    """
    row = node.four_eyes.rows.get(type_.split("/", maxsplit=1)[0])
    if row is None or row.sealed_by_node:
        raise Invalid("statement.type", "Officers draft no statements of this type.")
    return row


def resource(node: Node, row: Row, draft: Draft | None, *, aside: frozenset[str]) -> Resource:
    """Return the draft as the policies see it; without a draft, one about to be created."""
    return Resource(
        "draft",
        draft.row["id"] if draft is not None else "new",
        {
            "statement_type": row.statement_type,
            "authors": draft.authors if draft is not None else frozenset(),
            "preparer": draft.row["preparer"] if draft is not None else "",
            "prepared_by": row.prepared_by,
            "approved_by": row.approved_by,
            "confirmed_by": row.confirmed_by,
            "own_key": row.own_key,
            "recused": aside,
            "ministry": node.ministry,
            "state": draft.row["state"] if draft is not None else DRAFTED,
        },
    )


def load(node: Node, draft_id: str) -> Draft:
    """Return a draft.

    Raises:
        NotFound: ``draft.unknown``.
    """
    row = node.db.read(lambda connection: drafts.by_id(connection, draft_id))
    if row is None:
        raise unknown("draft")
    return Draft(row)


def recused(node: Node, draft: Draft) -> frozenset[str]:
    """Return the officers who stand aside from what the draft is about."""
    about = draft.row["thread"] or draft.row["about"]
    if about is None:
        return frozenset()
    return node.db.read(lambda connection: officers.recused_from(connection, about))


def swap(unit: Unit, draft: Draft, values: Mapping[str, Any]) -> None:
    """Change the draft if nobody else did in between."""
    expect = {name: draft.row[name] for name in ("version", "state", "digest", "confirmed_by")}
    if unit.update(drafts.DRAFTS, {"id": draft.row["id"]}, values, expect=expect) is None:
        raise Stale("draft.stale", "The draft changed since you read it; read it again.")


def require_state(draft: Draft, *states: str) -> None:
    """Refuse a draft in another state.

    Raises:
        Conflict: ``draft.<state>``.
    """
    if draft.row["state"] not in states:
        raise Conflict(
            f"draft.{draft.row['state']}",
            f"This draft is {draft.row['state']}; the act comes too late.",
        )
