"""The index by which a description is found: profiles and their keys.

Owns the tables ``identity_profiles`` and ``identity_keys``. They are made from recorded rows
(descriptions in statements and drafts, entries of lists) and can be made anew from them, so they
are not recorded; nothing follows from what they suggest until an officer gives a verdict.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)

from api.domain.identity.profiles import Profile, keys
from api.records.metadata import METADATA, VOLATILE
from api.records.unit_of_work import Unit

T = TypeVar("T")
_BATCH: Final = 400
_ROWS: Final = 4000
STATEMENTS: Final = ""
"""Stands in ``series`` for what statements, proposals and threads describe."""

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
# Numbers below are given in turn, those from here on are made of a reference.
_OF_REFERENCES: Final = 1 << 62

IDENTITY_PROFILES = Table(
    "identity_profiles",
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("ref", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("programs", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("uq_identity_profiles_ref", "ref", unique=True),
    Index("ix_identity_profiles_series", "series"),
    info=VOLATILE,
)

IDENTITY_KEYS = Table(
    "identity_keys",
    METADATA,
    Column("key", Text, nullable=False),
    Column("profile", _NUMBER, nullable=False),
    PrimaryKeyConstraint("key", "profile", name="pk_identity_keys"),
    info=VOLATILE,
    sqlite_with_rowid=False,
)


_FORGET: Final = delete(IDENTITY_KEYS).where(
    IDENTITY_KEYS.c.key == bindparam("old_key"),
    IDENTITY_KEYS.c.profile == bindparam("old_profile"),
)


@dataclass(frozen=True, slots=True)
class Indexed:
    """What goes into the index for one description.

    Attributes:
        profile: what is compared.
        series: the list it stands on, or ``STATEMENTS``.
        digest: of what it was made from; another digest replaces it.
        programs: the list's programmes.
        keys: of the profile, where they were worked out beforehand (no write lock is held for it).
    """

    profile: Profile
    series: str = STATEMENTS
    digest: str = ""
    programs: tuple[str, ...] = ()
    keys: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Profiles that share keys with what was looked for.

    Attributes:
        shared: the keys shared, by the profile's number.
        left_out: how many more share only a key that too many share; at most the bound of each.
    """

    shared: Mapping[int, frozenset[str]]
    left_out: int


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


def _row(number: int, one: Indexed) -> dict[str, object]:
    return {
        "id": number,
        "ref": one.profile.ref,
        "series": one.series,
        "digest": one.digest,
        "programs": json.dumps(one.programs),
        "body": json.dumps(one.profile.to_json(), ensure_ascii=False),
    }


def _keys(one: Indexed) -> list[str]:
    return sorted(one.keys if one.keys is not None else keys(one.profile))


def add(unit: Unit, described: Sequence[Indexed]) -> None:
    """Add descriptions whose references are not in the index, reading nothing.

    Their numbers are made of their references, so that units need not wait for each other to take
    the next one. Nothing follows from the order of numbers.
    """
    for one in described:
        digest = hashlib.sha256(one.profile.ref.encode()).digest()
        number = _OF_REFERENCES | (int.from_bytes(digest[:8]) & (_OF_REFERENCES - 1))
        unit.insert(IDENTITY_PROFILES, _row(number, one))
        unit.insert(IDENTITY_KEYS, [{"key": key, "profile": number} for key in _keys(one)])


def put(unit: Unit, described: Sequence[Indexed]) -> None:
    """Add descriptions to the index, in the place of those with the same references."""
    if not described:
        return
    unit.lock("identity index")
    remove(unit, [one.profile.ref for one in described])
    highest = select(func.coalesce(func.max(IDENTITY_PROFILES.c.id), 0)).where(
        IDENTITY_PROFILES.c.id < _OF_REFERENCES
    )
    first = unit.connection.execute(highest).scalar_one() + 1
    for number, some in enumerate(_batches(described, _BATCH)):
        start = first + number * _BATCH
        unit.connection.execute(
            insert(IDENTITY_PROFILES),
            [_row(start + place, one) for place, one in enumerate(some)],
        )
        rows = (
            {"key": key, "profile": start + place}
            for place, one in enumerate(some)
            for key in _keys(one)
        )
        for group in _batches(rows, _ROWS):
            unit.connection.execute(insert(IDENTITY_KEYS), group)


