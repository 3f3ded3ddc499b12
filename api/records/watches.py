"""What officers asked to be told about when a published list changes.

Owns the table ``watches``. A watch is of a description (``list:…``, ``designation:…``), or of a
programme of a list (``programme:us-ofac-sdn:GLOMAG``).
"""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, Connection, Index, Table, Text, select

from api.records.metadata import METADATA, RECORDED
from api.records.rows import every, first

_PROGRAMME: Final = re.compile(r"programme:([a-z0-9-]{1,100}):(.{1,100})")

FOLLOWED: Final = "followed"
"""Rings when a list, watch, designation or verdict is written: it may cover a watched programme."""

WATCHES = Table(
    "watches",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("ended_by", Text),
    Column("ended_at", Text),
    Index("ix_watches_ref", "ref"),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class Watch:
    """One watch; ``by`` and ``ended_by`` are officer records."""

    id: str
    ref: str
    reason: str
    by: str
    at: str
    ended_by: str | None
    ended_at: str | None

    @property
    def programme(self) -> tuple[str, str] | None:
        """The list and the programme that it is of; ``None`` for a description."""
        return programme_of(self.ref)


def programme_of(ref: str) -> tuple[str, str] | None:
    """Return the list and the programme that a reference names; ``None`` for a description."""
    found = _PROGRAMME.fullmatch(ref)
    return (found[1], found[2]) if found is not None else None


def standing(connection: Connection) -> list[Watch]:
    """Return the watches that nobody ended, oldest first."""
    query = select(WATCHES).where(WATCHES.c.ended_at.is_(None))
    return every(connection, query.order_by(WATCHES.c.at, WATCHES.c.id), Watch)


def on(connection: Connection, ref: str) -> list[Watch]:
    """Return the watches of one description or programme that nobody ended, oldest first."""
    query = select(WATCHES).where(WATCHES.c.ref == ref, WATCHES.c.ended_at.is_(None))
    return every(connection, query.order_by(WATCHES.c.at, WATCHES.c.id), Watch)


def by_id(connection: Connection, watch: str) -> Watch | None:
    """Return one watch, ended or not."""
    return first(connection, select(WATCHES).where(WATCHES.c.id == watch), Watch)
