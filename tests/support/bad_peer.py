"""A partner that says what it likes: real keys, an own log, and any deviation a test asks for.

    bad = BadPeer(UK, to="us-treasury")
    item = bad.commit(bad.statement(content))       # an item with a leaf in its log
    reply = federation.receive("us-treasury", bad.deliver(item))

`deliver` keeps to the protocol; `message`, `evidence` and `request` take every member by name, so that
a test can change exactly one thing. Signs with `SealingMinistry`, not with the project's keystore.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from api.services.log.checkpoints import sign_head
from api.services.node import Node
from api.tlog.checkpoint import Checkpoint
from api.tlog.merkle import leaf_hash
from api.tlog.proofs import consistency_proof, inclusion_proof, root_at
from api.wire.canonical import canonical
from api.wire.digests import digest, digest_bytes
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.envelope import parse_envelope
from api.wire.leaf import LeafOpening
from api.wire.message_bodies import Carried, Item, items_body
from api.wire.messages import (
    DATED,
    ConsistencyPath,
    Evidence,
    InclusionPath,
    MessageBody,
    MessageKind,
    compose_request,
)
from api.wire.statements import Content, Place
from api.wire.types import NODE_TYPES
from tests.support.check_log import read_copy
from tests.support.signing import SealingMinistry, Signatory
from tests.tlog.trees import MemoryTree

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TIMESTAMP = int(AT.timestamp())
WRITER = Signatory("bad-analyst")
SECOND = Signatory("bad-reviewer", role="reviewer")


class BadPeer:
    """A ministry of the membership that writes its messages by hand.

    Args:
        ministry: whose keys it has.
        to: the ministry it writes to.
    """

    def __init__(self, ministry: SealingMinistry, to: str) -> None:
        self.ministry = ministry
        self.to = to
        self.tree = MemoryTree()
        self.hashes: list[bytes] = []
        self.cosigned = 0
        self.seq = 0
        self.prev: str | None = None
        self.made = 0
        # The clock of a simulated federation starts here; its time is given to requests.
        self.asked_at = "2026-11-23T12:00:00.000Z"

    def statement(
        self,
        type_: str,
        body: dict[str, Any],
        *,
        to: tuple[str, ...] | None = None,
        thread: str | None = None,
        place: Place | None = None,
        by: SealingMinistry | None = None,
        issued_at: datetime = AT,
        nonce: bytes | None = None,
    ) -> bytes:
        """A sealed statement with an analyst's and, where one is due, a reviewer's signature."""
        recipients = (self.to,) if to is None else to
        if type_ == "evidence-package/1":
            recipients = ()
        approved = None if type_ in {"evidence-package/1", *NODE_TYPES} else SECOND
        prepared = None if type_ in NODE_TYPES else WRITER
        self.made += 1
        return (by or self.ministry).statement(
            Content(type_, recipients, body, thread),
            prepared,
            approved,
            place,
            nonce=nonce or self.made.to_bytes(16),
            issued_at=issued_at,
        )

    def commit(self, envelope: bytes, *accompanying: bytes | Carried) -> Item:
        """Put a leaf for an envelope into the own log; returns the item to deliver.

        What comes along as bytes gets a leaf in the own log too, whoever sealed it.
        """
        beside = tuple(one if isinstance(one, Carried) else self.carry(one) for one in accompanying)
        leaf = self._leaf(envelope)
        return Item(envelope, leaf.index, leaf.opening, beside)

    def carry(self, envelope: bytes) -> Carried:
        """An envelope with a leaf for it in the own log; of another's, one that nobody holds."""
        payload: dict[str, Any] = json.loads(parse_envelope(envelope).payload)
        if payload.get("issuer") == self.ministry.id:
            return self._leaf(envelope)
        return Carried(envelope, 1 << 40, self._opening())

    def _opening(self) -> LeafOpening:
        self.made += 1
        salts = [hashlib.sha256(f"{part} {self.made}".encode()).digest() for part in "es"]
        return LeafOpening(*salts)

    def _leaf(self, envelope: bytes) -> Carried:
        opening = self._opening()
        entry = opening.entry(digest_bytes(digest(envelope)))
        return Carried(envelope, self.add_leaf(entry), opening)

    def add_leaf(self, entry: bytes) -> int:
        """Append a leaf; returns its index."""
        self.hashes.append(leaf_hash(entry))
        self.tree.append([self.hashes[-1]])
        return len(self.hashes) - 1

    def head(self, size: int | None = None, root: bytes | None = None) -> str:
        """The note of the own log at a size, with whatever root."""
        at = len(self.hashes) if size is None else size
        checkpoint = Checkpoint(
            self.ministry.member().origin, at, root_at(at, self.tree) if root is None else root
        )
        return sign_head(self.ministry, self.ministry.member(), checkpoint, TIMESTAMP).decode()

    def evidence(self, items: Sequence[Item] = (), **changes: Any) -> Evidence:
        """True evidence for these items, with members replaced as named."""
        size = len(self.hashes)
        consistency = None
        if 0 < self.cosigned <= size:
            path = consistency_proof(self.cosigned, size, self.tree)
            consistency = ConsistencyPath(self.cosigned, tuple(path))
        members: dict[str, Any] = {
            "checkpoint": self.head(),
            "inclusion": tuple(
                InclusionPath(item.index, tuple(inclusion_proof(item.index, size, self.tree)))
                for item in items
            ),
            "consistency": consistency,
            "leaves": b"".join(self.hashes[self.cosigned :]),
        }
        return Evidence(**members | changes)

    def body(self, items: Sequence[Item] = (), **changes: Any) -> MessageBody:
        """The signed content of the next message, with members replaced as named."""
        self.made += 1
        members: dict[str, Any] = {
            "from_": self.ministry.id,
            "to": self.to,
            "id": f"{self.made:032x}",
            "kind": MessageKind.DELIVER,
            "epoch": 1,
            "seq": self.seq + 1,
            "prev": self.prev,
            "body": items_body(items) if items else {},
            "substantive_size": len(self.hashes),
        }
        members |= changes
        if members["kind"] in DATED:
            members.setdefault("issued_at", self.asked_at)
        return MessageBody(**members)

    def message(self, items: Sequence[Item] = (), **changes: Any) -> bytes:
        """A signed message envelope."""
        return self.ministry.seal_message(self.body(items, **changes))

    def ask(self, kind: MessageKind, body: dict[str, Any]) -> bytes:
        """A request body of a kind that takes no number."""
        raw = self.message(kind=kind, seq=None, prev=None, body=body)
        return compose_request(raw, Evidence(self.head() if self.hashes else "-"))

    def deliver(self, *items: Item, **changes: Any) -> bytes:
        """A request body that keeps to the protocol, but for what is named; takes the number."""
        raw = self.message(items, **changes)
        request = compose_request(raw, self.evidence(items))
        self.sent(raw)
        return request

    def sent(self, raw: bytes) -> None:
        """Take note that a message was accepted."""
        self.seq += 1
        self.prev = digest(raw)
        self.cosigned = len(self.hashes)