def remove(unit: Unit, refs: Iterable[str]) -> None:
    """Take descriptions out of the index; unknown references do nothing."""
    for some in _batches(refs, _BATCH):
        query = select(IDENTITY_PROFILES).where(IDENTITY_PROFILES.c.ref.in_(some))
        rows = list(unit.connection.execute(query).mappings())
        gone = [
            {"old_key": key, "old_profile": row["id"]}
            for row in rows
            for key in keys(Profile.of_json(row["ref"], json.loads(row["body"])))
        ]
        if gone:
            # The keys follow from the profile, so no second index is needed to find them.
            unit.connection.execute(_FORGET, gone)
        if rows:
            numbers = [row["id"] for row in rows]
            unit.connection.execute(
                delete(IDENTITY_PROFILES).where(IDENTITY_PROFILES.c.id.in_(numbers))
            )


def digests(connection: Connection, series: str) -> dict[str, str]:
    """Return the digest of each description of a series in the index, by reference."""
    query = select(IDENTITY_PROFILES.c.ref, IDENTITY_PROFILES.c.digest)
    rows = connection.execute(query.where(IDENTITY_PROFILES.c.series == series))
    return {row.ref: row.digest for row in rows}


def sharing(connection: Connection, wanted: Iterable[str], *, most: int) -> Found:
    """Return the profiles that share keys.

    Equal names and numbers (keys that begin with ``=``, ``+``, ``#``) are all returned, however
    many there are; of another key that more than ``most`` profiles share, only that number counts
    as left out.
    """
    exact = [key for key in wanted if key[0] in "=+#"]
    other = [key for key in wanted if key[0] not in "=+#"]
    shared: dict[int, set[str]] = {}
    table = IDENTITY_KEYS.c
    for some in _batches(exact, _BATCH):
        query = select(table.key, table.profile).where(table.key.in_(some))
        for key, number in connection.execute(query):
            shared.setdefault(number, set()).add(key)
    left_out = 0
    for some in _batches(other, 100):
        parts = [
            select(literal(key).label("key"), table.profile)
            .where(table.key == key)
            .limit(most + 1)
            .subquery()
            for key in some
        ]
        hits: dict[str, list[int]] = {}
        for key, number in connection.execute(union_all(*(select(part) for part in parts))):
            hits.setdefault(key, []).append(number)
        for key, numbers in hits.items():
            if len(numbers) > most:
                left_out = max(left_out, len(numbers))
                if key[0] == "~":
                    continue
            for number in numbers[:most]:
                shared.setdefault(number, set()).add(key)
    return Found({number: frozenset(keys_) for number, keys_ in shared.items()}, left_out)


def spread(connection: Connection, wanted: Iterable[str]) -> Counter[str]:
    """Return how many profiles have each key, up to a bound where counting on says no more."""
    bound = 2000
    found: Counter[str] = Counter()
    table = IDENTITY_KEYS.c
    for some in _batches(wanted, 100):
        parts = [
            select(
                literal(key).label("key"),
                select(func.count())
                .select_from(select(table.profile).where(table.key == key).limit(bound).subquery())
                .scalar_subquery()
                .label("many"),
            )
            for key in some
        ]
        for key, many in connection.execute(union_all(*parts)):
            found[key] = many
    return found


def count(connection: Connection) -> int:
    """Return how many descriptions the index holds."""
    return connection.execute(select(func.count()).select_from(IDENTITY_PROFILES)).scalar_one()


def load(connection: Connection, numbers: Iterable[int]) -> dict[int, Indexed]:
    """Return profiles by number; unknown ones are absent."""
    found: dict[int, Indexed] = {}
    for some in _batches(numbers, _BATCH):
        query = select(IDENTITY_PROFILES).where(IDENTITY_PROFILES.c.id.in_(some))
        for row in connection.execute(query).mappings():
            profile = Profile.of_json(row["ref"], json.loads(row["body"]))
            programs = tuple(json.loads(row["programs"]))
            found[row["id"]] = Indexed(profile, row["series"], row["digest"], programs)
    return found


def of_programme(connection: Connection, programme: str, series: Sequence[str]) -> list[Indexed]:
    """Return the profiles that stand under a programme on any of these lists, by reference."""
    table = IDENTITY_PROFILES.c
    named = json.dumps(programme)
    query = select(IDENTITY_PROFILES).where(
        table.series.in_(series), table.programs.contains(named, autoescape=True)
    )
    found = []
    for row in connection.execute(query.order_by(table.ref)).mappings():
        programs = tuple(json.loads(row["programs"]))
        if programme in programs:
            profile = Profile.of_json(row["ref"], json.loads(row["body"]))
            found.append(Indexed(profile, row["series"], row["digest"], programs))
    return found


def by_refs(connection: Connection, refs: Sequence[str]) -> dict[str, Profile]:
    """Return profiles by reference; unknown ones are absent."""
    query = select(IDENTITY_PROFILES).where(IDENTITY_PROFILES.c.ref.in_(refs))
    return {
        row["ref"]: Profile.of_json(row["ref"], json.loads(row["body"]))
        for row in connection.execute(query).mappings()
    }
