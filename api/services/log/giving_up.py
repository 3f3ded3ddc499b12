"""Giving up the end of the own log that nobody else holds, after a restore (PROTOCOL §9, *Heads*).

Owns the one way past a memory that says "more was signed" when no member has it. A waiver is not
enough here: *every* member must say, under its signature, that it holds nothing beyond what came
back; then two administrators may go on from there. The answers are kept and shown
with the next head (``services/log/tail_answers.py``), because who is found to hold a head of that
tail later has signed that it does not. Fact: ``restore-tail`` (``proposed:<person>`` or
``approved:<person>:<person>``).
"""

from collections.abc import Sequence
from typing import Final

from api.domain.changes import Change, ChangeKind
from api.domain.errors import ComityError, Conflict, Invalid, Unavailable
from api.domain.events import Act, Subject
from api.ports.head_memory import Remembered
from api.ports.policy import Action
from api.records import log, node_state, officers, peer_logs
from api.records.unit_of_work import Unit
from api.services import recording, sealing
from api.services.authorising import Caller, authorise, change_of, entry_of
from api.services.log import guard, log_client, tail_answers
from api.services.log.guard import RestoreStanding
from api.services.log.tail_answers import Answer
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.wire.held_heads import HeldHead
from api.wire.messages import MessageBody, MessageKind, compose_message

FACT: Final = node_state.TAIL


def answer(node: Node, peer: str) -> bytes:
    """Return this node's signed word on what it holds of a member's log.

    Raises:
        Unavailable: ``node.restoring``: it may have forgotten what it held.
    """
    if node.db.read(node_state.restoring):
        raise node_state.restoring_refusal()
    seen = node.db.read(lambda connection: peer_logs.peer_log(connection, peer))
    held = HeldHead(seen.size, seen.root, node.now()) if seen else HeldHead(0, None, node.now())
    return sealing.seal_message(
        node,
        compose_message(
            MessageBody(
                from_=node.ministry,
                to=peer,
                id=node.entropy.identifier(),
                kind=MessageKind.HELD,
                epoch=1,
                seq=None,
                prev=None,
                body=held.to_json(),
                substantive_size=0,
            )
        ),
    )


def _held_by(node: Node, peer: str) -> Answer:
    name = log_client.origin_name(node.me.origin)
    raw = log_client.get(node, peer, f"{name}/held")
    try:
        answer = tail_answers.open_answer(node, node.ministry, raw)
    except Invalid as error:
        raise _refused() from error
    if answer.member != peer:
        raise _refused()
    return answer


def _refused() -> Unavailable:
    return Unavailable("peer.refused", "The member's node does not answer this request.")


def propose(node: Node, caller: Caller) -> RestoreStanding:
    """Propose to go on without the end of the own log that nobody holds.

    Raises:
        Conflict: ``restore.not-pending``, ``restore.no-tail``, ``restore.proposed``.
    """
    change = change_of("restore-waiver", proposer="")
    permit = authorise(node, caller, Action.RESTORE_WAIVE_PROPOSE, change)
    _require_tail(node)
    if node.db.read(lambda connection: node_state.value(connection, FACT)) is not None:
        raise Conflict("restore.proposed", "The waiver waits for another administrator.")
    entry = entry_of(caller, permit, Act.TAIL_PROPOSED, Subject("node", node.ministry))
    return _write(node, {FACT: f"proposed:{caller.person}"}, entry)


def preview_tail(node: Node, caller: Caller) -> Change:
    """Show how much of the own log would be given up.

    Raises:
        Conflict: ``restore.not-pending``, ``restore.no-tail``, ``restore.not-proposed``.
    """
    return show_change(node, caller, node.ministry, lambda: _losing(node))


def _losing(node: Node) -> Change:
    found = _require_tail(node)
    proposer = _proposer(node)
    by = node.db.read(lambda connection: officers.by_id(connection, proposer))
    facts = {
        "restored-at": found.since,
        "own-size": str(found.size),
        "members-hold": str(found.largest),
        "signed-before": str(found.remembered),
        "proposed-by": by.name if by is not None else None,
    }
    return Change.of(ChangeKind.TAIL, node.ministry, facts)


def _proposer(node: Node) -> str:
    text = node.db.read(lambda connection: node_state.value(connection, FACT)) or ""
    if not text.startswith("proposed:"):
        raise Conflict("restore.not-proposed", "Another administrator proposes the waiver first.")
    return text.removeprefix("proposed:")


def approve(node: Node, caller: Caller) -> RestoreStanding:
    """Give the tail up as the second administrator, once every member has signed its answer.

    Raises:
        Conflict: ``restore.not-pending``, ``restore.no-tail``, ``restore.not-proposed``;
            ``restore.tail-held``: a member holds some of it: recover it instead.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Unavailable: ``recover.silent``: a member gives no signed answer; nobody can be waived.
    """
    text = node.db.read(lambda connection: node_state.value(connection, FACT)) or ""
    proposer = text.removeprefix("proposed:")
    change = change_of("restore-waiver", proposer=proposer)
    permit = authorise(node, caller, Action.RESTORE_WAIVE_APPROVE, change)
    found = _require_tail(node)
    look = require_change_seen(node, caller, _losing(node))
    answers, silent = [], []
    for peer in node.others():
        try:
            answer_of = _held_by(node, peer)
        except ComityError:
            silent.append(peer)
            continue
        if answer_of.held.size > max(found.size, found.largest):
            raise Conflict("restore.tail-held", "A member holds some of it: recover it.")
        answers.append(answer_of)
    if silent:
        raise Unavailable(
            "recover.silent",
            "Every member must say under its signature what it holds; wait for the others.",
            members=silent,
        )
    facts = {FACT: f"approved:{proposer}:{caller.person}"}
    entry = entry_of(caller, permit, Act.TAIL_ABANDONED, Subject("node", node.ministry))
    return _write(node, facts, resting_on(entry, look), answers)


def _require_tail(node: Node) -> RestoreStanding:
    found = guard.standing_now(node)
    if not found.pending:
        raise Conflict("restore.not-pending", "This node waits for nobody's answer.")
    if found.silent or found.remembered <= max(found.largest, found.size):
        raise Conflict(
            "restore.no-tail", "Nothing beyond what members hold is known to have been signed."
        )
    return found


def _write(
    node: Node, facts: dict[str, str], entry: recording.Entry, answers: Sequence[Answer] = ()
) -> RestoreStanding:
    def write(unit: Unit) -> None:
        for name, text in facts.items():
            node_state.put(unit, name, text, node.now())
        tail_answers.keep(node, unit, node.ministry, answers)
        recording.record(node, unit, entry)

    node.db.write(write)
    return guard.standing_now(node)


def is_given_up(node: Node) -> bool:
    """Tell whether two administrators gave the tail up in this restore."""
    text = node.db.read(lambda connection: node_state.value(connection, FACT)) or ""
    return text.startswith("approved:")


def lower(node: Node) -> None:
    """Let the memory name the head from which the log goes on, where the tail was given up.

    For the recovery, after the log grew back to what members hold.
    """
    known, newest = node.memory.read(), node.db.read(log.newest_signed)
    if known is None or newest is None or not is_given_up(node):
        return
    if known.size > newest.size:
        node.memory.replace(known, Remembered(newest.size, newest.root))
