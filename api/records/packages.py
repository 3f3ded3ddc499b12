"""Evidence packages, their exhibits, releases and holders.

Owns the tables ``packages``, ``package_exhibits``, ``exhibits``, ``releases``, ``holders`` and
``recall_answers``: index columns and states beside the signed statements, which stay the only
source of content.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Table,
    Text,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    text,
)

from api.domain.evidence import ExhibitState, PackageState
from api.records.metadata import METADATA, RECORDED, added
from api.records.package_rows import (
    Exhibit,
    Holder,
    ListedExhibit,
    Package,
    RecallAnswer,
    Release,
    TitledHolder,
)
from api.records.rows import every, first
from api.records.statements import STATEMENTS
from api.wire.types import RECALL

_AWAITED, _UNHELD = text("arrival = 'awaited'"), text("held IS NULL")

PACKAGES = Table(
    "packages",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("originator", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("prepared_by", Text),
    Column("submitted_at", Text, nullable=False),
    Column("supersedes", Text),
    Column("superseded_by", Text),
    Column("return_reason", Text),
    Column("release", Text),
    Index("ix_packages_page", "submitted_at", "id"),
    Index("ix_packages_originator", "originator", "submitted_at", "id"),
    Index("ix_packages_state", "state", "submitted_at", "id"),
    info=RECORDED,
)

EXHIBITS = Table(
    "exhibits",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("stored_at", Text),
    info=RECORDED,
)

PACKAGE_EXHIBITS = Table(
    "package_exhibits",
    METADATA,
    Column("package", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("arrival", Text, info=added(None)),
    Index("ix_package_exhibits_digest", "digest"),
    # What a received package still awaits is looked for again and again: it must not cost more for
    # what came.
    Index(
        "ix_package_exhibits_awaited",
        "digest",
        "package",
        sqlite_where=_AWAITED,
        postgresql_where=_AWAITED,
    ),
    info=RECORDED,
)

IS_AWAITED = PACKAGE_EXHIBITS.c.arrival == literal_column("'awaited'")
"""Written out, so that the index of these rows serves."""

RELEASES = Table(
    "releases",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("package", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("tlp", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("released_at", Text, nullable=False),
    Column("held", Text, info=added(None)),
    Index("ix_releases_package", "package", "recipient"),
    Index(
        "ix_releases_unheld",
        "recipient",
        "issuer",
        "id",
        sqlite_where=_UNHELD,
        postgresql_where=_UNHELD,
    ),
    info=RECORDED,
)

HOLDERS = Table(
    "holders",
    METADATA,
    Column("package", Text, primary_key=True),
    Column("ministry", Text, primary_key=True),
    Column("release", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("message", Text),
    Column("receipted_at", Text),
    Column("disposition", Text),
    Column("code", Text),
    Column("recall", Text),
    Column("recall_message", Text),
    Column("recall_receipted_at", Text),
    Column("recall_disposition", Text),
    Column("recall_outcome", Text),
    Column("held", Text, info=added(None)),
    Column("held_at", Text, info=added(None)),
    Index("ix_holders_ministry", "ministry", "package"),
    Index("ix_holders_state", "state"),
    Index("ix_holders_recall", "recall_outcome"),
    info=RECORDED,
)


# What holders' people did with recalled packages: at the originator and at the holder alike. The
# reason stays in the statement.
RECALL_ANSWERS = Table(
    "recall_answers",
    METADATA,
    Column("statement", Text, primary_key=True),
    Column("recall", Text, nullable=False),
    Column("package", Text, nullable=False),
    Column("ministry", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("ix_recall_answers_package", "package", "ministry", "at"),
    info=RECORDED,
)


def recall_answers(connection: Connection, package_id: str) -> dict[str, RecallAnswer]:
    """Return each holder's latest answer about a recalled package, by ministry."""
    query = (
        select(RECALL_ANSWERS)
        .where(RECALL_ANSWERS.c.package == package_id)
        .order_by(RECALL_ANSWERS.c.at, RECALL_ANSWERS.c.statement)
    )
    found = (RecallAnswer(**row) for row in connection.execute(query).mappings())
    return {answer.ministry: answer for answer in found}


def listed_elsewhere(connection: Connection, package_id: str, digests: Sequence[str]) -> set[str]:
    """Return which of these exhibits some other package lists too."""
    query = select(PACKAGE_EXHIBITS.c.digest).where(
        PACKAGE_EXHIBITS.c.package != package_id, PACKAGE_EXHIBITS.c.digest.in_(digests)
    )
    return set(connection.execute(query).scalars())


_BY_ID = select(PACKAGES).where(PACKAGES.c.id == bindparam("wanted"))


