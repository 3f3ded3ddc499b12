"""Role grants: proposed by one administrator, approved by another, taken away by one.

Owns the table ``role_grants`` through its records. What a person holds is looked at again under a
lock, inside the unit that changes it, so that two grants that must stay apart never meet in one
person, however many administrators decide at one moment.
"""

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.domain.four_eyes import Role, conflicting
from api.ports.policy import Action, Resource
from api.records import officers
from api.records.officers import Grant, GrantState, Officer
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, authorise, change_of, entry_of, unknown
from api.services.desk.officers import find, name_of
from api.services.desk.suspending import require_enough_left
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.wire.canonical import Json


def propose_grant(
    node: Node, caller: Caller, officer_id: str, role: str, sub: str | None = None
) -> Grant:
    """Propose a role for a person (or for one account of theirs); another administrator approves.

    Raises:
        Invalid: ``role.unknown``.
        NotFound: ``officer.unknown``.
        Refused: ``policy.self-grant``, ``policy.separation-of-duties``.
        Conflict: ``role.conflict``.
    """
    target = find(node, officer_id)
    held = node.db.read(lambda connection: officers.roles_offered(connection, officer_id))
    resource = _resource("new", officer_id, target, role, held)
    permit = authorise(node, caller, Action.GRANT_PROPOSE, resource)
    if role not in set(Role):
        raise Invalid("role.unknown", f"Choose one of: {', '.join(sorted(Role))}.")
    if target is None:
        raise unknown("officer")
    content: dict[str, Json] = {"officer": officer_id, "role": role, "sub": sub}
    once = keyed_call(caller, Act.GRANT_PROPOSED, content)
    if (known := made_before(node, once)) is not None:
        return _by_id(node, known["id"])
    grant = {
        "id": node.entropy.identifier(),
        "officer": officer_id,
        "role": role,
        "state": GrantState.PROPOSED.value,
        "proposed_by": caller.person,
        "proposed_at": node.now(),
        "sub": sub,
    }

    def write(unit: Unit) -> None:
        _require_apart(unit, officer_id, role)
        unit.insert(officers.GRANTS, grant)
        subject = Subject("grant", str(grant["id"]))
        recording.record(node, unit, entry_of(caller, permit, Act.GRANT_PROPOSED, subject))

    return _by_id(node, write_once(node, once, {"id": str(grant["id"])}, write)["id"])


def preview_grant(node: Node, caller: Caller, grant_id: str) -> Change:
    """Show which role is proposed for whom, and what that person holds already.

    Raises:
        NotFound: ``grant.unknown``.
    """
    return show_change(node, caller, grant_id, lambda: _granting(node, grant_id))


def _granting(node: Node, grant_id: str) -> Change:
    def read(connection: Connection) -> Change:
        grant = officers.grant_by_id(connection, grant_id)
        if grant is None:
            raise unknown("grant")
        target = officers.by_id(connection, grant.officer)
        facts = {
            "person": name_of(connection, grant.officer),
            "role": grant.role,
            "account": grant.sub,
            "holds": ", ".join(sorted(officers.roles_held(connection, grant.officer))),
            "until": target.expires_at if target is not None else None,
            "outside": "not of this ministry" if target and target.from_outside else None,
            "proposed-by": name_of(connection, grant.proposed_by),
            "proposed-at": grant.proposed_at,
        }
        return Change.of(ChangeKind.GRANT, grant_id, facts)

    return node.db.read(read)


def approve_grant(node: Node, caller: Caller, grant_id: str) -> Grant:
    """Approve a proposed role grant.

    Raises:
        NotFound: ``grant.unknown``.
        Refused: ``policy.own-proposal``, ``policy.self-grant``, ``policy.separation-of-duties``,
            ``change.not-previewed``.
        Conflict: ``role.conflict``: another grant came meanwhile.
        Stale: ``grant.stale``.
    """
    grant = node.db.read(lambda connection: officers.grant_by_id(connection, grant_id))
    permit = authorise(node, caller, Action.GRANT_APPROVE, _about(node, grant_id, grant))
    if grant is None:
        raise unknown("grant")
    look = require_change_seen(node, caller, _granting(node, grant_id))
    values = {
        "state": GrantState.ACTIVE.value,
        "decided_by": caller.person,
        "decided_at": node.now(),
    }

    def write(unit: Unit) -> None:
        _require_apart(unit, grant.officer, grant.role)
        expect = {"state": GrantState.PROPOSED.value}
        if unit.update(officers.GRANTS, {"id": grant_id}, values, expect=expect) is None:
            raise Stale("grant.stale", "This was decided meanwhile; read it again.")
        subject = Subject("grant", grant_id)
        entry = entry_of(caller, permit, Act.GRANT_APPROVED, subject)
        recording.record(node, unit, resting_on(entry, look))

    node.db.write(write)
    return _by_id(node, grant_id)


def revoke_grant(node: Node, caller: Caller, grant_id: str) -> Grant:
    """Take a role away at once.

    Raises:
        NotFound: ``grant.unknown``.
        Conflict: ``grant.last-administrators``; ``grant.revoked``.
        Stale: ``grant.stale``.
    """
    grant = node.db.read(lambda connection: officers.grant_by_id(connection, grant_id))
    permit = authorise(node, caller, Action.GRANT_REVOKE, _about(node, grant_id, grant))
    if grant is None:
        raise unknown("grant")
    if grant.state is GrantState.REVOKED:
        raise Conflict("grant.revoked", "This role was taken away already.")
    values = {
        "state": GrantState.REVOKED.value,
        "decided_by": caller.person,
        "decided_at": node.now(),
    }

    def write(unit: Unit) -> None:
        if grant.role == Role.ADMINISTRATOR and grant.state is GrantState.ACTIVE:
            require_enough_left(node, unit, grant.officer)
        unit.lock(f"grants {grant.officer}")
        expect = {"state": grant.state.value}
        if unit.update(officers.GRANTS, {"id": grant_id}, values, expect=expect) is None:
            raise Stale("grant.stale", "This was decided meanwhile; read it again.")
        subject = Subject("grant", grant_id)
        recording.record(node, unit, entry_of(caller, permit, Act.GRANT_REVOKED, subject))

    node.db.write(write)
    return _by_id(node, grant_id)


def _require_apart(unit: Unit, officer: str, role: str) -> None:
    """Look again, under the lock of this person's grants, at what they hold or were offered."""
    unit.lock(f"grants {officer}")
    if conflicting(officers.roles_offered(unit.connection, officer) | {role}):
        raise Conflict(
            "role.conflict", "This person holds a role that must stay apart from that one."
        )


def _about(node: Node, grant_id: str, grant: Grant | None) -> Resource:
    """Return a grant as the policies see it; blank for an absent one."""
    if grant is None:
        return change_of(grant_id)
    held = node.db.read(lambda connection: officers.roles_held(connection, grant.officer))
    target = find(node, grant.officer)
    return _resource(grant_id, grant.officer, target, grant.role, held, grant.proposed_by)


def _resource(
    grant_id: str,
    officer: str,
    target: Officer | None,
    role: str,
    held: frozenset[str],
    proposer: str = "",
) -> Resource:
    return change_of(
        grant_id,
        subject=officer,
        proposer=proposer,
        role=role,
        holds_roles=held,
        outside=target is not None and target.from_outside,
        time_limited=target is not None and target.expires_at is not None,
    )


def _by_id(node: Node, grant_id: str) -> Grant:
    found = node.db.read(lambda connection: officers.grant_by_id(connection, grant_id))
    if found is None:
        raise unknown("grant")
    return found
