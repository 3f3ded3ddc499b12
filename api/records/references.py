"""Which ids begin with what somebody typed.

Owns one look-up over the tables whose objects have addresses and commands, and no table of its own.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, Text, cast, literal, null, select, union_all

from api.records.audit import ERASURES, SAMPLES
from api.records.delegations import DELEGATIONS
from api.records.designations import DESIGNATIONS, PROPOSALS
from api.records.diary import DIARY
from api.records.drafts import DRAFTS
from api.records.lists import LIST_EDITIONS
from api.records.node_state import MISBEHAVIOUR
from api.records.officers import GRANTS, OFFICER_KEYS, OFFICERS
from api.records.packages import EXHIBITS, PACKAGES, RELEASES
from api.records.parked import PARKED
from api.records.passkeys import RELYING_PARTIES
from api.records.regime_editions import REGIME_EDITIONS
from api.records.rows import every
from api.records.shared_verdicts import SHARED_VERDICTS
from api.records.statements import STATEMENTS
from api.records.tasks import REVIEWS
from api.records.threads import THREADS
from api.records.watches import WATCHES
from api.wire.types import ONWARD_CONSENT, ONWARD_REQUEST

_IDS: Final[dict[str, Column[str]]] = {
    "delegation": DELEGATIONS.c.id,
    "designation": DESIGNATIONS.c.id,
    "diary-entry": DIARY.c.id,
    "draft": DRAFTS.c.id,
    "edition": LIST_EDITIONS.c.id,
    "erasure": ERASURES.c.id,
    "exhibit": EXHIBITS.c.digest,
    "grant": GRANTS.c.id,
    "key": OFFICER_KEYS.c.kid,
    "officer": OFFICERS.c.id,
    "onward-consent": STATEMENTS.c.id,
    "onward-request": STATEMENTS.c.id,
    "package": PACKAGES.c.id,
    "parked": PARKED.c.statement,
    "proof": MISBEHAVIOUR.c.id,
    "proposal": PROPOSALS.c.id,
    "release": RELEASES.c.id,
    "regime-edition": REGIME_EDITIONS.c.id,
    "relying-party": RELYING_PARTIES.c.id,
    "sample": SAMPLES.c.id,
    "task": REVIEWS.c.id,
    "thread": THREADS.c.id,
    "verdict": SHARED_VERDICTS.c.statement,
    "watch": WATCHES.c.id,
}
KINDS: Final = tuple(sorted(_IDS))
"""Kinds of objects that a short reference can name."""

_PLACES: Final[dict[str, tuple[str, Column[Any]]]] = {
    "diary-entry": ("designation", DIARY.c.designation),
    "onward-consent": ("package", STATEMENTS.c.about),
    "onward-request": ("package", STATEMENTS.c.about),
    "release": ("package", RELEASES.c.package),
}
PLACED: Final = frozenset(_PLACES)
"""Kinds without a gate of their own: who may read the object that one stands on knows of it."""

_TYPES: Final = {"onward-consent": ONWARD_CONSENT, "onward-request": ONWARD_REQUEST}


@dataclass(frozen=True, slots=True)
class Named:
    """An object whose id begins as asked.

    Attributes:
        kind: one of ``KINDS``.
        id: in full.
        place_kind: kind of the object that it stands on, where its kind is in ``PLACED``.
        place: id of that object.
    """

    kind: str
    id: str
    place_kind: str | None = None
    place: str | None = None


def named_by(connection: Connection, prefix: str, limit: int) -> list[Named]:
    """Return objects whose id begins so, by kind and id.

    Args:
        connection: open connection.
        prefix: of an id, without ``sha256:``.
        limit: most objects of each kind.
    """
    parts = (select(_begins_so(kind, prefix).limit(limit).subquery()) for kind in KINDS)
    whole = union_all(*parts).subquery()
    return every(connection, select(whole).order_by(whole.c.kind, whole.c.id), Named)


def _begins_so(kind: str, prefix: str) -> Select[Any]:
    id_ = _IDS[kind]
    place_kind, place = _PLACES.get(kind, (None, cast(null(), Text)))
    begins = id_.startswith(prefix, autoescape=True)
    digest = id_.startswith(f"sha256:{prefix}", autoescape=True)
    query = select(
        literal(kind).label("kind"),
        id_.label("id"),
        literal(place_kind, Text).label("place_kind"),
        place.label("place"),
    ).where(begins | digest)
    if kind in _TYPES:
        query = query.where(STATEMENTS.c.type == _TYPES[kind])
    return query.distinct().order_by(id_)
