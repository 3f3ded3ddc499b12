"""Packages in preparation: what an analyst writes in the browser before signing it.

Owns the table ``package_papers``. It is volatile: a paper counts for nothing. What its author signs
is what the page showed of it then, and the signature covers every byte of that.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, select
from sqlalchemy.engine import RowMapping

from api.records.metadata import METADATA, VOLATILE

PACKAGE_PAPERS = Table(
    "package_papers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("officer", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Index("ix_package_papers_officer", "officer", "updated_at"),
    info=VOLATILE,
)


@dataclass(frozen=True, slots=True)
class PackagePaper:
    """One package in preparation.

    Attributes:
        id: 32 hex digits.
        officer: officer record of its author, who alone sees it.
        version: from 1; rises with each change.
        nonce: of the statement that it becomes, base64url.
        body: the body of ``evidence-package/1`` as far as it is written.
        created_at: RFC 3339 UTC.
        updated_at: RFC 3339 UTC.
    """

    id: str
    officer: str
    version: int
    nonce: str
    body: dict[str, Any]
    created_at: str
    updated_at: str


def by_id(connection: Connection, paper_id: str) -> PackagePaper | None:
    """Return a paper."""
    table = PACKAGE_PAPERS
    row = connection.execute(select(table).where(table.c.id == paper_id)).mappings().one_or_none()
    return None if row is None else _paper(row)


def of_officer(connection: Connection, officer: str) -> Sequence[PackagePaper]:
    """Return an officer's papers, the last changed first."""
    table = PACKAGE_PAPERS
    order = (table.c.updated_at.desc(), table.c.id.desc())
    query = select(table).where(table.c.officer == officer).order_by(*order)
    return [_paper(row) for row in connection.execute(query).mappings()]


def _paper(row: RowMapping) -> PackagePaper:
    return PackagePaper(**{**row, "body": json.loads(row["body"])})
