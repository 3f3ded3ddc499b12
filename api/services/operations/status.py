"""How the node is doing: for ``/readyz``, ``comity node status`` and the metrics.

Owns the figures; changes nothing but the stop switch.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from api.domain.errors import Invalid
from api.domain.events import Act, Subject
from api.domain.notation import Count, Digest, Instant, Nullable
from api.domain.tasks import PARKED_TIME
from api.ports.policy import Action
from api.records import log, node_state, parked, stream_counts, streams, transfers
from api.records.partner_memberships import PartnerMembership, partner_memberships
from api.records.stream_rows import SentState
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, authorise, collection, entry_of
from api.services.log import guard, heads
from api.services.node import Node
from api.wire.encoding import format_instant, parse_instant

STOP_SWITCH = "stop-switch"
_SEQUENCER = "sequencer"
_MOST_AWAITED = 10_000


@dataclass(frozen=True, slots=True)
class Attempts:
    """Failed attempts in a row to reach a partner: how many, the next try, the last code."""

    count: Count
    next_at: Instant
    code: Nullable[str]


@dataclass(frozen=True, slots=True)
class PublicHeadView:
    """The newest head that enough partners cosigned.

    Attributes:
        size: leaves in it.
        root: its root, hex.
        cosigners: partners whose cosignatures it has.
        quorum: how many are enough.
    """

    size: Count
    root: str
    cosigners: tuple[str, ...]
    quorum: Count


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """What became of delivered statements: sent, receipted, applied, refused."""

    sent: Count
    receipted: Count
    applied: Count
    refused: Count


@dataclass(frozen=True, slots=True)
class ParkedCounts:
    """How many statements of one partner wait here without a disposition.

    Attributes:
        undecidable: for an administrator.
        others: for what comes before them.
        overdue: of the first, those that have waited longer than a day.
        oldest: since when the first of these waits; empty if there is none.
    """

    undecidable: Count
    others: Count
    overdue: Count
    oldest: str


@dataclass(frozen=True, slots=True)
class PinnedMembership:
    """The membership that this node uses: its number and the digest of its file."""

    serial: Count
    digest: Digest


@dataclass(frozen=True, slots=True)
class Status:
    """Figures of one moment.

    Attributes:
        log_size: leaves in the newest signed head.
        root: its root, hex.
        unsequenced: committed events that the newest shown head does not cover.
        unsequenced_since: when the oldest of them was recorded; empty if there is none.
        sequencer: which process holds the sequencer's lease; empty if none does now.
        cosigned: largest cosigned size by partner.
        queues: by partner: waiting, unreceipted, dead.
        oldest: by partner: when its oldest unreceipted message was composed.
        attempts: by partner: failed attempts in a row, last code, next try.
        stopped: the stop switch is on.
        misbehaviour: proofs that await a ruling: an alarm.
        accused: partners that such a proof, or an upheld one, concerns; their streams are frozen.
        refused_heads: heads that were refused and can neither be proven nor cleared yet.
        public: the newest head that enough partners cosigned, or ``None``.
        unwitnessed: what lies beyond it: leaves, unsequenced events, time and age of the oldest.
        restore: how far a restore has come; ``pending`` while the node is read-only.
        awaited: exhibits promised by received packages that are not here yet.
        parked: what waits of each partner that has anything parked.
        membership: the membership in use.
        memberships: which one each partner said that it uses, or why it did not.
        at: when this was read.
    """

    log_size: Count
    root: str
    unsequenced: Count
    unsequenced_since: str
    sequencer: str
    cosigned: dict[str, Count]
    queues: dict[str, dict[str, Count]]
    oldest: dict[str, Instant]
    attempts: dict[str, Attempts]
    stopped: bool
    misbehaviour: Count
    accused: list[str]
    refused_heads: Count
    public: Nullable[PublicHeadView]
    unwitnessed: heads.Tail
    restore: guard.RestoreStanding
    awaited: Count
    parked: dict[str, ParkedCounts]
    membership: PinnedMembership
    memberships: dict[str, PartnerMembership]
    at: Instant


def figures(node: Node) -> Status:
    """Read all figures in one snapshot."""
    peers = [member.id for member in node.membership.members if member.id != node.ministry]
    now = node.now()

    def read(connection: Connection) -> Status:
        head = log.newest_head(connection)
        size = head.size if head is not None else 0
        tries = streams.attempts(connection)
        public = heads.public_head(node, connection)
        return Status(
            log_size=size,
            root=head.root if head is not None else "",
            unsequenced=log.count_beyond(connection, size),
            unsequenced_since=log.oldest_beyond(connection, size),
            sequencer=_holder(connection, now),
            cosigned={peer: log.last_cosigned(connection, peer) for peer in peers},
            queues=stream_counts.queue_lengths(connection),
            oldest=stream_counts.oldest_unreceipted(connection),
            attempts={
                peer: Attempts(row.count, row.next_at, row.code) for peer, row in tries.items()
            },
            stopped=node_state.value(connection, STOP_SWITCH) == "on",
            misbehaviour=node_state.awaiting_ruling(connection),
            accused=[peer for peer in peers if node_state.accused(connection, peer)],
            refused_heads=len(node_state.refused_heads(connection)),
            public=None if public is None else _shown(public, heads.threshold(node)),
            unwitnessed=heads.tail(node, connection, public),
            restore=guard.standing(node, connection),
            awaited=transfers.count_awaited(connection, _MOST_AWAITED),
            parked=_parked(connection, now),
            membership=PinnedMembership(node.membership.serial, node.membership.digest),
            memberships=partner_memberships(connection),
            at=now,
        )

    return node.db.read(read)


def _parked(connection: Connection, now: str) -> dict[str, ParkedCounts]:
    before = format_instant(parse_instant(now) - PARKED_TIME)
    return {
        row.peer: ParkedCounts(row.undecidable, row.others, row.overdue, row.oldest)
        for row in parked.by_partner(connection, before)
    }


def _holder(connection: Connection, now: str) -> str:
    lease = log.lease(connection, _SEQUENCER)
    return lease.holder if lease is not None and lease.until > now else ""


def age(since: str, now: str) -> float:
    """Return the seconds from one instant to another; 0 for none or a later one."""
    if not since:
        return 0.0
    return max(0.0, (parse_instant(now) - parse_instant(since)).total_seconds())


def _shown(public: heads.PublicHead, quorum: int) -> PublicHeadView:
    return PublicHeadView(public.size, public.root.hex(), tuple(public.cosigners), quorum)


def status(node: Node, caller: Caller) -> Status:
    """Return the figures to administrators and auditors."""
    authorise(node, caller, Action.NODE_STATUS, collection("node"))
    return figures(node)


def stopped(node: Node) -> bool:
    """Say whether the stop switch is on. Any officer may know it: what they approve waits."""
    return node.db.read(lambda connection: node_state.value(connection, STOP_SWITCH)) == "on"


def switch(node: Node, caller: Caller, position: str) -> None:
    """Stop or resume everything that leaves this node, with one command.

    While the switch is on, nothing is composed or sent; partners' messages are still receipted, so
    nothing is lost.
    """
    if position not in {"on", "off"}:
        raise Invalid("stop-switch.position", "Say on or off.")
    permit = authorise(node, caller, Action.NODE_STOP, collection("node"))
    act = Act.NODE_STOPPED if position == "on" else Act.NODE_STARTED
    entry = entry_of(caller, permit, act, Subject("node", node.ministry))
    node.db.write(lambda unit: set_fact(node, unit, STOP_SWITCH, position, entry))


def set_fact(node: Node, unit: Unit, name: str, value: str, entry: recording.Entry) -> None:
    """Write one fact about the node with its event."""
    node_state.put(unit, name, value, node.now())
    recording.record(node, unit, entry)
    unit.ring("composable")


def sent_counts(connection: Connection, peer: str) -> StreamCounts:
    """Return what became of the statements that were delivered to a peer."""
    sent = stream_counts.delivered_counts(connection, peer)
    done = stream_counts.decided_counts(connection, peer)
    return StreamCounts(
        sum(sent.values()),
        sent.get(SentState.RECEIPTED, 0),
        done.get("applied", 0),
        done.get("refused", 0),
    )
