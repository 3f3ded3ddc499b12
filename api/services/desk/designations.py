"""Designations: state one, amend it, end it, list and read what is listed where.

Owns the use cases; statements are made through drafts (``drafting``), what they do is
``effects.designations``'.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from api.domain import designations as rules
from api.domain.designations import Designation
from api.domain.regimes.clocks import Clock
from api.domain.reliance import Affected, Kind
from api.ports.policy import Action
from api.records import designations, diary
from api.records.diary import DiaryEntry
from api.services.authorising import Caller, authorise, collection, unknown, visible
from api.services.desk import objects
from api.services.desk.statutory_clocks import clocks_of
from api.services.node import Node
from api.services.paging import visible_page
from api.services.statements import drafting
from api.services.statements.draft_form import Draft
from api.services.statements.effects import reliance
from api.services.statements.effects.base import opened
from api.services.statements.effects.designation_record import known_to, standing_of
from api.wire.statements import Content, Statement


@dataclass(frozen=True, slots=True)
class DesignationView:
    """A designation with everything its readers see.

    Attributes:
        row: index row.
        standing: as it stands after its amendments.
        statements: the designation, its amendments and delisting, as stored.
        known_to: ministries that this node gave it to.
        clocks: periods of law that started from it, ended ones too.
        diary: what officers recorded of it, withdrawn entries too.
        rests_on_it: decisions known here that rest on it.
    """

    row: RowMapping
    standing: Designation
    statements: list[Statement]
    known_to: frozenset[str]
    clocks: list[Clock]
    diary: list[DiaryEntry]
    rests_on_it: tuple[Affected, ...]


def listed(
    node: Node,
    caller: Caller,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    jurisdiction: str | None = None,
) -> list[RowMapping]:
    """Return a page of the designations known here, last stored first."""
    authorise(node, caller, Action.DESIGNATION_LIST, collection("designations"))

    def allowed(rows: Sequence[RowMapping]) -> list[bool]:
        targets = [objects.designation(row) for row in rows]
        return visible(node, caller, Action.DESIGNATION_READ, targets)

    return visible_page(
        lambda at: node.db.read(
            lambda connection: designations.page(
                connection, limit=limit, before=at, jurisdiction=jurisdiction
            )
        ),
        allowed,
        lambda row: (row["stored_at"], row["id"]),
        limit=limit,
        start=before,
    )


def permit_on(node: Node, caller: Caller, designation_id: str) -> RowMapping:
    """Return a designation's row if the caller may read it.

    Raises:
        NotFound: ``designation.unknown``.
    """
    row = node.db.read(lambda connection: designations.by_id(connection, designation_id))
    if row is None:
        raise unknown("designation")
    target = objects.designation(row)
    authorise(node, caller, Action.DESIGNATION_READ, target, visible_by=Action.DESIGNATION_READ)
    return row


def read(node: Node, caller: Caller, designation_id: str) -> DesignationView:
    """Return a designation as it stands, with its statements and what follows from it."""
    row = permit_on(node, caller, designation_id)

    def view(connection: Connection) -> DesignationView:
        standing = standing_of(connection, designation_id)
        if standing is None:
            raise unknown("designation")
        stored = [opened(each) for each in designations.statements_of(connection, designation_id)]
        first = next(one for one in stored if one.id == designation_id)
        entries = diary.entries_about(connection, [designation_id]).get(designation_id, [])
        return DesignationView(
            row,
            standing,
            stored,
            known_to(connection, designation_id),
            clocks_of(node, first, [one for one in stored if one is not first], entries),
            entries,
            reliance.affected_by(connection, (Kind.DESIGNATION, designation_id)),
        )

    return node.db.read(view)


def designate(
    node: Node, caller: Caller, to: Sequence[str], body: Mapping[str, Any], endorsement: Any = None
) -> Draft:
    """Draft the statement that this jurisdiction listed a subject."""
    content = Content(rules.DESIGNATION, tuple(to), dict(body))
    return drafting.create(node, caller, content, endorsement)


def change(
    node: Node,
    caller: Caller,
    designation_id: str,
    type_: str,
    body: Mapping[str, Any],
    endorsement: Any = None,
) -> Draft:
    """Draft an amendment or delisting, addressed to every ministry that was given the designation.

    Args:
        node: this node.
        caller: an officer who prepares it.
        designation_id: an own designation.
        type_: ``designation-amendment/1`` or ``delisting/1``.
        body: its body without ``designation``.
        endorsement: the preparer's own signature, if any.
    """
    row = permit_on(node, caller, designation_id)
    to = tuple(json.loads(row["known_to"]))
    content = Content(type_, to, {**body, "designation": designation_id})
    return drafting.create(node, caller, content, endorsement)
