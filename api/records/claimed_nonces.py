"""Nonces that drafts and packages of this ministry took: one each, whoever comes first.

Owns the table ``claimed_nonces``. Its key settles calls that meet; what was taken earlier is found
in drafts and statements (``drafts.nonce_is_used``), so that nothing is lost with this table.
"""

from sqlalchemy import Column, Table, Text

from api.records.metadata import METADATA, VOLATILE
from api.records.unit_of_work import Unit

CLAIMED_NONCES = Table(
    "claimed_nonces",
    METADATA,
    Column("nonce", Text, primary_key=True),
    info=VOLATILE,
)


def claim(unit: Unit, nonce: str) -> None:
    """Take a nonce; the unit fails with ``Taken`` of this table where another one has it."""
    unit.insert(CLAIMED_NONCES, {"nonce": nonce})
