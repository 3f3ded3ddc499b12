"""Officers: proposed by one administrator, approved by another; and the register of them all.

Owns officers' records and the one-time bootstrap of the first two administrators. Roles are granted
in ``grants``, keys enrolled in ``officer_keys``, suspensions imposed in ``suspending``. Must not
grant by claim: what an identity provider says pre-fills nothing here without two people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.domain.four_eyes import Role
from api.domain.notation import Instant, RecordId
from api.ports.policy import Action, Resource
from api.records import officers, suspensions
from api.records.officers import Grant, GrantState, Identity, Officer, OfficerKey, OfficerState
from api.records.proposed import ProposedChange, proposed_changes
from api.records.suspensions import SuspensionRow
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import (
    Caller,
    authorise,
    change_of,
    collection,
    entry_of,
    unknown,
)
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.wire.canonical import Json
from api.wire.encoding import parse_instant


class OfficerStanding(StrEnum):
    """What readers are shown of an officer: the record's state, or a suspension in force."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    SUSPENDED = "suspended"


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


@dataclass(frozen=True, slots=True)
class OfficerView:
    """An officer as readers see them.

    Attributes:
        id: officer record id.
        name: for people.
        state: ``proposed``, ``active`` or ``suspended``.
        created_at: when the record was made, RFC 3339 UTC.
        expires_at: end of the account; ``None`` for none.
        outside: the person is not of this ministry.
        proposed_by: officer record of the first administrator.
        suspension: the suspension in force, else the last one that can still be confirmed.
    """

    id: RecordId
    name: str
    state: OfficerStanding
    created_at: Instant
    expires_at: Instant | None
    outside: bool
    proposed_by: str | None
    suspension: SuspensionRow | None


@dataclass(frozen=True, slots=True)
class OfficerEntry:
    """An officer with accounts, grants and keys in every state."""

    officer: OfficerView
    identities: tuple[Identity, ...]
    grants: tuple[Grant, ...]
    keys: tuple[OfficerKey, ...]


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
        unit.lock("node bootstrap")
        if officers.everyone(unit.connection):
            raise Conflict("node.initialised", "This node has officers; the bootstrap is over.")
        made = [appoint(node, unit, person, "bootstrap") for person in administrators]
        entry = recording.Entry(
            act=Act.NODE_INITIALISED, subject=Subject("node", node.ministry), origin="operator"
        )
        recording.record(node, unit, entry)
        return made

    return node.db.write(write)


def appoint(node: Node, unit: Unit, person: NewOfficer, by: str) -> str:
    """Insert an active administrator without proposal, for the operator's two ways; returns the id.

    The caller records the event.
    """
    officer = node.entropy.identifier()
    insert(node, unit, officer, person, OfficerState.ACTIVE)
    grant_administrator(node, unit, officer, by)
    return officer


def grant_administrator(node: Node, unit: Unit, officer: str, by: str) -> None:
    """Insert an active grant of the administrator's role; the caller records the event."""
    unit.insert(
        officers.GRANTS,
        {
            "id": node.entropy.identifier(),
            "officer": officer,
            "role": Role.ADMINISTRATOR.value,
            "state": GrantState.ACTIVE.value,
            "proposed_by": by,
            "proposed_at": node.now(),
            "decided_by": by,
            "decided_at": node.now(),
        },
    )


def insert(
    node: Node,
    unit: Unit,
    officer: str,
    person: NewOfficer,
    state: OfficerState,
    proposed_by: str | None = None,
) -> None:
    """Insert a person with every account; the caller records the event.

    Raises:
        Taken: one of the accounts is another officer's.
        WireError: ``encoding.instant``: the account ends at no instant that there is.
    """
    if person.expires_at is not None:
        parse_instant(person.expires_at)
    unit.insert(
        officers.OFFICERS,
        {
            "id": officer,
            "name": person.name,
            "state": state.value,
            "created_at": node.now(),
            "expires_at": person.expires_at,
            "outside": officers.OUTSIDE if person.outside else None,
            "proposed_by": proposed_by,
        },
    )
    unit.insert(
        officers.IDENTITIES,
        [{"iss": iss, "sub": sub, "officer": officer} for iss, sub in person.identities],
    )


def propose_officer(node: Node, caller: Caller, person: NewOfficer) -> OfficerView:
    """Propose a person; another administrator approves.

    Raises:
        Invalid: ``officer.incomplete``.
        Conflict: ``officer.account-taken``.
    """
    change = change_of("new", outside=person.outside, time_limited=person.expires_at is not None)
    permit = authorise(node, caller, Action.OFFICER_PROPOSE, change)
    once = keyed_call(caller, Act.OFFICER_PROPOSED, person.to_json())
    if (known := made_before(node, once)) is not None:
        return view(node, known["id"])
    if not person.name.strip() or not person.identities:
        raise Invalid("officer.incomplete", "Give the person's name and at least one account.")
    officer = node.entropy.identifier()

    def write(unit: Unit) -> None:
        insert(node, unit, officer, person, OfficerState.PROPOSED, caller.person)
        subject = Subject("officer", officer)
        recording.record(node, unit, entry_of(caller, permit, Act.OFFICER_PROPOSED, subject))

    try:
        made = write_once(node, once, {"id": officer}, write)
    except Taken as error:
        raise Conflict(
            "officer.account-taken", "One of the accounts is another officer's."
        ) from error
    return view(node, made["id"])


def preview_officer(node: Node, caller: Caller, officer_id: str) -> Change:
    """Show who is proposed, under which accounts.

    Raises:
        NotFound: ``officer.unknown``.
    """
    return show_change(node, caller, officer_id, lambda: _hiring(node, officer_id))


