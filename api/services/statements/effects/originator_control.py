"""Originator control follows the bytes (PROTOCOL §9).

Owns the question whether exhibits of an own package are under a partner's control: bytes that came
from a partner under a release with originator control, and that no officer here had stored before.
That partner's newest release decides. Such a package is not released, unless a reviewer recorded
that the same bytes were acquired independently; the record is then in the release, and names no
other package. Changed bytes escape; the threat model says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from api.domain.errors import Conflict, Invalid
from api.domain.markings import Marking
from api.records import log, packages, statements
from api.records.acquisitions import Acquisition, acquisitions_of
from api.records.package_rows import Package, Release
from api.services.node import Node
from api.services.statements.effects.base import opened

MEMBER = "acquired_independently"


def controlled(node: Node, connection: Connection, package_id: str) -> dict[str, str]:
    """Return the exhibits of a package that are under a partner's control, with the partner."""
    digests = [one.digest for one in packages.exhibits_of(connection, package_id)]
    found = {}
    for digest, partner in log.received_exhibits(connection, digests).items():
        newest = _newest_release(node, connection, digest, partner)
        if newest is not None and _has_control(connection, newest):
            found[digest] = partner
    return found


def _newest_release(
    node: Node, connection: Connection, digest: str, partner: str
) -> Release | None:
    given = [
        release
        for package in packages.packages_with(connection, digest)
        for release in packages.releases_of(connection, package.id)
        if (release.issuer, release.recipient) == (partner, node.ministry)
    ]
    return max(given, key=lambda one: (one.released_at, one.id), default=None)


def _has_control(connection: Connection, release: Release) -> bool:
    row = statements.by_id(connection, release.id)
    marking: Any = opened(row).body.get("marking") if row is not None else None
    return Marking.of(marking if isinstance(marking, Mapping) else {}).originator_control


def as_stated(record: Acquisition) -> dict[str, str]:
    """Return a record as a release states it."""
    return {
        "exhibit": record.exhibit,
        "source": record.source,
        "collector": record.collector,
        "collected": record.collected,
    }


def require_free(
    node: Node, connection: Connection, package: Package, body: Mapping[str, Any]
) -> None:
    """Refuse to release an own package whose exhibits a partner controls.

    Raises:
        Conflict: ``release.originator-control``.
        Invalid: ``release.acquisition``: the release states another record than is kept here.
    """
    kept = [as_stated(one) for one in acquisitions_of(connection, package.id)]
    stated = _stated(body)
    if any(one not in kept for one in stated):
        raise Invalid(
            "release.acquisition", "State the records of independent acquisition as they are kept."
        )
    free = {one["exhibit"] for one in stated}
    bound = {digest for digest in controlled(node, connection, package.id) if digest not in free}
    if bound:
        raise Conflict(
            "release.originator-control",
            "A partner controls an exhibit of this package: pass the partner's package on instead, "
            "or have a reviewer record that it was acquired independently.",
            exhibits=sorted(bound),
        )


def _stated(body: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    stated = body.get(MEMBER)
    return stated if isinstance(stated, list | tuple) else ()
