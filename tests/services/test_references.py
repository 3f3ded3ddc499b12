"""The first digits of an id name an object, for those who may know of it and for nobody else."""

from collections.abc import Iterator

import pytest

from api.domain.errors import Invalid, Refused
from api.services.desk import officers, recusing, references, watching
from api.services.desk.officers import NewOfficer
from api.services.desk.recusing import Aside
from tests.support import exchange
from tests.support.exchange import UK, US
from tests.support.federation import ISSUER, Federation


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("references"))
    yield made
    made.close()


def found(
    federation: Federation, who: str, prefix: str, ministry: str = US
) -> list[tuple[str, str, str]]:
    caller = federation.officer(ministry, who)
    items = references.find_references(federation[ministry], caller, prefix)
    return [(one.kind, one.id, one.title) for one in items]


def test_eight_digits_name_what_the_caller_may_read(federation: Federation) -> None:
    package = exchange.package(federation, US, "By eight digits")
    digits = package.removeprefix("sha256:")[:8]
    expected = [("package", package, "By eight digits")]
    assert found(federation, "analyst", digits) == expected
    assert found(federation, "reviewer", f"sha256:{digits}") == expected
    assert found(federation, "analyst", package) == expected
    for blind in ("admin", "auditor"):
        assert found(federation, blind, digits) == []
    assert found(federation, "analyst", digits, UK) == []


def test_who_stands_aside_finds_nothing_while_a_colleague_does(federation: Federation) -> None:
    package = exchange.package(federation, US, "Hidden by a recusal")
    thing = exchange.draft(
        federation,
        US,
        "release/1",
        (UK,),
        {**exchange.body("release/1"), "package": package, "recipient": UK},
    )
    analyst = federation.officer(US, "analyst2")
    recusing.recuse(federation[US], analyst, Aside("", package, "A relative is named."))
    for id_ in (package, thing.id):
        digits = id_.removeprefix("sha256:")[:20]
        assert found(federation, "analyst2", digits) == []
        assert [one[1] for one in found(federation, "analyst", digits)] == [id_]


def test_a_watch_on_what_is_hidden_is_not_found(federation: Federation) -> None:
    us = federation[US]
    listed = exchange.designate(federation, US, "Watched Body")
    made = watching.watch(us, federation.officer(US, "analyst"), f"designation:{listed}", "Mine.")
    assert found(federation, "analyst2", made.id) == [("watch", made.id, "")]
    recusing.recuse(us, federation.officer(US, "analyst2"), Aside("", listed, "A relative."))
    assert found(federation, "analyst2", made.id) == []
    assert found(federation, "analyst", made.id) == [("watch", made.id, "")]


def test_all_that_begin_so_are_named(federation: Federation) -> None:
    """Identifiers of one node begin alike: they are ordered by time."""
    drafts = [
        exchange.draft(
            federation,
            US,
            "designation/1",
            (UK,),
            exchange.body(
                "designation/1",
                subject=exchange.person(f"Person {number}"),
                jurisdiction="US",
                regime="US-GLOMAG",
                mirrors=[],
            ),
        ).id
        for number in range(2)
    ]
    both = [one[1] for one in found(federation, "analyst", drafts[0][:8])]
    assert set(drafts) <= set(both)
    assert [one[1] for one in found(federation, "analyst", drafts[0][:20])] == [drafts[0]]


def test_registers_are_for_those_who_read_them(federation: Federation) -> None:
    admin = federation.officer(US, "admin")
    new = NewOfficer("Short Reference", [(ISSUER, "short")])
    person = officers.propose_officer(federation[US], admin, new).id
    assert found(federation, "admin2", person[:20]) == [("officer", person, "Short Reference")]
    assert found(federation, "analyst", person[:20]) == []
    own = federation.officer(US, "analyst")
    kid = next(iter(own.principal.key_kids))
    assert [one[:2] for one in found(federation, "analyst", kid[:12])] == [("key", kid)]
    assert found(federation, "reviewer", kid[:12]) == []


@pytest.mark.parametrize(
    "prefix", ["", "1234567", "sha256:1234567", "%%%%%%%%", "a" * 65, "a b c d e"]
)
def test_fewer_digits_or_none_name_nothing(federation: Federation, prefix: str) -> None:
    with pytest.raises(Invalid):
        found(federation, "analyst", prefix)


def test_a_stranger_asks_in_vain(federation: Federation) -> None:
    caller = federation.officer(US, "analyst")
    asleep = type(caller.principal)(kind="peer", id="x", ministry="x")
    with pytest.raises(Refused):
        references.find_references(federation[US], type(caller)(asleep, origin="peer"), "12345678")
