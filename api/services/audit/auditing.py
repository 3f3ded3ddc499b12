"""Reading the audit log: events by act, actor, outcome, object and period, for auditors.

Owns the auditor's view of events; exporting and checking are ``export`` and ``fsck``. A filter that
can match nothing is refused: an empty answer must mean that nothing happened.
"""

import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal

from sqlalchemy import Connection

from api.domain import approvals as rules
from api.domain.approvals import Approval
from api.domain.changes import ChangeKind
from api.domain.errors import Invalid
from api.domain.events import RETIRED, Act
from api.domain.notation import Count, Digest, Nullable
from api.ports.policy import Action
from api.records import audit, officers
from api.records.audit import EventRow, EventsWanted
from api.services.authorising import Caller, authorise, collection, unknown
from api.services.node import Node
from api.wire.encoding import parse_instant
from api.wire.errors import WireError

OUTCOMES: Final = ("done", "refused")
"""What an event can say about its act."""

MOST_APPROVALS: Final = 1000
"""Most approvals that one answer tells."""


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as auditors see it.

    Attributes:
        seq: number by which pages are cut; follows the order of the log.
        index: leaf; ``None`` while it waits for the sequencer.
        erased: its body is gone under a legal order.
        gap: ``erased`` or ``lost`` where the body is missing, else ``None``.
        statement: id of the statement it concerns.
        event: its content (PROTOCOL §6); ``None`` where it is missing.
    """

    seq: Count
    index: Nullable[Count]
    erased: bool
    gap: Nullable[Literal["erased", "lost"]]
    statement: Nullable[Digest]
    event: Nullable[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events an auditor asks for; empty members ask for all.

    Attributes:
        act: such as ``package.released``.
        actor: an officer's record id or account (``sub``), a member's id for its node, or ``node``
            for this one's own acts.
        outcome: ``done`` or ``refused``.
        object_id: id of what it is about.
        since: first instant, RFC 3339 UTC.
        until: first instant no longer.
    """

    act: str = ""
    actor: str = ""
    outcome: str = ""
    object_id: str = ""
    since: str = ""
    until: str = ""


def events(
    node: Node, caller: Caller, wanted: Wanted, *, limit: int, before: int | None = None
) -> list[EventView]:
    """Return events newest first.

    Raises:
        Invalid: ``audit.act``, ``audit.outcome``, ``audit.actor``, ``audit.period``: this can
            match nothing.
    """
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))
    require_acts(wanted.act)
    if wanted.outcome and wanted.outcome not in OUTCOMES:
        raise Invalid("audit.outcome", f"Choose one of: {', '.join(OUTCOMES)}.")
    _require_period(wanted.since, wanted.until)

    def read(connection: Connection) -> list[EventRow]:
        asked = EventsWanted(
            acts=(wanted.act,) if wanted.act else (),
            actors=_actors(node, connection, wanted.actor),
            outcome=wanted.outcome,
            object_id=wanted.object_id,
            since=wanted.since,
            until=wanted.until,
        )
        return audit.events(connection, asked, limit=limit, before=before)

    return [view(row) for row in node.db.read(read)]


def at(node: Node, caller: Caller, leaf: int) -> EventView:
    """Return the event at one place of the log.

    Raises:
        NotFound: ``event.unknown``.
    """
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))
    found = node.db.read(lambda connection: audit.event_row(connection, leaf))
    if found is None:
        raise unknown("event")
    return view(found)


def approvals(node: Node, caller: Caller, since: str = "", until: str = "") -> list[Approval]:
    """Return who approved whose work after how long, having seen it; newest first.

    Args:
        node: this node.
        caller: an auditor.
        since: first instant of the approvals, RFC 3339 UTC; empty for all.
        until: first instant no longer; empty for all.

    Raises:
        Invalid: ``audit.period``.
    """
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))
    _require_period(since, until)

    def read(connection: Connection) -> list[Approval]:
        approved = audit.objects_of_acts(
            connection, rules.APPROVALS, since=since, until=until, limit=MOST_APPROVALS
        )
        # Of these objects all is read: what was made or looked at may lie before the period. The
        # event of a look names the kind of change, not always that of what it changes.
        kinds = {kind for kind, _ in approved} | {kind.value for kind in ChangeKind}
        about = sorted({(kind, id_) for kind in kinds for _, id_ in approved})
        rows = audit.events_about(connection, about, rules.ACTS)
        told = ((row.leaf_index, json.loads(row.body)) for row in rows if row.body is not None)
        return [
            one
            for one in rules.approvals(told)
            if since <= one.approved_at and (not until or one.approved_at < until)
        ]

    return node.db.read(read)[: -MOST_APPROVALS - 1 : -1]


def view(row: EventRow) -> EventView:
    """Return an event as auditors see it; ``gap`` says why its content is missing."""
    gap: Literal["erased", "lost"] | None = None
    if row.body is None:
        gap = "erased" if audit.is_erased(row.id) else "lost"
    return EventView(
        seq=row.seq,
        index=row.leaf_index,
        erased=gap == "erased",
        gap=gap,
        statement=row.statement,
        event=None if row.body is None else json.loads(row.body),
    )


def require_acts(*acts: str) -> None:
    """Refuse a name that no event has, with the nearest ones that events have.

    Raises:
        Invalid: ``audit.act``.
    """
    known = {act.value for act in Act} | RETIRED
    for act in acts:
        if act and act not in known:
            # Also for a word that is near to none: the nearest show how acts are called.
            near = get_close_matches(act, sorted(known), n=3, cutoff=0.0)
            said = f"Did you mean {', '.join(near)}?"
            raise Invalid("audit.act", f"No event has this act. {said}", acts=near)


def _require_period(since: str, until: str) -> None:
    try:
        first, last = (parse_instant(text) if text else None for text in (since, until))
    except WireError:
        raise Invalid("audit.period", "Write instants as 2026-11-23T17:25:39.123Z.") from None
    if first is not None and last is not None and first >= last:
        raise Invalid("audit.period", "The period must end after it starts.")


def _actors(node: Node, connection: Connection, named: str) -> tuple[str, ...]:
    """Return the forms in which events name an actor (``kind:iss:sub``)."""
    if not named:
        return ()
    if named == "node":
        return ("node::",)
    if named != node.ministry and node.membership.find(named) is not None:
        return (f"peer::{named}",)
    accounts = [
        f"officer:{each.iss}:{each.sub}"
        for each in officers.identities(connection)
        if named in {each.officer, each.sub}
    ]
    if not accounts:
        raise Invalid(
            "audit.actor",
            "Name an officer of this node by record or account, a member, or node.",
        )
    return tuple(accounts)
