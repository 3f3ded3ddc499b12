"""The desk at one ministry: proposals, subjects and verdicts, absence and conflict of interest."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.domain.errors import ComityError, Conflict, Invalid, NotFound, Refused, Stale
from api.records import designations
from api.records.threads import Wanted
from api.services.authorising import Caller, officer_caller
from api.services.desk import delegating, mirroring, proposals, recusing, subjects, suggesting
from api.services.desk import tasks as lists
from api.services.desk.delegating import Proposed
from api.services.desk.recusing import Aside
from api.services.desk.subjects import Judgement
from api.services.desk.tasks import Scope
from api.services.statements import approving, drafting, previewing
from api.wire.statements import Content
from tests.support.bodies import body
from tests.support.exchange import (
    CA,
    UK,
    US,
    approve,
    designate,
    draft,
    package,
    person,
    request,
)
from tests.support.federation import ISSUER, Federation
from tests.support.looking import seen


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("nodes"))
    yield made
    made.close()


def proposal_body(federation: Federation, title: str, *, met: bool = True) -> dict[str, Any]:
    held = package(federation, UK, title)
    ground = body("designation-proposal/1")["grounds"][0]
    threshold = {**ground["threshold"], "met": met}
    grounds = [{**ground, "evidence": [{"package": held}], "threshold": threshold}]
    return body("designation-proposal/1", grounds=grounds, title=title)


def test_a_proposal_from_the_first_version_to_the_designation(federation: Federation) -> None:
    uk = federation[UK]
    analyst, reviewer = federation.officer(UK, "analyst"), federation.officer(UK, "reviewer")
    row = proposals.create(uk, analyst, proposal_body(federation, "Life", met=False))
    with pytest.raises(Conflict) as early:
        proposals.endorse(uk, reviewer, row.id, row.digest)
    assert early.value.code == "proposal.threshold-not-met"
    row = proposals.submit(uk, analyst, row.id, row.tag)
    row = proposals.give_back(uk, reviewer, row.id, "The threshold is not met.")
    with pytest.raises(Stale):
        proposals.replace(uk, analyst, row.id, "1-drafted-0", proposal_body(federation, "No"))
    second = federation.officer(UK, "analyst2")
    better = proposal_body(federation, "Life, mended")
    row = proposals.replace(uk, second, row.id, row.tag, better)
    row = proposals.submit(uk, analyst, row.id, row.tag)
    with pytest.raises(Refused):
        proposals.endorse(uk, analyst, row.id, row.digest)
    with pytest.raises(Stale):
        proposals.endorse(uk, reviewer, row.id, "sha256:" + "0" * 64)
    row = seen(proposals.endorse, uk, reviewer, row.id, row.digest)
    assert (row.state, row.version) == ("endorsed", 2)
    assert len(proposals.read(uk, analyst, row.id).versions) == 2
    listed = designate(federation, UK, "ZHU Hailun", day="2021-03-22", to=(US,), proposal=row.id)
    assert proposals.read(uk, analyst, row.id).state == "designated"
    assert uk.db.read(lambda c: designations.by_id(c, listed)) is not None
    # It may carry one designation for each subject; a lapse comes too late.
    with pytest.raises(Conflict):
        proposals.lapse(uk, reviewer, row.id, "Too late.")


def test_only_the_releasable_part_of_a_proposal_leaves(federation: Federation) -> None:
    uk = federation[UK]
    analyst, reviewer = federation.officer(UK, "analyst"), federation.officer(UK, "reviewer")
    content = proposal_body(federation, "Shared")
    assert "internal" in content["reasons"]
    row = proposals.create(uk, analyst, content)
    with pytest.raises(Conflict):
        proposals.share(uk, analyst, row.id, [US])
    with pytest.raises(Invalid) as leak:
        draft(federation, UK, "designation-proposal/1", (US,), content)
    assert leak.value.code == "proposal.internal-reasons"
    row = proposals.submit(uk, analyst, row.id, row.tag)
    row = seen(proposals.endorse, uk, reviewer, row.id, row.digest)
    shared = approve(federation, UK, proposals.share(uk, analyst, row.id, [US]))
    federation.settle()
    us = federation[US]
    told = proposals.read(us, federation.officer(US, "analyst"), shared)
    assert told.ministry == UK
    assert "internal" not in told.body
    with pytest.raises(Conflict):
        proposals.lapse(us, federation.officer(US, "reviewer"), shared, "Not ours.")
    listed = proposals.proposals_page(us, federation.officer(US, "reviewer"), limit=10)
    assert [one.id for one in listed] == [shared]
    with pytest.raises(Refused):
        proposals.proposals_page(us, federation.officer(US, "auditor"), limit=10)


def test_search_suggests_and_a_verdict_decides(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    corps = designate(federation, US, "Xinjiang Production and Construction Corps")
    bureau = designate(
        federation, US, "Xinjiang Production and Construction Corps Public Security Bureau"
    )
    found = subjects.search(us, analyst, "XINJIANG production, and Construction CORPS", limit=50)
    # Tests come in any order, and others name subjects that share a word or two.
    assert [one.object for one in found.candidates][:2] == [corps, bureau]
    assert found.candidates[0].score > found.candidates[1].score
    one, other = (f"designation:{id_}" for id_ in (bureau, corps))
    apart = Judgement(one, other, "not-same", "The bureau is a body of its own.")
    verdict = subjects.record_verdict(us, analyst, apart)
    assert verdict.by == analyst.person
    again = Judgement(other, one, "same", "On second thoughts.")
    replaced = subjects.record_verdict(us, federation.officer(US, "reviewer"), again)
    history = subjects.verdicts(us, analyst, limit=10)
    assert [row.id for row in history] == [replaced.id, verdict.id]
    assert history[1].replaced_by == replaced.id
    shown = subjects.search(us, analyst, "construction corps", limit=5)
    assert [row.outcome for row in shown.verdicts] == ["same"]
    for wrong, code in (
        (Judgement(one, one, "same", "x"), "verdict.itself"),
        (Judgement(one, other, "perhaps", "x"), "verdict.outcome"),
        (Judgement(one, other, "same", " "), "verdict.reason-missing"),
        (Judgement(one, "thread:sha256:" + "0" * 64, "same", "x"), "subject.unknown"),
    ):
        with pytest.raises(ComityError) as refusal:
            subjects.record_verdict(us, analyst, wrong)
        assert refusal.value.code == code
    with pytest.raises(Invalid):
        subjects.search(us, analyst, "—", limit=5)


def test_names_in_other_scripts_and_accents_are_found(federation: Federation) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    names = [{"text": "Łukasz Éluard"}, {"text": "朱海仑", "script": "Hans"}]
    facts = {**person("x"), "names": names}
    listed = designate(federation, US, "x", subject=facts)
    for text in ("eluard", "朱海仑", "ÉLUARD"):
        found = subjects.search(us, analyst, text, limit=5)
        assert listed in [one.object for one in found.candidates], text


def stand_in(federation: Federation, ministry: str, who: str, lender: Caller) -> Caller:
    """The caller in somebody's place."""
    return officer_caller(
        federation[ministry],
        ISSUER,
        f"{ministry}:{who}",
        origin="rest",
        request="test",
        in_place_of=lender.person,
    )


