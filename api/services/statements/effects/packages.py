"""Evidence packages and who holds them: the rows of a package, whoever made it, written in one way.

Owns ``EvidencePackageEffect`` and what the effects of release, recall and onward consent share. A
package is a statement like others: its own submission, its coming along with a partner's release
and its recovery all end in :func:`keep`. A package that came along is held because the release's
effect says so; the package itself is never judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from typing_extensions import override

from api.domain import evidence as rules
from api.domain.decisions import Decision, refuse
from api.domain.errors import ComityError, Conflict, NotFound
from api.domain.events import Act, Subject
from api.records import packages, statements
from api.records.offered_exhibits import offered_exhibits
from api.records.package_rows import Exhibit, Package
from api.records.unit_of_work import Unit
from api.services.node import Node
from api.services.statements.effects.base import (
    Consequence,
    Effect,
    Issued,
    Plain,
    Received,
    opened,
)
from api.services.statements.effects.descriptions import note
from api.services.statements.effects.package_checks import require_sizes, sizes_of
from api.wire.statements import Content, Statement

AWAITED, CAME = "awaited", "came"
"""How an exhibit of a received package stands with the ministry that released it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How a package comes to be here.

    Attributes:
        state: ``submitted`` or ``received``.
        at: the node's clock.
        prepared_by: person id of the own author.
        release: id of the release that brought it.
        exhibits: see ``Issued``.
    """

    state: rules.PackageState
    at: str
    prepared_by: str | None = None
    release: str | None = None
    exhibits: Mapping[str, Exhibit] | None = None


class EvidencePackageEffect(Plain):
    """A package of this ministry: it stays home until it is released."""

    def check(self, node: Node, connection: Connection, content: Content) -> None:
        """Judge its exhibits' sizes and the package that it supersedes."""
        look_up(node, connection, content.body)

    def issue(self, node: Node, unit: Unit, issued: Issued) -> Consequence:
        """Write the package down; the one it supersedes ends when this one is first released."""
        if issued.statement.body.get("supersedes") is not None:
            require_current(node, unit.connection, issued.statement.body)
        return self.repeat(unit, issued)

    @override
    def repeat(self, unit: Unit, issued: Issued) -> Consequence:
        """Write the package down."""
        package = issued.statement
        state = rules.PackageState.SUBMITTED
        kept = Kept(state, issued.at, prepared_by=issued.person or None, exhibits=issued.exhibits)
        keep(unit, package, kept)
        return Consequence(Act.PACKAGE_SUBMITTED, Subject("package", package.id))

    @override
    def receive(self, _node: Node, _unit: Unit, _received: Received) -> Decision:
        """A package names no recipient and so never arrives by itself."""
        return refuse("statement.audience", "A package comes along with its release.")


def look_up(node: Node, connection: Connection, body: Mapping[str, Any]) -> Mapping[str, Exhibit]:
    """Judge a package's exhibits' sizes and what it supersedes; return what is here of them.

    One statement, unless it supersedes a package.

    Raises:
        Invalid: ``exhibit.size-mismatch``.
        NotFound: ``package.unknown``.
        Conflict: ``package.not-current``, ``recall.unanswered``.
    """
    sizes = sizes_of(body)
    here = offered_exhibits(connection, node.ministry, list(sizes))
    require_sizes(here, sizes)
    # Else one's own package would open what a recall shuts, and keep what its answer destroys.
    if any(one.under_recall for one in here.values()):
        raise Conflict(
            "recall.unanswered",
            "A partner recalled an exhibit that this package lists: answer the recall first.",
        )
    require_current(node, connection, body)
    return here


def require_current(node: Node, connection: Connection, body: Mapping[str, Any]) -> None:
    """Refuse to supersede what is not an own package that still counts.

    Raises:
        NotFound: ``package.unknown``.
        Conflict: ``package.not-current``.
    """
    older = body.get("supersedes")
    if older is None:
        return
    row = packages.by_id(connection, str(older))
    if row is None or row.originator != node.ministry:
        raise NotFound("package.unknown", "The package to supersede is not one of this ministry.")
    if row.state not in {"submitted", "released", "returned"}:
        raise Conflict(
            "package.not-current", "A superseded or recalled package is not superseded again."
        )


