"""A ministry changes the law's data by two administrators and without code; on both databases."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from api.domain.errors import Invalid, NotFound, Refused, Stale
from api.domain.regimes.assessment import RecordedFact, Status, SubjectCase, assess
from api.records.unit_of_work import Unit
from api.services.authorising import officer_caller
from api.services.desk import proposals, regime_editions
from api.services.node import Node
from api.services.standings import Standings
from api.services.statements import drafting, previewing
from api.wire.statements import Content
from tests.support import exchange
from tests.support.bodies import body
from tests.support.events import told_of
from tests.support.exchange import CA, UK
from tests.support.federation import ISSUER, Federation, shipped_law
from tests.support.looking import seen

REGIME = "CA-JVCFOA"


HERE = CA


@pytest.fixture
def ca(federation: Federation) -> Node:
    return federation[CA]


def later(node: Node, edition: str, **changes: Any) -> dict[str, Any]:
    """The document in force under another edition, with what differs."""
    document = json.loads(json.dumps(node.regime_documents[REGIME]))
    return {**document, "edition": edition, **changes}


def written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode()


def propose(federation: Federation, document: dict[str, Any]) -> str:
    admin = federation.officer(CA, "admin")
    return regime_editions.propose(federation[CA], admin, written(document)).id


def approve(federation: Federation, edition: str) -> None:
    seen(regime_editions.approve, federation[CA], federation.officer(CA, "admin2"), edition)


def for_bodies_too(node: Node, edition: str) -> dict[str, Any]:
    """An edition under which the Act may list bodies, as Parliament could decide."""
    both = ["person", "entity"]
    document = later(node, edition, subject_kinds=both)
    return document | {"grounds": [{**each, "subject_kinds": both} for each in document["grounds"]]}


def test_an_edition_takes_two_administrators_and_is_asked_from_then_on(
    federation: Federation, ca: Node
) -> None:
    body = SubjectCase("entity", (RecordedFact("torture", "responsible", True, "CN"),))
    assert assess(ca.regimes[REGIME], body).barred
    old = ca.regimes[REGIME].edition
    made = propose(federation, for_bodies_too(ca, "2999-01-01"))
    assert ca.regimes[REGIME].edition == old
    with pytest.raises(Refused) as own:
        seen(regime_editions.approve, ca, federation.officer(CA, "admin"), made)
    assert own.value.code == "policy.own-proposal"
    change = regime_editions.preview_regime(ca, federation.officer(CA, "admin2"), made)
    facts = {one.name: one.value for one in change.facts}
    assert (facts["edition"], facts["replaces"]) == ("2999-01-01", old)
    assert f"edition: {old} -> 2999-01-01" in facts["changes"].splitlines()
    assert any(
        "subject_kinds" in line and "entity" in line for line in facts["changes"].split("\n")
    )
    approve(federation, made)
    federation.officer(CA, "analyst")  # the next call of an officer compares the version
    found = assess(ca.regimes[REGIME], body)
    assert (found.edition, found.barred) == ("2999-01-01", False)
    assert found.status is not Status.NOT_COVERED
    assert federation[UK].regimes[REGIME].edition == old
    acts = ["regime.proposed", "regime.approved"]
    rows = ca.db.read(lambda c: told_of(c, *acts))
    told = [json.loads(row.body or b"{}") for row in rows]
    assert [one["object"]["id"] for one in told] == [made, made]
    assert told[1]["digest"] == change.digest


def test_another_process_reads_what_was_decided(federation: Federation, ca: Node) -> None:
    other = replace(ca, law=shipped_law(), standings=Standings())

    def read_there() -> str:
        officer_caller(other, ISSUER, f"{CA}:analyst", origin="rest", request="another")
        return other.regimes[REGIME].edition

    before = read_there()
    approve(federation, propose(federation, later(ca, "2999-01-01")))
    assert read_there() == "2999-01-01" != before
    approve(federation, propose(federation, later(ca, "2999-01-02")))
    assert read_there() == "2999-01-02"
    states = [
        (one.edition, one.state.value)
        for one in regime_editions.proposed_editions(ca, federation.officer(CA, "auditor"))
    ]
    assert sorted(states) == [("2999-01-01", "replaced"), ("2999-01-02", "in-force")]
    (held,) = (
        one
        for one in regime_editions.regimes_in_force(ca, federation.officer(CA, "analyst"))
        if one.id == REGIME
    )
    assert (held.edition, held.shipped) == ("2999-01-02", before)


def test_a_statement_that_names_another_edition_is_refused(
    federation: Federation, ca: Node
) -> None:
    old = ca.regimes["CA-SEMA"].edition
    document = json.loads(json.dumps(ca.regime_documents["CA-SEMA"]))
    approve(federation, propose(federation, {**document, "edition": "2999-01-01"}))
    with pytest.raises(Invalid) as caught:
        exchange.designate(federation, CA, "Ada Example", regime_edition=old)
    assert caught.value.code == "regime.edition"
    exchange.designate(federation, CA, "Ada Example", regime_edition="2999-01-01")


def designating(name: str, **members: Any) -> Content:
    """What a draft of a designation under the Canadian Act for victims says."""
    members = {"subject": exchange.person(name), "jurisdiction": "CA", "regime": REGIME, **members}
    grounds = ["ca-jvcfoa.a"]
    return Content("designation/1", (UK,), body("designation/1", grounds=grounds, **members))


def test_a_draft_names_the_edition_in_force_and_its_preview_says_so(
    federation: Federation, ca: Node
) -> None:
    analyst = federation.officer(CA, "analyst")
    content, edition = designating("Ada Example", mirrors=[]), ca.regimes[REGIME].edition
    made = drafting.create(ca, analyst, content)
    assert "regime_edition" not in content.body
    assert made.body == {**content.body, "regime_edition": edition}
    law = previewing.preview(ca, federation.officer(CA, "reviewer"), made.id).words.law
    assert law is not None
    assert (law.regime, law.edition) == (REGIME, edition)
    signed = federation.signatory(CA, "analyst").prepare(content, CA)
    own = drafting.create(ca, analyst, content, signed)
    assert own.body == content.body, "what the preparer signed stays as it is"
    approve(federation, propose(federation, later(ca, "2999-01-01")))
    with pytest.raises(Invalid) as caught:
        exchange.approve(federation, CA, made)
    assert caught.value.code == "regime.edition", "the law changed since it was drafted"
    analyst = federation.officer(CA, "analyst")
    revised = drafting.replace_content(ca, analyst, made.id, made.tag, content.body)
    assert revised.body["regime_edition"] == "2999-01-01"
    assert exchange.approve(federation, CA, revised)


def test_findings_and_proposals_name_the_edition_in_force(federation: Federation, ca: Node) -> None:
    edition, analyst = ca.regimes[REGIME].edition, federation.officer(CA, "analyst")
    listed = exchange.designate(federation, UK, "Ada Example")
    federation.settle()
    thread = exchange.request(federation, UK, CA, {"s1": listed})
    federation.settle()
    finding = {"subject": "s1", "finding": "mirror", "relies_on": []}
    finding |= {"reasons": {"releasable": "Yes."}, "regime": REGIME}
    made = exchange.draft(federation, CA, "mirror-finding/1", (UK,), finding, thread)
    assert made.body["regime_edition"] == edition
    declined = {**finding, "finding": "decline"}
    declined.pop("regime")
    other = exchange.draft(federation, CA, "mirror-finding/1", (UK,), declined, thread)
    assert "regime_edition" not in other.body
    package = exchange.package(federation, CA)
    case = body("designation-proposal/1", regime=REGIME)
    ground = {**case["grounds"][0], "ground": "ca-jvcfoa.a"}
    case["grounds"] = [{**ground, "evidence": [{**ground["evidence"][0], "package": package}]}]
    proposal = proposals.create(ca, analyst, case)
    assert proposal.body["regime_edition"] == edition
    proposal = proposals.submit(ca, analyst, proposal.id, proposal.tag)
    reviewer = federation.officer(CA, "reviewer")
    proposals.read(ca, reviewer, proposal.id)
    proposals.endorse(ca, reviewer, proposal.id, proposal.versions[-1].digest)
    approve(federation, propose(federation, later(ca, "2999-01-01")))
    shared = proposals.share(ca, federation.officer(CA, "analyst"), proposal.id, (UK,))
    assert shared.body["regime_edition"] == edition, "what was endorsed is shared as it was"
    assert exchange.approve(federation, CA, shared)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"edition": "2000-01-01"}, "regime.edition-old"),
        ({"jurisdiction": "UK"}, "regime.document"),
        ({"grounds": "none"}, "regime.document"),
        ({"alternatives": []}, ""),
    ],
)
def test_what_is_no_edition_is_refused(
    federation: Federation, ca: Node, changes: dict[str, Any], code: str
) -> None:
    document = {**later(ca, "2999-01-01"), **changes}
    if not code:
        propose(federation, document)
        return
    with pytest.raises(Invalid) as caught:
        propose(federation, document)
    assert caught.value.code == code


def test_two_proposals_of_one_edition_do_not_both_pass(federation: Federation, ca: Node) -> None:
    one = propose(federation, later(ca, "2999-01-01"))
    other = propose(federation, later(ca, "2999-01-01", alternatives=[]))
    approve(federation, one)
    with pytest.raises(Invalid) as caught:
        approve(federation, other)
    assert caught.value.code == "regime.edition-old"
    with pytest.raises(Stale):
        approve(federation, one)


def test_who_may(federation: Federation, ca: Node) -> None:
    analyst = federation.officer(CA, "analyst")
    with pytest.raises(Refused):
        regime_editions.propose(ca, analyst, written(later(ca, "2999-01-01")))
    with pytest.raises(Refused):
        regime_editions.proposed_editions(ca, analyst)
    assert regime_editions.document_of(ca, analyst, REGIME)["id"] == REGIME
    with pytest.raises(NotFound):
        regime_editions.document_of(ca, analyst, "CA-NONE")
    with pytest.raises(NotFound):
        approve(federation, "0" * 32)


def approved_meanwhile(
    federation: Federation, patch: pytest.MonkeyPatch, first: str, second: str
) -> Invalid:
    """Approve one edition just before another, which was judged already, is written."""
    node = federation[CA]
    for name, edition in (("admin2", first), ("admin", second)):
        regime_editions.preview_regime(node, federation.officer(CA, name), edition)
    genuine = node.db.write

    def write(work: Callable[[Unit], None]) -> None:
        patch.undo()
        regime_editions.approve(node, federation.officer(CA, "admin"), second)
        genuine(work)

    patch.setattr(node.db, "write", write)
    with pytest.raises(Invalid) as refused:
        regime_editions.approve(node, federation.officer(CA, "admin2"), first)
    return refused.value


def test_an_older_edition_never_takes_the_place_of_one_approved_meanwhile(
    federation: Federation, ca: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = propose(federation, later(ca, "2998-01-01"))
    admin2 = federation.officer(CA, "admin2")
    newer = regime_editions.propose(ca, admin2, written(later(ca, "2999-01-01"))).id
    refused = approved_meanwhile(federation, monkeypatch, older, newer)
    assert refused.code == "regime.edition-old"
    federation.officer(CA, "analyst")
    assert ca.regimes[REGIME].edition == "2999-01-01"


def test_two_editions_that_fit_alone_never_break_the_law_together(
    federation: Federation, ca: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    sema = json.loads(json.dumps(ca.regime_documents["CA-SEMA"]))
    approve(federation, propose(federation, sema | {"edition": "2990-01-01", "alternatives": []}))
    federation.officer(CA, "analyst")
    names_it = propose(federation, sema | {"edition": "2991-01-01"})
    grounds = [
        {**one, "conduct": [each for each in one["conduct"] if each != "other-corruption"]}
        for one in ca.regime_documents[REGIME]["grounds"]
    ]
    narrower = written(later(ca, "2991-01-01", grounds=grounds))
    other = regime_editions.propose(ca, federation.officer(CA, "admin2"), narrower).id
    refused = approved_meanwhile(federation, monkeypatch, names_it, other)
    assert refused.code == "regime.document"
    analyst = federation.officer(CA, "analyst")
    assert regime_editions.regimes_in_force(ca, analyst)