def test_delegation_keeps_four_eyes(federation: Federation) -> None:
    us = federation[US]
    reviewer, analyst2 = federation.officer(US, "reviewer"), federation.officer(US, "analyst2")
    admin, admin2 = federation.officer(US, "admin"), federation.officer(US, "admin2")
    now = us.clock.now()

    def lend(**changes: Any) -> Proposed:
        members: dict[str, Any] = {
            "delegator": "",
            "delegate": analyst2.person,
            "role": "reviewer",
            "acts": ["draft.approve"],
            "starts": now,
            "ends": now + timedelta(days=10),
            "reason": "Leave.",
        }
        return Proposed(**(members | changes))

    for wrong, code in (
        ({"ends": now + timedelta(days=200)}, "delegation.too-long"),
        ({"acts": ["grant.approve"]}, "delegation.acts"),
        ({"reason": " "}, "delegation.reason-missing"),
        ({"delegate": "0" * 32}, "delegation.unknown-officer"),
    ):
        with pytest.raises(ComityError) as refusal:
            delegating.propose(us, reviewer, lend(**wrong))
        assert refusal.value.code == code
    with pytest.raises(Refused):
        delegating.propose(us, reviewer, lend(delegate=admin.person))
    made = delegating.propose(us, reviewer, lend())
    deputy = stand_in(federation, US, "analyst2", reviewer)
    assert deputy.lent_roles == frozenset()
    with pytest.raises(Refused):
        delegating.approve(us, federation.officer(US, "reviewer2"), made.id)
    seen(delegating.approve, us, admin, made.id)
    with pytest.raises(Conflict):
        delegating.approve(us, admin2, made.id)
    deputy = stand_in(federation, US, "analyst2", reviewer)
    assert deputy.lent_roles == {"reviewer"}
    held = package(federation, US, "Delegated")
    content = {
        "package": held,
        "recipient": UK,
        "marking": body("release/1")["marking"],
        "legal_basis": "For the test.",
    }
    # What the deputy wrote in the reviewer's place is both persons' work.
    own = drafting.create(us, deputy, Content("release/1", (UK,), content))
    for author in (deputy, reviewer):
        with pytest.raises(Refused) as refusal:
            approving.approve_recorded(us, author, own.id, own.digest)
        assert refusal.value.code == "policy.own-work"
    drafting.discard(us, deputy, own.id)
    other = draft(federation, US, "release/1", (UK,), content)
    previewing.preview(us, deputy, other.id)
    sealed = approving.approve_recorded(us, deputy, other.id, other.digest)
    assert sealed.state == "sealed"
    ended = delegating.end(us, reviewer, made.id)
    assert ended.ended_at is not None
    assert stand_in(federation, US, "analyst2", reviewer).lent_roles == frozenset()
    assert [row.id for row in delegating.listed(us, analyst2)] == [made.id]
    assert delegating.listed(us, federation.officer(US, "reviewer2")) == []
    assert len(delegating.listed(us, admin)) == 1


