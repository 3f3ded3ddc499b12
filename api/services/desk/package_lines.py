"""Packages in lines of other pages: titles, subjects to choose, releases to show; many at a time.

Owns those views. Each asks the database for all packages together, because a form offers hundreds;
what the caller may not read, or a recall keeps shut, is left out.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from api.domain.evidence import PackageState, ReleaseState
from api.domain.notation import Digest
from api.records import packages, subjects
from api.records.package_rows import Package
from api.services import visibility
from api.services.authorising import Caller
from api.services.desk import evidence, recalls
from api.services.desk.package_views import PackageSummary
from api.services.node import Node
from api.services.visibility import ObjectKind


@dataclass(frozen=True, slots=True)
class DescribedHere:
    """A subject that a package describes.

    Attributes:
        package: its id.
        title: of the package.
        key: the subject inside the package.
        name: the first that the package writes.
    """

    package: Digest
    title: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Given:
    """A package that this ministry released to another, and that can be shown with a request."""

    release: Digest
    package: Digest
    title: str
    recipient: str


def titles(node: Node, caller: Caller, ids: Iterable[str]) -> Mapping[str, str]:
    """Return the titles of packages by id; those that the caller may not read are absent."""
    return {one.id: one.title for one in _readable(node, caller, ids)}


def _readable(node: Node, caller: Caller, ids: Iterable[str]) -> list[Package]:
    wanted = [(ObjectKind.PACKAGE.value, id_) for id_ in ids]
    if not wanted:
        return []
    seen = sorted(id_ for _, id_ in visibility.readable(node, caller, wanted))
    return list(node.db.read(lambda connection: packages.by_ids(connection, seen)).values())


def subjects_to_choose(
    node: Node, caller: Caller, limit: int, also: Iterable[str] = ()
) -> list[DescribedHere]:
    """Return the subjects of the newest packages, and of these others, package by package."""
    listed: list[PackageSummary | Package] = [*evidence.packages_page(node, caller, limit=limit)]
    listed += _readable(node, caller, sorted({*also} - {one.id for one in listed}))
    shut = _shut(node, caller, listed)
    ids = [one.id for one in listed if one.id not in shut]
    found = node.db.read(lambda connection: subjects.keys_by_object(connection, ids))
    return [
        DescribedHere(one.id, one.title, key, next(iter(json.loads(names)), ""))
        for one in listed
        # Keys count: s2 stands before s10.
        for key, names in sorted(found.get(one.id, ()), key=lambda row: (len(row[0]), row[0]))
    ]


def _shut(node: Node, caller: Caller, listed: Sequence[PackageSummary | Package]) -> set[str]:
    """Return the packages that a recall keeps shut for the caller."""
    recalled = {one.id for one in listed if one.state is PackageState.RECALLED}
    if not recalled:
        return set()
    places = [(ObjectKind.PACKAGE.value, id_) for id_ in recalled]
    return recalled - {id_ for _, id_ in recalls.described_to(node, caller, places)}


def given(node: Node, caller: Caller, limit: int) -> list[Given]:
    """Return this ministry's standing releases of the newest released packages."""
    listed = evidence.packages_page(node, caller, limit=limit, state=PackageState.RELEASED.value)
    ids = [one.id for one in listed]
    found = node.db.read(lambda connection: packages.releases_of_many(connection, ids))
    return [
        Given(release.id, one.id, one.title, release.recipient)
        for one in listed
        for release in found.get(one.id, ())
        if release.issuer == node.ministry and release.state is ReleaseState.ACTIVE
    ]
