"""Which ids begin with what somebody typed.

Owns one look-up over the tables whose objects have pages and commands, and no table of its own.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, Connection, literal, select, union_all

from api.records.audit import ERASURES
from api.records.delegations import DELEGATIONS
from api.records.designations import DESIGNATIONS, PROPOSALS
from api.records.drafts import DRAFTS
from api.records.officers import GRANTS, OFFICER_KEYS, OFFICERS
from api.records.packages import PACKAGES
from api.records.passkeys import RELYING_PARTIES
from api.records.rows import every
from api.records.tasks import REVIEWS
from api.records.threads import THREADS

_COLUMNS: Final[dict[str, Column[str]]] = {
    "delegation": DELEGATIONS.c.id,
    "designation": DESIGNATIONS.c.id,
    "draft": DRAFTS.c.id,
    "erasure": ERASURES.c.id,
    "grant": GRANTS.c.id,
    "key": OFFICER_KEYS.c.kid,
    "officer": OFFICERS.c.id,
    "package": PACKAGES.c.id,
    "proposal": PROPOSALS.c.id,
    "relying-party": RELYING_PARTIES.c.id,
    "task": REVIEWS.c.id,
    "thread": THREADS.c.id,
}
KINDS: Final = tuple(sorted(_COLUMNS))
"""Kinds of objects that a short reference can name."""


@dataclass(frozen=True, slots=True)
class Named:
    """An object whose id begins as asked."""

    kind: str
    id: str


def named_by(connection: Connection, prefix: str, limit: int) -> list[Named]:
    """Return objects whose id begins so, by kind and id.

    Args:
        connection: open connection.
        prefix: of an id, without ``sha256:``.
        limit: most objects of each kind.
    """
    parts = []
    for kind in KINDS:
        column = _COLUMNS[kind]
        begins = column.startswith(prefix, autoescape=True)
        digest = column.startswith(f"sha256:{prefix}", autoescape=True)
        one = select(literal(kind).label("kind"), column.label("id")).where(begins | digest)
        parts.append(select(one.order_by(column).limit(limit).subquery()))
    whole = union_all(*parts).subquery()
    return every(connection, select(whole).order_by(whole.c.kind, whole.c.id), Named)
