"""The membership of the federation as a change that two administrators of this node confirm.

Owns proposing and approving a new membership, and the check at start. The file still reaches the
machine by hand, and its digest is still compared out of band; what is new is that the log says who
confirmed it, that a node does not run with one nobody confirmed, and that it never goes back to an
earlier one. The first membership is taken when the node starts first.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.domain.notation import Count, Digest, Instant
from api.ports.policy import Action
from api.records import memberships, node_state
from api.records.memberships import (
    FACT,
    MEMBERSHIP_CHANGES,
    Confirmed,
    MembershipChange,
    MembershipState,
)
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import Caller, authorise, change_of, collection, entry_of, unknown
from api.services.desk.officers import name_of
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.wire.keys import Purpose
from api.wire.membership import Membership, parse_membership

# Whoever gets a message judges its statements, its own signature and the head in its evidence.
_JUDGED_BY: Final = (Purpose.SEAL, Purpose.MESSAGE, Purpose.LOG, Purpose.LOG_PQ)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a membership changes against the one this node runs with.

    Attributes:
        added: ids of new members.
        removed: ids of members that are gone.
        changed: ids of members whose entry differs, each with the names of what does.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class MembershipChangeView:
    """A proposed membership as administrators see it.

    Attributes:
        digest: what was compared out of band.
        serial: number of the membership.
        state: ``proposed`` or ``approved``.
        proposed_by: officer record of the first administrator.
        proposed_at: RFC 3339 UTC.
        decided_by: the second administrator.
        decided_at: when.
        difference: against the membership in use.
    """

    digest: Digest
    serial: Count
    state: MembershipState
    proposed_by: str
    proposed_at: Instant
    decided_by: str | None
    decided_at: Instant | None
    difference: Difference


def propose(node: Node, caller: Caller, file: bytes) -> MembershipChangeView:
    """Propose a new membership; another administrator, who compared the digest too, approves.

    Raises:
        WireError: ``membership.*``: this is no membership file.
        Conflict: ``membership.older``, ``membership.proposed``.
        Invalid: ``membership.foreign``: this ministry, or a key that it uses, is not in it.
    """
    permit = authorise(node, caller, Action.MEMBERSHIP_PROPOSE, change_of("new"))
    new = parse_membership(file)
    once = keyed_call(caller, Act.MEMBERSHIP_PROPOSED, {"membership": new.digest})
    if (proposed_before := made_before(node, once)) is not None:
        return _by_digest(node, proposed_before["membership"])
    known = node.db.read(memberships.confirmed)
    if known is not None and new.serial <= known.serial:
        raise _older(known)
    _require_own(node, new)
    row = MembershipChange(
        digest=new.digest,
        serial=new.serial,
        file=file,
        state=MembershipState.PROPOSED,
        proposed_by=caller.person,
        proposed_at=node.now(),
    )

    def write(unit: Unit) -> None:
        # Nodes that began before files were kept have none of the one they run with.
        memberships.keep_file(unit, node.membership, node.now())
        unit.insert(MEMBERSHIP_CHANGES, asdict(row))
        subject = Subject("membership", new.digest, new.serial)
        recording.record(node, unit, entry_of(caller, permit, Act.MEMBERSHIP_PROPOSED, subject))

    try:
        made = write_once(node, once, {"membership": new.digest}, write)
    except Taken as error:
        raise Conflict("membership.proposed", "This membership was proposed already.") from error
    return _by_digest(node, made["membership"])


def _by_digest(node: Node, digest: str) -> MembershipChangeView:
    row = node.db.read(lambda connection: memberships.by_digest(connection, digest))
    if row is None:
        raise unknown("membership")
    return _change_view(node, row)


def preview_membership(node: Node, caller: Caller, digest: str) -> Change:
    """Show what a proposed membership changes against the one this node runs with.

    Raises:
        NotFound: ``membership.unknown``.
    """
    return show_change(node, caller, digest, lambda: _admitting(node, digest))


def _admitting(node: Node, digest: str) -> Change:
    def read(connection: Connection) -> Change:
        found = memberships.by_digest(connection, digest)
        if found is None:
            raise unknown("membership")
        against = difference(node.membership, parse_membership(found.file))
        changed = (f"{name} ({', '.join(parts)})" for name, parts in against.changed.items())
        facts = {
            "membership": digest,
            "serial": str(found.serial),
            "adds": ", ".join(against.added),
            "removes": ", ".join(against.removed),
            "changes": "; ".join(changed),
            "proposed-by": name_of(connection, found.proposed_by),
        }
        return Change.of(ChangeKind.MEMBERSHIP, digest, facts, digest)

    return node.db.read(read)


def approve(node: Node, caller: Caller, digest: str) -> MembershipChangeView:
    """Approve a membership as the second administrator; it counts from the next start with it.

    Raises:
        NotFound: ``membership.unknown``.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Stale: ``membership.stale``.
    """
    found = node.db.read(lambda connection: memberships.by_digest(connection, digest))
    proposer = found.proposed_by if found is not None else ""
    change = change_of(digest, proposer=proposer)
    permit = authorise(node, caller, Action.MEMBERSHIP_APPROVE, change)
    if found is None:
        raise unknown("membership")
    look = require_change_seen(node, caller, _admitting(node, digest))
    values = {
        "state": MembershipState.APPROVED.value,
        "decided_by": caller.person,
        "decided_at": node.now(),
    }

    def write(unit: Unit) -> MembershipChange:
        expect = {"state": MembershipState.PROPOSED.value}
        row = unit.update(MEMBERSHIP_CHANGES, {"digest": digest}, values, expect=expect)
        if row is None:
            raise Stale("membership.stale", "This was decided meanwhile; read it again.")
        if digest == node.membership.digest:
            # The node runs with it already, as after a restore: it is confirmed from now on.
            _adopt(node, unit)
        subject = Subject("membership", digest, found.serial)
        entry = entry_of(caller, permit, Act.MEMBERSHIP_APPROVED, subject)
        recording.record(node, unit, resting_on(entry, look))
        return MembershipChange(**row)

    return _change_view(node, node.db.write(write))


def changes(node: Node, caller: Caller) -> list[MembershipChangeView]:
    """Return the memberships that were proposed here, newest first."""
    authorise(node, caller, Action.OFFICER_LIST, collection("memberships"))
    return [_change_view(node, row) for row in node.db.read(memberships.changes)]


def require_confirmed(node: Node) -> None:
    """Refuse to run with a membership that is older than, or other than, what was confirmed.

    Called when a process of the node starts. The first start takes the membership it has; a node
    that was restored waits for its partners first, and is asked when it starts after that.

    Raises:
        Conflict: ``membership.older``, ``membership.unconfirmed``.
    """
    own = Confirmed(node.membership.serial, node.membership.digest)
    known = node.db.read(memberships.confirmed)
    if known == own:
        return
    if known is not None:
        if own.serial <= known.serial:
            raise _older(known)
        if node.db.read(node_state.restoring):
            return
        change = node.db.read(lambda connection: memberships.by_digest(connection, own.digest))
        if change is None or change.state is not MembershipState.APPROVED:
            raise Conflict(
                "membership.unconfirmed",
                "Two administrators must confirm this membership first: start with the former "
                "file, run 'comity membership propose' and 'comity membership approve', then "
                "start with this one.",
            )

    def write(unit: Unit) -> None:
        unit.lock(FACT)
        if memberships.confirmed(unit.connection) == own:
            return
        _adopt(node, unit)
        entry = recording.Entry(
            act=Act.MEMBERSHIP_ADOPTED,
            subject=Subject("membership", own.digest, own.serial),
            origin="operator",
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def _adopt(node: Node, unit: Unit) -> None:
    before = memberships.confirmed(unit.connection)
    keys = tuple(key.kid for purpose in _JUDGED_BY for key in node.signer.keys(purpose))
    serial = node.membership.serial
    same = before is not None and before.keys == keys
    fact = {
        "serial": serial,
        "digest": node.membership.digest,
        "keys": keys,
        "keys_since": before.keys_since if before is not None and same else serial,
    }
    memberships.keep_file(unit, node.membership, node.now())
    node_state.put(unit, FACT, json.dumps(fact, sort_keys=True), node.now())


def _require_own(node: Node, new: Membership) -> None:
    entry = new.find(node.ministry)
    kids = {key.kid for key in entry.keys} if entry is not None else set()
    if any(key.kid not in kids for key in node.signer.public_keys()):
        raise Invalid(
            "membership.foreign", "This membership lacks this ministry or a key that it uses."
        )


def _older(known: Confirmed) -> Conflict:
    return Conflict(
        "membership.older",
        f"This node was confirmed to run with serial {known.serial} and never goes back: use that "
        "file, or propose one with a higher serial.",
        serial=known.serial,
        digest=known.digest,
    )


def _change_view(node: Node, row: MembershipChange) -> MembershipChangeView:
    return MembershipChangeView(
        digest=row.digest,
        serial=row.serial,
        state=row.state,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        difference=difference(node.membership, parse_membership(row.file)),
    )


def difference(old: Membership, new: Membership) -> Difference:
    """Return what one membership changes against another."""
    before = {member.id: member.to_json() for member in old.members}
    after = {member.id: member.to_json() for member in new.members}
    changed = {
        name: tuple(part for part in entry if before[name].get(part) != entry[part])
        for name, entry in after.items()
        if name in before and before[name] != entry
    }
    return Difference(
        added=tuple(sorted(set(after) - set(before))),
        removed=tuple(sorted(set(before) - set(after))),
        changed=changed,
    )
