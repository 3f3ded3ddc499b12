"""Messages between two nodes: the signed transport unit and what is rebuilt around it.

Owns the payload of a message envelope (PROTOCOL §7), the request body ``{message, evidence}`` and
how envelopes are embedded: as JSON objects, recovered exactly because the whole around them is
canonical (decision record 0002). What each kind says is in `api.wire.message_bodies`. It must not
verify signatures, order messages or keep state.

Refusal codes: ``message.malformed``, ``message.kind``, ``message.sequence``,
``message.request``; ``envelope.*`` and ``json.*``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from api.wire import canonical, encoding, limits
from api.wire.canonical import Json
from api.wire.envelope import Envelope, parse_envelope
from api.wire.errors import WireError
from api.wire.members import MESSAGE_ID, MINISTRY, Members

VERSION: Final = "1"
_CODE: Final = "message.malformed"
_MOST_HASHES: Final = 64  # longest path in a tree of 2^63 leaves
_LONGEST_NOTE: Final = 64 * 1024
# The three pieces of text around the members of a canonical request body.
_BEFORE: Final = b'{"evidence":'
_BETWEEN: Final = b',"message":'
_AFTER: Final = b"}"
_BODY: Final = b'{"body":'


class MessageKind(StrEnum):
    """What a message is for."""

    DELIVER = "deliver"
    DISPOSITION = "disposition"
    EPOCH = "epoch"
    FETCH = "fetch"
    EXHIBIT_RANGE = "exhibit-range"
    CHECKPOINT = "checkpoint"
    RECEIPT = "receipt"
    HELD = "held"


NUMBERED: Final = frozenset({MessageKind.DELIVER, MessageKind.DISPOSITION, MessageKind.EPOCH})
"""Kinds that take a number in the stream and get a receipt."""

DATED: Final = frozenset({MessageKind.FETCH, MessageKind.EXHIBIT_RANGE, MessageKind.CHECKPOINT})
"""Kinds that ask without a number: they say when, and are answered once (PROTOCOL §9)."""


@dataclass(frozen=True, slots=True)
class MessageBody:
    """The signed content of a message.

    Attributes:
        from_: Sending ministry (member ``from``).
        to: Receiving ministry.
        id: Unique for the sender.
        kind: What it is for.
        epoch: Epoch of the stream, from 1.
        seq: Number in the epoch, from 1; None for kinds that take none.
        prev: Digest of the envelope of the message before it; None for the first of an epoch
            and for kinds that take no number.
        body: By kind, see `api.wire.message_bodies`.
        substantive_size: Last leaf of the sender's log that is no anchor, plus 1.
        issued_at: The sender's clock; for the `DATED` kinds and no other.
    """

    from_: str
    to: str
    id: str
    kind: MessageKind
    epoch: int
    seq: int | None
    prev: str | None
    body: Mapping[str, Json] = field(hash=False)
    substantive_size: int
    issued_at: str | None = None


@dataclass(frozen=True, slots=True)
class InclusionPath:
    """Inclusion proof of one leaf under the evidence's checkpoint; 32-byte hashes, leaf upward."""

    index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ConsistencyPath:
    """Consistency proof from the size the recipient last cosigned to the checkpoint's."""

    from_: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What accompanies one attempt to send a message; unsigned by itself, rebuilt each time.

    Attributes:
        checkpoint: Newest log-signed checkpoint of the sender, as note text.
        inclusion: One path for each item the message delivers, in order.
        consistency: None when the recipient has cosigned nothing yet.
        leaves: Leaf hashes from the size the recipient last cosigned to the checkpoint's, 32
            bytes each: a recipient stores them before it cosigns (PROTOCOL §6).
        held: Where the sender gave up the end of its log: the members' signed answers that they
            hold none of it, with the next head to each (PROTOCOL §9, *Heads*).
    """

    checkpoint: str
    inclusion: tuple[InclusionPath, ...] = ()
    consistency: ConsistencyPath | None = None
    leaves: bytes = b""
    held: tuple[bytes, ...] = ()


def compose_message(message: MessageBody, spliced: bytes | None = None) -> bytes:
    """Return the payload of a message envelope, JCS.

    Args:
        message: The content.
        spliced: Canonical bytes to stand as the member `body` instead of `message.body`, where
            megabytes of it are canonical already (`api.wire.message_bodies.spliced_items`).

    Raises:
        WireError: Whatever `parse_message_body` would refuse.
    """
    members: dict[str, Json] = {
        "comity": VERSION,
        "from": message.from_,
        "to": message.to,
        "id": message.id,
        "kind": message.kind.value,
        "epoch": message.epoch,
        "body": dict(message.body),
        "substantive_size": message.substantive_size,
    }
    if message.seq is not None:
        members["seq"] = message.seq
    if message.prev is not None:
        members["prev"] = message.prev
    if message.issued_at is not None:
        members["issued_at"] = message.issued_at
    _read_message_body(members)
    if spliced is None:
        return canonical.canonical(members)
    members["body"] = {}
    # "body" sorts before every other member (RFC 8785 section 3.2.3).
    return _BODY + spliced + canonical.canonical(members)[len(_BODY) + len(b"{}") :]


def parse_message_body(payload: bytes) -> MessageBody:
    """Read the payload of a message envelope strictly; the kind's own body stays as parsed.

    Raises:
        WireError: ``message.*``, ``json.*``.
    """
    return _read_message_body(canonical.parse_canonical(payload, limit=limits.MESSAGE))


def _read_message_body(value: Json) -> MessageBody:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind not in list(MessageKind):
        raise WireError("message.kind", "Send a message kind this protocol version knows.")
    numbered, dated = kind in NUMBERED, kind in DATED
    required = ("comity", "from", "to", "id", "kind", "epoch", "body", "substantive_size")
    members = Members(
        value,
        _CODE,
        (*required, "seq") if numbered else (*required, "issued_at") if dated else required,
        ("prev",) if numbered else (),
    )
    members.word("comity", (VERSION,))
    body = members.raw("body")
    sender, recipient = members.text("from", MINISTRY), members.text("to", MINISTRY)
    if not isinstance(body, dict) or sender == recipient:
        raise members.refusal("Give a body, and two different ministries.")
    seq = members.integer("seq", 1) if numbered else None
    if numbered and (seq == 1) is ("prev" in members):
        raise WireError("message.sequence", "Name the message before in every one but the first.")
    return MessageBody(
        from_=sender,
        to=recipient,
        id=members.text("id", MESSAGE_ID),
        kind=MessageKind(str(kind)),
        epoch=members.integer("epoch", 1),
        seq=seq,
        prev=members.digest("prev") if "prev" in members else None,
        body=body,
        substantive_size=members.integer("substantive_size"),
        issued_at=members.instant("issued_at") if dated else None,
    )


def parse_message(raw: bytes) -> tuple[Envelope, MessageBody]:
    """Read a message envelope and its payload; checks no signature.

    Raises:
        WireError: ``envelope.*``, ``message.*``, ``json.*``.
    """
    envelope = parse_envelope(raw, limit=limits.MESSAGE)
    return envelope, parse_message_body(envelope.payload)


def embed(raw: bytes, *, limit: int = limits.ENVELOPE) -> Json:
    """Return a raw envelope as the JSON value to put inside another canonical object.

    Raises:
        WireError: ``json.*`` if the bytes are not canonical.
    """
    return canonical.parse_canonical(raw, limit=limit)


def extract(value: Json) -> bytes:
    """Return the exact bytes of an envelope embedded in an object that was read as canonical.

    The canonical form of an object contains the canonical form of each of its members
    (RFC 8785 §3.2 serialises them recursively), so this is the slice that was signed.
    """
    return canonical.canonical(value)


def compose_request(message: bytes, evidence: Evidence) -> bytes:
    """Return the body of ``POST /peer/messages``, JCS ``{message, evidence}``.

    Args:
        message: The stored raw envelope, which reappears in the body byte for byte.
        evidence: Rebuilt for this attempt.
    """
    consistency: dict[str, object] | None = None
    if evidence.consistency is not None:
        path = [node.hex() for node in evidence.consistency.path]
        consistency = {"from": evidence.consistency.from_, "path": path}
    beside: dict[str, object] = {
        "checkpoint": evidence.checkpoint,
        "inclusion": [
            {"index": proof.index, "path": [node.hex() for node in proof.path]}
            for proof in evidence.inclusion
        ],
        "consistency": consistency,
        "leaves": encoding.b64u_encode(evidence.leaves),
    }
    if evidence.held:
        beside["held"] = [embed(raw) for raw in evidence.held]
    # The message is canonical already (it is an envelope), and so is each member of this object:
    # the canonical whole is made without reading megabytes again.
    return _BEFORE + canonical.canonical(beside) + _BETWEEN + message + _AFTER


def _evidence_again(evidence: Members) -> bytes:
    """Write the evidence in canonical form; leaf hashes, which may be long, only once more."""
    around = canonical.canonical(evidence.but(leaves=""))
    # The last member by name; it was read as base64url, which JSON writes as it is.
    return around.removesuffix(b'"}') + str(evidence.raw("leaves")).encode("ascii") + b'"}'


def parse_request(body: bytes) -> tuple[bytes, Evidence]:
    """Read a request body into the raw message envelope and its evidence.

    Everything around the message is canonical then; the message's own bytes are whatever stands in
    its place, and `parse_message` judges them.

    Raises:
        WireError: ``message.request``, ``json.*``.
    """
    request = Members(
        canonical.parse(body, limit=limits.MESSAGE), "message.request", ("message", "evidence")
    )
    evidence = Members(
        request.raw("evidence"),
        "message.request",
        ("checkpoint", "inclusion", "consistency", "leaves"),
        ("held",),
    )
    proofs = []
    for entry in evidence.items("inclusion"):
        proof = Members(entry, "message.request", ("index", "path"))
        proofs.append(InclusionPath(proof.integer("index"), proof.hashes("path", _MOST_HASHES)))
    consistency = None
    if evidence.raw("consistency") is not None:
        proof = Members(evidence.raw("consistency"), "message.request", ("from", "path"))
        consistency = ConsistencyPath(proof.integer("from", 1), proof.hashes("path", _MOST_HASHES))
    leaves = evidence.b64u("leaves")
    # In a canonical body the message's bytes stand between these two; that they are canonical
    # themselves is judged once, by whoever reads the message.
    before = _BEFORE + _evidence_again(evidence) + _BETWEEN
    if not (body.startswith(before) and body.endswith(_AFTER)):
        raise canonical.not_canonical()
    return body[len(before) : -len(_AFTER)], Evidence(
        evidence.text("checkpoint", longest=_LONGEST_NOTE),
        tuple(proofs),
        consistency,
        leaves,
        tuple(extract(one) for one in evidence.items("held")) if "held" in evidence else (),
    )
