"""Rows of the tables of ``records.streams`` as classes.

Owns their members, their states and no look-up.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeAlias

from api.records.rows import Kept
from api.wire.messages import MessageKind


class SentState(StrEnum):
    """Where a message to a partner stands.

    ``composed``: no receipt yet; ``receipted``; ``dead``: given up on; ``reissued``: an epoch ended
    before its receipt, its statements travel anew.
    """

    COMPOSED = "composed"
    RECEIPTED = "receipted"
    DEAD = "dead"
    REISSUED = "reissued"


class ReceivedState(StrEnum):
    """Where a partner's message stands.

    ``held``: early, an earlier number is missing; ``stored``: waits to be applied; ``done``;
    ``misfit``: the chain that its sender signed does not fit; ``lapsed``: early in an epoch that is
    over.
    """

    HELD = "held"
    STORED = "stored"
    DONE = "done"
    MISFIT = "misfit"
    LAPSED = "lapsed"


class StreamState(StrEnum):
    """Whether a stream goes on: ``blocked`` waits for a new epoch, ``frozen`` for a ruling."""

    OPEN = "open"
    BLOCKED = "blocked"
    FROZEN = "frozen"


class ItemState(StrEnum):
    """What became of one item of a message; ``parked`` waits, ``repeated`` was known already."""

    APPLIED = "applied"
    REFUSED = "refused"
    PARKED = "parked"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True)
class Posted:
    """A statement that is due to a partner.

    Attributes:
        id: of the row; in their order statements travel.
        peer: to whom.
        kind: of the message that will carry it.
        statement: its id.
        beside: ids of what comes along with it, each behind a blank; ``None`` for nothing.
        message: the message that carries it; ``None`` before it is composed.
    """

    id: str
    peer: str
    kind: MessageKind
    statement: str
    beside: Annotated[str | None, Kept(str, column="with")]
    message: str | None

    @property
    def carries(self) -> list[str]:
        """The ids of the statement and of what comes along with it."""
        return [self.statement, *(self.beside or "").split()]


@dataclass(frozen=True, slots=True)
class Stream:
    """How far the stream to or from a partner has come.

    Attributes:
        peer: the other end.
        epoch: from 1.
        next_seq: number of the next message.
        prev: digest of the message before; ``None`` at the beginning.
        state: whether it goes on.
    """

    peer: str
    epoch: int
    next_seq: int
    prev: str | None
    state: StreamState


@dataclass(frozen=True, slots=True)
class MessageOut:
    """A message to a partner; its bytes are never rebuilt.

    Attributes:
        id: random.
        peer: to whom.
        kind: what it is for.
        epoch: of the stream.
        seq: its number there.
        envelope: the signed bytes.
        digest: of ``envelope``.
        state: where it stands.
        composed_at: when it was signed.
        receipt: the partner's signed receipt.
        receipted_at: when that came.
    """

    id: str
    peer: str
    kind: MessageKind
    epoch: int
    seq: int
    envelope: bytes
    digest: str
    state: SentState
    composed_at: str
    receipt: bytes | None
    receipted_at: str | None


@dataclass(frozen=True, slots=True)
class MessageIn:
    """A message of a partner with the receipt that it got.

    Attributes:
        peer: who sent it.
        id: as its sender named it.
        kind: what it is for.
        epoch: of the stream.
        seq: its number there.
        envelope: the signed bytes.
        digest: of ``envelope``.
        receipt: as it went back.
        received_at: when it was stored.
        state: where it stands.
        head_size: size of the head that came with it.
        head_at: when that head was signed, by its sender's clock.
        item_times: JSON: by item, what it is dated against (``services/road/dating.py``).
    """

    peer: str
    id: str
    kind: MessageKind
    epoch: int
    seq: int
    envelope: bytes
    digest: str
    receipt: bytes
    received_at: str
    state: ReceivedState
    head_size: int | None
    head_at: str | None
    item_times: str | None


Message: TypeAlias = MessageOut | MessageIn


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often a partner was tried in vain.

    Attributes:
        peer: the partner.
        count: attempts since one succeeded.
        next_at: not before.
        code: what the last one met.
        refusals: how many in a row were refused for good.
    """

    peer: str
    count: int
    next_at: str
    code: str | None
    refusals: int


@dataclass(frozen=True, slots=True)
class InboxItem:
    """What this node decided on one item of a partner's message.

    Attributes:
        peer: who sent it.
        message: the message.
        ordinal: its place there, from 0.
        statement: its id.
        state: what became of it.
        code: why it was refused.
        disposition: the statement that says so.
        decided_at: when.
    """

    peer: str
    message: str
    ordinal: int
    statement: str
    state: ItemState
    code: str | None
    disposition: str | None
    decided_at: str | None


@dataclass(frozen=True, slots=True)
class Disposition:
    """What a partner says it did with a statement of ours.

    Attributes:
        peer: the partner.
        statement: ours.
        disposition: theirs, that says so.
        outcome: ``applied`` or ``refused``.
        code: why it was refused.
        detail: a sentence about that.
        received_at: when it was noted.
    """

    peer: str
    statement: str
    disposition: str
    outcome: ItemState
    code: str | None
    detail: str | None
    received_at: str
