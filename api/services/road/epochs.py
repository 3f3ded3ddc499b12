"""Opens a new epoch of the stream to a partner, where the old one cannot go on (PROTOCOL §7.5).

A stream is blocked after a message was given up on, and after a recovery that could not learn which
numbers were used; and a new message key starts an epoch of its own. One administrator proposes, a
second one approves the same end of the old epoch. Owns the proposal (fact
``epoch-change:<ministry>`` of ``node_state``) and the change at the sending end; the receiving end
is in ``services/road/receiving.py``. The steps of :func:`approve`:

1. The partner is asked again where the old epoch ends there; it must be what was proposed.
2. The message that says so is sealed. *Crash: nothing happened.*
3. In one transaction: messages the partner never stored give their statements back to the outbox,
   the epoch message takes number 1 of the new epoch, the stream is open. *Crash after: the deliver
   job sends what is stored.*

Messages that the partner has stored and whose receipts were lost stay as they are: the same bytes
get the stored receipt, in any epoch. The partner takes a new epoch only if it names the last number
that it knows itself, so numbers never fall and nothing of the old epoch can be repeated as new.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Conflict, NotFound
from api.domain.events import Act, Subject
from api.domain.notation import Count, Digest, Nullable, RecordId
from api.ports.policy import Action
from api.records import node_state, officers, packages, streams
from api.records.stream_rows import SentState, StreamState
from api.records.unit_of_work import Unit
from api.services import recording, sealing
from api.services.authorising import Caller, Permit, authorise, change_of, entry_of
from api.services.idempotency import Made, keyed_call, made_before, write_once
from api.services.log import checkpoints
from api.services.log.comparing import others
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.services.road.views import view_of
from api.wire.digests import digest
from api.wire.envelope import payload_digest
from api.wire.message_bodies import EpochChange, parse_items
from api.wire.messages import MessageBody, MessageKind, compose_message, parse_message

_FACT: Final = node_state.EPOCH_CHANGE


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of epoch that lacks its second administrator.

    Attributes:
        peer: the partner at the other end.
        change: the end of the old epoch as the partner knows it.
        proposer: person id of the first administrator.
    """

    peer: str
    change: EpochChange
    proposer: str

    @property
    def view(self) -> "ProposedEpoch":
        """The proposal as administrators see it."""
        change = self.change
        return ProposedEpoch(self.peer, change.ended, change.seq, change.digest, self.proposer)


@dataclass(frozen=True, slots=True)
class EndedEpoch:
    """The end of an epoch as the partner knows it.

    Attributes:
        ministry: the partner at the other end.
        ended: the epoch.
        seq: number of its last message there; 0 for none.
        digest: of that message; null where there is none.
    """

    ministry: str
    ended: Count
    seq: Count
    digest: Nullable[Digest]


@dataclass(frozen=True, slots=True)
class ProposedEpoch(EndedEpoch):
    """A change of epoch that waits for a second administrator.

    Attributes:
        proposed_by: officer record of the first.
    """

    proposed_by: RecordId


def proposed(connection: Connection, peer: str) -> Proposal | None:
    """Return the change of epoch that waits for a second administrator."""
    text = node_state.value(connection, _FACT + peer)
    if text is None:
        return None
    fact = json.loads(text)
    return Proposal(peer, EpochChange.from_json(fact["change"]), fact["proposer"])


def propose(node: Node, caller: Caller, peer: str) -> Proposal:
    """Propose a new epoch of the stream to a partner, from where the old one ends there.

    Raises:
        Refused: the policy denies it.
        NotFound: ``epoch.unknown-member``.
        Conflict: ``epoch.proposed``; ``epoch.unreceipted``: the epoch before is not known there.
        Unavailable: the partner cannot be asked.
    """
    permit = authorise(node, caller, Action.STREAM_EPOCH_PROPOSE, change_of(f"epoch:{peer}"))
    _require_member(node, peer)
    once = keyed_call(caller, Act.EPOCH_PROPOSED, {"peer": peer})
    if (known := made_before(node, once)) is not None:
        return _proposed_before(caller, known)
    if node.db.read(lambda connection: proposed(connection, peer)) is not None:
        raise Conflict("epoch.proposed", "A new epoch waits for another administrator.")
    node.db.read(lambda connection: _require_known(connection, peer))
    proposal = Proposal(peer, _end_there(node, peer), caller.person)

    def write(unit: Unit) -> None:
        fact = {"change": proposal.change.to_json(), "proposer": proposal.proposer}
        node_state.put(unit, _FACT + peer, json.dumps(fact), node.now())
        recording.record(node, unit, _entry(caller, permit, Act.EPOCH_PROPOSED, peer))

    change = proposal.change
    made = {"peer": peer, "ended": str(change.ended), "seq": str(change.seq)}
    made |= {"digest": change.digest} if change.digest is not None else {}
    return _proposed_before(caller, write_once(node, once, made, write))


