"""Statement payloads: reading them strictly and composing them once.

Owns the members around a body (PROTOCOL §2, §3, §5) and the id, which is the digest of the payload
bytes. Bodies are judged by `api.wire.payloads`. It must not re-serialise a payload it has read,
and leaves everything that needs a second statement (order, legality) to the domain.

Refusal codes: ``statement.members``, ``statement.version``, ``statement.type``, ``statement.by``,
``statement.recipients``, ``statement.thread``, ``statement.body``; ``json.*`` for bytes that are no
canonical JSON.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from api.wire import canonical, digests, encoding, limits
from api.wire.bodies import validate_body
from api.wire.canonical import Json
from api.wire.envelope import JWS, RECORDED, WEBAUTHN
from api.wire.errors import WireError
from api.wire.members import KID, MINISTRY, Members
from api.wire.types import (
    DISPOSITION,
    EVIDENCE_PACKAGE,
    OPENER,
    STATEMENT_TYPES,
    THREAD_TYPES,
    StatementType,
)

VERSION: Final = "1"
"""Protocol version in every signed object."""

NONCE_BYTES: Final = 16
__all__ = [
    "DISPOSITION",
    "EVIDENCE_PACKAGE",
    "NONCE_BYTES",
    "OPENER",
    "THREAD_TYPES",
    "VERSION",
    "By",
    "Content",
    "Officer",
    "Place",
    "Seen",
    "Statement",
    "compose_payload",
    "compose_statement",
    "parse_statement",
    "prepared_bytes",
]

_ROLE: Final = re.compile(r"[a-z][a-z-]{0,31}", re.ASCII)
_CODE: Final = "statement.members"
_ALWAYS: Final = ("comity", "type", "issuer", "issued_at", "nonce", "body")
_ISS: Final = re.compile(r"[!-~]{1,255}", re.ASCII)
_SUB: Final = re.compile(r"[ -~]{1,255}", re.ASCII)  # OpenID Connect Core §2: ASCII, at most 255


@dataclass(frozen=True, slots=True)
class Officer:
    """An officer as a statement names them.

    Attributes:
        iss: Issuer of the identity.
        sub: Subject at that issuer.
        role: Role in which the officer acted.
        form: ``jws``, ``webauthn`` or ``recorded``.
        kid: Thumbprint of the officer's key; None when recorded.
    """

    iss: str
    sub: str
    role: str
    form: str
    kid: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the officer as protocol JSON."""
        entry: dict[str, Json] = {
            "iss": self.iss,
            "sub": self.sub,
            "role": self.role,
            "form": self.form,
        }
        return entry if self.kid is None else entry | {"kid": self.kid}

    @classmethod
    def from_json(cls, value: Json) -> "Officer":
        """Read an officer.

        Raises:
            WireError: ``statement.by``.
        """
        entry = Members(value, "statement.by", ("iss", "sub", "role", "form"), ("kid",))
        form = entry.word("form", (JWS, WEBAUTHN, RECORDED))
        if ("kid" in entry) is (form == RECORDED):
            raise entry.refusal("Name the key of an own signature, and none when recorded.")
        return cls(
            iss=entry.text("iss", _ISS),
            sub=entry.text("sub", _SUB),
            role=entry.text("role", _ROLE),
            form=form,
            kid=entry.text("kid", KID) if "kid" in entry else None,
        )


@dataclass(frozen=True, slots=True)
class By:
    """Who prepared a statement and who approved it."""

    prepared: Officer
    approved: Officer | None = None

    def to_json(self) -> dict[str, Json]:
        """Return both officers as protocol JSON."""
        entry: dict[str, Json] = {"prepared": self.prepared.to_json()}
        return entry if self.approved is None else entry | {"approved": self.approved.to_json()}

    @classmethod
    def from_json(cls, value: Json) -> "By":
        """Read the member `by`.

        Raises:
            WireError: ``statement.by``.
        """
        entry = Members(value, "statement.by", ("prepared",), ("approved",))
        approved = Officer.from_json(entry.raw("approved")) if "approved" in entry else None
        return cls(Officer.from_json(entry.raw("prepared")), approved)


@dataclass(frozen=True, slots=True)
class Seen:
    """The counterpart's head as the issuer knew it: its number and statement id."""

    seq: int
    id: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thread statement stands in its issuer's sequence."""

    seq: int
    prev: str | None = None
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What the preparing officer decides: type, recipients, thread and body.

    Attributes:
        type: With version, such as ``release/1``.
        to: Recipients; empty for evidence packages only.
        body: The body, as JSON.
        thread: Id of the opener; None for the opener and outside threads.
    """

    type: str
    to: tuple[str, ...]
    body: Mapping[str, Json] = field(hash=False)
    thread: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the members ``{type, to?, thread?, body}``."""
        members: dict[str, object] = {"type": self.type, "body": self.body}
        if self.to:
            members["to"] = list(self.to)
        if self.thread is not None:
            members["thread"] = self.thread
        return members


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as read from its payload; see PROTOCOL §2 and §5 for each member."""

    id: str
    type: str
    issuer: str
    issued_at: str
    nonce: str
    to: tuple[str, ...]
    by: By | None
    body: dict[str, Json] = field(hash=False)
    thread: str | None
    seq: int | None
    prev: str | None
    seen: Seen | None
    payload: bytes = field(repr=False)

    @property
    def thread_id(self) -> str | None:
        """Id of the thread this statement belongs to; an opener's is its own."""
        return self.id if self.type == OPENER else self.thread

    @property
    def prepared(self) -> bytes:
        """The bytes the preparing officer signed."""
        content = Content(self.type, self.to, self.body, self.thread)
        return prepared_bytes(content, issuer=self.issuer, nonce=self.nonce)


