"""Nonces that drafts and packages of this ministry took: one each, whoever comes first.

Owns the table ``claimed_nonces``. Its key settles calls that meet; what was taken earlier is found
in drafts and statements by the insert itself, so that nothing is lost with this table.
"""

from sqlalchemy import Column, Table, Text, bindparam, exists, insert, select

from api.records.collected import InsertForm, Taken
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


_NONCE, _ISSUER = bindparam("nonce", type_=Text), bindparam("issuer", type_=Text)
_DRAFTED = exists().where(DRAFTS.c.nonce == _NONCE)
_TOLD = exists().where(STATEMENTS.c.issuer == _ISSUER, STATEMENTS.c.nonce == _NONCE)
_UNLESS_USED = InsertForm(
    CLAIMED_NONCES,
    insert(CLAIMED_NONCES).from_select(["nonce"], select(_NONCE).where(~_DRAFTED, ~_TOLD)),
    ("nonce", "issuer"),
    _taken,
)


def claim(unit: Unit, ministry: str, nonce: str) -> None:
    """Take a nonce for a draft or statement of this ministry; call before either is inserted.

    The unit fails with ``Taken`` of this table where another draft or statement has it.
    """
    unit.insert_as(_UNLESS_USED, {"nonce": nonce, "issuer": ministry})