def _proposed_before(caller: Caller, made: Made) -> Proposal:
    """Return what a keyed call proposed; the proposal itself goes when it is decided."""
    change = EpochChange(int(made["ended"]), int(made["seq"]), made.get("digest"))
    return Proposal(made["peer"], change, caller.person)


def withdraw(node: Node, caller: Caller, peer: str) -> None:
    """Give a proposal up; any administrator may.

    Raises:
        Conflict: ``epoch.not-proposed``.
    """
    permit = authorise(node, caller, Action.STREAM_EPOCH_PROPOSE, change_of(f"epoch:{peer}"))

    def write(unit: Unit) -> None:
        if not unit.delete(node_state.NODE_STATE, {"name": _FACT + peer}):
            raise _not_proposed()
        recording.record(node, unit, _entry(caller, permit, Act.EPOCH_WITHDRAWN, peer))

    node.db.write(write)


def preview_epoch(node: Node, caller: Caller, peer: str) -> Change:
    """Show where the old epoch would end, as the partner knows it.

    Raises:
        Conflict: ``epoch.not-proposed``.
    """
    return show_change(node, caller, f"epoch:{peer}", lambda: _ending(node, peer))


def _ending(node: Node, peer: str) -> Change:
    def read(connection: Connection) -> Change:
        waiting = proposed(connection, peer)
        if waiting is None:
            raise _not_proposed()
        proposer = officers.by_id(connection, waiting.proposer)
        facts = {
            "partner": peer,
            "epoch": str(waiting.change.ended),
            "last-number": str(waiting.change.seq),
            "message": waiting.change.digest,
            "proposed-by": proposer.name if proposer is not None else None,
        }
        return Change.of(ChangeKind.EPOCH, peer, facts)

    return node.db.read(read)


def approve(node: Node, caller: Caller, peer: str) -> EpochChange:
    """Open the epoch as the second administrator; the deliver job does the rest.

    Raises:
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Conflict: ``epoch.not-proposed``; ``epoch.moved``: the old epoch went on meanwhile.
        Unavailable: the partner cannot be asked.
    """
    proposal = node.db.read(lambda connection: proposed(connection, peer))
    permit = authorise(
        node,
        caller,
        Action.STREAM_EPOCH_APPROVE,
        change_of(f"epoch:{peer}", proposer="" if proposal is None else proposal.proposer),
    )
    if proposal is None:
        raise _not_proposed()
    look = require_change_seen(node, caller, _ending(node, peer))
    change = _end_there(node, peer)
    if change != proposal.change:
        raise Conflict("epoch.moved", "The partner has taken more since; withdraw, propose again.")
    raw, message_id = _message(node, peer, change)

    def write(unit: Unit) -> None:
        if not unit.delete(node_state.NODE_STATE, {"name": _FACT + peer}):
            raise _not_proposed()
        unit.lock(f"stream to {peer}")
        _require_known(unit.connection, peer)
        _give_back(unit, peer, change)
        _open(node, unit, peer, change, (raw, message_id))
        sent = recording.Entry(
            act=Act.MESSAGE_SENT, subject=Subject("message", message_id), message=message_id
        )
        recording.record(node, unit, sent)
        opened = _entry(caller, permit, Act.EPOCH_OPENED, peer)
        recording.record(node, unit, resting_on(opened, look))
        unit.ring("composable")

    node.db.write(write)
    return change


def _end_there(node: Node, peer: str) -> EpochChange:
    received = view_of(node, peer).received
    if received is None:
        return EpochChange(1, 0, None)
    epoch, following, last = received
    return EpochChange(epoch, following - 1, last)


