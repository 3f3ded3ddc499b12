"""Writes audit events and outbox rows; the only module that does.

Owns the moment at which a change becomes history: :func:`record` takes the rows changed since the
last event of the unit, digests them into the event's ``state`` and inserts the event, all in the
caller's transaction. Must not decide anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.domain.errors import Unavailable
from api.domain.events import THE_NODE, Act, Actor, Event, Subject
from api.records import log, streams
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.wire.canonical import canonical

# What a restored node still records while it waits for its partners: refusals, reads, the restore
# itself, and what it learns of others' misbehaviour. Everything else would build on stale facts.
WHILE_RESTORING = frozenset(
    {
        Act.ACCESS_REFUSED,
        Act.CHANGE_PREVIEWED,
        Act.DRAFT_PREVIEWED,
        Act.EQUIVOCATION_KEPT,
        Act.EQUIVOCATION_RULED,
        Act.EXHIBIT_READ,
        Act.MEMBERSHIP_ADOPTED,
        Act.MISBEHAVIOUR_KEPT,
        Act.NODE_RESTORED,
        Act.NODE_STARTED,
        Act.NODE_STOPPED,
        Act.PACKAGE_FETCHED,
        Act.TAIL_ABANDONED,
        Act.TAIL_PROPOSED,
        Act.WAIVER_APPROVED,
        Act.WAIVER_PROPOSED,
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What to record; the node adds time, ids, salts and the state digest.

    Attributes:
        act: what happened.
        subject: to what.
        actor: who did it; the node itself if not given.
        statement: id of the statement this act concerns, if any.
        envelope_digest: digest of that statement's envelope; the leaf then commits to it.
        count: how many acts this event stands for; 0 for one.
        digest: of what was shown or decided on; empty where nothing was.
        preview: id of the event of the look that a decision rests on.
    """

    act: Act
    subject: Subject
    actor: Actor = THE_NODE
    origin: str = "job"
    outcome: str = "done"
    code: str = ""
    policies: tuple[str, ...] = ()
    policy_set: str = ""
    request: str = ""
    message: str = ""
    count: int = 0
    digest: str = ""
    preview: str = ""
    statement: str | None = None
    envelope_digest: str | None = None


def about_digest(entry: Entry, digest: str, preview: str = "") -> Entry:
    """Return the entry with the digest that was shown or decided on, and the look it rests on."""
    return replace(entry, digest=digest, preview=preview)


def concerning(entry: Entry, statement: str, envelope_digest: str) -> Entry:
    """Return the entry with the statement its leaf commits to."""
    return replace(entry, statement=statement, envelope_digest=envelope_digest)


def record(node: Node, unit: Unit, entry: Entry, *, event_id: str = "") -> str:
    """Insert the event of everything this unit changed since the last one; returns its id.

    The leaf of an event that concerns no statement commits to 32 random bytes in the statement's
    place (PROTOCOL §6), which are the salt column then. Because nothing changes without an event,
    this is also the one place that keeps a restored node read-only (PROTOCOL §8).

    Raises:
        Unavailable: ``node.restoring``: the node was restored from a backup.
    """
    touched, state = unit.take_change_set()
    event = Event(
        id=event_id or node.entropy.identifier(),
        time=node.now(),
        ministry=node.ministry,
        actor=entry.actor,
        act=entry.act,
        subject=entry.subject,
        origin=entry.origin,
        outcome=entry.outcome,
        state=state,
        code=entry.code,
        policies=entry.policies,
        policy_set=entry.policy_set,
        request=entry.request,
        message=entry.message,
        count=entry.count,
        digest=entry.digest,
        preview=entry.preview,
    )
    recorded = log.add_event(
        unit.connection,
        {
            "id": event.id,
            "time": event.time,
            "act": event.act.value,
            "object_kind": event.subject.kind,
            "object_id": event.subject.id,
            "actor": f"{event.actor.kind}:{event.actor.iss}:{event.actor.sub}",
            "outcome": event.outcome,
            "body": canonical(event.to_json()),
            "salt_e": node.entropy.token(32),
            "statement": entry.statement,
            "envelope_digest": entry.envelope_digest,
            "salt_s": node.entropy.token(32),
            "touched": touched,
            "leaf_index": None,
        },
        always=unit.recovering or entry.act in WHILE_RESTORING,
    )
    if not recorded:
        raise restoring()
    unit.acts.append((event.act.value, event.outcome))
    return event.id


def post(
    node: Node,
    unit: Unit,
    peers: Sequence[str],
    statement: str,
    *,
    kind: str = "deliver",
    bring: Sequence[str] = (),
) -> None:
    """Put a statement into the outbox of each peer; call before :func:`record`.

    Args:
        node: this node.
        unit: the open unit of work.
        peers: ministries to send it to.
        statement: statement id.
        kind: ``deliver`` or ``disposition``.
        bring: ids of the statements that travel with it (PROTOCOL §7: ``with``).
    """
    unit.insert(
        streams.OUTBOX,
        [
            {
                "id": node.entropy.identifier(),
                "peer": peer,
                "kind": kind,
                "statement": statement,
                "with": " ".join(bring) or None,
                "message": None,
            }
            for peer in peers
        ],
    )
    if peers:
        # A delivery waits: the sequencer need not wait for its next tick.
        unit.ring("urgent")


def restoring() -> Unavailable:
    """Return the refusal of everything that a restored node may not do yet."""
    return Unavailable(
        "node.restoring",
        "This node was restored from a backup and is read-only until its partners have answered.",
    )