def _hiring(node: Node, officer_id: str) -> Change:
    def read(connection: Connection) -> Change:
        found = officers.by_id(connection, officer_id)
        if found is None:
            raise unknown("officer")
        accounts = (
            f"{each.sub} ({each.iss})"
            for each in officers.identities(connection)
            if each.officer == officer_id
        )
        facts = {
            "person": found.name,
            "accounts": "; ".join(sorted(accounts)),
            "until": found.expires_at,
            "outside": "not of this ministry" if found.from_outside else None,
            "proposed-by": name_of(connection, found.proposed_by or ""),
        }
        return Change.of(ChangeKind.OFFICER, officer_id, facts)

    return node.db.read(read)


def name_of(connection: Connection, officer_id: str) -> str:
    """Return an officer's name for people; the id itself for nobody's."""
    found = officers.by_id(connection, officer_id)
    return officer_id if found is None else found.name


def approve_officer(node: Node, caller: Caller, officer_id: str) -> OfficerView:
    """Approve a proposed person, as shown.

    Raises:
        NotFound: ``officer.unknown``.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Stale: ``officer.stale``: decided meanwhile.
    """
    found = find(node, officer_id)
    permit = authorise(node, caller, Action.OFFICER_APPROVE, change_about(officer_id, found))
    if found is None:
        raise unknown("officer")
    look = require_change_seen(node, caller, _hiring(node, officer_id))

    def write(unit: Unit) -> None:
        expect = {"state": OfficerState.PROPOSED.value}
        values = {"state": OfficerState.ACTIVE.value}
        if unit.update(officers.OFFICERS, {"id": officer_id}, values, expect=expect) is None:
            raise Stale("officer.stale", "This was decided meanwhile; read it again.")
        subject = Subject("officer", officer_id)
        entry = entry_of(caller, permit, Act.OFFICER_APPROVED, subject)
        recording.record(node, unit, resting_on(entry, look))

    node.db.write(write)
    return view(node, officer_id)


def register(node: Node, caller: Caller) -> list[OfficerEntry]:
    """Return the register of officers for administrators and auditors, by name."""
    authorise(node, caller, Action.OFFICER_LIST, collection("officers"))

    def read(connection: Connection) -> list[OfficerEntry]:
        accounts = officers.identities(connection)
        granted = officers.grants(connection)
        enrolled = officers.keys(connection)
        standing = suspensions.unlifted(connection)
        return [
            OfficerEntry(
                _view(node, one, standing),
                tuple(each for each in accounts if each.officer == one.id),
                tuple(each for each in granted if each.officer == one.id),
                tuple(each for each in enrolled if each.officer == one.id),
            )
            for one in officers.everyone(connection)
        ]

    return node.db.read(read)


def waiting_changes(node: Node, caller: Caller) -> list[ProposedChange]:
    """Return every change that waits for an administrator, for those who read the register."""
    authorise(node, caller, Action.OFFICER_LIST, collection("officers"))
    return node.db.read(lambda connection: proposed_changes(connection, node.now()))


def read_officer(node: Node, caller: Caller, officer_id: str) -> OfficerView:
    """Return one officer to administrators and auditors.

    Raises:
        NotFound: ``officer.unknown``.
    """
    target = Resource("officer", officer_id, {"person": officer_id})
    authorise(node, caller, Action.OFFICER_READ, target)
    return view(node, officer_id)


def all_grants(node: Node, caller: Caller) -> list[Grant]:
    """Return every role grant for administrators and auditors, newest last."""
    authorise(node, caller, Action.GRANT_LIST, collection("role-grants"))
    return node.db.read(officers.grants)


def find(node: Node, officer_id: str) -> Officer | None:
    """Return one officer's record, if there is one; whoever asks must be authorised next."""
    return node.db.read(lambda connection: officers.by_id(connection, officer_id))


def view(node: Node, officer_id: str) -> OfficerView:
    """Return one officer as readers see them.

    Raises:
        NotFound: ``officer.unknown``.
    """

    def read(connection: Connection) -> OfficerView | None:
        found = officers.by_id(connection, officer_id)
        if found is None:
            return None
        return _view(node, found, suspensions.of_officer(connection, officer_id))

    found = node.db.read(read)
    if found is None:
        raise unknown("officer")
    return found


def change_about(
    officer_id: str, found: Officer | None, *, proposer: str | None = None
) -> Resource:
    """Return a change to an officer's record as the policies see it; blank for an absent one.

    Args:
        officer_id: as asked for.
        found: the record, if there is one. A caller who may not decide must not learn which.
        proposer: the first administrator; that of the record if not given.
    """
    if found is None:
        return change_of(officer_id, subject=officer_id)
    return change_of(
        officer_id,
        subject=officer_id,
        proposer=(found.proposed_by or "") if proposer is None else proposer,
        outside=found.from_outside,
        time_limited=found.expires_at is not None,
    )


def _view(node: Node, found: Officer, known: Sequence[SuspensionRow]) -> OfficerView:
    own = [each for each in known if each.officer == found.id and each.lifted_at is None]
    now = node.now()
    standing = [each for each in own if each.confirmed_at is not None or each.ends_at > now]
    suspended = standing and found.state is OfficerState.ACTIVE
    return OfficerView(
        id=found.id,
        name=found.name,
        state=OfficerStanding.SUSPENDED if suspended else OfficerStanding(found.state.value),
        created_at=found.created_at,
        expires_at=found.expires_at,
        outside=found.from_outside,
        proposed_by=found.proposed_by,
        suspension=next(iter([*standing, *own]), None),
    )