def _message(node: Node, peer: str, change: EpochChange) -> tuple[bytes, str]:
    """Step 2: return the sealed envelope and the message's id."""
    message_id = node.entropy.identifier()
    payload = compose_message(
        MessageBody(
            from_=node.ministry,
            to=peer,
            id=message_id,
            kind=MessageKind.EPOCH,
            epoch=change.ended + 1,
            seq=1,
            prev=None,
            body=change.to_json(),
            substantive_size=node.db.read(checkpoints.substantive_size),
        )
    )
    return sealing.seal_message(node, payload), message_id


def _require_known(connection: Connection, peer: str) -> None:
    waiting = [row for row in streams.unreceipted(connection, peer, 1_000) if _opens(row.kind)]
    if waiting:
        raise Conflict("epoch.unreceipted", "The last change of epoch waits for its receipt.")


def _opens(kind: str) -> bool:
    return MessageKind(kind) is MessageKind.EPOCH


def _give_back(unit: Unit, peer: str, change: EpochChange) -> None:
    """Let go of what the partner never stored; send again what it has stored."""
    for row in streams.undelivered(unit.connection, peer):
        key = {"id": row.id}
        if (row.epoch, row.seq) <= (change.ended, change.seq):
            unit.update(streams.MESSAGES_OUT, key, {"state": SentState.COMPOSED})
        elif _opens(row.kind):
            # Refused, so it took no number there; the number is needed again.
            unit.delete(streams.MESSAGES_OUT, key)
        else:
            unit.update(streams.MESSAGES_OUT, key, {"state": SentState.REISSUED})
            carried = [(item.id,) for item in streams.items_of(unit.connection, row.id)]
            unit.update_many(streams.OUTBOX, carried, {"message": None})
            _forget_withdrawn(unit, carried)
    for row in streams.reissued(unit.connection, peer, change.ended, change.seq):
        # It arrived after the partner was asked; what it carries must not arrive twice.
        unit.update(streams.MESSAGES_OUT, {"id": row.id}, {"state": SentState.COMPOSED})
        items = parse_items(parse_message(row.envelope)[1].body)
        ids = [payload_digest(item.envelope) for item in items]
        posted = [(each.id,) for each in streams.posted_to(unit.connection, peer, ids)]
        unit.update_many(streams.OUTBOX, posted, {"message": row.id})


def _forget_withdrawn(unit: Unit, carried: Sequence[tuple[str]]) -> None:
    """Take out of the outbox what was withdrawn before it reached the partner."""
    for row in streams.posted_many(unit.connection, [key for (key,) in carried]):
        release = packages.release_by_id(unit.connection, row.statement)
        if release is not None and release.state == "withdrawn":
            unit.delete(streams.OUTBOX, {"id": row.id})


def _open(
    node: Node, unit: Unit, peer: str, change: EpochChange, message: tuple[bytes, str]
) -> None:
    raw, message_id = message
    epoch = change.ended + 1
    unit.insert(
        streams.MESSAGES_OUT,
        {
            "id": message_id,
            "peer": peer,
            "kind": MessageKind.EPOCH.value,
            "epoch": epoch,
            "seq": 1,
            "envelope": raw,
            "digest": digest(raw),
            "state": SentState.COMPOSED,
            "composed_at": node.now(),
        },
    )
    values = {"epoch": epoch, "next_seq": 2, "prev": digest(raw), "state": StreamState.OPEN}
    if unit.update(streams.STREAMS_OUT, {"peer": peer}, values) is None:
        unit.insert(streams.STREAMS_OUT, {"peer": peer, **values})
    unit.delete(streams.ATTEMPTS, {"peer": peer})


def _require_member(node: Node, peer: str) -> None:
    if peer not in others(node):
        raise NotFound("epoch.unknown-member", "Name another member of the pinned membership.")


def _not_proposed() -> Conflict:
    return Conflict("epoch.not-proposed", "Another administrator proposes the epoch first.")


def _entry(caller: Caller, permit: Permit, act: Act, peer: str) -> recording.Entry:
    return entry_of(caller, permit, act, Subject("stream", peer))
