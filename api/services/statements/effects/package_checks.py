"""What a package and its releases are judged against: exhibits, releases and recalls held here.

Owns look-ups that several effects of ``evidence`` share, and superseding.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from api.domain.decisions import ALLOWED, Decision, refuse
from api.domain.errors import Invalid
from api.domain.evidence import PackageState
from api.domain.reliance import Change, RelianceKind
from api.records import packages, statements
from api.records.package_rows import Exhibit, Package
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects import reliance
from api.wire.statements import Statement


def sizes_of(body: Mapping[str, Any]) -> dict[str, int]:
    """Return the sizes that a package states, by digest."""
    return {str(item["digest"]): int(item["size"]) for item in body["exhibits"]}


def require_sizes(here: Mapping[str, Exhibit], sizes: Mapping[str, int]) -> None:
    """Refuse exhibits whose stated size is not that of their stored bytes.

    Args:
        here: rows of the exhibits that are known here, by digest.
        sizes: what is stated of each digest, in bytes.

    Raises:
        Invalid: ``exhibit.size-mismatch``.
    """
    if packages.mismatched(here, sizes):
        raise Invalid(
            "exhibit.size-mismatch", "State the size that the exhibit's stored bytes have."
        )


def fits_releases(
    node: Node, connection: Connection, release: Statement, package: Statement
) -> Decision:
    """Judge a partner's release against the releases of that package that are here.

    Exhibits that are here for other packages decide nothing: the answer would tell of them.
    """
    replaced = release.body.get("supersedes_release")
    held = packages.active_release(connection, package.id, node.ministry)
    if held is not None and held.id != replaced:
        return refuse("release.duplicate", "This package is already held under a release.")
    older = packages.release_by_id(connection, replaced) if isinstance(replaced, str) else None
    if older is not None and (older.package, older.issuer) != (package.id, release.issuer):
        return refuse("release.supersedes-other", "It names a release of something else.")
    return ALLOWED


def recalled_before(connection: Connection, package: Statement, known: Package | None) -> bool:
    """Tell whether a package was recalled here, or before it came."""
    if known is not None:
        return bool(known.state == "recalled")
    before = statements.about(connection, package.id, "recall/1")
    return any(row.issuer == package.issuer for row in before)


def supersede(node: Node, unit: Unit, package: str, older: str | None) -> None:
    """Let a released package take the place of an older one of the same originator, once.

    Args:
        node: this node.
        unit: the open unit of work.
        package: the newer package, which is being released or has come.
        older: the one that it names; ``None`` for none.
    """
    if older is None:
        return
    unit.lock(f"package {older}")
    row = packages.by_id(unit.connection, older)
    if row is None or row.superseded_by is not None or row.state is PackageState.RECALLED:
        return
    values = {"state": PackageState.SUPERSEDED.value, "superseded_by": package}
    unit.update(packages.PACKAGES, {"id": older}, values, expect={"superseded_by": None})
    reliance.open_reviews(node, unit, Change.SUPERSEDED, (RelianceKind.PACKAGE, older), package)
