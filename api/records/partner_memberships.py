"""What partners' nodes say of the membership that they run with.

Owns the table ``partner_memberships``: one row for each partner that was asked. It is volatile: a
hint for administrators, asked again within the hour; only whether to send now is decided by it.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Table, Text, select

from api.domain.notation import Count, Digest, Instant, Nullable
from api.records.metadata import METADATA, VOLATILE
from api.records.rows import every
from api.records.unit_of_work import Unit

PARTNER_MEMBERSHIPS = Table(
    "partner_memberships",
    METADATA,
    Column("peer", Text, primary_key=True),
    Column("serial", BigInteger),
    Column("digest", Text),
    Column("code", Text),
    Column("asked_at", Text, nullable=False),
    info=VOLATILE,
)


@dataclass(frozen=True, slots=True)
class PartnerMembership:
    """The membership that a partner's node last named.

    Attributes:
        peer: the partner.
        serial: its number; null while it was never told.
        digest: of its file.
        code: why it was not told at the last try; null if it was.
        asked_at: when it was asked.
    """

    peer: str
    serial: Nullable[Count]
    digest: Nullable[Digest]
    code: Nullable[str]
    asked_at: Instant


def partner_memberships(connection: Connection) -> dict[str, PartnerMembership]:
    """Return what each partner said, by partner."""
    found = every(connection, select(PARTNER_MEMBERSHIPS), PartnerMembership)
    return {row.peer: row for row in found}


def keep_answer(unit: Unit, row: PartnerMembership) -> None:
    """Write down what a partner said, or why it did not; what it said before stays then."""
    values: dict[str, str | int | None] = {"code": row.code, "asked_at": row.asked_at}
    if row.code is None:
        values |= {"serial": row.serial, "digest": row.digest}
    if unit.update(PARTNER_MEMBERSHIPS, {"peer": row.peer}, values) is None:
        unit.insert(PARTNER_MEMBERSHIPS, {"peer": row.peer} | values)