def by_id(connection: Connection, package_id: str) -> Package | None:
    """Return one package's row."""
    return first(connection, _BY_ID, Package, {"wanted": package_id})


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, Package]:
    """Return packages by id; unknown ids are absent from the answer."""
    if not ids:
        return {}
    query = select(PACKAGES).where(PACKAGES.c.id.in_(ids))
    return {one.id: one for one in every(connection, query, Package)}


def page(
    connection: Connection,
    *,
    limit: int,
    before: tuple[str, str] | None = None,
    state: str | None = None,
    originator: str | None = None,
) -> list[Package]:
    """Return packages newest first, starting after the ``(submitted_at, id)`` given."""
    query = select(PACKAGES).order_by(PACKAGES.c.submitted_at.desc(), PACKAGES.c.id.desc())
    if before is not None:
        at, last = before
        query = query.where(
            or_(
                PACKAGES.c.submitted_at < at,
                and_(PACKAGES.c.submitted_at == at, PACKAGES.c.id < last),
            )
        )
    if state is not None:
        query = query.where(PACKAGES.c.state == state)
    if originator is not None:
        query = query.where(PACKAGES.c.originator == originator)
    return every(connection, query.limit(limit), Package)


def recalled_unanswered(
    connection: Connection, ministry: str, limit: int, after: str | None
) -> list[Package]:
    """Return partners' recalled packages that this ministry has not answered for, by id."""
    answered = select(RECALL_ANSWERS.c.package).where(RECALL_ANSWERS.c.ministry == ministry)
    query = select(PACKAGES).where(
        PACKAGES.c.state == PackageState.RECALLED.value,
        PACKAGES.c.originator != ministry,
        PACKAGES.c.id.not_in(answered),
        # Few are recalled among many: they are found by the statements that recalled them.
        PACKAGES.c.id.in_(select(STATEMENTS.c.about).where(STATEMENTS.c.type == RECALL)),
    )
    if after is not None:
        query = query.where(PACKAGES.c.id > after)
    return every(connection, query.order_by(PACKAGES.c.id).limit(limit), Package)


def exhibits_of(connection: Connection, package_id: str) -> list[ListedExhibit]:
    """Return a package's exhibits by label, with the state of each file."""
    query = (
        select(PACKAGE_EXHIBITS, EXHIBITS.c.state)
        .join(EXHIBITS, EXHIBITS.c.digest == PACKAGE_EXHIBITS.c.digest, isouter=True)
        .where(PACKAGE_EXHIBITS.c.package == package_id)
        .order_by(PACKAGE_EXHIBITS.c.label)
    )
    return every(connection, query, ListedExhibit)


def mismatched(here: Mapping[str, Exhibit], sizes: Mapping[str, int]) -> list[str]:
    """Return the digests whose stated size is not that of the bytes held here.

    Args:
        here: rows of the exhibits that are known here, by digest.
        sizes: what is stated of each digest, in bytes.
    """
    return [
        digest
        for digest, size in sizes.items()
        if (row := here.get(digest)) is not None
        and row.state is ExhibitState.HELD
        and row.size != size
    ]


_EXHIBITS_BY_DIGEST = select(EXHIBITS).where(
    EXHIBITS.c.digest.in_(bindparam("wanted", expanding=True))
)


def exhibits_by_digest(connection: Connection, digests: Sequence[str]) -> dict[str, Exhibit]:
    """Return the exhibit rows that exist among the digests."""
    if not digests:
        return {}
    found = every(connection, _EXHIBITS_BY_DIGEST, Exhibit, {"wanted": list(digests)})
    return {row.digest: row for row in found}


def destroyed(connection: Connection) -> list[str]:
    """Return the exhibits that a holder's answer to a recall calls destroyed."""
    query = select(EXHIBITS.c.digest).where(EXHIBITS.c.state == "destroyed")
    return list(connection.execute(query.order_by(EXHIBITS.c.digest)).scalars())


def released_to(connection: Connection, digest: str) -> set[str]:
    """Return the ministries that hold an active release of a package with this exhibit."""
    query = (
        select(RELEASES.c.recipient)
        .join(PACKAGE_EXHIBITS, PACKAGE_EXHIBITS.c.package == RELEASES.c.package)
        .where(PACKAGE_EXHIBITS.c.digest == digest, RELEASES.c.state == "active")
    )
    return set(connection.execute(query).scalars())


def released_with(connection: Connection, package: str, digest: str, issuer: str) -> set[str]:
    """Return the ministries to which one ministry's active release gives an exhibit of a package.

    Args:
        connection: open for reading.
        package: its id.
        digest: of an exhibit; nobody where that package does not list it.
        issuer: whose releases count.
    """
    query = (
        select(RELEASES.c.recipient)
        .join(PACKAGE_EXHIBITS, PACKAGE_EXHIBITS.c.package == RELEASES.c.package)
        .where(
            RELEASES.c.package == package,
            RELEASES.c.issuer == issuer,
            RELEASES.c.state == "active",
            PACKAGE_EXHIBITS.c.digest == digest,
        )
    )
    return set(connection.execute(query).scalars())


