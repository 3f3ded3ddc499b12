"""What each kind of message says: the member `body` of a message, by kind (PROTOCOL §7).

Owns the typed forms. Numbered kinds: `Items` (deliver and disposition) and `EpochChange`. Kinds
without a number: `Fetch`, `ExhibitRange`, `Receipt`; a checkpoint's body is empty, the evidence
beside it says all. It must not look into the statements that items carry.

Refusal codes: ``message.items``, ``message.epoch``, ``message.fetch``, ``message.exhibit-range``,
``message.receipt``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from api.wire import limits
from api.wire.canonical import Json
from api.wire.leaf import LeafOpening
from api.wire.members import MESSAGE_ID, Members
from api.wire.messages import embed, extract

_MOST_LINES: Final = 4
# A signature line of a C2SP signed note, without its line feed.
_NOTE_LINE: Final = re.compile(r"\u2014 [^\s+]+ [A-Za-z0-9+/]+={0,2}")
_LONGEST_LINE: Final = 8192


@dataclass(frozen=True, slots=True)
class Carried:
    """A statement under ``with``, with the leaf that it has in its own issuer's log.

    Attributes:
        envelope: Raw statement envelope.
        index: Its leaf in the log of its issuer, as the sender knows it.
        opening: What rebuilds that leaf.
    """

    envelope: bytes = field(repr=False)
    index: int
    opening: LeafOpening


@dataclass(frozen=True, slots=True)
class Item:
    """One delivered statement.

    Attributes:
        envelope: Raw statement envelope.
        index: Its leaf in the sender's log.
        opening: What rebuilds that leaf.
        accompanying: What comes along under ``with``; `api.domain.accompanying` says what may.
    """

    envelope: bytes = field(repr=False)
    index: int
    opening: LeafOpening
    accompanying: tuple[Carried, ...] = field(default=(), repr=False)


def items_body(items: Sequence[Item]) -> dict[str, Json]:
    """Return the body of a deliver or disposition message."""
    entries: list[Json] = []
    for item in items:
        entry = _carried_json(item)
        if item.accompanying:
            entry["with"] = [_carried_json(carried) for carried in item.accompanying]
        entries.append(entry)
    return {"items": entries}


def _carried_json(one: Item | Carried) -> dict[str, Json]:
    return {
        "envelope": embed(one.envelope),
        "index": one.index,
        "e": one.opening.e.hex(),
        "salt_s": one.opening.salt_s.hex(),
    }


def spliced_items(items: Sequence[Item]) -> bytes:
    """Return the canonical form of `items_body`, made of the envelopes' own bytes.

    For envelopes that are known to be canonical: this node sealed or checked them before it stored
    them. Members stand in the order of RFC 8785 section 3.2.3.
    """
    return b'{"items":[' + b",".join(map(_spliced, items)) + b"]}"


def _spliced(one: Item | Carried) -> bytes:
    parts = [
        f'{{"e":"{one.opening.e.hex()}","envelope":'.encode(),
        one.envelope,
        f',"index":{one.index},"salt_s":"{one.opening.salt_s.hex()}"'.encode(),
    ]
    if isinstance(one, Item) and one.accompanying:
        parts += [b',"with":[', b",".join(map(_spliced, one.accompanying)), b"]"]
    return b"".join(parts) + b"}"


def parse_items(body: Mapping[str, Json]) -> tuple[Item, ...]:
    """Read the body of a deliver or disposition message.

    Raises:
        WireError: ``message.items``.
    """
    items = []
    for value in Members(dict(body), _ITEMS, ("items",)).items("items", 1, limits.ITEMS):
        entry = Members(value, _ITEMS, _OF_A_LEAF, ("with",))
        beside = entry.items("with", 1, limits.ACCOMPANYING) if "with" in entry else []
        carried = tuple(Carried(*_leaf(Members(other, _ITEMS, _OF_A_LEAF))) for other in beside)
        items.append(Item(*_leaf(entry), carried))
    return tuple(items)


_ITEMS: Final = "message.items"
_OF_A_LEAF: Final = ("envelope", "index", "e", "salt_s")


def _leaf(entry: Members) -> tuple[bytes, int, LeafOpening]:
    opening = LeafOpening(entry.hex("e"), entry.hex("salt_s"))
    return extract(entry.raw("envelope")), entry.integer("index"), opening


@dataclass(frozen=True, slots=True)
class EpochChange:
    """The end of an epoch as its receiver knows it; `digest` is None when `seq` is 0."""

    ended: int
    seq: int
    digest: str | None

    def to_json(self) -> dict[str, Json]:
        """Return the body of an epoch message."""
        return {"ended": self.ended, "seq": self.seq, "digest": self.digest}

    @classmethod
    def from_json(cls, body: Mapping[str, Json]) -> "EpochChange":
        """Read the body of an epoch message.

        Raises:
            WireError: ``message.epoch``.
        """
        members = Members(dict(body), "message.epoch", ("ended", "seq", "digest"))
        seq = members.integer("seq")
        if (seq == 0) is not (members.raw("digest") is None):
            raise members.refusal("Name the last message of the epoch that ended.")
        return cls(members.integer("ended", 1), seq, members.digest("digest") if seq else None)


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request to send numbered messages again, `first` to `last` of one epoch."""

    epoch: int
    first: int
    last: int

    def to_json(self) -> dict[str, Json]:
        """Return the body of a fetch message."""
        return {"epoch": self.epoch, "first": self.first, "last": self.last}

    @classmethod
    def from_json(cls, body: Mapping[str, Json]) -> "Fetch":
        """Read the body of a fetch message.

        Raises:
            WireError: ``message.fetch``.
        """
        members = Members(dict(body), "message.fetch", ("epoch", "first", "last"))
        first = members.integer("first", 1)
        return cls(members.integer("epoch", 1), first, members.integer("last", first))


