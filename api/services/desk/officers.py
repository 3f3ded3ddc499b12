"""Officers, role grants and signing keys: proposed by one administrator, decided by another.

Owns these changes and the one-time bootstrap of the first two administrators. Must not grant by
claim: what an identity provider says pre-fills nothing here without two people.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.engine import RowMapping

from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.domain.four_eyes import Role, conflicting
from api.ports.policy import Action, Resource
from api.records import officers
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import (
    Caller,
    Permit,
    authorise,
    change_of,
    collection,
    entry_of,
    unknown,
)
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.wire.canonical import Json
from api.wire.errors import WireError
from api.wire.keys import algorithm, thumbprint

ACTIVE, PROPOSED, REQUESTED, REVOKED, SUSPENDED = (
    "active",
    "proposed",
    "requested",
    "revoked",
    "suspended",
)


@dataclass(frozen=True, slots=True)
class NewOfficer:
    """A person to be added.

    Attributes:
        name: display name.
        identities: every ``(iss, sub)`` of that person.
        expires_at: RFC 3339 end of the account, for people from outside.
        outside: the person is not of this ministry (an outside auditor).
    """

    name: str
    identities: Sequence[tuple[str, str]]
    expires_at: str | None = None
    outside: bool = False

    def to_json(self) -> dict[str, Json]:
        """Return all members, by which a repeated call is known."""
        return {
            "name": self.name,
            "identities": [[iss, sub] for iss, sub in self.identities],
            "expires_at": self.expires_at,
            "outside": self.outside,
        }


def bootstrap(node: Node, administrators: Sequence[NewOfficer]) -> list[str]:
    """Make the first administrators of an empty node; logged, and possible once.

    Args:
        node: this node.
        administrators: at least two different people, so that every later change has two.

    Raises:
        Conflict: ``node.initialised``: there are officers already.
        Invalid: ``officer.two-needed``.
    """
    if len(administrators) < 2:  # noqa: PLR2004
        raise Invalid("officer.two-needed", "Name at least two administrators.")

    def write(unit: Unit) -> list[str]:
        if officers.everyone(unit.connection):
            raise Conflict("node.initialised", "This node has officers; the bootstrap is over.")
        made = []
        for person in administrators:
            officer_id = node.entropy.identifier()
            _insert(node, unit, officer_id, person, ACTIVE)
            row = _grant_row(node, officer_id, Role.ADMINISTRATOR, "bootstrap")
            decided = {"state": ACTIVE, "decided_by": "bootstrap", "decided_at": node.now()}
            unit.insert(officers.GRANTS, row | decided)
            made.append(officer_id)
        entry = recording.Entry(
            act=Act.NODE_INITIALISED, subject=Subject("node", node.ministry), origin="operator"
        )
        recording.record(node, unit, entry)
        return made

    return node.db.write(write)


def propose_officer(node: Node, caller: Caller, person: NewOfficer) -> RowMapping:
    """Propose a person; another administrator approves."""
    change = change_of("new", outside=person.outside, time_limited=person.expires_at is not None)
    permit = authorise(node, caller, Action.OFFICER_PROPOSE, change)
    if not person.name.strip() or not person.identities:
        raise Invalid("officer.incomplete", "Give the person's name and at least one account.")
    once = keyed_call(caller, Act.OFFICER_ADDED, person.to_json())
    if (known := made_before(node, once)) is not None:
        return load(node, known["id"])
    officer_id = node.entropy.identifier()

    def write(unit: Unit) -> None:
        _insert(node, unit, officer_id, person, PROPOSED, caller.person)
        _record(node, unit, caller, permit, Act.OFFICER_ADDED, ("officer", officer_id))

    try:
        made = write_once(node, once, {"id": officer_id}, write)
    except Taken as error:
        raise Conflict(
            "officer.account-taken", "One of the accounts is another officer's."
        ) from error
    return load(node, made["id"])


def approve_officer(node: Node, caller: Caller, officer_id: str) -> RowMapping:
    """Approve a proposed person."""
    row = load(node, officer_id)
    change = change_of(
        officer_id,
        subject=officer_id,
        proposer=row["proposed_by"] or "",
        outside=row["outside"] is not None,
        time_limited=row["expires_at"] is not None,
    )
    permit = authorise(node, caller, Action.OFFICER_APPROVE, change)
    _decide(node, caller, permit, officers.OFFICERS, officer_id, {"state": ACTIVE}, PROPOSED)
    return load(node, officer_id)


def suspend(node: Node, caller: Caller, officer_id: str) -> RowMapping:
    """Suspend an officer at once: their next call is refused."""
    load(node, officer_id)
    target = Resource("officer", officer_id, {"person": officer_id})
    permit = authorise(node, caller, Action.OFFICER_SUSPEND, target)
    _decide(node, caller, permit, officers.OFFICERS, officer_id, {"state": SUSPENDED}, ACTIVE)
    return load(node, officer_id)


def propose_grant(
    node: Node, caller: Caller, officer_id: str, role: str, sub: str | None = None
) -> RowMapping:
    """Propose a role for a person (or for one account of theirs); another administrator approves.

    Raises:
        Invalid: ``role.unknown``.
        Refused: ``policy.self-grant``, ``policy.separation-of-duties``.
    """
    if role not in set(Role):
        raise Invalid("role.unknown", f"Choose one of: {', '.join(sorted(Role))}.")
    target = load(node, officer_id)
    held = node.db.read(lambda connection: officers.roles_offered(connection, officer_id))
    permit = authorise(node, caller, Action.GRANT_PROPOSE, _grant("new", target, role, held))
    content: dict[str, Json] = {"officer": officer_id, "role": role, "sub": sub}
    once = keyed_call(caller, Act.GRANT_PROPOSED, content)
    if (known := made_before(node, once)) is not None:
        return _grant_by_id(node, known["id"])
    if conflicting(held | {role}):
        raise Conflict(
            "role.conflict", "This person holds a role that must stay apart from that one."
        )
    row = _grant_row(node, officer_id, role, caller.person) | {"sub": sub}

    def write(unit: Unit) -> None:
        unit.insert(officers.GRANTS, row)
        _record(node, unit, caller, permit, Act.GRANT_PROPOSED, ("grant", row["id"]))

    return _grant_by_id(node, write_once(node, once, {"id": row["id"]}, write)["id"])


def approve_grant(node: Node, caller: Caller, grant_id: str) -> RowMapping:
    """Approve a proposed role grant."""
    row = _grant_by_id(node, grant_id)
    target = load(node, row["officer"])
    held = node.db.read(lambda connection: officers.roles_held(connection, row["officer"]))
    resource = _grant(grant_id, target, row["role"], held, proposer=row["proposed_by"])
    permit = authorise(node, caller, Action.GRANT_APPROVE, resource)
    values = {"state": ACTIVE, "decided_by": caller.person, "decided_at": node.now()}
    _decide(node, caller, permit, officers.GRANTS, grant_id, values, PROPOSED)
    return _grant_by_id(node, grant_id)


def revoke_grant(node: Node, caller: Caller, grant_id: str) -> RowMapping:
    """Take a role away at once."""
    row = _grant_by_id(node, grant_id)
    target = load(node, row["officer"])
    permit = authorise(
        node, caller, Action.GRANT_REVOKE, _grant(grant_id, target, row["role"], frozenset())
    )
    values = {"state": REVOKED, "decided_by": caller.person, "decided_at": node.now()}
    _decide(node, caller, permit, officers.GRANTS, grant_id, values, row["state"])
    return _grant_by_id(node, grant_id)


def request_key(node: Node, caller: Caller, form: str, jwk: Mapping[str, Any]) -> RowMapping:
    """Ask for one's own signing key to be enrolled; two administrators then decide.

    Raises:
        WireError: ``key.malformed``, ``key.algorithm``.
        Conflict: ``key.enrolled``.
    """
    if form not in {"jws", "webauthn"}:
        raise Invalid("key.form", "Enrol a key in form jws or webauthn.")
    kid = thumbprint(dict(jwk))
    if algorithm(dict(jwk)) not in {"ES256", "ES384"}:
        raise WireError("key.algorithm", "Officers sign with ES384 or ES256.")
    change = change_of(kid, subject=caller.person)
    permit = authorise(node, caller, Action.KEY_REQUEST, change)
    once = keyed_call(caller, Act.KEY_PROPOSED, {"form": form, "jwk": dict(jwk)})
    if (known := made_before(node, once)) is not None:
        return _key_by_kid(node, known["id"])

    def write(unit: Unit) -> None:
        unit.insert(
            officers.OFFICER_KEYS,
            {
                "kid": kid,
                "officer": caller.person,
                "form": form,
                "jwk": json.dumps(jwk, sort_keys=True),
                "state": REQUESTED,
                "proposed_by": caller.person,
                "proposed_at": node.now(),
            },
        )
        _record(node, unit, caller, permit, Act.KEY_PROPOSED, ("key", kid))

    try:
        write_once(node, once, {"id": kid}, write)
    except Taken as error:
        raise Conflict("key.enrolled", "This key is enrolled or requested already.") from error
    return _key_by_kid(node, kid)


def propose_key(node: Node, caller: Caller, kid: str) -> RowMapping:
    """Vouch, as the first administrator, for a requested key."""
    row = _key_by_kid(node, kid)
    change = change_of(kid, subject=row["officer"])
    permit = authorise(node, caller, Action.KEY_PROPOSE, change)
    values = {"state": PROPOSED, "proposed_by": caller.person, "proposed_at": node.now()}
    _decide(node, caller, permit, officers.OFFICER_KEYS, kid, values, REQUESTED)
    return _key_by_kid(node, kid)


def approve_key(node: Node, caller: Caller, kid: str) -> RowMapping:
    """Approve, as the second administrator, a key that the first vouched for."""
    row = _key_by_kid(node, kid)
    change = change_of(kid, subject=row["officer"], proposer=row["proposed_by"])
    permit = authorise(node, caller, Action.KEY_APPROVE, change)
    values = {"state": ACTIVE, "decided_by": caller.person, "decided_at": node.now()}
    _decide(node, caller, permit, officers.OFFICER_KEYS, kid, values, PROPOSED)
    return _key_by_kid(node, kid)


def revoke_key(node: Node, caller: Caller, kid: str) -> RowMapping:
    """Stop accepting a key at once; what it signed before stands."""
    row = _key_by_kid(node, kid)
    permit = authorise(node, caller, Action.KEY_REVOKE, change_of(kid, subject=row["officer"]))
    values = {"state": REVOKED, "decided_by": caller.person, "decided_at": node.now()}
    _decide(node, caller, permit, officers.OFFICER_KEYS, kid, values, row["state"])
    return _key_by_kid(node, kid)


@dataclass(frozen=True, slots=True)
class Register:
    """Officers with their accounts, grants and keys."""

    officers: list[RowMapping]
    identities: dict[str, list[RowMapping]]
    grants: list[RowMapping]
    keys: list[RowMapping]


def register(node: Node, caller: Caller) -> Register:
    """Return the register of officers for administrators and auditors."""
    authorise(node, caller, Action.OFFICER_LIST, collection("officers"))

    def read(connection: Connection) -> Register:
        people = officers.everyone(connection)
        identities = {row["id"]: officers.identities_of(connection, row["id"]) for row in people}
        return Register(people, identities, officers.grants(connection), officers.keys(connection))

    return node.db.read(read)


def own_keys(node: Node, caller: Caller) -> list[RowMapping]:
    """Return the caller's keys in every state."""
    return node.db.read(lambda connection: officers.keys(connection, caller.person))


