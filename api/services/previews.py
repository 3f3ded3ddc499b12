"""What is decided is what was seen: looks are events, and a decision needs one.

Owns the table ``previews``. Whoever approves anything (a statement, an officer, a role, a key, an
erasure, an epoch, a membership) must have been shown that very digest by this node before, in any
door; the event of the decision names digest, look and approver (DESIGN §12). Must not know what is
shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Refused, Stale
from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import previews
from api.records.previews import PREVIEWS, Preview
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, Permit, authorise, change_of, entry_of
from api.services.node import Node

_COMMANDS: Final = {
    ChangeKind.OFFICER: "officer preview {id}",
    ChangeKind.SUSPENSION: "officer preview-suspension {id}",
    ChangeKind.REINSTATEMENT: "officer preview-reinstatement {id}",
    ChangeKind.GRANT: "grant preview {id}",
    ChangeKind.KEY: "key preview {id}",
    ChangeKind.DELEGATION: "delegation preview {id}",
    ChangeKind.RELYING_PARTY: "relying-party preview {id}",
    ChangeKind.REGIME: "regimes preview {id}",
    ChangeKind.MEMBERSHIP: "membership preview {id}",
    ChangeKind.ERASURE: "audit erase preview {id}",
    ChangeKind.EPOCH: "epoch preview {id}",
    ChangeKind.WAIVER: "node waive {id} --approve",
    ChangeKind.TAIL: "node give-up-tail --approve",
}
"""The command that shows each kind of change."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an officer is shown.

    Attributes:
        subject: kind, id and version of the object.
        digest: of exactly what is shown.
    """

    subject: Subject
    digest: str


def note_preview(node: Node, caller: Caller, permit: Permit, shown: Shown, act: Act) -> None:
    """Record that an officer was shown an object, each time as an event.

    Args:
        node: this node.
        caller: who looks.
        permit: to look.
        shown: what is shown.
        act: the event, such as ``draft.previewed``.
    """
    key = {
        "kind": shown.subject.kind,
        "object": shown.subject.id,
        "digest": shown.digest,
        "officer": caller.person,
    }

    def write(unit: Unit) -> None:
        unit.lock(f"preview {shown.subject.id} {caller.person}")
        known = previews.preview_by(unit.connection, *key.values())
        event = known.event if known is not None else node.entropy.identifier()
        if known is None:
            unit.insert(PREVIEWS, {**key, "event": event, "at": node.now()})
        entry = entry_of(caller, permit, act, shown.subject)
        about = recording.about_digest(entry, shown.digest)
        recording.record(node, unit, about, event_id=event if known is None else "")

    node.db.write(write)


def require_preview(node: Node, caller: Caller, shown: Shown, code: str, command: str) -> Preview:
    """Return the look on which a decision rests.

    Args:
        node: this node.
        caller: who decides.
        shown: the object and its present digest.
        code: of the refusal, such as ``draft.not-previewed``.
        command: what shows it.

    Raises:
        Stale: it is another one than the officer says to have read, such as ``draft.stale``.
        Refused: with that code: this officer was not shown this digest.
    """
    if caller.read and caller.read != shown.digest:
        raise Stale(
            f"{code.partition('.')[0]}.stale", "It changed since you read it; read it again."
        )
    found = node.db.read(
        lambda connection: previews.preview_by(
            connection, shown.subject.kind, shown.subject.id, shown.digest, caller.person
        )
    )
    if found is None:
        raise Refused(code, f"Look at exactly what you decide on first: {command}.")
    return found


def show_change(node: Node, caller: Caller, id_: str, find: Callable[[], Change]) -> Change:
    """Show an administrator what another one proposed: an event, and the look it takes to approve.

    Args:
        node: this node.
        caller: an administrator.
        id_: of the record, as asked for.
        find: returns the change as it is now, or raises; called only once the caller may know.
    """
    permit = authorise(node, caller, Action.CHANGE_PREVIEW, change_of(id_))
    change = find()
    note_change(node, caller, permit, change)
    return change


def note_change(node: Node, caller: Caller, permit: Permit, change: Change) -> None:
    """Record that an officer was shown a change."""
    note_preview(node, caller, permit, _shown(change), Act.CHANGE_PREVIEWED)


def require_change_seen(node: Node, caller: Caller, change: Change) -> Preview:
    """Return the look at exactly this change without which nobody approves it.

    Raises:
        Refused: ``change.not-previewed``: this officer was not shown it as it is now.
    """
    command = f"comity {_COMMANDS[change.kind].format(id=change.id)}"
    return require_preview(node, caller, _shown(change), "change.not-previewed", command)


def resting_on(entry: recording.Entry, look: Preview) -> recording.Entry:
    """Return the event of a decision with the digest decided on and the look it rests on."""
    return recording.about_digest(entry, look.digest, look.event)


def _shown(change: Change) -> Shown:
    return Shown(Subject(change.kind.value, change.id), change.digest)
