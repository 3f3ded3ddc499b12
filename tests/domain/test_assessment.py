"""Status per subject and regime on recorded facts: the eight subjects of 2020, and others."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.adapters.policy.regimes import load_cases, load_regimes
from api.domain.regimes.assessment import Status, assess, barred_ground
from api.domain.regimes.cases import Case, RecordedFact, SubjectCase
from api.domain.regimes.checks import eligibility, fitting_grounds
from api.domain.regimes.values import CONDUCT, INVOLVEMENT, SUBJECT_KINDS, Basis

POLICIES = Path(__file__).resolve().parents[2] / "policies"
REGIMES = load_regimes(POLICIES)
EIGHT = {one.id: one.case for one in load_cases(POLICIES, "xinjiang-2020")}
BODIES = ("xpsb", "xpcc")
PERSONS = tuple(id_ for id_ in EIGHT if id_ not in BODIES)


def test_there_are_eight() -> None:
    assert len(EIGHT) == 8
    assert len(PERSONS) == 6


@pytest.mark.parametrize("body", BODIES)
def test_the_two_bodies_are_barred_under_jvcfoa_and_sema_is_offered(body: str) -> None:
    found = assess(REGIMES["CA-JVCFOA"], EIGHT[body])
    assert found.status is Status.NOT_COVERED
    assert found.barred
    assert found.instead == ("CA-SEMA",)
    assert "foreign national" in found.provision.citation.en
    assert found.provision.text is not None
    assert "an individual" in found.provision.text.en
    assert found.provision.text.fr.startswith("étranger")
    assert found.basis is Basis.VERIFIED_PRIMARY


@pytest.mark.parametrize("subject", EIGHT)
def test_sema_reaches_all_eight_by_the_china_regulations(subject: str) -> None:
    found = assess(REGIMES["CA-SEMA"], EIGHT[subject])
    assert found.status is Status.MET
    assert not found.barred
    assert found.provision.citation.en.startswith("SOR/2021-49, s. 2(")
    assert found.provision.text is not None
    assert "République populaire de Chine" in found.provision.text.fr


@pytest.mark.parametrize("person", PERSONS)
def test_the_victim_class_is_open_for_each_person_under_jvcfoa(person: str) -> None:
    found = assess(REGIMES["CA-JVCFOA"], EIGHT[person])
    assert found.status is Status.UNKNOWN
    assert found.code == "law.victim-class"
    assert "not recorded" in found.reason
    assert found.instead == ("CA-SEMA",)
    assert "4(2)(a)" in found.provision.citation.en


def test_recorded_victims_decide_the_class() -> None:
    fact = RecordedFact("torture", "responsible", victims_defended_rights=True, state="CN")
    case = SubjectCase("person", (fact,), frozenset({"CN"}))
    assert assess(REGIMES["CA-JVCFOA"], case).status is Status.MET
    others = replace(fact, victims_defended_rights=False)
    found = assess(REGIMES["CA-JVCFOA"], replace(case, facts=(others,)))
    assert (found.status, found.code) == (Status.NOT_MET, "law.victim-class")


@pytest.mark.parametrize("subject", EIGHT)
def test_detention_alone_is_no_right_in_the_uk(subject: str) -> None:
    found = assess(REGIMES["UK-GHR"], EIGHT[subject])
    assert found.status is Status.NOT_COVERED
    assert found.instead == ("uk-ghr.life", "uk-ghr.torture", "uk-ghr.slavery")
    assert "arbitrary detention" in found.reason
    assert not found.barred


def test_corruption_is_not_offered_to_who_is_said_to_have_violated_rights() -> None:
    for regime in REGIMES.values():
        for case in EIGHT.values():
            offered = {id_ for id_ in assess(regime, case).instead if id_ in regime.grounds}
            assert all(regime.grounds[id_].conduct & {"bribery"} == set() for id_ in offered)


def test_a_ground_is_not_inferred_from_another_ones_conduct() -> None:
    """An official listed for detention is not thereby said to be corrupt."""
    case = EIGHT["chen-quanguo"]
    assert assess(REGIMES["CA-JVCFOA"], case).ground != "ca-jvcfoa.c"
    assert assess(REGIMES["UK-GAC"], case).status is Status.NOT_COVERED


def test_no_regulation_no_listing_under_sema() -> None:
    fact = RecordedFact("torture", "responsible", state="FR")
    found = assess(REGIMES["CA-SEMA"], SubjectCase("person", (fact,), frozenset({"FR"})))
    assert (found.status, found.code, found.barred) == (
        Status.NOT_COVERED,
        "law.no-regulation",
        True,
    )


def test_the_china_regulations_have_no_corruption_class_and_venezuelas_have() -> None:
    def case(state: str) -> SubjectCase:
        fact = RecordedFact("bribery", "responsible", state=state)
        return SubjectCase("person", (fact,), frozenset({state}))

    sema = REGIMES["CA-SEMA"]
    assert assess(sema, case("VE")).ground == "ca-sema.corruption"
    assert assess(sema, case("CN")).status is not Status.MET
    assert "SOR/2021-49" in barred_ground(sema, "ca-sema.corruption", case("CN"))
    assert barred_ground(sema, "ca-sema.corruption", case("VE")) == ""


def test_a_body_is_no_corrupt_official() -> None:
    fact = RecordedFact("bribery", "responsible", state="VE")
    body = SubjectCase("entity", (fact,), frozenset({"VE"}))
    assert assess(REGIMES["CA-SEMA"], body).ground != "ca-sema.corruption"
    assert "entity" in barred_ground(REGIMES["CA-SEMA"], "ca-sema.corruption", body)


def test_who_is_bound_to_the_state() -> None:
    case = EIGHT["chen-quanguo"]
    elsewhere = assess(REGIMES["CA-SEMA"], replace(case, countries=frozenset({"FR"})))
    assert (elsewhere.status, elsewhere.code) == (Status.NOT_MET, "law.nationality")
    unsaid = assess(REGIMES["CA-SEMA"], replace(case, countries=frozenset()))
    assert unsaid.status is Status.UNKNOWN


def test_nothing_recorded_is_unknown() -> None:
    for regime in REGIMES.values():
        found = assess(regime, SubjectCase("person"))
        assert found.status is Status.UNKNOWN, regime.id


def test_every_quoted_canadian_provision_is_in_both_languages_where_the_source_has_both() -> None:
    for id_ in ("CA-JVCFOA", "CA-SEMA"):
        for ground in REGIMES[id_].grounds.values():
            assert ground.provision.text is not None
            assert ground.provision.text.fr
            assert ground.provision.in_force_from
    regulations = {one.id: one for one in REGIMES["CA-SEMA"].regulations}
    assert len(regulations) == 18
    assert all(one.provision.text for one in regulations["SOR/2021-49"].classes)


facts = st.builds(
    RecordedFact,
    st.sampled_from(sorted(CONDUCT)),
    st.sampled_from(sorted(INVOLVEMENT)),
    st.sampled_from([None, True, False]),
    st.sampled_from(["", "CN", "RU", "FR"]),
)
cases = st.builds(
    SubjectCase,
    st.sampled_from(sorted(SUBJECT_KINDS)),
    st.lists(facts, max_size=4).map(tuple),
    st.frozensets(st.sampled_from(["CN", "RU", "FR", "CA"]), max_size=2),
)


@given(st.sampled_from(sorted(REGIMES)), cases)
def test_every_case_has_an_answer_with_a_provision(regime: str, case: SubjectCase) -> None:
    found = assess(REGIMES[regime], case)
    assert found.reason
    assert found.provision.citation.en
    assert found.edition == REGIMES[regime].edition
    if found.status is Status.MET:
        ground = REGIMES[regime].grounds[found.ground]
        assert case.kind in ground.subject_kinds
        assert any(
            one.conduct in ground.conduct and one.part == ground.involvement for one in case.facts
        )
        assert not found.barred


@given(st.sampled_from(sorted(REGIMES)), cases)
def test_what_is_suggested_never_contradicts_what_is_judged(regime: str, case: SubjectCase) -> None:
    asked = Case(
        case.kind,
        conduct=frozenset(fact.conduct for fact in case.facts),
        involvement=frozenset(fact.part for fact in case.facts),
        countries=case.countries,
        facts=case.facts,
    )
    judged = assess(REGIMES[regime], case)
    bars = [one for one in eligibility(REGIMES[regime], asked) if one.weight == "bar"]
    assert bool(bars) is judged.barred
    fitting = {ground.id for ground in fitting_grounds(REGIMES[regime], asked)}
    if judged.status is Status.MET:
        assert judged.ground in fitting
    elif not judged.barred and judged.code not in {"law.nationality", "law.state-missing"}:
        assert fitting == set()


@given(cases, facts)
def test_a_further_fact_never_takes_a_ground_away(case: SubjectCase, more: RecordedFact) -> None:
    """Facts add up, within one country."""
    order = list(Status)
    for regime in REGIMES.values():
        if regime.regulations:
            continue
        before = assess(regime, case)
        after = assess(regime, replace(case, facts=(*case.facts, more)))
        if before.status is Status.MET:
            assert order.index(after.status) <= order.index(before.status)


def test_the_cases_file_is_public_and_has_its_sources() -> None:
    document: dict[str, Any] = json.loads(
        (POLICIES / "subjects" / "xinjiang-2020.json").read_text(encoding="utf-8")
    )
    assert document["sources"]
    assert all(one["list_reference"].isdigit() for one in document["subjects"])