def prepared_bytes(content: Content, *, issuer: str, nonce: str) -> bytes:
    """Return what a preparer signs: JCS ``{comity, issuer, type, to?, thread?, nonce, body}``.

    It names ministry, recipients and thread, so the signature cannot be moved under others, and a
    nonce of its own, so it serves one statement; nothing in it is born later, so it survives
    approval (PROTOCOL §9, *Preparer's bytes*).

    Args:
        content: what was prepared.
        issuer: the ministry that will seal it.
        nonce: 16 random bytes as b64u, drawn by the preparer's client.
    """
    members = content.to_json() | {"comity": VERSION, "issuer": issuer, "nonce": nonce}
    return canonical.canonical(members)


def local_bytes(type_: str, body: Mapping[str, Json]) -> bytes:
    """Return what an officer signs of a paper that is no statement: JCS ``{type, body}``."""
    return canonical.canonical(Content(type_, (), body).to_json())


def compose_payload(
    content: Content,
    *,
    issuer: str,
    issued_at: datetime,
    nonce: bytes,
    by: By | None,
    place: Place | None = None,
) -> bytes:
    """Return the payload bytes of a statement; see `compose_statement`."""
    return compose_statement(
        content, issuer=issuer, issued_at=issued_at, nonce=nonce, by=by, place=place
    ).payload


def compose_statement(
    content: Content,
    *,
    issuer: str,
    issued_at: datetime,
    nonce: bytes,
    by: By | None,
    place: Place | None = None,
) -> Statement:
    """Compose a statement: the one time its payload is serialised.

    Args:
        content: What was prepared.
        issuer: The ministry that will seal it.
        issued_at: The node's clock.
        nonce: 16 random bytes.
        by: Officers; None for a disposition only.
        place: Position, for thread statements.

    Raises:
        WireError: Whatever `parse_statement` would refuse.
    """
    members = content.to_json() | {
        "comity": VERSION,
        "issuer": issuer,
        "issued_at": encoding.format_instant(issued_at),
        "nonce": encoding.b64u_encode(nonce),
    }
    if by is not None:
        members["by"] = by.to_json()
    if place is not None:
        members["seq"] = place.seq
        if place.prev is not None:
            members["prev"] = place.prev
        if place.seen is not None:
            members["seen"] = {"seq": place.seen.seq, "id": place.seen.id}
    return _statement(*canonical.written(members, limit=limits.PAYLOAD))


def parse_statement(payload: bytes) -> Statement:
    """Read a statement payload strictly.

    Raises:
        WireError: ``json.*``, ``statement.*``.
    """
    return _statement(payload, canonical.parse_canonical(payload, limit=limits.PAYLOAD))


def _statement(payload: bytes, value: Json) -> Statement:
    if not isinstance(value, dict) or value.get("comity") != VERSION:
        raise WireError("statement.version", "Send a statement of protocol version 1.")
    type_ = value.get("type")
    known = STATEMENT_TYPES.get(type_) if isinstance(type_, str) else None
    if known is None:
        raise WireError("statement.type", "Send a statement type this protocol version knows.")
    required, optional = _expected(known)
    members = Members(value, _CODE, required, optional)
    issuer = members.text("issuer", MINISTRY)
    by = By.from_json(members.raw("by")) if "by" in members else None
    if known.own_key and (by is None or by.prepared.form == RECORDED):
        raise WireError("statement.by", "An evidence package needs its preparer's own signature.")
    body = members.raw("body")
    if not isinstance(body, dict):
        raise WireError("statement.body", "Give the body as an object.")
    validate_body(known.name, body)
    seq = members.integer("seq", 1) if "seq" in members else None
    return Statement(
        id=digests.digest(payload),
        type=known.name,
        issuer=issuer,
        issued_at=members.instant("issued_at"),
        nonce=encoding.b64u_encode(members.b64u("nonce", NONCE_BYTES)),
        to=_recipients(members, issuer) if "to" in members else (),
        by=by,
        body=body,
        thread=members.digest("thread") if "thread" in members else None,
        seq=seq,
        prev=_previous(members, seq),
        seen=_seen(members.raw("seen")) if "seen" in members else None,
        payload=payload,
    )


def _expected(known: StatementType) -> tuple[set[str], set[str]]:
    required, optional = {*_ALWAYS}, set[str]()
    if known.addressed:
        required.add("to")
    if not known.by_node:
        required.add("by")
    if known.thread is not None:
        required.add("seq")
        if not known.opens:
            required.add("thread")
            optional |= {"prev", "seen"}
    return required, optional


def _recipients(members: Members, issuer: str) -> tuple[str, ...]:
    to = tuple(name for name in members.items("to", 1) if isinstance(name, str))
    if len(to) != len(members.items("to")) or not all(map(MINISTRY.fullmatch, to)):
        raise WireError("statement.recipients", "Name recipients by their member ids.")
    if len(set(to)) != len(to) or issuer in to:
        raise WireError("statement.recipients", "Name each recipient once, and not the issuer.")
    return to


def _previous(members: Members, seq: int | None) -> str | None:
    """Check `prev`: the opener is number 1, every later number has a predecessor (PROTOCOL §5)."""
    if seq is None:
        return None
    first = seq == 1
    if first is ("prev" in members):
        raise WireError("statement.thread", "Number from 1 and name the previous statement after.")
    return None if first else members.digest("prev")


def _seen(value: Json) -> Seen:
    entry = Members(value, "statement.thread", ("seq", "id"))
    return Seen(entry.integer("seq", 1), entry.digest("id"))
