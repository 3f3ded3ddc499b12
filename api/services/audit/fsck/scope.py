"""What every part of the check works on: the open database, whose keys count, what was found.

Owns the opening of signatures, each once: the same note or envelope costs one verification however
often it is met. Reads nothing itself.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection

from api.domain.log_trust import open_head_of, witness_verifiers
from api.ports.store import ExhibitStore
from api.services.audit.fsck.findings import Findings
from api.services.audit.fsck.journal import Journal
from api.tlog.checkpoint import Checkpoint
from api.tlog.errors import LogError
from api.tlog.note import format_note, parse_note
from api.wire.digests import digest
from api.wire.envelope import MESSAGE, parse_envelope, verify_seal
from api.wire.errors import WireError
from api.wire.keys import Purpose, verify_signature
from api.wire.membership import Member, Membership
from api.wire.messages import MessageBody, parse_message

_REMEMBERED: Final = 4096


class Trust:
    """Judges signatures by one membership; keys that are retired or revoked count as history.

    Args:
        membership: lists the keys.
    """

    def __init__(self, membership: Membership) -> None:
        self._pinned = membership
        self.membership = _ageless(membership)
        self._in_time = _unrevoked(membership)
        self.head = lru_cache(_REMEMBERED)(self._head)
        self.cosigner = lru_cache(_REMEMBERED)(self._cosigner)
        self.message = lru_cache(_REMEMBERED)(self._message)
        self.statement = lru_cache(_REMEMBERED)(self._statement)
        self.sealed = lru_cache(_REMEMBERED)(self._sealed)

    def and_former(self, former: Callable[[Membership], Iterable[Membership]]) -> "Trust":
        """Return what also knows the members that have left, by the newest file that lists them.

        Args:
            former: returns the memberships before one, newest first; each is named by the next.
        """
        known = {member.id: member for member in self._pinned.members}
        for membership in former(self._pinned):
            for member in membership.members:
                known.setdefault(member.id, member)
        return Trust(replace(self._pinned, members=tuple(known.values())))

    def _head(self, ministry: str, note: bytes, *, strict: bool = True) -> Checkpoint | str:
        """Return the head in a note by a ministry's log, or a code.

        A log key signs heads up to its end and none beyond (PROTOCOL §9, *Keys in time*); one that
        was revoked since counts for what is stored.

        Args:
            ministry: whose log.
            note: the note.
            strict: refuse a note with any other signature than the log's own.
        """
        member = self._in_time.find(ministry)
        if member is None:
            return "membership.unknown-member"
        try:
            opened = open_head_of(member, note, strict=strict)
        except LogError as problem:
            return problem.code
        if format_note(opened.note.text, parse_note(note).signatures) != note:
            return "note.malformed"
        return opened.checkpoint if opened.complete else "checkpoint.log-signature"

    def _cosigner(self, note: bytes, line: str) -> str | None:
        """Return the member whose witness signed a line over a note's text; ``None`` if nobody."""
        try:
            signed = parse_note(parse_note(note).text.encode() + f"\n{line}\n".encode())
        except LogError:
            return None
        if len(signed.signatures) != 1 or signed.signatures[0].format() != f"{line}\n":
            return None
        (signature,) = signed.signatures
        for member in self.membership.members:
            for key in witness_verifiers(member):
                if (key.name, key.key_id) == (signature.name, signature.key_id):
                    try:
                        key.verify(signature.blob, signed.text)
                    except LogError:
                        return None
                    return member.id
        return None

    def _message(self, raw: bytes, ministry: str) -> MessageBody | str:
        """Return the content of a message that a ministry signed, or a code."""
        try:
            envelope, body = parse_message(raw)
            keys = self.membership.keys(ministry, Purpose.MESSAGE)
            verify_seal(envelope, keys, MESSAGE)
        except WireError as problem:
            return problem.code
        return body

    def _statement(self, raw: bytes) -> tuple[str, str] | str:
        """Return the id of a statement and the digest of its envelope, or a code."""
        try:
            return digest(parse_envelope(raw).payload), digest(raw)
        except WireError as problem:
            return problem.code

    def _sealed(self, ministry: str, data: bytes, seal: bytes) -> bool:
        """Tell whether a ministry's witness key signed these bytes."""
        for record in self.membership.keys(ministry, Purpose.WITNESS):
            try:
                verify_signature(record, seal, data)
            except WireError:
                continue
            return True
        return False


def _ageless(membership: Membership) -> Membership:
    """Return the membership with every key in force, as each was when it signed."""
    members = tuple(
        replace(
            member,
            keys=tuple(replace(key, until=None, revoked_from=None) for key in member.keys),
        )
        for member in membership.members
    )
    return replace(membership, members=members)


def _unrevoked(membership: Membership) -> Membership:
    """Return the membership with every key as it was before any was revoked; ends in time stay."""
    members = tuple(
        replace(member, keys=tuple(replace(key, revoked_from=None) for key in member.keys))
        for member in membership.members
    )
    return replace(membership, members=members)


@dataclass(frozen=True, slots=True)
class Scope:
    """One check under way.

    Attributes:
        connection: a consistent, read-only view of the database.
        trust: judges signatures.
        me: whose database it is.
        findings: grows.
        journal: grows with each event.
        gaps: how many events are erased, lost, or waiting for the sequencer, and how many files
            of the store are unclaimed.
        store: the exhibits; ``None`` leaves them out.
        progress: told of (done, total) leaves now and then.
    """

    connection: Connection
    trust: Trust
    me: Member
    findings: Findings = field(default_factory=Findings)
    journal: Journal = field(default_factory=Journal)
    gaps: Counter[str] = field(default_factory=Counter)
    store: ExhibitStore | None = None
    progress: Callable[[int, int], None] | None = None