def keep(unit: Unit, package: Statement, kept: Kept) -> None:
    """Write the rows of a package that is new here: itself, its subjects, its exhibits.

    Exhibits that were never here are awaited; so are, for a received package, those that are: they
    come once more from who released it, so that nobody learns what is held (PROTOCOL §9).
    """
    body: dict[str, Any] = package.body
    note(unit, "package", package.id, package.issuer, body["subjects"], fresh=True)
    unit.insert(
        packages.PACKAGES,
        {
            "id": package.id,
            "originator": package.issuer,
            "title": body["title"],
            "state": kept.state.value,
            "prepared_by": kept.prepared_by,
            "submitted_at": kept.at,
            "supersedes": body.get("supersedes"),
            "release": kept.release,
        },
    )
    received = kept.state is rules.PackageState.RECEIVED
    rows = packages.exhibit_rows(package.id, body["exhibits"])
    unit.insert(
        packages.PACKAGE_EXHIBITS,
        [row | {"arrival": AWAITED if received else None} for row in rows],
    )
    wanted = {item["digest"]: item["size"] for item in body["exhibits"]}
    known = _here(unit, kept, list(wanted))
    unit.insert(
        packages.EXHIBITS,
        [
            {"digest": digest, "size": size, "state": AWAITED}
            for digest, size in wanted.items()
            if digest not in known
        ],
    )
    gone = [(name,) for name, row in known.items() if row.state == "destroyed"]
    unit.update_many(packages.EXHIBITS, gone, {"state": AWAITED})
    if received or gone:
        unit.ring("exhibits")


def _here(unit: Unit, kept: Kept, digests: Sequence[str]) -> Mapping[str, Exhibit]:
    """Return the exhibits' rows: presumed as read before, or read now.

    A row never goes away, and one that came meanwhile makes the insert fail and the unit run again.
    """
    if kept.exhibits is not None and unit.presumes():
        return kept.exhibits
    return packages.exhibits_by_digest(unit.connection, digests)


def package_body(connection: Connection, package_id: str) -> dict[str, Any]:
    """Return the body of a stored package.

    Raises:
        NotFound: ``package.unknown``.
    """
    row = statements.by_id(connection, package_id)
    if row is None:
        raise NotFound("package.unknown", "There is no such package here.")
    return opened(row).body


def holders(connection: Connection, package_id: str) -> list[str]:
    """Return the ministries that hold a package by release or consent."""
    return [row.ministry for row in packages.holders_of(connection, package_id)]


def hold(unit: Unit, package: str, ministry: str, release: str, state: str) -> None:
    """Note that a ministry holds a package; a holder by consent becomes one by release."""
    key = {"package": package, "ministry": ministry}
    values = {"release": release, "state": state, "held": None, "held_at": None}
    if unit.update(packages.HOLDERS, key, values) is None:
        unit.insert(packages.HOLDERS, {**key, **values})


def known(connection: Connection, package_id: str) -> Package:
    """Return a package's row.

    Raises:
        NotFound: ``package.unknown``.
    """
    row = packages.by_id(connection, package_id)
    if row is None:
        raise NotFound("package.unknown", "There is no such package here.")
    return row


def locked(unit: Unit, package_id: str) -> Package:
    """Return a package that nothing else changes, releases or recalls until the unit has ended."""
    unit.lock(f"package {package_id}")
    return known(unit.connection, package_id)


def require(verdict: Decision, kind: type[ComityError]) -> None:
    """Raise what a rule refused, as this kind of error."""
    if not verdict:
        raise kind(verdict.code, verdict.reason)


def marking_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the marking in a body (empty if there is none)."""
    marking = body.get("marking")
    return marking if isinstance(marking, Mapping) else {}


def end_releases(unit: Unit, package: str) -> None:
    """End every active release of a recalled package."""
    active = [
        (row.id,) for row in packages.releases_of(unit.connection, package) if row.state == "active"
    ]
    unit.update_many(packages.RELEASES, active, {"state": "recalled"})


EFFECTS: Mapping[str, Effect] = {"evidence-package/1": EvidencePackageEffect()}
