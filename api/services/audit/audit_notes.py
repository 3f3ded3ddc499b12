"""Review notes: what an auditor says about an entry or a sample, under their own signature.

Owns the note's document and its keeping. A note is a signed record of this node, no statement: it
is addressed to nobody and crosses no border, and a partner must not be able to demand it
(docs/decisions/0018). The event names the note by its digest, so that whoever is shown a note can
find it in the log, and nobody can put one there later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from api.domain.errors import Invalid, NotFound
from api.domain.events import Act, Subject
from api.domain.four_eyes import Role
from api.ports.policy import Action
from api.records import audit
from api.records.audit import Note
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.audit.export.exporting import witnessed_head
from api.services.authorising import Caller, authorise, collection, entry_of, unknown
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.statements import endorsing
from api.services.statements.passkeys import require_own_site
from api.wire.canonical import Json, canonical
from api.wire.digests import digest

TYPE: Final = "review-note/1"
VERDICTS: Final = ("in-order", "question", "finding")
"""What a note comes to."""

_LONGEST: Final = 20_000


@dataclass(frozen=True, slots=True)
class NewNote:
    """What an auditor writes.

    Attributes:
        verdict: one of `VERDICTS`.
        text: the note.
        leaf: entry it is about, or
        sample: sample it is about.
        endorsement: the auditor's signature over JCS ``{"type": "review-note/1", "body": …}``;
            ``None`` has the node record their word.
    """

    verdict: str
    text: str
    leaf: int | None = None
    sample: str | None = None
    endorsement: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Json]:
        """Return what the auditor signs."""
        members: dict[str, Json] = {"verdict": self.verdict, "text": self.text}
        if self.leaf is not None:
            members["leaf"] = self.leaf
        if self.sample is not None:
            members["sample"] = self.sample
        return members


def write(node: Node, caller: Caller, new: NewNote) -> Note:
    """Check the signature and keep the note.

    Raises:
        Invalid: ``note.malformed``.
        NotFound: ``note.unknown-entry``, ``sample.unknown``.
        Refused: ``key.not-enrolled``.
        WireError: ``endorsement.*``.
        Conflict: ``export.unwitnessed``.
    """
    permit = authorise(node, caller, Action.AUDIT_NOTE, collection("audit"))
    _check(new)
    once = keyed_call(caller, Act.NOTE_WRITTEN, new.body())
    if (known := made_before(node, once)) is not None:
        return _kept(node, known["id"])
    named, proof = endorsing.paper(
        caller, TYPE, new.body(), frozenset({Role.AUDITOR}), new.endorsement
    )
    require_own_site(node, caller, proof)
    size, root = node.db.read(lambda connection: _witnessed(node, connection, new))
    at = node.now()
    document = canonical(
        {
            "comity": "1",
            "type": TYPE,
            "ministry": node.ministry,
            "by": named.to_json(),
            "body": new.body(),
            "head": {"size": size, "root": root},
            "written_at": at,
        }
    )
    note_id = digest(document)
    row: dict[str, Any] = {
        "id": note_id,
        "officer": caller.person,
        "sample": new.sample,
        "leaf": new.leaf,
        "document": document.decode(),
        "endorsement": None if proof is None else canonical(proof.to_json()).decode(),
        "written_at": at,
    }

    def store(unit: Unit) -> None:
        unit.insert(audit.NOTES, row)
        entry = entry_of(caller, permit, Act.NOTE_WRITTEN, Subject("note", note_id))
        recording.record(node, unit, entry)

    return _kept(node, write_once(node, once, {"id": note_id}, store)["id"])


def _kept(node: Node, note_id: str) -> Note:
    row = node.db.read(lambda connection: audit.note_by_id(connection, note_id))
    if row is None:
        raise unknown("note")
    return row


def _check(new: NewNote) -> None:
    if new.verdict not in VERDICTS or not new.text.strip() or len(new.text) > _LONGEST:
        raise Invalid("note.malformed", f"Give a text and one of: {', '.join(VERDICTS)}.")
    if (new.leaf is None) is (new.sample is None):
        raise Invalid("note.malformed", "Write about one entry or about one sample.")


def _witnessed(node: Node, connection: Connection, new: NewNote) -> tuple[int, str]:
    """Return size and root of the newest witnessed head, in which the note's subject must lie."""
    note, size = witnessed_head(node, connection)
    root = note.decode().split("\n")[2]
    if new.leaf is not None and not 0 <= new.leaf < size:
        raise NotFound("note.unknown-entry", f"The witnessed log has the entries 0 to {size}.")
    if new.sample is not None and audit.sample_by_id(connection, new.sample) is None:
        raise unknown("sample")
    return size, root


def listed(
    node: Node, caller: Caller, *, leaf: int | None = None, sample: str | None = None
) -> list[Note]:
    """Return notes, newest first: all, or those about an entry or a sample."""
    authorise(node, caller, Action.AUDIT_LIST, collection("audit"))
    return node.db.read(lambda connection: audit.notes(connection, leaf=leaf, sample=sample))