def altered(envelope: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The canonical form of an envelope (or request) after a change to its JSON."""
    value = json.loads(envelope)
    change(value)
    return canonical(value)


def flip_signature(number: int) -> Callable[[dict[str, Any]], None]:
    """A change that spoils one signature of an envelope."""

    def change(value: dict[str, Any]) -> None:
        entry = value["signatures"][number]
        raw = bytearray(b64u_decode(entry["signature"]))
        raw[7] ^= 1
        entry["signature"] = b64u_encode(bytes(raw))

    return change


def contents(node: Node) -> dict[str, list[Any]]:
    """Every row of a node but events and what follows from them, to compare before and after.

    Nor what only says that a request was answered, how many bytes came today, or how often a sound
    occurs in names: nothing follows from it.
    """
    rows = read_copy(node).rows
    derived = {"events", "log_bundles", "log_tiles", "log_heads", "leases"}
    derived |= {"answered_requests", "peer_traffic", "identity_sounds"}
    return {
        name: [dict(row) for row in found] for name, found in rows.items() if name not in derived
    }


def acts(node: Node) -> list[tuple[str, str]]:
    """The acts and codes of a node's events, in order."""
    bodies = [json.loads(bytes(row["body"])) for row in read_copy(node).rows["events"]]
    return [(body["act"], body.get("code", "")) for body in bodies]
