"""Exhibits that a new package lists and that are known here: their rows, and what a recall shuts.

Owns that look-up over the tables of ``records.packages``; owns no table.
"""

import functools
from collections.abc import Sequence

from sqlalchemy import Connection, Dialect, and_, bindparam, select

from api.records.driver_sql import DriverSql, driver_query
from api.records.package_rows import OfferedExhibit
from api.records.packages import EXHIBITS, PACKAGE_EXHIBITS, PACKAGES, RECALL_ANSWERS
from api.records.rows import made

_LISTING = PACKAGE_EXHIBITS.join(PACKAGES, PACKAGES.c.id == PACKAGE_EXHIBITS.c.package)
_LISTED = select(1).select_from(_LISTING).where(PACKAGE_EXHIBITS.c.digest == EXHIBITS.c.digest)
_OWN = PACKAGES.c.originator == bindparam("ministry")
_ANSWERED = (
    select(1)
    .where(
        RECALL_ANSWERS.c.package == PACKAGES.c.id,
        RECALL_ANSWERS.c.ministry == bindparam("ministry"),
    )
    .exists()
)
_OFFERED = select(
    EXHIBITS,
    # One that this ministry listed before is found at once, however many list it.
    and_(
        ~_LISTED.where(_OWN).exists(),
        _LISTED.where(PACKAGES.c.state == "recalled", ~_OWN, ~_ANSWERED).exists(),
    ).label("under_recall"),
).where(EXHIBITS.c.digest.in_(bindparam("wanted", expanding=True)))


def offered_exhibits(
    connection: Connection, ministry: str, digests: Sequence[str]
) -> dict[str, OfferedExhibit]:
    """Return those of the exhibits of a new package that are known here, by digest.

    Args:
        connection: open for reading.
        ministry: whose package it is.
        digests: of its exhibits.
    """
    asked = _question(connection.dialect, len(digests))
    wanted = {f"wanted_{number}": digest for number, digest in enumerate(digests, 1)}
    found = connection.exec_driver_sql(asked.sql, asked.bound({"ministry": ministry, **wanted}))
    return {row["digest"]: made(OfferedExhibit, row) for row in found.mappings()}


@functools.lru_cache(maxsize=64)
def _question(dialect: Dialect, count: int) -> DriverSql:
    """Return the query for so many exhibits; every package asks it."""
    return driver_query(_OFFERED, dialect, {"ministry": "", "wanted": [""] * count})
