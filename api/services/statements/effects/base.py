"""What issuing or receiving one type of statement does to this node's own tables.

Owns the contract that ``drafting`` and ``approving`` (own statements), ``road`` (partners') and
``recovery`` call; each capability implements it in a module beside this one. An effect runs inside
the unit of work that also stores the statement and its event, so it must not sign, send or wait.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from api.domain.dating import Times
from api.domain.decisions import ALLOWED, Decision
from api.domain.errors import Invalid
from api.domain.events import Act, Subject
from api.records import statements
from api.records.package_rows import Exhibit
from api.records.statements import Filed, StoredStatement
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.wire.digests import digest
from api.wire.envelope import parse_envelope
from api.wire.statements import Content, Place, Statement, parse_statement


@dataclass(frozen=True, slots=True)
class Issued:
    """An own statement about to be stored.

    Attributes:
        statement: parsed payload.
        at: the node's clock.
        person: the officer whose act made it (approver, or preparer where none approves).
        draft: id of the draft it came from; empty for packages and dispositions.
        exhibits: rows of a package's exhibits as they were read for its check, which the unit may
            presume to stand; ``None``: it reads them.
    """

    statement: Statement
    at: str
    person: str
    draft: str = ""
    exhibits: Mapping[str, Exhibit] | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A partner's statement whose seal, endorsements and inclusion have been verified.

    Attributes:
        statement: parsed payload.
        at: the node's clock.
        peer: who sent it.
        message: id of the message that brought it.
        brought: the verified statements that travelled with it, by id.
        times: what it is dated against.
        known: its row, and so what follows from it, may be here already.
    """

    statement: Statement
    at: str
    peer: str
    message: str
    brought: dict[str, Statement]
    times: Times
    known: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """A partner's statement that is being refused, as far as it could be read.

    Attributes:
        statement: parsed payload; its seal may be what was refused.
        envelope: the bytes as they came, inside a message that the partner signed.
        decision: why it is refused.
        peer: who sent it.
        message: id of the message that brought it.
        at: the node's clock.
    """

    statement: Statement
    envelope: bytes
    decision: Decision
    peer: str
    message: str
    at: str

    def store(self, unit: Unit) -> None:
        """Keep the statement all the same: its number is taken, or it must be remembered."""
        about = self.statement.thread_id or about_of(self.statement)
        stored = Filed(self.envelope, digest(self.envelope), self.peer, about, self.at)
        statements.store(unit, self.statement, stored)


@dataclass(frozen=True, slots=True)
class Disposed:
    """A partner's disposition on one of this node's statements.

    Attributes:
        original: row of the statement it concerns.
        disposition: id of the disposition statement.
        peer: who decided.
        outcome: ``applied`` or ``refused``.
        code: stable code of a refusal.
        at: the node's clock.
    """

    original: StoredStatement
    disposition: str
    peer: str
    outcome: str
    code: str | None
    at: str


@dataclass(frozen=True, slots=True)
class Consequence:
    """How an own statement is recorded and to whom it goes.

    Attributes:
        act: the event's act.
        subject: what the event is about.
        recipients: ministries whose outbox gets the statement.
        bring: ids of statements that travel with it.
    """

    act: Act
    subject: Subject
    recipients: Sequence[str] = ()
    bring: Sequence[str] = ()


class Effect(Protocol):
    """One statement type's rules on the tables."""

    def check(self, node: Node, connection: Connection, content: Content) -> str | None:
        """Judge a draft's content against what this node holds; also run again at approval.

        Returns:
            The id of the object the statement is about, for look-ups, or ``None``.

        Raises:
            ComityError: the statement could not be issued now.
        """
        ...

    def place(self, node: Node, connection: Connection, content: Content) -> Place | None:
        """Return the thread members of the next own statement, or ``None`` outside threads."""
        ...

    def issue(self, node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Change the tables as issuing this statement does."""
        ...

    def repeat(self, unit: Unit, issued: Issued) -> Consequence | None:
        """Issue again what was issued before this node lost its memory, without judging it.

        Returns:
            ``None`` where issuing as ever is the way.
        """
        ...

    def receive(self, node: Node, unit: Unit, received: Received) -> Decision:
        """Change the tables as a partner's statement does, or refuse it.

        It runs in a part of the unit of its own, which a refusal or an exception undoes.
        """
        ...

    def dropped(self, node: Node, unit: Unit, statement: Statement) -> None:
        """Undo what was made of a statement that came along, because it is refused for itself."""
        ...

    def refused(self, node: Node, unit: Unit, refusal: Refusal) -> None:
        """Keep what must be kept of a partner's statement that is refused."""
        ...

    def receipted(
        self, unit: Unit, original: StoredStatement, peer: str, message: str, at: str
    ) -> None:
        """Note that a partner's node has durably stored this statement of ours."""
        ...

    def disposed(self, node: Node, unit: Unit, disposed: Disposed) -> None:
        """Note what a partner did with this statement of ours."""
        ...


class Plain:
    """Base of effects outside threads; each part may be overridden."""

    def place(self, _node: Node, _connection: Connection, _content: Content) -> Place | None:
        """Statements outside threads have no place."""
        return None

    def receive(self, _node: Node, _unit: Unit, _received: Received) -> Decision:
        """Accept without further effect."""
        return ALLOWED

    def repeat(self, _unit: Unit, _issued: Issued) -> Consequence | None:
        """Nothing is different the second time."""
        return None

    def dropped(self, _node: Node, _unit: Unit, _statement: Statement) -> None:
        """Nothing was made of it."""

    def refused(self, _node: Node, _unit: Unit, _refusal: Refusal) -> None:
        """Nothing is kept but the refusal itself."""

    def receipted(
        self, _unit: Unit, _original: StoredStatement, _peer: str, _message: str, _at: str
    ) -> None:
        """Nothing follows from the receipt but the message's own state."""

    def disposed(self, _node: Node, _unit: Unit, _disposed: Disposed) -> None:
        """Nothing follows from the disposition but its own row."""


def require_members(node: Node, to: Sequence[str]) -> None:
    """Refuse recipients that are not other members.

    Raises:
        Invalid: ``recipient.unknown``.
    """
    if not to or any(name == node.ministry or node.membership.find(name) is None for name in to):
        raise Invalid(
            "recipient.unknown",
            "Name recipients by the id of another member of the pinned membership.",
        )


def member_text(body: dict[str, Any], name: str) -> str:
    """Return a text member of a validated body (empty if absent)."""
    value = body.get(name)
    return value if isinstance(value, str) else ""


def about_of(statement: Statement) -> str | None:
    """Return the id of the package, designation, recall, release or thread that it concerns."""
    for name in ("package", "designation", "recall", "release"):
        value = statement.body.get(name)
        if isinstance(value, str) and statement.thread is None:
            return value
    return statement.thread


def opened(row: StoredStatement) -> Statement:
    """Return the statement of a stored row; its seal was judged when it came in."""
    raw = row.envelope
    return _parsed(raw) if len(raw) <= _SMALL else _parse(raw)


def _parse(raw: bytes) -> Statement:
    return parse_statement(parse_envelope(raw).payload)


# A thread is folded from all its statements whenever one more comes; the same bytes always read
# the same. Readers must not change a body in place.
_parsed = functools.lru_cache(maxsize=1024)(_parse)
_SMALL = 32 * 1024
