"""The case diary: events in law that officers recorded about an own designation.

Owns the table ``diary_entries``. An entry is never changed; one that was wrong is withdrawn with a
reason and stays readable. What an event starts or ends is `api.domain.regimes.clocks`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, Table, Text, bindparam, select

from api.records.metadata import METADATA, RECORDED

DIARY = Table(
    "diary_entries",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("designation", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Text),
    Column("withdrawn_because", Text),
    Index("ix_diary_entries_designation", "designation", "day", "id"),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class DiaryEntry:
    """One row of ``diary_entries``.

    Attributes:
        id: 32 hexadecimal digits.
        designation: id of the designation it is about.
        event: a word of `api.domain.regimes.values.CLOCK_EVENTS`.
        day: ISO date in the regime's zone.
        note: what happened, in the officer's words.
        recorded_by: officer record id.
        recorded_at: RFC 3339 UTC with milliseconds.
        withdrawn_by: officer record id, or None while it stands.
        withdrawn_at: when it was withdrawn, or None.
        withdrawn_because: the reason, or None.
    """

    id: str
    designation: str
    event: str
    day: str
    note: str
    recorded_by: str
    recorded_at: str
    withdrawn_by: str | None
    withdrawn_at: str | None
    withdrawn_because: str | None

    @property
    def stands(self) -> bool:
        """Whether it was not withdrawn."""
        return self.withdrawn_at is None


_ORDER = (DIARY.c.designation, DIARY.c.day, DIARY.c.id)
_BY_ID = select(DIARY).where(DIARY.c.id == bindparam("id"))
_ABOUT = (
    select(DIARY)
    .where(DIARY.c.designation.in_(bindparam("designations", expanding=True)))
    .order_by(*_ORDER)
)


def entry_by_id(connection: Connection, entry_id: str) -> DiaryEntry | None:
    """Return one entry, or ``None``."""
    row = connection.execute(_BY_ID, {"id": entry_id}).mappings().one_or_none()
    return None if row is None else DiaryEntry(**row)


def entries_about(
    connection: Connection, designations: Iterable[str]
) -> dict[str, list[DiaryEntry]]:
    """Return the entries about designations, by designation, in the order of their days."""
    found: dict[str, list[DiaryEntry]] = {}
    for row in connection.execute(_ABOUT, {"designations": list(designations)}).mappings():
        entry = DiaryEntry(**row)
        found.setdefault(entry.designation, []).append(entry)
    return found
