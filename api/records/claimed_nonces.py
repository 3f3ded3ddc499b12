"""Nonces that drafts and packages of this ministry took: one each, whoever comes first.

Owns the table ``claimed_nonces``. Its key settles calls that meet; what was taken earlier is found
in drafts and statements by the insert itself, so that nothing is lost with this table.
"""

from sqlalchemy import Column, ColumnElement, Table, Text, exists

from api.records.collected import InsertForm, Taken, Value
from api.records.drafts import DRAFTS
from api.records.metadata import METADATA, VOLATILE
from api.records.statements import STATEMENTS
from api.records.unit_of_work import Unit

CLAIMED_NONCES = Table(
    "claimed_nonces",
    METADATA,
    Column("nonce", Text, primary_key=True),
    info=VOLATILE,
)


def _taken() -> Taken:
    return Taken(CLAIMED_NONCES.name)


def _unused(row: Value) -> ColumnElement[bool]:
    drafted = exists().where(DRAFTS.c.nonce == row("nonce"))
    told = exists().where(STATEMENTS.c.issuer == row("issuer"), STATEMENTS.c.nonce == row("nonce"))
    return ~drafted & ~told


_UNLESS_USED = InsertForm(CLAIMED_NONCES, ("nonce",), _unused, _taken, beside=("issuer",))


def claim(unit: Unit, ministry: str, nonce: str) -> None:
    """Take a nonce for a draft or statement of this ministry; call before either is inserted.

    The unit fails with ``Taken`` of this table where another draft or statement has it.
    """
    unit.insert_as(_UNLESS_USED, {"nonce": nonce, "issuer": ministry})