def released_to_many(
    connection: Connection, package_ids: Sequence[str]
) -> dict[str, frozenset[str]]:
    """Return for each package the ministries that hold an active release of it."""
    if not package_ids:
        return {}
    query = select(RELEASES.c.package, RELEASES.c.recipient).where(
        RELEASES.c.package.in_(package_ids), RELEASES.c.state == "active"
    )
    found: dict[str, frozenset[str]] = {}
    for package, recipient in connection.execute(query):
        found[package] = found.get(package, frozenset()) | {recipient}
    return found


def packages_with(connection: Connection, digest: str) -> list[Package]:
    """Return the packages that contain this exhibit."""
    query = (
        select(PACKAGES)
        .join(PACKAGE_EXHIBITS, PACKAGE_EXHIBITS.c.package == PACKAGES.c.id)
        .where(PACKAGE_EXHIBITS.c.digest == digest)
    )
    return every(connection, query, Package)


def releases_of(connection: Connection, package_id: str) -> list[Release]:
    """Return the releases of a package, oldest first."""
    query = (
        select(RELEASES)
        .where(RELEASES.c.package == package_id)
        .order_by(RELEASES.c.released_at, RELEASES.c.id)
    )
    return every(connection, query, Release)


def releases_of_many(
    connection: Connection, package_ids: Sequence[str]
) -> dict[str, list[Release]]:
    """Return the releases of packages by package, each oldest first."""
    if not package_ids:
        return {}
    query = (
        select(RELEASES)
        .where(RELEASES.c.package.in_(package_ids))
        .order_by(RELEASES.c.released_at, RELEASES.c.id)
    )
    found: dict[str, list[Release]] = {}
    for row in every(connection, query, Release):
        found.setdefault(row.package, []).append(row)
    return found


def release_by_id(connection: Connection, release_id: str) -> Release | None:
    """Return one release."""
    query = select(RELEASES).where(RELEASES.c.id == release_id)
    return first(connection, query, Release)


def active_release(connection: Connection, package_id: str, recipient: str) -> Release | None:
    """Return the release under which ``recipient`` holds the package now."""
    query = select(RELEASES).where(
        RELEASES.c.package == package_id,
        RELEASES.c.recipient == recipient,
        RELEASES.c.state == "active",
    )
    return first(connection, query, Release)


def holders_of(connection: Connection, package_id: str) -> list[Holder]:
    """Return who holds a package and what they did with it."""
    query = select(HOLDERS).where(HOLDERS.c.package == package_id).order_by(HOLDERS.c.ministry)
    return every(connection, query, Holder)


def held_by(
    connection: Connection, ministry: str, limit: int, after: str = ""
) -> list[TitledHolder]:
    """Return what another ministry holds from us, by package, after one of them."""
    query = (
        select(HOLDERS, PACKAGES.c.title)
        .join(PACKAGES, PACKAGES.c.id == HOLDERS.c.package)
        .where(HOLDERS.c.ministry == ministry, HOLDERS.c.package > after)
        .order_by(HOLDERS.c.package)
        .limit(limit)
    )
    return every(connection, query, TitledHolder)


def held_ids(connection: Connection, ministry: str, limit: int) -> list[str]:
    """Return ids of what another ministry holds from us and is stored here."""
    query = (
        select(HOLDERS.c.package)
        .join(STATEMENTS, STATEMENTS.c.id == HOLDERS.c.package)
        .where(HOLDERS.c.ministry == ministry)
        .order_by(HOLDERS.c.package)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def unanswered(
    connection: Connection, *, limit: int, after: tuple[str, str] | None = None
) -> list[Holder]:
    """Return holders that owe an answer to a release or recall, by package and ministry."""
    query = select(HOLDERS).where(
        or_(
            HOLDERS.c.state.in_(("sent", "receipted")),
            HOLDERS.c.recall_outcome.in_(("sent", "refused")),
        )
    )
    if after is not None:
        package, ministry = after
        query = query.where(
            or_(
                HOLDERS.c.package > package,
                and_(HOLDERS.c.package == package, HOLDERS.c.ministry > ministry),
            )
        )
    query = query.order_by(HOLDERS.c.package, HOLDERS.c.ministry).limit(limit)
    return every(connection, query, Holder)


def exhibit_rows(package_id: str, exhibits: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ``package_exhibits`` rows of a package body's exhibits."""
    return [
        {
            "package": package_id,
            "label": item["label"],
            "digest": item["digest"],
            "size": item["size"],
            "media_type": item["media_type"],
        }
        for item in exhibits
    ]
