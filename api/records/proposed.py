"""What waits for a second administrator: officers, role grants and signing keys.

Owns one look-up and no table.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, literal, select, union_all

from api.records.officers import GRANTS, OFFICER_KEYS, OFFICERS
from api.records.rows import every

PROPOSED = "proposed"


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """One change that an administrator proposed and nobody decided.

    Attributes:
        kind: ``officer``, ``grant`` or ``key``.
        id: of the record.
        officer: officer record of whom it concerns.
        name: that person's name.
        detail: the role, or the key's form; empty for an officer.
        proposed_by: officer record of who proposed it; ``None`` where nobody is named.
        at: since when.
    """

    kind: str
    id: str
    officer: str
    name: str
    detail: str
    proposed_by: str | None
    at: str


def proposed_changes(connection: Connection) -> list[ProposedChange]:
    """Return every change that waits, by id; a ministry has few of them at a time."""
    people = select(
        literal("officer").label("kind"),
        OFFICERS.c.id,
        OFFICERS.c.id.label("officer"),
        OFFICERS.c.name,
        literal("").label("detail"),
        OFFICERS.c.proposed_by,
        OFFICERS.c.created_at.label("at"),
    ).where(OFFICERS.c.state == PROPOSED)
    grants = (
        select(
            literal("grant"),
            GRANTS.c.id,
            GRANTS.c.officer,
            OFFICERS.c.name,
            GRANTS.c.role,
            GRANTS.c.proposed_by,
            GRANTS.c.proposed_at,
        )
        .join(OFFICERS, OFFICERS.c.id == GRANTS.c.officer)
        .where(GRANTS.c.state == PROPOSED)
    )
    keys = (
        select(
            literal("key"),
            OFFICER_KEYS.c.kid,
            OFFICER_KEYS.c.officer,
            OFFICERS.c.name,
            OFFICER_KEYS.c.form,
            OFFICER_KEYS.c.proposed_by,
            OFFICER_KEYS.c.proposed_at,
        )
        .join(OFFICERS, OFFICERS.c.id == OFFICER_KEYS.c.officer)
        .where(OFFICER_KEYS.c.state == PROPOSED)
    )
    whole = union_all(people, grants, keys).subquery()
    return every(connection, select(whole).order_by(whole.c.id), ProposedChange)
