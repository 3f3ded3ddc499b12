"""One nonce, one statement of an issuer: what a preparer signed once is not told twice (PROTOCOL §9)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.domain.errors import Conflict
from api.services.desk import evidence
from api.services.statements import drafting
from api.wire.message_bodies import Carried, Item
from api.wire.statements import Content
from tests.federation.test_bad_peer_statements import (
    designation,
    id_of,
    outcomes,
    package,
    release_of,
)
from tests.support import exchange
from tests.support.bad_peer import BadPeer, contents
from tests.support.bodies import body
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation
from tests.support.signing import CA as CANADIAN
from tests.support.signing import UK as BRITISH

NONCE = bytes(range(100, 116))
USED = ("refused", "statement.nonce-used")
APPLIED = ("applied", None)


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, urls={US: database_url})
    made.down = {UK, CA}
    yield made
    made.close()


@pytest.fixture
def bad() -> BadPeer:
    return BadPeer(BRITISH, US)


def told(bad: BadPeer, name: str, nonce: bytes = NONCE) -> Item:
    raw = bad.statement("designation/1", designation(list_reference=name), nonce=nonce)
    return bad.commit(raw)


def test_a_second_statement_with_one_nonce_is_refused(federation: Federation, bad: BadPeer) -> None:
    assert outcomes(federation, bad.deliver(told(bad, "First")))[-1] == APPLIED
    before = contents(federation[US])["designations"]
    assert outcomes(federation, bad.deliver(told(bad, "Second")))[-1] == USED
    assert contents(federation[US])["designations"] == before
    # Of another type as well, and what follows under its own nonce is taken.
    (raw,) = [bad.statement("evidence-package/1", package(), nonce=NONCE)]
    release = bad.commit(bad.statement("release/1", release_of(id_of(raw))), raw)
    assert outcomes(federation, bad.deliver(release))[-1] == USED
    assert contents(federation[US])["packages"] == []
    assert outcomes(federation, bad.deliver(told(bad, "Third", bytes(range(16)))))[-1] == APPLIED


def test_one_message_does_not_hold_two_statements_with_one_nonce(
    federation: Federation, bad: BadPeer
) -> None:
    request = bad.deliver(told(bad, "First"), told(bad, "Second"))
    assert outcomes(federation, request) == [APPLIED, USED]


def test_a_release_and_its_package_have_two_nonces(federation: Federation, bad: BadPeer) -> None:
    raw = bad.statement("evidence-package/1", package(), nonce=NONCE)
    release = bad.statement("release/1", release_of(id_of(raw)), nonce=NONCE)
    assert outcomes(federation, bad.deliver(bad.commit(release, raw))) == [USED]
    assert contents(federation[US])["releases"] == []


def test_a_nonce_is_one_issuers_own(federation: Federation, bad: BadPeer) -> None:
    """Another ministry that draws the same one, or brings a statement that has it, is not hurt."""
    other = BadPeer(CANADIAN, US)
    canadian = designation(list_reference="Theirs", jurisdiction="CA", regime="CA-JVCFOA")
    raw = other.statement("designation/1", canadian, nonce=NONCE)
    assert federation.receive(US, other.deliver(other.commit(raw))).status == 200
    assert outcomes(federation, bad.deliver(told(bad, "Ours")))[-1] == APPLIED
    states = {row["peer"]: row["state"] for row in contents(federation[US])["inbox"]}
    assert states == {CA: "applied", UK: "applied"}


def test_what_was_refused_counts_as_not_told_and_leaves_its_nonce(
    federation: Federation, bad: BadPeer
) -> None:
    wrong = bad.statement(
        "designation/1", designation(jurisdiction="US", regime="US-GLOMAG"), nonce=NONCE
    )
    found = outcomes(federation, bad.deliver(bad.commit(wrong)))
    assert found[-1] == ("refused", "designation.jurisdiction")
    assert outcomes(federation, bad.deliver(told(bad, "Mended")))[-1] == APPLIED
    assert outcomes(federation, bad.deliver(told(bad, "Again")))[-1] == USED


def test_the_same_statement_beside_another_and_by_itself_is_one(
    federation: Federation, bad: BadPeer
) -> None:
    """A request brings a designation; the designation then arrives under the same nonce, its own."""
    made = told(bad, "Known")
    change = body("delisting/1") | {"designation": id_of(made.envelope)}
    delisted = bad.commit(
        bad.statement("delisting/1", change),
        Carried(made.envelope, made.index, made.opening),
    )
    assert outcomes(federation, bad.deliver(delisted)) == [APPLIED]
    assert outcomes(federation, bad.deliver(made))[-1] == APPLIED


def test_a_package_draft_is_submitted_once(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    content = body("evidence-package/1", exhibits=[])
    content["claims"] = [{**content["claims"][0], "exhibits": []}]
    proof = federation.endorse(analyst, Content("evidence-package/1", (), content))
    draft = {"type": "evidence-package/1", "body": content, "endorsement": proof}
    first = evidence.submit(us, analyst, draft).id
    with pytest.raises(Conflict) as used:
        evidence.submit(us, analyst, draft)
    assert used.value.code == "draft.nonce-used"
    assert [row["id"] for row in contents(us)["packages"]] == [first]


def test_a_draft_does_not_take_the_nonce_of_a_package_nor_a_package_that_of_a_draft(
    federation: Federation,
) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    signatory = federation.signatory(US, "analyst")
    content = body("evidence-package/1", exhibits=[])
    content["claims"] = [{**content["claims"][0], "exhibits": []}]
    packed = Content("evidence-package/1", (), content)
    package_id = exchange.package(federation, US, "Held")
    release = Content("release/1", (UK,), {**body("release/1"), "package": package_id})
    drafting.create(us, analyst, release, signatory.prepare(release, US, NONCE))
    draft = {"type": "evidence-package/1", "body": content}
    with pytest.raises(Conflict) as by_draft:
        evidence.submit(us, analyst, {**draft, "endorsement": signatory.prepare(packed, US, NONCE)})
    other = bytes(range(200, 216))
    evidence.submit(us, analyst, {**draft, "endorsement": signatory.prepare(packed, US, other)})
    with pytest.raises(Conflict) as by_package:
        drafting.create(us, analyst, release, signatory.prepare(release, US, other))
    assert {by_draft.value.code, by_package.value.code} == {"draft.nonce-used"}
