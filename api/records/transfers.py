"""Exhibits on their way: which a received package still awaits, and from whom they are filled in.

Owns the table ``transfers`` and look-ups over those of ``records.packages``.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    or_,
    select,
)

from api.records.metadata import METADATA, VOLATILE
from api.records.package_rows import Arrived, Awaited
from api.records.packages import EXHIBITS, IS_AWAITED, PACKAGE_EXHIBITS, PACKAGES, RELEASES

# How far an exhibit has come for one package from the ministry that released it.
TRANSFERS = Table(
    "transfers",
    METADATA,
    Column("package", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("fetched", BigInteger, nullable=False),
    info=VOLATILE,
)

# Asked of each exhibit that is awaited. As joins, SQLite would begin with all received packages.
_RECEIVED = (
    select(1)
    .where(PACKAGES.c.id == PACKAGE_EXHIBITS.c.package, PACKAGES.c.state == "received")
    .exists()
)
_FETCHED = (
    select(1)
    .where(
        EXHIBITS.c.digest == PACKAGE_EXHIBITS.c.digest,
        EXHIBITS.c.state.in_(("awaited", "held")),
    )
    .exists()
)


_OUTSTANDING = select(
    or_(
        exists().where(IS_AWAITED),
        exists().where(
            RELEASES.c.issuer == bindparam("holder"),
            RELEASES.c.recipient == bindparam("here"),
            RELEASES.c.state == "active",
            RELEASES.c.held.is_(None),
        ),
    )
)


def outstanding(connection: Connection, recipient: str, holder: str) -> bool:
    """Tell whether any exhibit is awaited, or any release by one ministry not said to be held."""
    named = {"holder": holder, "here": recipient}
    return bool(connection.execute(_OUTSTANDING, named).scalar_one())


def awaited_exhibits(
    connection: Connection,
    recipient: str,
    holder: str,
    *,
    limit: int = 100,
    start: str = "",
    package: str = "",
) -> list[Awaited]:
    """Return exhibits of received packages that did not come yet from who released them.

    Args:
        connection: open for reading.
        recipient: this ministry.
        holder: the ministry to ask, by its own active release.
        limit: most rows to return.
        start: digests below this one are left out.
        package: those of one package only; empty for all.
    """
    listed, moved = PACKAGE_EXHIBITS.c, TRANSFERS.c
    released = select(1).where(
        RELEASES.c.package == listed.package,
        RELEASES.c.state == "active",
        RELEASES.c.issuer == holder,
        RELEASES.c.recipient == recipient,
    )
    query = (
        select(listed.package, listed.digest, listed.size, moved.fetched)
        .distinct()
        .join(
            TRANSFERS,
            and_(moved.package == listed.package, moved.digest == listed.digest),
            isouter=True,
        )
        .where(
            IS_AWAITED,
            _FETCHED,
            _RECEIVED,
            released.exists(),
            listed.digest >= start,
        )
        .order_by(listed.digest, listed.package)
        .limit(limit)
    )
    if package:
        query = query.where(listed.package == package)
    return [
        Awaited(row[0], row[1], row[2], row[3] or 0, row[3] is not None)
        for row in connection.execute(query)
    ]


def count_awaited(connection: Connection, most: int) -> int:
    """Return how many exhibits did not come yet from who released them, up to ``most``."""
    query = select(PACKAGE_EXHIBITS.c.label).where(IS_AWAITED, _RECEIVED).limit(most)
    return len(connection.execute(query).all())


def _others(awaited: Awaited) -> Select[tuple[str]]:
    """Select other received packages that still wait for the same bytes."""
    listed = PACKAGE_EXHIBITS.c
    return (
        select(listed.package)
        .join(PACKAGES, PACKAGES.c.id == listed.package)
        .join(RELEASES, RELEASES.c.package == listed.package)
        .where(
            listed.digest == awaited.digest,
            listed.package != awaited.package,
            IS_AWAITED,
            PACKAGES.c.state == "received",
            RELEASES.c.state == "active",
        )
        .limit(1)
    )


def wanted_elsewhere(connection: Connection, awaited: Awaited) -> bool:
    """Tell whether another package waits for the same bytes."""
    return connection.execute(_others(awaited)).first() is not None


def turn_of_another(connection: Connection, awaited: Awaited) -> bool:
    """Tell whether the same bytes are being filled in from the releaser of another package."""
    moved = TRANSFERS.c
    query = _others(awaited).join(
        TRANSFERS,
        and_(moved.package == PACKAGE_EXHIBITS.c.package, moved.digest == awaited.digest),
    )
    return connection.execute(query).first() is not None


def labels_of(connection: Connection, package_id: str, digest: str) -> list[str]:
    """Return the labels under which a package lists an exhibit."""
    query = select(PACKAGE_EXHIBITS.c.label).where(
        PACKAGE_EXHIBITS.c.package == package_id, PACKAGE_EXHIBITS.c.digest == digest
    )
    return list(connection.execute(query).scalars())


def arrived_releases(connection: Connection, recipient: str, holder: str) -> list[Arrived]:
    """Return active releases by one ministry of packages whose exhibits came completely."""
    listed = PACKAGE_EXHIBITS.c
    lacking = (
        select(listed.label)
        .where(
            listed.package == RELEASES.c.package,
            or_(listed.arrival.is_(None), listed.arrival != "came"),
        )
        .exists()
    )
    query = (
        select(RELEASES.c.id, RELEASES.c.package)
        .join(PACKAGES, PACKAGES.c.id == RELEASES.c.package)
        .where(
            RELEASES.c.issuer == holder,
            RELEASES.c.recipient == recipient,
            RELEASES.c.state == "active",
            RELEASES.c.held.is_(None),
            PACKAGES.c.state == "received",
            ~lacking,
        )
        .order_by(RELEASES.c.id)
    )
    return [Arrived(*row) for row in connection.execute(query)]