@dataclass(frozen=True, slots=True)
class ExhibitRange:
    """A request for bytes of one exhibit of one released package."""

    package: str
    digest: str
    offset: int
    length: int

    def to_json(self) -> dict[str, Json]:
        """Return the body of an exhibit-range message."""
        return {
            "package": self.package,
            "digest": self.digest,
            "offset": self.offset,
            "length": self.length,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Json]) -> "ExhibitRange":
        """Read the body of an exhibit-range message.

        Raises:
            WireError: ``message.exhibit-range``.
        """
        names = ("package", "digest", "offset", "length")
        members = Members(dict(body), "message.exhibit-range", names)
        return cls(
            members.digest("package"),
            members.digest("digest"),
            members.integer("offset"),
            members.integer("length", 1, limits.EXHIBIT_RANGE),
        )


@dataclass(frozen=True, slots=True)
class Cosignature:
    """The recipient's cosignature of the sender's checkpoint: tree size and note lines."""

    size: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The body of a receipt: "your bytes are authenticated and durably stored".

    Attributes:
        message: Id of the message.
        seq: Its number.
        epoch: Its epoch.
        digest: Digest of its raw envelope.
        statements: Ids of the statements it delivered, in order, and of those under ``with``;
            so that a receipt stands beside a package file without the message.
        stored_at: The recipient's clock.
        cosignature: None when the recipient could not cosign.
    """

    message: str
    seq: int
    epoch: int
    digest: str
    statements: tuple[str, ...]
    stored_at: str
    cosignature: Cosignature | None

    def to_json(self) -> dict[str, Json]:
        """Return the body of a receipt message."""
        cosignature: Json = None
        if self.cosignature is not None:
            lines: list[Json] = list(self.cosignature.lines)
            cosignature = {"size": self.cosignature.size, "lines": lines}
        return {
            "message": self.message,
            "seq": self.seq,
            "epoch": self.epoch,
            "digest": self.digest,
            "statements": list(self.statements),
            "stored_at": self.stored_at,
            "cosignature": cosignature,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Json]) -> "Receipt":
        """Read the body of a receipt message.

        Raises:
            WireError: ``message.receipt``.
        """
        code = "message.receipt"
        names = ("message", "seq", "epoch", "digest", "statements", "stored_at", "cosignature")
        members = Members(dict(body), code, names)
        cosignature = None
        if members.raw("cosignature") is not None:
            entry = Members(members.raw("cosignature"), code, ("size", "lines"))
            lines = entry.texts("lines", _NOTE_LINE, 1, _MOST_LINES, _LONGEST_LINE)
            cosignature = Cosignature(entry.integer("size"), lines)
        return cls(
            message=members.text("message", MESSAGE_ID),
            seq=members.integer("seq", 1),
            epoch=members.integer("epoch", 1),
            digest=members.digest("digest"),
            statements=members.digests("statements", limits.ITEMS * (1 + limits.ACCOMPANYING)),
            stored_at=members.instant("stored_at"),
            cosignature=cosignature,
        )
