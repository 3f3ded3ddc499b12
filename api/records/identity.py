"""The index by which a description is found: profiles and their keys.

Owns the tables ``identity_profiles``, ``identity_keys`` and, of the keys that are sounds, how often
each occurs, ``identity_sounds``. They are made from recorded rows
(descriptions in statements and drafts, entries of lists) and can be made anew from them, so they
are not recorded; nothing follows from what they suggest until an officer gives a verdict.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
    select,
    text,
)

from api.domain.identity.profiles import Profile, keys
from api.records.collected import InsertForm
from api.records.driver_sql import ask_among
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
_TELLING: Final = 64
# Stands among the sounds for how many descriptions have numbers given in turn.
_IN_TURN: Final = ""

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


IDENTITY_SOUNDS = Table(
    "identity_sounds",
    METADATA,
    Column("sound", Text, primary_key=True),
    Column("many", Integer, nullable=False),
    info=VOLATILE,
)

SOUND: Final = "~"
"""Begins the keys that all names with a word of one sound share."""

_FORGET: Final = delete(IDENTITY_KEYS).where(
    IDENTITY_KEYS.c.key == bindparam("old_key"),
    IDENTITY_KEYS.c.profile == bindparam("old_profile"),
)

# Both databases read this form alike.
_COUNT: Final = text(
    "INSERT INTO identity_sounds (sound, many) VALUES (:sound, :more)"
    " ON CONFLICT (sound) DO UPDATE SET many = identity_sounds.many + :more"
)
_COUNTED: Final = InsertForm(IDENTITY_SOUNDS, ("sound",), statement=_COUNT)


# Built once: a search asks them again and again.
_HOLDERS: Final = select(IDENTITY_KEYS.c.key, IDENTITY_KEYS.c.profile).where(
    IDENTITY_KEYS.c.key.in_(bindparam("wanted", expanding=True))
)
_FIRST_HOLDERS: Final = (
    select(IDENTITY_KEYS.c.profile)
    .where(IDENTITY_KEYS.c.key == bindparam("wanted"))
    .limit(bindparam("most"))
)
_SPREAD: Final = select(IDENTITY_SOUNDS.c.sound, IDENTITY_SOUNDS.c.many).where(
    IDENTITY_SOUNDS.c.sound.in_(bindparam("wanted", expanding=True))
)
_OWN: Final = select(IDENTITY_PROFILES.c.id).where(IDENTITY_PROFILES.c.ref == bindparam("wanted"))
_MEMBERS: Final = select(IDENTITY_PROFILES.c.id, IDENTITY_PROFILES.c.series).where(
    IDENTITY_PROFILES.c.series.in_(bindparam("wanted", expanding=True))
)
_FIRST_OF_REFERENCES: Final = (
    select(IDENTITY_PROFILES.c.id)
    .where(IDENTITY_PROFILES.c.id >= _OF_REFERENCES)
    .order_by(IDENTITY_PROFILES.c.id)
    .limit(_TELLING)
)
_PROFILES: Final = select(IDENTITY_PROFILES).where(
    IDENTITY_PROFILES.c.id.in_(bindparam("wanted", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Indexed:
    """What goes into the index for one description.

    Attributes:
        profile: what is compared.
        series: the list it stands on, or ``STATEMENTS``.
        digest: of what it was made from; another digest replaces it.
        programs: the list's programmes.
    """

    profile: Profile
    series: str = STATEMENTS
    digest: str = ""
    programs: tuple[str, ...] = ()

    def prepared(self) -> "Prepared":
        """Return what is written for it; no write lock need be held while this is worked out."""
        return Prepared(
            self.profile.ref,
            self.series,
            self.digest,
            json.dumps(self.programs),
            json.dumps(self.profile.to_json(), ensure_ascii=False),
            json.dumps(sorted(keys(self.profile)), ensure_ascii=False),
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is written for one description, all of it text.

    Many thousands wait for one transaction: the collector of garbage looks through objects, again
    and again as they become more, and not through text.

    Attributes:
        ref: reference of the description.
        series: the list it stands on, or ``STATEMENTS``.
        digest: of what it was made from.
        programs: the list's programmes, JSON.
        body: the profile, JSON.
        keys: of the profile, in order, JSON.
    """

    ref: str
    series: str
    digest: str
    programs: str
    body: str
    keys: str

    def row(self, number: int) -> dict[str, object]:
        """Return the row of ``identity_profiles``."""
        return {
            "id": number,
            "ref": self.ref,
            "series": self.series,
            "digest": self.digest,
            "programs": self.programs,
            "body": self.body,
        }


