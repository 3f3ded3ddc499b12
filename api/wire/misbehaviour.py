"""Misbehaviour proofs: two things a ministry signed that it may never have signed both.

Owns the file's form, and the judgement of the two kinds that consist of envelopes. Inconsistent
log heads need Merkle mathematics and are judged in `api.domain.misbehaviour`. A proof needs
nothing but the membership to be checked, and cannot be made by anyone but the accused: every
word in it that counts carries the accused's signature.

Format: docs/protocol-export.md. Refusal codes: ``misbehaviour.malformed``,
``misbehaviour.not-shown``; ``envelope.*``, ``key.*``, ``signature.*``, ``time-unproven``,
``json.*``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from api.wire import canonical, limits
from api.wire.canonical import Json
from api.wire.envelope import MESSAGE, STATEMENT, Envelope, parse_envelope, verify_signed_then
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.members import MINISTRY, Members
from api.wire.membership import Membership

VERSION: Final = "1"
LONGEST: Final = 2 * limits.MESSAGE + limits.MIB
"""Most bytes of a proof: two messages and what relates them."""

_CODE: Final = "misbehaviour.malformed"
_LONGEST_NOTE: Final = 1 << 20
_MOST_HASHES: Final = 128


class MisbehaviourKind(StrEnum):
    """What the two signed things are."""

    INCONSISTENT_HEADS = "inconsistent-heads"
    MESSAGE_NUMBER_REUSE = "message-number-reuse"
    STATEMENT_EQUIVOCATION = "statement-equivocation"
    HELD_DENIED = "held-denied"


@dataclass(frozen=True, slots=True)
class MisbehaviourProof:
    """A parsed proof, not judged yet.

    Attributes:
        ministry: The accused.
        kind: What it consists of.
        first: A signed note (heads; the smaller head), else a raw envelope.
        second: Likewise; the larger head. What was denied: the head, as a note with the accused's
            cosignatures.
        left: Heads of different sizes: hashes of the second head's first ``first.size`` leaves,
            largest perfect subtree first. Empty otherwise.
        right: Hashes of the rest of that tree, left to right.
    """

    ministry: str
    kind: MisbehaviourKind
    first: bytes = field(repr=False)
    second: bytes = field(repr=False)
    left: tuple[bytes, ...] = field(default=(), repr=False)
    right: tuple[bytes, ...] = field(default=(), repr=False)


def compose_misbehaviour(proof: MisbehaviourProof) -> bytes:
    """JCS bytes of a proof.

    Raises:
        WireError: Whatever `parse_misbehaviour` would refuse.
    """
    evidence: dict[str, object]
    if proof.kind is MisbehaviourKind.INCONSISTENT_HEADS:
        evidence = {
            "first": proof.first.decode("utf-8", "replace"),
            "second": proof.second.decode("utf-8", "replace"),
            "left": [item.hex() for item in proof.left],
            "right": [item.hex() for item in proof.right],
        }
    elif proof.kind is MisbehaviourKind.HELD_DENIED:
        evidence = {
            "first": canonical.parse_canonical(proof.first, limit=limits.MESSAGE),
            "second": proof.second.decode("utf-8", "replace"),
        }
    else:
        evidence = {
            "first": canonical.parse_canonical(proof.first, limit=limits.MESSAGE),
            "second": canonical.parse_canonical(proof.second, limit=limits.MESSAGE),
        }
    raw = canonical.canonical(
        {
            "comity": VERSION,
            "kind": proof.kind.value,
            "ministry": proof.ministry,
            "evidence": evidence,
        }
    )
    if parse_misbehaviour(raw) != proof:
        raise WireError(_CODE, "Give values that a misbehaviour proof can carry.")
    return raw


def parse_misbehaviour(raw: bytes) -> MisbehaviourProof:
    """Read a proof strictly; judges nothing.

    Raises:
        WireError: ``misbehaviour.malformed`` or ``json.*``.
    """
    value = canonical.parse_canonical(raw, limit=LONGEST)
    members = Members(value, _CODE, ("comity", "kind", "ministry", "evidence"))
    members.word("comity", (VERSION,))
    kind = MisbehaviourKind(members.word("kind", set(MisbehaviourKind)))
    ministry = members.text("ministry", MINISTRY)
    if kind is MisbehaviourKind.INCONSISTENT_HEADS:
        heads = Members(members.raw("evidence"), _CODE, ("first", "second", "left", "right"))
        first, second = (heads.text(name, longest=_LONGEST_NOTE) for name in ("first", "second"))
        left, right = (heads.hashes(name, _MOST_HASHES) for name in ("left", "right"))
        return MisbehaviourProof(ministry, kind, first.encode(), second.encode(), left, right)
    pair = Members(members.raw("evidence"), _CODE, ("first", "second"))
    first_raw = canonical.canonical(pair.raw("first"))
    if kind is MisbehaviourKind.HELD_DENIED:
        note = pair.text("second", longest=_LONGEST_NOTE).encode()
        return MisbehaviourProof(ministry, kind, first_raw, note)
    return MisbehaviourProof(ministry, kind, first_raw, canonical.canonical(pair.raw("second")))


def judge_envelopes(proof: MisbehaviourProof, membership: Membership) -> None:
    """Judge a proof that consists of two envelopes.

    A key that was only retired still proves what it signed; a revoked one proves nothing, since
    another may have used it.

    Raises:
        WireError: ``misbehaviour.not-shown`` when both are sealed but do not contradict each
            other; otherwise the code of what is wrong with one of them.
    """
    typ, purpose = (
        (MESSAGE, Purpose.MESSAGE)
        if proof.kind is MisbehaviourKind.MESSAGE_NUMBER_REUSE
        else (STATEMENT, Purpose.SEAL)
    )
    records = membership.keys(proof.ministry, purpose)
    envelopes = []
    for raw in (proof.first, proof.second):
        envelope = parse_envelope(raw, limit=limits.MESSAGE)
        verify_signed_then(envelope, records, typ)
        envelopes.append(envelope)
    first, second = envelopes
    names = _MESSAGE_PLACE if typ == MESSAGE else _STATEMENT_PLACE
    places = [_place(envelope, proof.ministry, names) for envelope in envelopes]
    if first.payload == second.payload or places[0] != places[1]:
        raise _not_shown()


# Where a content stands: its author, then texts, and whole numbers last.
_MESSAGE_PLACE: Final = (("from", str), ("to", str), ("epoch", int), ("seq", int))
_STATEMENT_PLACE: Final = (("issuer", str), ("thread", str), ("seq", int))


def _place(envelope: Envelope, ministry: str, names: Sequence[tuple[str, type]]) -> list[Json]:
    """Read what numbers a content, and nothing else: a content may be malformed and yet sealed."""
    value = canonical.parse(envelope.payload, limit=limits.MESSAGE)
    content = value if isinstance(value, dict) else {}
    place = [content.get(name) for name, _ in names]
    fits = [type(part) is kind for part, (_, kind) in zip(place, names, strict=True)]
    if place[0] != ministry or not all(fits):
        raise _not_shown()
    return place


def _not_shown() -> WireError:
    return WireError("misbehaviour.not-shown", "Show two contents of the accused under one number.")
