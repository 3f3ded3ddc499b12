"""What waits for an administrator: people, roles, keys, absences, memberships, erasures and more.

Owns one look-up over many tables and no table of its own.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.engine import RowMapping

from api.domain.changes import ChangeKind
from api.records import node_state
from api.records.audit import ERASURES
from api.records.delegations import DELEGATIONS
from api.records.memberships import MEMBERSHIP_CHANGES
from api.records.officers import GRANTS, OFFICER_KEYS, OFFICERS
from api.records.passkeys import RELYING_PARTIES
from api.records.regime_editions import REGIME_EDITIONS
from api.records.suspensions import SUSPENSIONS

PROPOSED, REQUESTED = "proposed", "requested"
KEY_REQUEST = "key-request"
"""Kind of a key that its officer asked for and nobody vouched for yet."""


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """One change that somebody proposed and nobody decided.

    Attributes:
        kind: a :class:`~api.domain.changes.ChangeKind`, or ``key-request``.
        id: what the command that decides on it takes.
        task: names it among all that waits.
        officers: officer records of whom it concerns.
        detail: role, form, reference or member; empty where nothing more is to be said.
        proposed_by: officer record of who proposed it; empty where nobody is named.
        at: since when; empty where that is not noted.
    """

    kind: str
    id: str
    task: str
    officers: tuple[str, ...]
    detail: str
    proposed_by: str
    at: str


def proposed_changes(connection: Connection, now: str) -> list[ProposedChange]:
    """Return every change that waits, by task id; a ministry has few of them at a time."""
    found = [one for source in _SOURCES for one in source(connection, now)]
    return sorted(found, key=lambda one: one.task)


def _people(connection: Connection, _now: str) -> Iterator[ProposedChange]:
    for row in _rows(connection, select(OFFICERS).where(OFFICERS.c.state == PROPOSED)):
        by, at = row["proposed_by"] or "", row["created_at"]
        yield ProposedChange(ChangeKind.OFFICER, row["id"], row["id"], (row["id"],), "", by, at)


def _grants(connection: Connection, _now: str) -> Iterator[ProposedChange]:
    for row in _rows(connection, select(GRANTS).where(GRANTS.c.state == PROPOSED)):
        yield ProposedChange(
            ChangeKind.GRANT,
            row["id"],
            row["id"],
            (row["officer"],),
            row["role"],
            row["proposed_by"],
            row["proposed_at"],
        )


def _keys(connection: Connection, _now: str) -> Iterator[ProposedChange]:
    query = select(OFFICER_KEYS).where(OFFICER_KEYS.c.state.in_([PROPOSED, REQUESTED]))
    for row in _rows(connection, query):
        kind = ChangeKind.KEY if row["state"] == PROPOSED else KEY_REQUEST
        yield ProposedChange(
            kind,
            row["kid"],
            row["kid"],
            (row["officer"],),
            row["form"],
            row["proposed_by"],
            row["proposed_at"],
        )


def _delegations(connection: Connection, now: str) -> Iterator[ProposedChange]:
    query = select(DELEGATIONS).where(
        DELEGATIONS.c.approved_by.is_(None),
        DELEGATIONS.c.ended_at.is_(None),
        DELEGATIONS.c.ends > now,
    )
    for row in _rows(connection, query):
        yield ProposedChange(
            ChangeKind.DELEGATION,
            row["id"],
            row["id"],
            (row["delegator"], row["delegate"]),
            row["role"],
            row["proposer"],
            row["proposed_at"],
        )


def _suspensions(connection: Connection, now: str) -> Iterator[ProposedChange]:
    """Yield what another administrator can confirm while it lasts, and proposed reinstatements."""
    for row in _rows(connection, select(SUSPENSIONS).where(SUSPENSIONS.c.lifted_at.is_(None))):
        about = (row["officer"],)
        if row["lift_proposed_by"]:
            yield ProposedChange(
                ChangeKind.REINSTATEMENT,
                row["officer"],
                f"{row['id']}-lift",
                about,
                "",
                row["lift_proposed_by"],
                row["lift_proposed_at"],
            )
        elif row["confirmed_at"] is None and row["ends_at"] > now:
            yield ProposedChange(
                ChangeKind.SUSPENSION,
                row["officer"],
                row["id"],
                about,
                "",
                row["imposed_by"],
                row["imposed_at"],
            )


def _parties(connection: Connection, _now: str) -> Iterator[ProposedChange]:
    query = select(RELYING_PARTIES).where(RELYING_PARTIES.c.state == PROPOSED)
    for row in _rows(connection, query):
        yield ProposedChange(
            ChangeKind.RELYING_PARTY,
            row["id"],
            row["id"],
            (),
            row["rp_id"],
            row["proposed_by"],
            row["proposed_at"],
        )


def _regimes(connection: Connection, _now: str) -> Iterator[ProposedChange]:
    table = REGIME_EDITIONS.c
    query = select(table.id, table.regime, table.edition, table.proposed_by, table.proposed_at)
    for row in _rows(connection, query.where(table.state == PROPOSED)):
        yield ProposedChange(
            ChangeKind.REGIME,
            row["id"],
            row["id"],
            (),
            f"{row['regime']} {row['edition']}",
            row["proposed_by"],
            row["proposed_at"],
        )


def _memberships(connection: Connection, _now: str) -> Iterator[ProposedChange]:
    table = MEMBERSHIP_CHANGES.c
    query = select(table.digest, table.serial, table.proposed_by, table.proposed_at).where(
        table.state == PROPOSED
    )
    for row in _rows(connection, query):
        yield ProposedChange(
            ChangeKind.MEMBERSHIP,
            row["digest"],
            row["digest"],
            (),
            str(row["serial"]),
            row["proposed_by"],
            row["proposed_at"],
        )


def _erasures(connection: Connection, _now: str) -> Iterator[ProposedChange]:
    for row in _rows(connection, select(ERASURES).where(ERASURES.c.state == PROPOSED)):
        yield ProposedChange(
            ChangeKind.ERASURE,
            row["id"],
            row["id"],
            (),
            row["reference"],
            row["proposed_by"],
            row["proposed_at"],
        )


def _among_facts(connection: Connection, _now: str) -> Iterator[ProposedChange]:
    """Yield changes of epoch, and after a restore waivers, which are facts of the node."""
    for row in _rows(connection, select(node_state.NODE_STATE)):
        name, text, at = row["name"], str(row["value"]), row["at"]
        if name.startswith(node_state.EPOCH_CHANGE):
            peer = name.removeprefix(node_state.EPOCH_CHANGE)
            by = str(json.loads(text)["proposer"])
            yield ProposedChange(ChangeKind.EPOCH, peer, name, (), peer, by, at)
        elif text.startswith(f"{PROPOSED}:"):
            by = text.removeprefix(f"{PROPOSED}:")
            if name == node_state.TAIL:
                yield ProposedChange(ChangeKind.TAIL, "", name, (), "", by, at)
            elif name.startswith(node_state.WAIVER):
                peer = name.removeprefix(node_state.WAIVER)
                yield ProposedChange(ChangeKind.WAIVER, peer, name, (), peer, by, at)


_SOURCES: Sequence[Callable[[Connection, str], Iterator[ProposedChange]]] = (
    _people,
    _grants,
    _keys,
    _delegations,
    _suspensions,
    _parties,
    _regimes,
    _memberships,
    _erasures,
    _among_facts,
)


def _rows(connection: Connection, query: Select[Any]) -> Sequence[RowMapping]:
    return connection.execute(query).mappings().all()
