"""What is decided is what was seen: looks are events, and a decision needs one.

Owns the table ``previews``. Whoever approves anything (a statement, an officer, a role, a key, an
erasure, an epoch, a membership) must have been shown that very digest by this node before, in any
door; the event of the decision names digest, look and approver (DESIGN §12). Must not know what is
shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.domain.errors import Refused
from api.domain.events import Act, Subject
from api.records import previews
from api.records.previews import PREVIEWS, Preview
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, Permit, entry_of
from api.services.node import Node
from api.wire.canonical import canonical
from api.wire.digests import digest


@dataclass(frozen=True, slots=True)
class Shown:
    """What an officer is shown.

    Attributes:
        subject: kind, id and version of the object.
        digest: of exactly what is shown.
    """

    subject: Subject
    digest: str


def digest_of(members: Mapping[str, Any]) -> str:
    """Return the digest of what is shown of a change that has no digest of its own."""
    return digest(canonical(dict(members)))


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


def require_preview(node: Node, caller: Caller, shown: Shown, code: str) -> Preview:
    """Return the look on which a decision rests.

    Args:
        node: this node.
        caller: who decides.
        shown: the object and its present digest.
        code: of the refusal, such as ``draft.not-previewed``.

    Raises:
        Refused: with that code: this officer was not shown this digest.
    """
    found = node.db.read(
        lambda connection: previews.preview_by(
            connection, shown.subject.kind, shown.subject.id, shown.digest, caller.person
        )
    )
    if found is None:
        raise Refused(code, "Look at exactly what you decide on first: fetch its preview.")
    return found
