"""Keeps a node that was restored from a backup read-only until its partners have answered.

Owns PROTOCOL §8 up to the point where nothing more is unknown. A restored node may have signed more
than it remembers: larger heads of its log, messages, cosignatures. So from :func:`begin` on nothing
is recorded but what ``services/recording.py`` lists, nothing is sequenced, sent or cosigned, and
every other member is asked for the largest head of this node's log that it holds (:func:`ask`). A
member that cannot answer can be waived by name, by two administrators. Fetching back what was lost
and opening the node again is ``services/recovery/recovering.py``'s.

A node that finds by itself that a partner holds more of its log than it does (:func:`noticed`), or
another history of it, goes the same way: a head that carries its own signatures cannot be argued
with. So does one whose database does not fit what it remembers outside of it
(``services/log/remembering.py``).

Facts in ``node_state``: ``restore`` (``pending:<leaves that came back>`` or ``done``),
``restore-answer:<ministry>`` (``<size>:<root>``), ``restore-waiver:<ministry>``
(``proposed:<person>`` or ``approved:<person>:<person>``).
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import ComityError, Conflict, Invalid, NotFound, Unavailable
from api.domain.events import Act, Subject
from api.domain.log_trust import open_head_of
from api.ports.policy import Action
from api.records import log, node_state, officers
from api.records.node_state import OPEN, RESTORE
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, change_of, entry_of
from api.services.log import tail_answers
from api.services.log.log_client import seen_head
from api.services.log.own_tiles import StoredTiles
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.tlog.checkpoint import Checkpoint
from api.tlog.errors import LogError
from api.tlog.proofs import root_at

PENDING = "pending"
_ANSWER = "restore-answer:"
_WAIVER = node_state.WAIVER


@dataclass(frozen=True, slots=True)
class RestoreStanding:
    """How far the restore has come.

    Attributes:
        pending: the node is read-only.
        since: when it was restored; empty if it never was.
        answers: size of this node's log that each member holds, by member.
        waived: members that two administrators waived.
        proposed: waivers that lack a second administrator.
        silent: members that have neither answered nor been waived.
        size: leaves in this node's own newest head.
        largest: the largest size any member holds.
        remembered: the size remembered outside the database; 0 if nothing is.
        restored: leaves in its own newest head when it was restored.
    """

    pending: bool
    since: str = ""
    answers: dict[str, int] = field(default_factory=dict)
    waived: list[str] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    size: int = 0
    largest: int = 0
    remembered: int = 0
    restored: int = 0

    @property
    def complete(self) -> bool:
        """Every other member has answered or was waived."""
        return not self.silent

    @property
    def behind(self) -> bool:
        """More of this node's log is held, or remembered, than this node has."""
        return max(self.largest, self.remembered) > self.size

    @property
    def lost(self) -> bool:
        """More was held or remembered than came back: somebody takes it back, or is at it."""
        return max(self.largest, self.remembered) > self.restored


def standing(node: Node, connection: Connection) -> RestoreStanding:
    """Return how far the restore has come."""
    facts = node_state.everything(connection)
    if facts.get(RESTORE, OPEN) == OPEN:
        return RestoreStanding(pending=False)
    members = node.others()
    answers = {
        member: int(facts[_ANSWER + member].partition(":")[0])
        for member in members
        if _ANSWER + member in facts
    }
    waivers = {member: facts.get(_WAIVER + member, "") for member in members}
    waived = [member for member, text in waivers.items() if text.startswith("approved:")]
    head = log.newest_signed(connection)
    size = head.size if head is not None else 0
    _, _, restored = facts[RESTORE].partition(":")
    return RestoreStanding(
        pending=True,
        since=node_state.since(connection, RESTORE),
        answers=answers,
        waived=waived,
        proposed=[member for member, text in waivers.items() if text.startswith("proposed:")],
        silent=[member for member in members if member not in answers and member not in waived],
        size=size,
        largest=max(answers.values(), default=0),
        remembered=_remembered(node),
        restored=int(restored) if restored else size,
    )


def _remembered(node: Node) -> int:
    try:
        head = node.memory.read()
    except Unavailable:
        return 0
    return 0 if head is None else head.size


def standing_now(node: Node) -> RestoreStanding:
    """Return how far the restore has come, in a snapshot of its own."""
    return node.db.read(lambda connection: standing(node, connection))


def begin(node: Node, cause: str) -> None:
    """Make the node read-only and forget earlier answers.

    Args:
        node: this node.
        cause: ``backup``, ``noticed``, or what ``services/log/remembering.py`` found; part of the
            event.
    """

    def write(unit: Unit) -> None:
        for name in node_state.everything(unit.connection):
            if name.startswith((_ANSWER, _WAIVER, "restore-tail")):
                unit.delete(node_state.NODE_STATE, {"name": name})
        head = log.newest_signed(unit.connection)
        size = head.size if head is not None else 0
        node_state.put(unit, RESTORE, f"{PENDING}:{size}", node.now())
        entry = recording.Entry(
            act=Act.NODE_RESTORED, subject=Subject("node", node.ministry), code=cause
        )
        recording.record(node, unit, entry)

    node.db.write(write)


def own_head(node: Node, note: bytes) -> Checkpoint:
    """Return a head of this node's own log as some member holds it.

    Raises:
        Invalid: ``log.head``: this node's log has not signed it with each kind of key.
    """
    try:
        opened = open_head_of(node.me, note)
    except LogError as error:
        raise Invalid("log.head", "This is no head of this node's log.") from error
    if not opened.complete:
        raise Invalid("log.head", "This is no head of this node's log.")
    return opened.checkpoint