def load(node: Node, officer_id: str) -> RowMapping:
    """Return one officer.

    Raises:
        NotFound: ``officer.unknown``.
    """
    row = node.db.read(lambda connection: officers.by_id(connection, officer_id))
    if row is None:
        raise unknown("officer")
    return row


def _insert(
    node: Node,
    unit: Unit,
    officer_id: str,
    person: NewOfficer,
    state: str,
    proposed_by: str | None = None,
) -> None:
    unit.insert(
        officers.OFFICERS,
        {
            "id": officer_id,
            "name": person.name,
            "state": state,
            "created_at": node.now(),
            "expires_at": person.expires_at,
            "outside": "yes" if person.outside else None,
            "proposed_by": proposed_by,
        },
    )
    unit.insert(
        officers.IDENTITIES,
        [{"iss": iss, "sub": sub, "officer": officer_id} for iss, sub in person.identities],
    )


def _grant_row(node: Node, officer_id: str, role: str, proposed_by: str) -> dict[str, Any]:
    return {
        "id": node.entropy.identifier(),
        "officer": officer_id,
        "role": str(role),
        "state": PROPOSED,
        "proposed_by": proposed_by,
        "proposed_at": node.now(),
    }


def _grant(
    grant_id: str,
    target: RowMapping,
    role: str,
    held: frozenset[str],
    proposer: str = "",
) -> Resource:
    return change_of(
        grant_id,
        subject=target["id"],
        proposer=proposer,
        role=role,
        holds_roles=held,
        outside=target["outside"] is not None,
        time_limited=target["expires_at"] is not None,
    )