@dataclass(frozen=True, slots=True)
class Sought:
    """By which keys a profile is looked for.

    Attributes:
        whole: whoever has these.
        bounded: some of those who have these.
        left_out: how many have the commonest of the sounds that too many have to be looked up.
    """

    whole: Sequence[str]
    bounded: Sequence[str]
    left_out: int


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


def add(unit: Unit, described: Sequence[Indexed]) -> None:
    """Add descriptions whose references are not in the index, reading nothing.

    Their numbers are made of their references, so that units need not wait for each other to take
    the next one. Nothing follows from the order of numbers.
    """
    for one in described:
        digest = hashlib.sha256(one.profile.ref.encode()).digest()
        number = _OF_REFERENCES | (int.from_bytes(digest[:8]) & (_OF_REFERENCES - 1))
        prepared = one.prepared()
        unit.insert(IDENTITY_PROFILES, prepared.row(number))
        found: list[str] = json.loads(prepared.keys)
        unit.insert(IDENTITY_KEYS, [{"key": key, "profile": number} for key in found])
        for key in found:
            if key[0] == SOUND:
                unit.insert_as(_COUNTED, {"sound": key, "more": 1})


def put(unit: Unit, described: Iterable[Indexed]) -> None:
    """Add descriptions to the index, in the place of those with the same references."""
    put_prepared(unit, [one.prepared() for one in described])


def put_prepared(unit: Unit, described: Sequence[Prepared]) -> None:
    """Do what :func:`put` does with what was prepared."""
    if not described:
        return
    unit.lock("identity index")
    remove(unit, [one.ref for one in described])
    highest = select(func.coalesce(func.max(IDENTITY_PROFILES.c.id), 0)).where(
        IDENTITY_PROFILES.c.id < _OF_REFERENCES
    )
    first = unit.connection.execute(highest).scalar_one() + 1
    for number, some in enumerate(_batches(described, _BATCH)):
        start = first + number * _BATCH
        unit.connection.execute(
            insert(IDENTITY_PROFILES),
            [one.row(start + place) for place, one in enumerate(some)],
        )
        made: list[list[str]] = [json.loads(one.keys) for one in some]
        rows = (
            {"key": key, "profile": start + place}
            for place, found in enumerate(made)
            for key in found
        )
        for group in _batches(rows, _ROWS):
            unit.connection.execute(insert(IDENTITY_KEYS), group)
        _count(unit, made, 1, in_turn=len(some))


def _count(unit: Unit, made: Iterable[Iterable[str]], by: int, *, in_turn: int) -> None:
    """Count the sounds of these descriptions in, or out again, and those with numbers in turn."""
    sounds = Counter(key for found in made for key in found if key[0] == SOUND)
    sounds[_IN_TURN] = in_turn
    rows = [{"sound": key, "more": by * many} for key, many in sorted(sounds.items())]
    if rows:
        unit.connection.execute(_COUNT, rows)


def remove(unit: Unit, refs: Iterable[str]) -> None:
    """Take descriptions out of the index; unknown references do nothing."""
    for some in _batches(refs, _BATCH):
        query = select(IDENTITY_PROFILES).where(IDENTITY_PROFILES.c.ref.in_(some))
        rows = list(unit.connection.execute(query).mappings())
        made = [keys(Profile.of_json(row["ref"], json.loads(row["body"]))) for row in rows]
        gone = [
            {"old_key": key, "old_profile": row["id"]}
            for row, found in zip(rows, made, strict=True)
            for key in found
        ]
        if gone:
            # The keys follow from the profile, so no second index is needed to find them.
            unit.connection.execute(_FORGET, gone)
        if rows:
            in_turn = sum(row["id"] < _OF_REFERENCES for row in rows)
            _count(unit, made, -1, in_turn=in_turn)
            numbers = [row["id"] for row in rows]
            unit.connection.execute(
                delete(IDENTITY_PROFILES).where(IDENTITY_PROFILES.c.id.in_(numbers))
            )


