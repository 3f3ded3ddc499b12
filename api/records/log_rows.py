"""Rows of the tables of ``records.log`` as classes.

Owns their members and no look-up.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it lies here; most columns repeat what its body says, for look-ups.

    Attributes:
        seq: number of the row, in order of insertion; its place and 1 once it has one.
        id: of the event; ``erased-`` or ``lost-`` and its place once the event is gone.
        time: when it happened.
        act: what happened; empty once the event is gone, like the next four.
        object_kind: of what it concerns.
        object_id: of what it concerns.
        actor: ``kind:iss:sub``.
        outcome: ``done`` or ``refused``.
        body: canonical bytes; ``None`` once the event is gone.
        salt_e: salt of the body's commitment; ``None`` with the body.
        statement: id of the statement it concerns.
        envelope_digest: of that statement, where the leaf commits to it.
        salt_s: salt of the statement's commitment; all of it where there is no statement.
        touched: the rows that changed with it.
        leaf_index: its place in the log; ``None`` while it waits for the sequencer.
    """

    seq: int
    id: str
    time: str
    act: str
    object_kind: str
    object_id: str
    actor: str
    outcome: str
    body: bytes | None
    salt_e: bytes | None
    statement: str | None
    envelope_digest: str | None
    salt_s: bytes
    touched: str | None
    leaf_index: int | None

    @property
    def place(self) -> int:
        """Its place in the log, of an event that is known to have one."""
        if self.leaf_index is None:
            raise TypeError(f"event {self.id} has no place in the log")
        return self.leaf_index


@dataclass(frozen=True, slots=True)
class Unsequenced:
    """What the sequencer needs of an event that has no place in the log yet."""

    seq: int
    body: bytes
    salt_e: bytes
    salt_s: bytes
    envelope_digest: str | None
    act: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """Some leaf entries: number of the bundle, how many it holds, their bytes."""

    n: int
    width: int
    data: bytes


@dataclass(frozen=True, slots=True)
class HashTile:
    """Some hashes of one level of the tree: 32 bytes each."""

    level: int
    n: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head of this node's own log.

    Attributes:
        size: leaves.
        root: hex.
        note: the head with this log's signatures.
        previous: size and root of the head before it.
        cosigned: digests of its cosignatures, in order; ``None`` for none.
        served: it was remembered outside the database and may be shown.
    """

    size: int
    root: str
    note: bytes
    previous: str | None
    cosigned: str | None
    served: bool

    @property
    def root_hash(self) -> bytes:
        """The root, 32 bytes."""
        return bytes.fromhex(self.root)


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One partner's line on a head: its size, the line's digest, the line, whose it is."""

    size: int
    digest: str
    line: str
    cosigner: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Who does a work that one process does at a time: name, holder, fencing token, until when."""

    name: str
    holder: str
    fence: int
    until: str