_DECIDED = {
    "officers": (Act.OFFICER_CHANGED, "officer", "id"),
    "role_grants": (Act.GRANT_APPROVED, "grant", "id"),
    "officer_keys": (Act.KEY_APPROVED, "key", "kid"),
}
_TAKEN = {"role_grants": Act.GRANT_REVOKED, "officer_keys": Act.KEY_REVOKED}


def _decide(  # noqa: PLR0913, PLR0917
    node: Node,
    caller: Caller,
    permit: Permit,
    table: Table,
    key: str,
    values: Mapping[str, Any],
    expected: str,
) -> None:
    """Move a record from the expected state, with its event."""
    act, kind, column = _DECIDED[table.name]
    if values["state"] == REVOKED:
        act = _TAKEN[table.name]
    if values["state"] == PROPOSED:
        act = Act.KEY_PROPOSED

    def write(unit: Unit) -> None:
        if unit.update(table, {column: key}, values, expect={"state": expected}) is None:
            raise Stale(f"{kind}.stale", "This was decided meanwhile; read it again.")
        _record(node, unit, caller, permit, act, (kind, key))

    node.db.write(write)


def _record(
    node: Node, unit: Unit, caller: Caller, permit: Permit, act: Act, about: tuple[str, str]
) -> None:
    recording.record(
        node,
        unit,
        entry_of(caller, permit, act, Subject(*about)),
    )


def _grant_by_id(node: Node, grant_id: str) -> RowMapping:
    row = node.db.read(lambda connection: officers.grant_by_id(connection, grant_id))
    if row is None:
        raise unknown("grant")
    return row


def _key_by_kid(node: Node, kid: str) -> RowMapping:
    row = node.db.read(lambda connection: officers.key_by_kid(connection, kid))
    if row is None:
        raise unknown("key")
    return row
