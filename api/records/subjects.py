"""Subjects as this node's objects describe them, and officers' verdicts on who is who.

Owns the tables ``subjects`` (one row for each description, with its names' tokens) and
``verdicts``. A subject's reference is ``<kind>:<id>`` or ``<kind>:<id>#<key>`` of the object that
describes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Column, Connection, Index, Table, Text, and_, or_, select

from api.domain.notation import Instant
from api.records.metadata import METADATA, RECORDED
from api.records.rows import every, first

SUBJECTS = Table(
    "subjects",
    METADATA,
    Column("ref", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("names", Text, nullable=False),
    Column("tokens", Text, nullable=False),
    Column("births", Text, nullable=False),
    Column("said", Text),
    Index("ix_subjects_object", "object"),
    info=RECORDED,
)

VERDICTS = Table(
    "verdicts",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("one", Text, nullable=False),
    Column("other", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("replaced_by", Text),
    Index("ix_verdicts_one", "one"),
    Index("ix_verdicts_other", "other"),
    info=RECORDED,
)


@dataclass(frozen=True, slots=True)
class Description:
    """A subject as one object describes it.

    Attributes:
        ref: ``<kind>:<id>`` or ``<kind>:<id>#<key>``.
        kind: kind of the object.
        object: id of the object.
        key: the subject inside the object; may be empty.
        issuer: ministry that describes it.
        schema: FollowTheMoney schema.
        name: first name.
        names: JSON list of all names.
        tokens: words of all names, folded, between spaces.
        births: JSON list of birth dates.
        said: JSON object of its identifiers, countries and posts; nothing where it has none.
    """

    ref: str
    kind: str
    object: str
    key: str
    issuer: str
    schema: str
    name: str
    names: str
    tokens: str
    births: str
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an officer found about two descriptions; ``by`` is an officer record."""

    id: str
    one: str
    other: str
    outcome: Literal["same", "not-same", "unsure"]
    reason: str
    by: str
    at: Instant
    replaced_by: str | None


def by_refs(connection: Connection, refs: Sequence[str]) -> dict[str, Description]:
    """Return descriptions by reference."""
    if not refs:
        return {}
    query = select(SUBJECTS).where(SUBJECTS.c.ref.in_(refs))
    return {row.ref: row for row in every(connection, query, Description)}


def of_object(connection: Connection, object_id: str) -> list[Description]:
    """Return the descriptions that one object holds."""
    query = select(SUBJECTS).where(SUBJECTS.c.object == object_id)
    return every(connection, query.order_by(SUBJECTS.c.ref), Description)


def of_kinds(connection: Connection, kinds: Sequence[str]) -> list[Description]:
    """Return the descriptions that objects of these kinds hold, in order of reference."""
    query = select(SUBJECTS).where(SUBJECTS.c.kind.in_(kinds)).order_by(SUBJECTS.c.ref)
    return every(connection, query, Description)


def descriptions(connection: Connection, *, limit: int, after: str = "") -> list[Description]:
    """Return descriptions in the order of their references, after the one given."""
    query = select(SUBJECTS).where(SUBJECTS.c.ref > after).order_by(SUBJECTS.c.ref).limit(limit)
    return every(connection, query, Description)


def names_by_object(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the first names of the subjects that objects describe, by object."""
    if not ids:
        return {}
    query = select(SUBJECTS.c.object, SUBJECTS.c.name).where(SUBJECTS.c.object.in_(ids))
    found: dict[str, tuple[str, ...]] = {}
    for object_id, name in connection.execute(query.order_by(SUBJECTS.c.ref)):
        found[object_id] = (*found.get(object_id, ()), name)
    return found


def keys_by_object(connection: Connection, ids: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Return key and names (a JSON list) of the subjects that objects describe, by object."""
    if not ids:
        return {}
    table = SUBJECTS.c
    query = select(table.object, table.key, table.names).where(table.object.in_(ids))
    found: dict[str, list[tuple[str, str]]] = {}
    for object_id, key, names in connection.execute(query):
        found.setdefault(object_id, []).append((key, names))
    return found


def sharing(connection: Connection, tokens: Sequence[str], limit: int) -> list[Description]:
    """Return descriptions with a token that begins like one of these, in order of reference."""
    if not tokens:
        return []
    found = or_(*(SUBJECTS.c.tokens.contains(f" {token}", autoescape=True) for token in tokens))
    query = select(SUBJECTS).where(found).order_by(SUBJECTS.c.ref).limit(limit)
    return every(connection, query, Description)


def verdict_between(connection: Connection, one: str, other: str) -> Verdict | None:
    """Return the verdict that stands between two references, in the order of their text."""
    query = select(VERDICTS).where(
        VERDICTS.c.one == one, VERDICTS.c.other == other, VERDICTS.c.replaced_by.is_(None)
    )
    return first(connection, query, Verdict)


def verdict_by_id(connection: Connection, verdict_id: str) -> Verdict | None:
    """Return one verdict, whether it stands or was replaced."""
    query = select(VERDICTS).where(VERDICTS.c.id == verdict_id)
    return first(connection, query, Verdict)


def verdicts_on(connection: Connection, refs: Sequence[str]) -> list[Verdict]:
    """Return the standing verdicts that concern any of these references."""
    if not refs:
        return []
    query = select(VERDICTS).where(
        VERDICTS.c.replaced_by.is_(None),
        or_(VERDICTS.c.one.in_(refs), VERDICTS.c.other.in_(refs)),
    )
    return every(connection, query, Verdict)


def standing_verdicts(connection: Connection) -> list[Verdict]:
    """Return every verdict that stands."""
    query = select(VERDICTS).where(VERDICTS.c.replaced_by.is_(None))
    return every(connection, query.order_by(VERDICTS.c.at, VERDICTS.c.id), Verdict)


def verdict_page(
    connection: Connection, *, limit: int, before: tuple[str, str] | None = None
) -> list[Verdict]:
    """Return verdicts newest first, replaced ones included, after the ``(at, id)`` given."""
    query = select(VERDICTS).order_by(VERDICTS.c.at.desc(), VERDICTS.c.id.desc()).limit(limit)
    if before is not None:
        at, last = before
        query = query.where(
            or_(VERDICTS.c.at < at, and_(VERDICTS.c.at == at, VERDICTS.c.id < last))
        )
    return every(connection, query, Verdict)
