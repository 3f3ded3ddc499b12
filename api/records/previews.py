"""Who was shown what before deciding on it.

Owns the table ``previews``: one row for an officer and a digest, with the event of the first time.
"""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, Text, select

from api.records.metadata import METADATA, RECORDED
from api.records.rows import first

PREVIEWS = Table(
    "previews",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("officer", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("at", Text, nullable=False),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class Preview:
    """One officer's look at one version of an object.

    Attributes:
        kind: of the object: ``draft``, or what administrators decide (``grant``, ``key``, …).
        object: its id.
        digest: of exactly what was shown.
        officer: officer record.
        event: id of the event that says so.
        at: when it was shown first.
    """

    kind: str
    object: str
    digest: str
    officer: str
    event: str
    at: str


def preview_by(
    connection: Connection, kind: str, object_id: str, digest: str, officer: str
) -> Preview | None:
    """Return an officer's look at this very digest of an object, if there was one."""
    query = select(PREVIEWS).where(
        PREVIEWS.c.kind == kind,
        PREVIEWS.c.object == object_id,
        PREVIEWS.c.digest == digest,
        PREVIEWS.c.officer == officer,
    )
    return first(connection, query, Preview)