def clear(unit: Unit) -> None:
    """Empty the index, whatever rules its keys were made by."""
    unit.lock("identity index")
    for table in (IDENTITY_KEYS, IDENTITY_SOUNDS, IDENTITY_PROFILES):
        unit.connection.execute(delete(table))


def digests(connection: Connection, series: str) -> dict[str, str]:
    """Return the digest of each description of a series in the index, by reference."""
    query = select(IDENTITY_PROFILES.c.ref, IDENTITY_PROFILES.c.digest)
    rows = connection.execute(query.where(IDENTITY_PROFILES.c.series == series))
    return {row.ref: row.digest for row in rows}


def sought(keys_: Iterable[str], many: Mapping[str, int], *, most: int) -> Sought:
    """Return how a profile is looked for, where :func:`spread` told how many have each sound.

    Equal names and numbers (keys that begin with ``=``, ``+``, ``#``) are all looked up, however
    many have them, and so are days of birth (``*``). A sound that more than ``most`` profiles have
    finds nothing by itself, only together with another one; of such pairs no more than ``most``
    each are looked up.
    """
    whole: list[str] = []
    bounded: list[str] = []
    known = sorted(keys_)
    common = {key[1:] for key in known if key[0] == SOUND and many[key] > most}
    for key in known:
        if key[0] == SOUND:
            if many[key] <= most:
                whole.append(key)
        elif key[0] in "=+#^*" or not common.issuperset(key[1:].split(" ")):
            whole.append(key)
        else:
            bounded.append(key)
    return Sought(whole, bounded, max((many[f"{SOUND}{key}"] for key in common), default=0))


def key_holders(connection: Connection, wanted: Iterable[str]) -> dict[str, list[int]]:
    """Return the numbers of all profiles that have each of these keys."""
    found: dict[str, list[int]] = {}
    for some in _batches(wanted, _BATCH):
        for key, number in ask_among(connection, _HOLDERS, some).all():
            found.setdefault(key, []).append(number)
    return found


def first_key_holders(connection: Connection, wanted: str, *, most: int) -> list[int]:
    """Return the numbers of no more than so many profiles that have a key."""
    rows = connection.execute(_FIRST_HOLDERS, {"wanted": wanted, "most": most})
    return list(rows.scalars())


def spread(connection: Connection, wanted: Iterable[str]) -> Counter[str]:
    """Return how many profiles have each of these sounds (keys that begin with ``SOUND``)."""
    found: Counter[str] = Counter()
    for some in _batches(wanted, _BATCH):
        for sound, many in ask_among(connection, _SPREAD, some):
            found[sound] = many
    return found


def count(connection: Connection) -> int:
    """Return how many descriptions the index holds."""
    return connection.execute(select(func.count()).select_from(IDENTITY_PROFILES)).scalar_one()


def about(connection: Connection) -> int:
    """Return about how many descriptions the index holds, for as little however many there are.

    Numbers made of references are spread evenly, so the first few say how close they lie.
    """
    in_turn = connection.execute(_SPREAD, {"wanted": [_IN_TURN]}).all()
    first = list(connection.execute(_FIRST_OF_REFERENCES).scalars())
    others = len(first)
    if others == _TELLING:
        others = (_TELLING - 1) * _OF_REFERENCES // (first[-1] - _OF_REFERENCES)
    numbered: int = sum(row.many for row in in_turn)
    return numbered + others


def number_of(connection: Connection, ref: str) -> int | None:
    """Return the number of the profile of a reference, ``None`` if the index has none."""
    return connection.execute(_OWN, {"wanted": ref}).scalar_one_or_none()


def members(connection: Connection, series: Collection[str]) -> dict[int, str]:
    """Return the numbers of all profiles that stand in these series, with the series of each."""
    return dict(connection.execute(_MEMBERS, {"wanted": list(series)}).all())


def load(connection: Connection, numbers: Iterable[int]) -> dict[int, Indexed]:
    """Return profiles by number; unknown ones are absent."""
    found: dict[int, Indexed] = {}
    for some in _batches(numbers, _BATCH):
        for row in ask_among(connection, _PROFILES, some).mappings():
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
