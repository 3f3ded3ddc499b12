"""Exhibits in the store: is every one that the database says is held really there, byte for byte.

Owns the table ``exhibits`` against the store. Files without a row are counted, not found fault
with: a file is always stored before its row (``api.ports.store``).
"""

from typing import Final

from sqlalchemy import select

from api.domain.errors import ComityError
from api.ports.store import ExhibitStore
from api.records.packages import EXHIBITS
from api.services.fsck.scope import Scope

_HELD: Final = "held"
_ERASED: Final = "erased"


def check_exhibits(scope: Scope, store: ExhibitStore) -> None:
    """Read every held exhibit and compare its digest and size with its row."""
    rows = scope.connection.execute(select(EXHIBITS).order_by(EXHIBITS.c.digest)).mappings()
    for row in rows:
        fault = None
        if row["state"] == _HELD:
            fault = _fault(store, row["digest"], row["size"])
        elif row["state"] == _ERASED and store.head(row["digest"]) is not None:
            fault = "The exhibit was erased under an order, and its bytes are there."
        if fault is not None:
            scope.findings.add("fsck.exhibit", EXHIBITS.name, [row["digest"]], fault)


def _fault(store: ExhibitStore, digest: str, size: int) -> str | None:
    try:
        stored = store.head(digest)
        if stored is None:
            return "The exhibit is not in the store."
        if stored.size != size or not store.verify(digest):
            return "The store holds other bytes under this exhibit's name."
    except ComityError as problem:
        return f"The exhibit cannot be read ({problem.code})."
    return None
