"""Exhibits in the store: is every one that the database says is held really there, byte for byte.

Owns the table ``exhibits`` against the store. A whole file without a row is counted, not found
fault with: a file is always stored before its row (``api.ports.store``). One that holds other bytes
than its name says was not stored by this program.
"""

from sqlalchemy import select

from api.domain.errors import ComityError
from api.domain.evidence import ExhibitState
from api.ports.store import ExhibitStore
from api.records.package_rows import Exhibit
from api.records.packages import EXHIBITS
from api.services.audit.fsck.reading import stored_rows
from api.services.audit.fsck.scope import Scope


def check_exhibits(scope: Scope, store: ExhibitStore) -> None:
    """Read every held exhibit and compare its digest and size with its row."""
    for row in stored_rows(scope, EXHIBITS, Exhibit, select(EXHIBITS).order_by(EXHIBITS.c.digest)):
        fault = None
        if row.state == ExhibitState.HELD:
            fault = _fault(store, row.digest, row.size)
        elif row.state == ExhibitState.ERASED:
            fault = _remains(store, row.digest)
        if fault is not None:
            index = scope.journal.leaf(EXHIBITS.name, [row.digest])
            scope.findings.add("fsck.exhibit", EXHIBITS.name, [row.digest], fault, index=index)
    _check_files(scope, store)


def _check_files(scope: Scope, store: ExhibitStore) -> None:
    """Look at the files that no row knows."""
    try:
        for stored in store.list():
            query = select(EXHIBITS.c.digest).where(EXHIBITS.c.digest == stored.digest)
            if scope.connection.execute(query).first() is not None:
                continue
            fault = _fault(store, stored.digest, stored.size)
            if fault is None:
                scope.gaps["unclaimed"] += 1
            else:
                scope.findings.add("fsck.exhibit", EXHIBITS.name, [stored.digest], fault)
    except ComityError as problem:
        detail = f"The store's files cannot be listed ({problem.code})."
        scope.findings.add("fsck.exhibit", EXHIBITS.name, None, detail)


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


def _remains(store: ExhibitStore, digest: str) -> str | None:
    try:
        if store.head(digest) is None:
            return None
    except ComityError as problem:
        return f"The store cannot be asked for the exhibit ({problem.code})."
    return "The exhibit was erased under an order, and its bytes are there."
