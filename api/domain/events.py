"""Audit events: the acts that can be recorded and the exact bytes of one record.

Owns the vocabulary of acts and the event's form (PROTOCOL §6). Ids and digests only: an event
never holds a title, a name or a reason. Must not decide whether an act may happen.

Acts follow the grammar ``object.past-participle`` and are listed alphabetically; a retired act
stays in `RETIRED` so that its name is never given another meaning. ``officer.added`` and
``officer.changed`` did not tell a proposal from an approval from a suspension.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

RETIRED: Final = frozenset({"officer.added", "officer.changed"})
"""Acts that old events have and new ones never will."""


class Act(StrEnum):
    """What happened."""

    ACCESS_REFUSED = "access.refused"
    ADMINISTRATOR_APPOINTED = "administrator.appointed"
    ANCHOR_RECORDED = "anchor.recorded"
    BODY_ERASED = "body.erased"
    CHANGE_PREVIEWED = "change.previewed"
    DEADLINE_PASSED = "deadline.passed"
    DIARY_RECORDED = "diary.recorded"
    DIARY_WITHDRAWN = "diary.withdrawn"
    DELEGATION_APPROVED = "delegation.approved"
    DELEGATION_ENDED = "delegation.ended"
    DELEGATION_PROPOSED = "delegation.proposed"
    DELIVERY_ABANDONED = "delivery.abandoned"
    DESIGNATION_AMENDED = "designation.amended"
    DESIGNATION_DELISTED = "designation.delisted"
    DESIGNATION_RECORDED = "designation.recorded"
    DRAFT_APPROVED = "draft.approved"
    DRAFT_CONFIRMED = "draft.confirmed"
    DRAFT_CREATED = "draft.created"
    DRAFT_DISCARDED = "draft.discarded"
    DRAFT_PREVIEWED = "draft.previewed"
    DRAFT_REPLACED = "draft.replaced"
    DRAFT_RETURNED = "draft.returned"
    EQUIVOCATION_KEPT = "equivocation.kept"
    EQUIVOCATION_RULED = "equivocation.ruled"
    EPOCH_OPENED = "epoch.opened"
    EPOCH_PROPOSED = "epoch.proposed"
    EPOCH_WITHDRAWN = "epoch.withdrawn"
    ERASURE_APPROVED = "erasure.approved"
    ERASURE_PROPOSED = "erasure.proposed"
    ERASURE_REJECTED = "erasure.rejected"
    EXHIBIT_ACQUIRED = "exhibit.acquired"
    EXHIBIT_READ = "exhibit.read"
    EXHIBIT_RECEIVED = "exhibit.received"
    EXHIBIT_SERVED = "exhibit.served"
    EXHIBIT_STORED = "exhibit.stored"
    EXHIBITS_CONFIRMED = "exhibits.confirmed"
    EXPORT_MADE = "export.made"
    GRANT_APPROVED = "grant.approved"
    GRANT_PROPOSED = "grant.proposed"
    GRANT_REVOKED = "grant.revoked"
    HOLDING_CONFIRMED = "holding.confirmed"
    KEY_APPROVED = "key.approved"
    KEY_PROPOSED = "key.proposed"
    KEY_REQUESTED = "key.requested"
    KEY_REVOKED = "key.revoked"
    KEY_USED = "key.used"
    LISTS_COMPARED = "lists.compared"
    LISTS_IMPORTED = "lists.imported"
    LOG_RECOVERED = "log.recovered"
    LOG_STARTED = "log.started"
    MEMBERSHIP_ADOPTED = "membership.adopted"
    MEMBERSHIP_APPROVED = "membership.approved"
    MEMBERSHIP_PROPOSED = "membership.proposed"
    MESSAGE_DECIDED = "message.decided"
    MESSAGE_RECEIPTED = "message.receipted"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_SENT = "message.sent"
    MESSAGE_SERVED = "message.served"
    MISBEHAVIOUR_KEPT = "misbehaviour.kept"
    NODE_INITIALISED = "node.initialised"
    NODE_RESTORED = "node.restored"
    NODE_STOPPED = "node.stopped"
    NODE_STARTED = "node.started"
    NOTE_WRITTEN = "note.written"
    OFFICER_APPROVED = "officer.approved"
    OFFICER_PROPOSED = "officer.proposed"
    OFFICER_REINSTATED = "officer.reinstated"
    OFFICER_SUSPENDED = "officer.suspended"
    PACKAGE_FETCHED = "package.fetched"
    PACKAGE_RECALLED = "package.recalled"
    PACKAGE_RELEASED = "package.released"
    PACKAGE_RETURNED = "package.returned"
    PACKAGE_SUBMITTED = "package.submitted"
    PROPOSAL_DRAFTED = "proposal.drafted"
    PROPOSAL_ENDORSED = "proposal.endorsed"
    PROPOSAL_LAPSED = "proposal.lapsed"
    PROPOSAL_REPLACED = "proposal.replaced"
    PROPOSAL_RETURNED = "proposal.returned"
    PROPOSAL_SUBMITTED = "proposal.submitted"
    RECALL_ACKNOWLEDGED = "recall.acknowledged"
    RELEASE_WITHDRAWN = "release.withdrawn"
    RECUSAL_LIFTED = "recusal.lifted"
    RECUSAL_RECORDED = "recusal.recorded"
    REINSTATEMENT_PROPOSED = "reinstatement.proposed"
    REGIME_APPROVED = "regime.approved"
    REGIME_PROPOSED = "regime.proposed"
    RELYING_PARTY_APPROVED = "relying-party.approved"
    RELYING_PARTY_PROPOSED = "relying-party.proposed"
    SAMPLE_SAVED = "sample.saved"
    STATEMENT_APPLIED = "statement.applied"
    STATEMENT_ISSUED = "statement.issued"
    STATEMENT_PARKED = "statement.parked"
    STATEMENT_REFUSED = "statement.refused"
    STATEMENT_RULED = "statement.ruled"
    STREAM_RULED = "stream.ruled"
    SUSPENSION_CONFIRMED = "suspension.confirmed"
    TAIL_ABANDONED = "tail.abandoned"
    TAIL_PROPOSED = "tail.proposed"
    TASK_ASSIGNED = "task.assigned"
    TASK_CLOSED = "task.closed"
    THREAD_COMPARED = "thread.compared"
    THREAD_CONTINUED = "thread.continued"
    THREAD_OPENED = "thread.opened"
    VERDICT_RECORDED = "verdict.recorded"
    WAIVER_APPROVED = "waiver.approved"
    WAIVER_PROPOSED = "waiver.proposed"
    WATCH_ENDED = "watch.ended"
    WATCH_SET = "watch.set"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it.

    Args:
        kind: ``officer``, ``peer`` or ``node``.
        iss: issuer of the officer's identity; empty otherwise.
        sub: subject at that issuer, or the peer's ministry id.
        role: the role under which the policy allowed the act; empty for the node itself.
    """

    kind: str
    iss: str = ""
    sub: str = ""
    role: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the members that are not empty."""
        members = {"kind": self.kind, "iss": self.iss, "sub": self.sub, "role": self.role}
        return {name: value for name, value in members.items() if value}


THE_NODE = Actor("node")


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about: its kind, id and version after the act."""

    kind: str
    id: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """One audit record before it becomes bytes.

    Args:
        id: 32 hex digits.
        time: RFC 3339 UTC with milliseconds.
        ministry: whose node recorded it.
        actor: who acted.
        act: what happened.
        subject: to what.
        origin: the door the call came through (``rest``, ``console``, ``peer``, ``job``,
            ``operator``).
        outcome: ``done`` or ``refused``.
        state: digest of the rows changed with this event, see ``records/unit_of_work.py``.
        code: stable code of a refusal; empty otherwise.
        policies: names of the deciding policies.
        policy_set: digest of the policy set that decided; empty for the node's own acts.
        request: request id that ties log lines to this event.
        message: id of the message concerned; empty if none.
        count: how many acts this event stands for, where several were counted into one.
        digest: of exactly what an officer was shown or decided on; empty elsewhere.
        preview: id of the event of the look that a decision rests on; empty elsewhere.
    """

    id: str
    time: str
    ministry: str
    actor: Actor
    act: Act
    subject: Subject
    origin: str
    outcome: str
    state: str
    code: str = ""
    policies: tuple[str, ...] = ()
    policy_set: str = ""
    request: str = ""
    message: str = ""
    count: int = 0
    digest: str = ""
    preview: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the JSON form whose canonical bytes are stored and committed to the log."""
        body: dict[str, object] = {
            "id": self.id,
            "time": self.time,
            "ministry": self.ministry,
            "actor": self.actor.to_json(),
            "act": self.act.value,
            "object": {
                "kind": self.subject.kind,
                "id": self.subject.id,
                "version": self.subject.version,
            },
            "origin": self.origin,
            "outcome": self.outcome,
            "state": self.state,
        }
        optional = {
            "code": self.code,
            "policies": list(self.policies),
            "policy_set": self.policy_set,
            "request": self.request,
            "message": self.message,
            "count": self.count,
            "digest": self.digest,
            "preview": self.preview,
        }
        body.update({name: value for name, value in optional.items() if value})
        return body