def noticed(node: Node, peer: str) -> bool:
    """Look at what a partner holds of this node's log; go read-only if it is more than is here.

    Returns:
        Whether the node is read-only now for that reason.
    """
    try:
        note = seen_head(node, peer, node.ministry)
        head = own_head(node, note) if note is not None else None
    except ComityError:
        return False
    if note is None or head is None or node.db.read(lambda connection: _holds(connection, head)):
        return False
    if tail_answers.denied(node, node.ministry, note) is not None:
        # Every member signed that it holds none of that tail; comparing convicts who did.
        return False
    if not node.db.read(node_state.restoring):
        begin(node, "noticed")
    return True


def _holds(connection: Connection, head: Checkpoint) -> bool:
    """Tell whether this node's stored log contains a head."""
    newest = log.newest_signed(connection)
    if newest is None or newest.size < head.size:
        return False
    return root_at(head.size, StoredTiles(connection)) == head.root


def ask(node: Node, peer: str = "") -> RestoreStanding:
    """Ask every member that has not answered yet for the largest head it holds of this log.

    Args:
        node: this node.
        peer: ask this member alone.
    """
    found = standing_now(node)
    for member in found.silent:
        if peer not in {"", member}:
            continue
        try:
            note = seen_head(node, member, node.ministry)
            head = own_head(node, note) if note is not None else None
        except ComityError:
            continue
        text = "0:" if head is None else f"{head.size}:{head.root.hex()}"
        _put(node, _ANSWER + member, text, Subject("peer", member), "answered")
    return standing_now(node)


def _put(node: Node, name: str, text: str, subject: Subject, code: str) -> None:
    entry = recording.Entry(act=Act.NODE_RESTORED, subject=subject, code=code)

    def write(unit: Unit) -> None:
        node_state.put(unit, name, text, node.now())
        recording.record(node, unit, entry)

    node.db.write(write)


def propose_waiver(node: Node, caller: Caller, member: str) -> RestoreStanding:
    """Propose to go on without the answer of one member.

    Raises:
        NotFound: ``restore.unknown-member``.
        Conflict: ``restore.not-pending``, ``restore.answered``, ``restore.proposed``.
    """
    permit = _authorise(node, caller, Action.RESTORE_WAIVE_PROPOSE, "")
    found = _require_silent(node, member)
    if member in found.proposed:
        raise Conflict("restore.proposed", "The waiver waits for another administrator.")
    entry = entry_of(caller, permit, Act.WAIVER_PROPOSED, Subject("peer", member))
    return _waive(node, member, f"proposed:{caller.person}", entry)


def preview_waiver(node: Node, caller: Caller, member: str) -> Change:
    """Show whose answer would be waived, and what others hold of this node's log.

    Raises:
        NotFound: ``restore.unknown-member``.
        Conflict: ``restore.not-pending``, ``restore.answered``, ``restore.not-proposed``.
    """
    return show_change(node, caller, member, lambda: _waiving(node, member))


def _waiving(node: Node, member: str) -> Change:
    found = _require_silent(node, member)
    if member not in found.proposed:
        raise _not_proposed()
    proposer = _proposer(node, member)
    by = node.db.read(lambda connection: officers.by_id(connection, proposer))
    facts = {
        "partner": member,
        "restored-at": found.since,
        "own-size": str(found.size),
        "largest-known": str(max(found.largest, found.remembered)),
        "proposed-by": by.name if by is not None else None,
    }
    return Change.of(ChangeKind.WAIVER, member, facts)


def _proposer(node: Node, member: str) -> str:
    text = node.db.read(lambda connection: node_state.value(connection, _WAIVER + member)) or ""
    return text.removeprefix("proposed:")


def _not_proposed() -> Conflict:
    return Conflict("restore.not-proposed", "Another administrator proposes the waiver first.")


def approve_waiver(node: Node, caller: Caller, member: str) -> RestoreStanding:
    """Waive a member's answer as the second administrator.

    Raises:
        NotFound: ``restore.unknown-member``.
        Conflict: ``restore.not-pending``, ``restore.answered``, ``restore.not-proposed``.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
    """
    proposer = _proposer(node, member)
    permit = _authorise(node, caller, Action.RESTORE_WAIVE_APPROVE, proposer)
    found = _require_silent(node, member)
    if member not in found.proposed:
        raise _not_proposed()
    look = require_change_seen(node, caller, _waiving(node, member))
    entry = entry_of(caller, permit, Act.WAIVER_APPROVED, Subject("peer", member))
    text = f"approved:{proposer}:{caller.person}"
    return _waive(node, member, text, resting_on(entry, look))


def _authorise(node: Node, caller: Caller, action: Action, proposer: str) -> Permit:
    return authorise(node, caller, action, change_of("restore-waiver", proposer=proposer))


def _require_silent(node: Node, member: str) -> RestoreStanding:
    found = standing_now(node)
    if not found.pending:
        raise Conflict("restore.not-pending", "This node waits for nobody's answer.")
    if member not in node.others():
        raise NotFound("restore.unknown-member", "Name another member of the pinned membership.")
    if member not in found.silent:
        raise Conflict("restore.answered", "This member has answered or was waived already.")
    return found


def _waive(node: Node, member: str, text: str, entry: recording.Entry) -> RestoreStanding:
    def write(unit: Unit) -> None:
        node_state.put(unit, _WAIVER + member, text, node.now())
        recording.record(node, unit, entry)

    node.db.write(write)
    return standing_now(node)
