"""Exhibits that a ministry acquired by its own work although a partner sent the same bytes.

Owns the table ``acquisitions``: what a reviewer recorded of one exhibit of one own package.
"""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, Text, select

from api.records.metadata import METADATA, RECORDED
from api.records.rows import every

ACQUISITIONS = Table(
    "acquisitions",
    METADATA,
    Column("package", Text, primary_key=True),
    Column("exhibit", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("collector", Text, nullable=False),
    Column("collected", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("at", Text, nullable=False),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """One record that the same bytes were acquired independently.

    Attributes:
        package: the own package that lists the exhibit.
        exhibit: digest of the bytes.
        source: where this ministry has them from, in words.
        collector: who collected them.
        collected: day, or part of one, as in exhibits.
        recorded_by: officer record of the reviewer.
        at: when it was recorded.
    """

    package: str
    exhibit: str
    source: str
    collector: str
    collected: str
    recorded_by: str
    at: str


def acquisitions_of(connection: Connection, package_id: str) -> list[Acquisition]:
    """Return what was recorded of a package's exhibits, by digest."""
    query = select(ACQUISITIONS).where(ACQUISITIONS.c.package == package_id)
    return every(connection, query.order_by(ACQUISITIONS.c.exhibit), Acquisition)
