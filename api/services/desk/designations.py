"""Designations: state one, amend it, end it, list and read what is listed where.

Owns the use cases; statements are made through drafts (``drafting``), what they do is
``effects.designations``'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from api.domain import designations as rules
from api.domain.notation import Count, Digest, Instant
from api.domain.regimes.clocks import Clock
from api.domain.reliance import Affected, RelianceKind
from api.ports.policy import Action, Resource
from api.records import designations, diary
from api.records.designations import Designation
from api.records.diary import DiaryEntry
from api.services import visibility
from api.services.authorising import Caller, Permit, authorise, collection, unknown
from api.services.desk.statutory_clocks import clocks_of
from api.services.node import Node
from api.services.paging import Place
from api.services.statements import drafting
from api.services.statements.draft_form import DraftView
from api.services.statements.effects import reliance
from api.services.statements.effects.base import opened
from api.services.statements.effects.designation_record import known_to, standing_of
from api.wire.statements import Content


@dataclass(frozen=True, slots=True)
class DesignationSummary:
    """One line of the list of designations.

    Attributes:
        id: of its statement.
        issuer: ministry that stated it.
        jurisdiction: whose list it is on.
        regime: under which regime.
        name: the subject's first name.
        list_reference: its reference on the published list.
        since: first day in force.
        ended_on: day of its delisting.
        amendments: how many were stored.
        proposal: the proposal that it followed from.
        stored_at: when it was stored here.
    """

    id: Digest
    issuer: str
    jurisdiction: str
    regime: str
    name: str
    list_reference: str
    since: str
    ended_on: str | None
    amendments: Count
    proposal: Digest | None
    stored_at: Instant


@dataclass(frozen=True, slots=True)
class StatementView:
    """One statement that makes an object what it is."""

    id: Digest
    type: str
    issuer: str
    issued_at: Instant
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClockView:
    """A period of law that started from a designation.

    Attributes:
        id: of the clock in its regime.
        name: in English.
        name_fr: in French.
        started: first day.
        due: day by which it ends; ``None`` where it does not end by itself.
        ended: day on which something ended it.
        lapses: whether the designation lapses when it passes.
        text: what the law asks, in English.
        text_fr: in French.
        basis: how well the rule is established.
        source: where it stands.
    """

    id: str
    name: str
    name_fr: str
    started: str
    due: str | None
    ended: str | None
    lapses: bool
    text: str
    text_fr: str
    basis: str
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AffectedView:
    """A decision that rests on an object.

    Attributes:
        kind: ``proposal``, ``finding`` or ``designation``.
        id: of the decision.
        ministry: whose decision it is.
        thread: the mirror request that it stands in.
        key: the subject there.
        path: ids from the object to the decision.
    """

    kind: str
    id: str
    ministry: str
    thread: str | None
    key: str | None
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DesignationView(DesignationSummary):
    """A designation with everything its readers see.

    Attributes:
        standing: its body as it stands after its amendments.
        statements: the designation, its amendments and delisting, as stored.
        known_to: ministries that this node gave it to.
        clocks: periods of law that started from it, ended ones too.
        diary: what officers recorded of it, withdrawn entries too.
        rests_on_it: decisions known here that rest on it.
    """

    standing: Mapping[str, Any]
    statements: tuple[StatementView, ...]
    known_to: tuple[str, ...]
    clocks: tuple[ClockView, ...]
    diary: tuple[DiaryEntry, ...]
    rests_on_it: tuple[AffectedView, ...]


def designations_page(
    node: Node,
    caller: Caller,
    *,
    limit: int,
    before: Place | None = None,
    jurisdiction: str | None = None,
) -> list[DesignationSummary]:
    """Return a page of the designations known here that the caller may read, last stored first."""
    authorise(node, caller, Action.DESIGNATION_LIST, collection("designations"))

    found = visibility.readable_page(
        node,
        caller,
        lambda connection, at, size: designations.page(
            connection, limit=size, before=at, jurisdiction=jurisdiction
        ),
        limit=limit,
        start=before,
    )
    return [DesignationSummary(**_members(one)) for one in found]


def _members(row: Designation) -> dict[str, Any]:
    return {
        "id": row.id,
        "issuer": row.issuer,
        "jurisdiction": row.jurisdiction,
        "regime": row.regime,
        "name": row.name,
        "list_reference": row.list_reference,
        "since": row.since,
        "ended_on": row.ended_on,
        "amendments": row.amendments,
        "proposal": row.proposal,
        "stored_at": row.stored_at,
    }


def permit_on(
    node: Node, caller: Caller, action: Action, designation_id: str
) -> tuple[Designation, Permit]:
    """Return a designation with the permit to act on it; hidden ones answer as absent ones.

    Raises:
        NotFound: ``designation.unknown``.
    """

    def find(connection: Connection) -> tuple[Designation, Resource] | None:
        row = designations.by_id(connection, designation_id)
        if row is None:
            return None
        (target,) = visibility.resources(node, connection, [row])
        return row, target

    found = node.db.read(find)
    if found is None:
        raise unknown("designation")
    row, target = found
    return row, visibility.permit_on_package(node, caller, action, row, target)


def read(node: Node, caller: Caller, designation_id: str) -> DesignationView:
    """Return a designation as it stands, with its statements and what follows from it."""
    row, _ = permit_on(node, caller, Action.DESIGNATION_READ, designation_id)
    view, affected = node.db.read(lambda connection: _designation_view(node, connection, row))
    seen = visibility.readable(node, caller, (_place(one) for one in affected))
    shown = tuple(_affected(one) for one in affected if _place(one) in seen)
    return replace(view, rests_on_it=shown)


def _designation_view(
    node: Node, connection: Connection, row: Designation
) -> tuple[DesignationView, tuple[Affected, ...]]:
    standing = standing_of(connection, row.id)
    if standing is None:
        raise unknown("designation")
    stored = [opened(each) for each in designations.statements_of(connection, row.id)]
    first = next(one for one in stored if one.id == row.id)
    entries = diary.entries_about(connection, [row.id]).get(row.id, [])
    started = clocks_of(node, first, [one for one in stored if one is not first], entries)
    view = DesignationView(
        **_members(row),
        standing=standing.body,
        statements=tuple(
            StatementView(one.id, one.type, one.issuer, one.issued_at, one.body) for one in stored
        ),
        known_to=tuple(sorted(known_to(connection, row.id))),
        clocks=tuple(_clock(one) for one in started),
        diary=tuple(entries),
        rests_on_it=(),
    )
    return view, reliance.affected_by(connection, (RelianceKind.DESIGNATION, row.id))


def _place(one: Affected) -> visibility.Reference:
    """Return the object whose policy decides who sees that a decision rests on something."""
    if one.decision.kind is RelianceKind.FINDING:
        return (visibility.ObjectKind.THREAD, one.thread)
    return (one.decision.kind.value, one.decision.id)


def _affected(one: Affected) -> AffectedView:
    return AffectedView(
        kind=one.decision.kind.value,
        id=one.decision.id,
        ministry=one.decision.ministry,
        thread=one.thread or None,
        key=one.key or None,
        path=one.path,
    )


def _clock(one: Clock) -> ClockView:
    return ClockView(
        id=one.id,
        name=one.name.en,
        name_fr=one.name.fr,
        started=one.started.isoformat(),
        due=one.due.isoformat() if one.due is not None else None,
        ended=one.ended.isoformat() if one.ended is not None else None,
        lapses=one.lapses,
        text=one.text.en,
        text_fr=one.text.fr,
        basis=one.basis.value,
        source=tuple(one.source),
    )


def designate(
    node: Node, caller: Caller, to: Sequence[str], body: Mapping[str, Any], endorsement: Any = None
) -> DraftView:
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
) -> DraftView:
    """Draft an amendment or delisting, addressed to every ministry that was given the designation.

    Args:
        node: this node.
        caller: an officer who prepares it.
        designation_id: an own designation.
        type_: ``designation-amendment/1`` or ``delisting/1``.
        body: its body without ``designation``.
        endorsement: the preparer's own signature, if any.
    """
    row, _ = permit_on(node, caller, Action.DESIGNATION_READ, designation_id)
    to = tuple(sorted(row.known_to))
    content = Content(type_, to, {**body, "designation": designation_id})
    return drafting.create(node, caller, content, endorsement)