def test_a_recused_officer_neither_sees_nor_decides(federation: Federation) -> None:
    uk = federation[UK]
    listed = designate(federation, US, "Friend of the reviewer")
    thread = request(federation, US, UK, {"s1": listed}, {"s1": "Friend of the reviewer"})
    federation.settle()
    reviewer, reviewer2 = federation.officer(UK, "reviewer"), federation.officer(UK, "reviewer2")
    mine = lists.tasks_page(uk, reviewer, Scope.MINE, limit=50)
    assert thread in {one.about.id for one in mine}
    recusing.recuse(uk, reviewer, Aside("", thread, "A friend."))
    with pytest.raises(Conflict):
        recusing.recuse(uk, reviewer, Aside("", thread, "A friend."))
    with pytest.raises(NotFound):
        mirroring.read(uk, reviewer, thread)
    mine = lists.tasks_page(uk, reviewer, Scope.MINE, limit=50)
    assert thread not in {one.about.id for one in mine}
    assert thread not in {
        row.id for row in mirroring.threads_page(uk, reviewer, Wanted(), limit=50)
    }
    hits = subjects.search(uk, reviewer, "Friend of the reviewer", limit=5)
    assert [one.kind for one in hits.candidates] == ["designation"]
    made = draft(
        federation,
        UK,
        "mirror-finding/1",
        (US,),
        {"subject": "s1", "finding": "decline", "reasons": {"releasable": "No."}, "relies_on": []},
        thread,
    )
    with pytest.raises(NotFound):
        approving.approve_recorded(uk, reviewer, made.id, made.digest)
    approve(federation, UK, made, by="reviewer2")
    with pytest.raises(Refused):
        recusing.lift(uk, reviewer, reviewer.person, thread)
    recusing.lift(uk, reviewer2, reviewer.person, thread)
    assert mirroring.read(uk, reviewer, thread).id == thread
    assert recusing.recusals(uk, federation.officer(UK, "auditor")) == []


def test_what_the_law_suggests_for_a_request(federation: Federation) -> None:
    us = federation[US]
    bureau = {
        "schema": "PublicBody",
        "names": [{"text": "Xinjiang Public Security Bureau", "script": "Latn"}],
        "countries": ["cn"],
    }
    grounds = list(us.regimes["US-GLOMAG"].grounds)[:2]
    listed = designate(federation, US, "x", subject=bureau, grounds=grounds, instrument="EO 13818")
    thread = request(
        federation,
        US,
        CA,
        {"s1": listed},
        subjects=[{**bureau, "key": "s1"}],
    )
    federation.settle()
    reviewer = federation.officer(CA, "reviewer")
    found = suggesting.suggestions(federation[CA], reviewer, thread)
    by_regime = {one.regime: [each.code for each in one.suggestions] for one in found}
    assert "regime.subject-kind" in by_regime["CA-JVCFOA"]
    assert "regime.subject-kind" not in by_regime["CA-SEMA"]
    bar = next(one for one in found if one.regime == "CA-JVCFOA").suggestions[0]
    assert (bar.weight, bar.offers) == ("bar", ("CA-SEMA",))
    with pytest.raises(Invalid):
        suggesting.suggestions(federation[CA], reviewer, thread, ["XX-NONE"])
