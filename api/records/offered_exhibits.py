"""Exhibits that a new package lists and that are known here: their rows, and what a recall shuts.

Owns that look-up over the tables of ``records.packages``; owns no table.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, case, select

from api.records.driver_sql import ask_among
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
    # One that this ministry listed before is found at once, however many list it: a database need
    # not leave the second condition of AND alone, that of CASE it does.
    case(
        (_LISTED.where(_OWN).exists(), False),
        else_=_LISTED.where(PACKAGES.c.state == "recalled", ~_OWN, ~_ANSWERED).exists(),
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
    found = ask_among(connection, _OFFERED, digests, ministry=ministry)
    return {row["digest"]: made(OfferedExhibit, row) for row in found.mappings()}
