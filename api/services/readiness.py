"""Whether the node can do its work now; each check is cheap and named.

Owns the meaning of ``/readyz``.
"""

from api.domain.errors import ComityError
from api.records import migrating
from api.services.node import Node
from api.wire.keys import Purpose


def checks(node: Node) -> dict[str, bool]:
    """Return check name → passed: database, its revision, signing keys, store, clock."""
    return {
        "database": node.db.healthy(),
        "schema": _schema(node),
        "keys": all(len(node.signer.keys(purpose)) > 0 for purpose in (Purpose.SEAL, Purpose.LOG)),
        "store": _store(node),
        "clock": node.clock.now().year >= 2026,  # noqa: PLR2004 - this program's own year
    }


def _schema(node: Node) -> bool:
    try:
        return bool(migrating.at_head(node.db.engine))
    except Exception:  # noqa: BLE001 - whatever stops the look, the node is not ready
        return False


def _store(node: Node) -> bool:
    try:
        node.store.probe()
    except ComityError:
        return False
    return True
