"""Releases taken back before they arrive, and refusals that are mended (PROTOCOL §9)."""

import pytest

from api.domain.errors import Conflict, NotFound, Refused
from api.records import designations, packages, streams
from api.services.desk import withdrawing
from api.services.desk.withdrawing import Reach
from api.services.log import checkpoints
from api.services.road.delivering import compose
from api.services.statements.effects import EFFECTS, designation_record
from tests.support import exchange
from tests.support.federation import Federation

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


def holder(federation: Federation, package: str) -> str | None:
    rows = federation[US].db.read(lambda c: packages.holders_of(c, package))
    return {row.ministry: row.state.value for row in rows}.get(UK)


def withdraw(federation: Federation, package: str, release: str, by: str = "reviewer") -> Reach:
    officer = federation.officer(US, by)
    return withdrawing.withdraw(federation[US], officer, package, release).reach


def test_before_its_message_is_composed_nothing_leaves(federation: Federation) -> None:
    package = exchange.package(federation, US)
    release = exchange.release(federation, US, package, UK)
    with pytest.raises(Refused):
        withdraw(federation, package, release, by="analyst")
    assert withdraw(federation, package, release) is Reach.NOT_SENT
    federation.settle()
    assert federation[UK].db.read(lambda c: packages.by_id(c, package)) is None
    assert holder(federation, package) is None
    row = federation[US].db.read(lambda c: packages.by_id(c, package))
    assert row is not None
    assert row.state == "submitted"
    with pytest.raises(Conflict):
        withdraw(federation, package, release)
    again = exchange.release(federation, US, package, UK)
    federation.settle()
    assert again != release
    assert holder(federation, package) == "applied"


def test_after_its_message_is_composed_the_recipient_perhaps_has_it(
    federation: Federation,
) -> None:
    package = exchange.package(federation, US)
    release = exchange.release(federation, US, package, UK)
    checkpoints.integrate(federation[US], "test")
    assert compose(federation[US], UK) is not None
    assert withdraw(federation, package, release) is Reach.PERHAPS_RECEIVED
    assert holder(federation, package) == "perhaps-received"
    assert federation[US].db.read(lambda c: packages.active_release(c, package, UK)) is None


def test_what_was_receipted_is_recalled_instead(federation: Federation) -> None:
    package = exchange.package(federation, US)
    release = exchange.release(federation, US, package, UK)
    federation.settle()
    with pytest.raises(Conflict) as refused:
        withdraw(federation, package, release)
    assert refused.value.code == "release.received"
    with pytest.raises(NotFound):
        withdraw(federation, package, f"sha256:{'0' * 64}")


# ---- a refusal can be mended -------------------------------------------------------------------


def test_what_a_partner_refused_is_not_told_and_can_be_told_again_once(
    federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(
            EFFECTS["designation/1"], "receive", lambda *_: exchange.refused("instants.zone")
        )
        first = exchange.designate(federation, US, "A Person", to=(UK,))
        federation.settle()
    told = federation[US].db.read(lambda c: streams.disposition_of(c, UK, first))
    assert told is not None
    assert (told.code, told.detail) == ("instants.zone", "For the test.")
    assert federation[US].db.read(lambda c: designation_record.known_to(c, first)) == frozenset()
    with pytest.raises(Conflict):
        exchange.designate(federation, US, "A Person", to=(UK, CA), restates=first)
    again = exchange.designate(federation, US, "A Person", to=(UK,), restates=first)
    federation.settle()
    standing = federation[US].db.read(designation_record.all_standing)
    assert [one.id for one in standing] == [again], "coverage counts it once"
    assert federation[UK].db.read(lambda c: designations.by_id(c, again)) is not None
    with pytest.raises(Conflict) as refused:
        exchange.designate(federation, US, "A Person", to=(UK,), restates=first)
    assert refused.value.code == "statement.restates"


def test_what_was_applied_is_not_told_again(federation: Federation) -> None:
    first = exchange.designate(federation, US, "A Person", to=(UK,))
    federation.settle()
    with pytest.raises(Conflict):
        exchange.designate(federation, US, "A Person", to=(UK,), restates=first)
    with pytest.raises(NotFound):
        exchange.designate(federation, US, "A Person", to=(UK,), restates=f"sha256:{'1' * 64}")
