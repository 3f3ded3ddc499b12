"""Originator control follows the bytes; superseding takes effect with the release."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import Conflict, Invalid, Refused
from api.records import packages
from api.services.desk import evidence
from api.services.desk.acquisitions import NewAcquisition, record_acquisition
from api.services.statements import drafting
from api.services.statements.draft_form import DraftView
from api.wire.statements import Content
from tests.support import exchange
from tests.support.bodies import body
from tests.support.federation import Federation

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path)
    yield made
    made.close()


def exhibit_of(federation: Federation, ministry: str, package: str) -> str:
    rows = federation[ministry].db.read(lambda c: packages.exhibits_of(c, package))
    return rows[0].digest


def given(federation: Federation, title: str = "Theirs", *, control: bool = True) -> str:
    """A package of the US, released to the UK, its exhibit fetched; returns the digest."""
    package = exchange.package(federation, US, title)
    marking = {**body("release/1")["marking"], "originator_control": control}
    content = {**body("release/1"), "package": package, "recipient": UK, "marking": marking}
    exchange.issue(federation, US, "release/1", (UK,), content)
    federation.settle()
    return exhibit_of(federation, US, package)


def repackaged(federation: Federation, digest: str, title: str = "Ours") -> str:
    """The same bytes in a package of the UK's own."""
    size = federation[UK].store.head(digest)
    assert size is not None
    exhibit = {**body("evidence-package/1")["exhibits"][0], "digest": digest, "size": size.size}
    claim = {**body("evidence-package/1")["claims"][0], "exhibits": [exhibit["label"]]}
    return exchange.package(federation, UK, title, exhibits=[exhibit], claims=[claim])


def release(federation: Federation, package: str, **members: Any) -> DraftView:
    content = {**body("release/1"), "package": package, "recipient": CA, **members}
    analyst = federation.officer(UK, "analyst")
    return drafting.create(federation[UK], analyst, Content("release/1", (CA,), content))


def test_bytes_under_control_are_not_released_in_an_own_package(federation: Federation) -> None:
    package = repackaged(federation, given(federation))
    with pytest.raises(Conflict) as refusal:
        release(federation, package)
    assert refusal.value.code == "release.originator-control"


def test_without_control_they_may_be(federation: Federation) -> None:
    package = repackaged(federation, given(federation, control=False))
    assert release(federation, package).state == "drafted"


def test_what_was_here_before_is_ones_own(federation: Federation) -> None:
    """An officer stored the bytes before any partner sent them."""
    own = exchange.package(federation, UK, "Held first")
    digest = exhibit_of(federation, UK, own)
    theirs = exchange.package(federation, US, "Held first")
    assert exhibit_of(federation, US, theirs) == digest
    exchange.release(federation, US, theirs, UK)
    federation.settle()
    assert release(federation, own).state == "drafted"


def test_a_reviewer_outside_the_authors_records_an_independent_acquisition(
    federation: Federation,
) -> None:
    digest = given(federation)
    package = repackaged(federation, digest)
    uk = federation[UK]
    new = NewAcquisition(digest, "Public archive, box 7", "A. Collector", "2026-03")
    with pytest.raises(Refused):
        record_acquisition(uk, federation.officer(UK, "analyst"), package, new)
    stated = {
        "exhibit": digest,
        "source": "Public archive, box 7",
        "collector": "A. Collector",
        "collected": "2026-03",
    }
    with pytest.raises(Invalid) as unkept:
        release(federation, package, acquired_independently=[stated])
    assert unkept.value.code == "release.acquisition"
    record_acquisition(uk, federation.officer(UK, "reviewer"), package, new)
    with pytest.raises(Conflict):
        release(federation, package)
    made = release(federation, package, acquired_independently=[stated])
    exchange.approve(federation, UK, made)
    federation.settle()
    seen = evidence.read(federation[CA], federation.officer(CA, "analyst"), package)
    (shown,) = seen.releases[0].acquired_independently
    assert (shown.exhibit, shown.source) == (digest, "Public archive, box 7")


def test_superseding_takes_effect_when_the_new_package_is_released(
    federation: Federation,
) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    first = exchange.package(federation, US, "First")
    exchange.release(federation, US, first, UK)
    federation.settle()
    second = exchange.package(federation, US, "Second", supersedes=first)
    assert evidence.read(us, analyst, first).state == "released"
    exchange.release(federation, US, second, UK)
    federation.settle()
    for ministry in (US, UK):
        view = evidence.read(federation[ministry], federation.officer(ministry, "analyst"), first)
        assert (view.state, view.superseded_by) == ("superseded", second)
