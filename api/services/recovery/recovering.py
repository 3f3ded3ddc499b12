"""Recovers a restored node: its log, its streams, its memory as a witness; then opens it again.

Owns the order of recovery (PROTOCOL §8) and its end. Nothing is signed anew in the log's past:
the log goes on from a head that this node signed before it lost its memory, and it cannot go on
from any other, because partners give back what they cosigned and nothing is accepted that does
not carry this node's own signatures. The steps, each safe to repeat after a crash:

1. Every member has answered, or two administrators waived it by name (``services/log/guard.py``).
2. Own messages since the backup are fetched from every member that answers.
3. The log grows back to the largest head any member holds (``services/recovery/regrown_log.py``).
4. What this node had cosigned of partners' logs is learnt again
   (``services/recovery/witness_memory.py``).
5. Partners' messages since the backup are taken in again.
6. Own statements take their effect again in the order of the log, and the streams go on behind the
   last number each partner knows (``services/recovery/replay.py``).
7. The head from which the log goes on is remembered outside the database: one that was remembered
   there before must be of its history, and not larger. Then the node writes again. A stream whose
   end is not known for sure stays blocked, until two administrators open a new epoch: its numbers
   must not be used twice.

A log whose leaf hashes nobody holds up to its largest head is not recovered: the node stays
read-only rather than sign a second history.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from api.domain.errors import ComityError, Conflict, Unavailable
from api.domain.events import Act, Subject
from api.records import node_state, streams
from api.records.node_state import OPEN, RESTORE
from api.records.stream_rows import StreamState
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.log import giving_up, guard, remembering
from api.services.log.comparing import others
from api.services.node import Node
from api.services.recovery import lost_messages, regrown_log, replay, witness_memory
from api.services.recovery.lost_messages import Lost
from api.services.recovery.regrown_log import Regrown
from api.services.recovery.replay import Adopted
from api.services.road.views import View, view_of

Tell = Callable[[str], None]


@dataclass(slots=True)
class Recovered:
    """What came back and what did not.

    Attributes:
        log: sizes before and after, and what stands at the leaves between.
        messages: own messages that are known again.
        statements: own statements that are known again.
        without_effect: ids of statements whose effect could not be repeated.
        refetched: by member, how many of its messages were taken in again.
        relearnt: members of whose logs more had been cosigned than the backup knew.
        blocked: members whose stream needs a new epoch.
    """

    log: Regrown
    messages: int = 0
    statements: int = 0
    without_effect: list[str] = field(default_factory=list)
    refetched: dict[str, int] = field(default_factory=dict)
    relearnt: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the members as plain values."""
        return asdict(self)


def recover(node: Node, tell: Tell = lambda _: None) -> Recovered:
    """Recover and open the node; see the module docstring.

    Args:
        node: this node, restored.
        tell: told what is being done.

    Raises:
        Conflict: ``recover.not-restored``, ``recover.other-history``, ``recover.moved``.
        Unavailable: ``recover.silent``: members that have not answered, by name in ``details``;
            ``recover.tail-remembered``: less came back than this node remembers having signed;
            ``recover.tiles-short``; ``peer.unreachable``: a member that had answered is away.
        Invalid: ``recover.message``: a partner's copies do not fit together.
    """
    standing = guard.ask(node)
    if not standing.pending:
        raise Conflict("recover.not-restored", "This node was not restored; nothing is missing.")
    if not standing.complete:
        raise Unavailable(
            "recover.silent",
            "Some members have not said what they hold; wait, or let two administrators waive.",
            members=standing.silent,
        )
    given_up = giving_up.is_given_up(node)
    if standing.remembered > max(standing.largest, standing.size) and not given_up:
        raise Unavailable(
            "recover.tail-remembered",
            "This node signed more than any member that answered holds: wait for the others, or "
            "let two administrators give it up once every member has signed that it holds none.",
            size=standing.remembered,
        )
    able = replace(node, db=node.db.for_recovery())
    tell("asking partners how far the streams had come")
    views = _views(able, standing.waived)
    lost = {peer: lost_messages.lost_messages(able, peer, view) for peer, view in views.items()}
    tell("growing the log back")
    held = regrown_log.heads_held(able, list(views))
    every = [message for messages in lost.values() for message in messages]
    grown = regrown_log.regrow(able, held, replay.known_leaves(every))
    found = Recovered(grown)
    tell("learning again what was cosigned")
    for peer in others(node):
        claimed = views[peer].cosigned if peer in views else b""
        if witness_memory.relearn_cosigned(able, peer, claimed):
            found.relearnt.append(peer)
    _take_again(able, views, every, found, tell)
    giving_up.lower(able)
    remembering.settle(able)
    found.blocked = _block_unsure(able, views)
    _open(able)
    return found


def _views(node: Node, waived: list[str]) -> dict[str, View]:
    """Return what each member says; only waived ones may be away."""
    views = {}
    for peer in others(node):
        try:
            views[peer] = view_of(node, peer)
        except ComityError:
            if peer not in waived:
                raise
    return views


def _take_again(
    node: Node, views: dict[str, View], lost: list[Lost], found: Recovered, tell: Tell
) -> None:
    tell("taking partners' messages in again")
    for peer, view in views.items():
        count = lost_messages.refetch(node, peer, view)
        if count:
            found.refetched[peer] = count
    tell(f"taking {len(lost)} own messages back")
    with ThreadPoolExecutor(2, thread_name_prefix="comity-recover") as pool:
        adopted: Adopted = replay.adopt(node, lost, pool)
    found.messages, found.statements = adopted.messages, adopted.statements
    found.without_effect = adopted.without_effect


def _block_unsure(node: Node, views: dict[str, View]) -> list[str]:
    """Block the streams whose end is not known: waived members, and those with a gap at the end.

    Early numbers at a partner mean that numbers before them were used in messages that are lost.
    """
    unsure = [peer for peer in others(node) if peer not in views or views[peer].early]

    def write(unit: Unit) -> None:
        for peer in unsure:
            if (
                unit.update(streams.STREAMS_OUT, {"peer": peer}, {"state": StreamState.BLOCKED})
                is None
            ):
                row = {
                    "peer": peer,
                    "epoch": 1,
                    "next_seq": 1,
                    "prev": None,
                    "state": StreamState.BLOCKED,
                }
                unit.insert(streams.STREAMS_OUT, row)
        for peer in unsure:
            entry = recording.Entry(
                act=Act.LOG_RECOVERED, subject=Subject("stream", peer), code="blocked"
            )
            recording.record(node, unit, entry)

    if unsure:
        node.db.write(write)
    return unsure


def _open(node: Node) -> None:
    """Let the node write again; the last step, so that a crash before it repeats the others."""

    def write(unit: Unit) -> None:
        node_state.put(unit, RESTORE, OPEN, node.now())
        entry = recording.Entry(
            act=Act.LOG_RECOVERED, subject=Subject("node", node.ministry), origin="operator"
        )
        recording.record(node, unit, entry)
        for topic in ("urgent", "inbox", "composable"):
            unit.ring(topic)

    node.db.write(write)
