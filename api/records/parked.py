"""Statements that wait: for one before them, for a ruling, or for somebody who mends a defect.

Owns the table ``parked_statements``. A parked statement has a receipt and no disposition yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    and_,
    case,
    func,
    select,
)

from api.records.metadata import METADATA, RECORDED, added
from api.records.unit_of_work import Unit

PARKED = Table(
    "parked_statements",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("message", Text, primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("statement", Text, nullable=False),
    Column("type", Text, info=added(None)),
    Column("about", Text, info=added(None)),
    Column("originator", Text, info=added(None)),
    Column("thread", Text),
    Column("seq", BigInteger),
    Column("code", Text, nullable=False),
    Column("part", Text, info=added(None)),
    Column("error", Text, info=added(None)),
    Column("at", Text, nullable=False),
    Index("ix_parked_statements_thread", "thread", "peer", "seq"),
    Index("ix_parked_statements_about", "about", "type"),
    info=RECORDED,
)

UNDECIDABLE = "statement.undecidable"
"""Deciding it met a defect here; an administrator tries again or refuses it."""

BEHIND = "statement.behind-parked"
"""It names a statement that cannot be decided; it waits for that one."""

RECALLED = "package.recalled"
"""It releases a package that was recalled meanwhile; it is refused at the next look."""

MOST = 256
"""Most parked statements of one partner; the next is refused (PROTOCOL §9)."""


class Part(StrEnum):
    """Which part of deciding met the defect."""

    OPEN = "open"
    RECEIVE = "receive"
    REFUSE = "refuse"
    DISPOSED = "disposed"


@dataclass(frozen=True, slots=True)
class Parked:
    """A row of ``parked_statements``.

    Attributes:
        peer: who sent it.
        message: id of the message that brought it.
        ordinal: its place in the message, from 0.
        statement: its id.
        type: its type with version, where it could be read.
        about: id of the object it concerns, if any.
        originator: of a release, the ministry that made the package.
        thread: the thread it belongs to, if any.
        seq: its number there.
        code: why it waits: a code of ``domain.threads.sequences.WAITS`` or one of this module.
        part: the part of deciding that met a defect; None where there was none.
        error: kind of the defect (a class of exceptions, never its text); None where none.
        at: since when, by this node's clock.
    """

    peer: str
    message: str
    ordinal: int
    statement: str
    type: str | None
    about: str | None
    originator: str | None
    thread: str | None
    seq: int | None
    code: str
    part: str | None
    error: str | None
    at: str

    @property
    def key(self) -> dict[str, object]:
        """The primary key."""
        return {"peer": self.peer, "message": self.message, "ordinal": self.ordinal}


_IN_ORDER = select(PARKED).order_by(PARKED.c.thread, PARKED.c.peer, PARKED.c.seq, PARKED.c.at)


def every(connection: Connection) -> list[Parked]:
    """Return all that waits, in the order in which it would be judged again."""
    return [Parked(**row) for row in connection.execute(_IN_ORDER).mappings()]


def in_thread(connection: Connection, thread: str) -> list[Parked]:
    """Return what waits in one thread, in order."""
    query = _IN_ORDER.where(PARKED.c.thread == thread)
    return [Parked(**row) for row in connection.execute(query).mappings()]


def of_statement(connection: Connection, peer: str, statement: str) -> Parked | None:
    """Return one parked statement of a partner."""
    query = _IN_ORDER.where(PARKED.c.peer == peer, PARKED.c.statement == statement)
    row = connection.execute(query).mappings().first()
    return Parked(**row) if row is not None else None


def undecidable(connection: Connection) -> list[Parked]:
    """Return what waits for an administrator, the longest first."""
    query = select(PARKED).where(PARKED.c.code == UNDECIDABLE).order_by(PARKED.c.at)
    return [Parked(**row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True, slots=True)
class Waits:
    """How much of one partner's waits here.

    Attributes:
        peer: the partner.
        undecidable: statements that wait for an administrator.
        others: statements that are judged again without one.
        overdue: of the first, those that have waited too long.
        oldest: since when the first of the first waits; empty if none does.
    """

    peer: str
    undecidable: int
    others: int
    overdue: int
    oldest: str


def by_partner(connection: Connection, before: str) -> list[Waits]:
    """Return how much waits of each partner that has any parked, in their order.

    Args:
        connection: open for reading.
        before: instant; what waits for an administrator since before it is overdue.
    """
    stopped = PARKED.c.code == UNDECIDABLE
    query = select(
        PARKED.c.peer,
        func.sum(case((stopped, 1), else_=0)),
        func.sum(case((stopped, 0), else_=1)),
        func.sum(case((and_(stopped, PARKED.c.at < before), 1), else_=0)),
        func.min(case((stopped, PARKED.c.at))),
    )
    rows = connection.execute(query.group_by(PARKED.c.peer).order_by(PARKED.c.peer))
    return [Waits(row[0], int(row[1]), int(row[2]), int(row[3]), row[4] or "") for row in rows]


def is_there(connection: Connection, key: Mapping[str, object]) -> bool:
    """Tell whether the statement at a place (peer, message, ordinal) is parked."""
    query = select(func.count()).select_from(PARKED)
    for name, value in key.items():
        query = query.where(PARKED.c[name] == value)
    return connection.execute(query).scalar_one() > 0


def count_of(connection: Connection, peer: str) -> int:
    """Return how many statements of a partner wait."""
    query = select(func.count()).select_from(PARKED).where(PARKED.c.peer == peer)
    return connection.execute(query).scalar_one()


def stuck(connection: Connection) -> frozenset[str]:
    """Return the ids of statements behind which whatever names them waits."""
    query = select(PARKED.c.statement).where(PARKED.c.code.in_((UNDECIDABLE, BEHIND)))
    return frozenset(connection.execute(query).scalars())


def refuse_releases(unit: Unit, package: str, originator: str) -> int:
    """Let parked releases of a package that its originator recalled be refused; returns how many.

    Only what cannot be decided is refused so. The job that looks after parked statements seals the
    dispositions.
    """
    query = _IN_ORDER.where(
        PARKED.c.about == package,
        PARKED.c.originator == originator,
        PARKED.c.code.in_((UNDECIDABLE, BEHIND)),
    )
    found = [Parked(**row) for row in unit.connection.execute(query).mappings()]
    for row in found:
        unit.update(PARKED, row.key, {"code": RECALLED})
    if found:
        unit.ring("ruled")
    return len(found)
