"""The shipped regimes say what their sources say, and the checks suggest what follows."""

import copy
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain.regimes import clocks as statutory
from api.domain.regimes.advice import (
    Case,
    Regime,
    RegimeError,
    Suggestion,
    crosswalk,
    eligibility,
    fitting_grounds,
    parse,
)
from api.domain.regimes.values import CLOCK_EVENTS, CONDUCT, INSTANTS, INVOLVEMENT, SUBJECT_KINDS

FILES = sorted((Path(__file__).resolve().parents[2] / "policies" / "regimes").glob("*.json"))
DOCUMENTS: dict[str, Any] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES
}
REGIMES: dict[str, Regime] = {name: parse(document) for name, document in DOCUMENTS.items()}

# Public facts: the Xinjiang Public Security Bureau and Chen Quanguo, listed by OFAC on 9 July 2020
# (Treasury press release sm1055), the bureau as an entity, Chen as leader or official.
XPSB = Case(
    subject_kind="entity",
    conduct=frozenset({"arbitrary-detention"}),
    countries=frozenset({"CN"}),
    state="CN",
    listed_by=frozenset({"US"}),
)
CHEN = Case(
    subject_kind="person",
    conduct=frozenset({"arbitrary-detention", "torture"}),
    involvement=frozenset({"leader-or-official"}),
    countries=frozenset({"CN"}),
    state="CN",
    listed_by=frozenset({"US"}),
)


def clocks(regime: Regime, events: dict[str, date]) -> list[statutory.Clock]:
    return statutory.running(statutory.clocks(regime, events.items()))


def found(regime: str, case: Case) -> dict[str, Suggestion]:
    return {suggestion.code: suggestion for suggestion in eligibility(REGIMES[regime], case)}


def test_six_regimes_are_shipped() -> None:
    assert set(REGIMES) == {"US-GLOMAG", "UK-GHR", "UK-GAC", "CA-JVCFOA", "CA-SEMA", "EU-HR"}


def test_entity_is_barred_under_jvcfoa_and_sema_is_offered() -> None:
    barred = found("CA-JVCFOA", XPSB)["regime.subject-kind"]
    assert barred.weight == "bar"
    assert barred.offers == ("CA-SEMA",)
    assert barred.basis == "verified_primary"
    assert "CA-SEMA" in barred.sentence
    assert fitting_grounds(REGIMES["CA-JVCFOA"], XPSB) == []
    assert [ground.id for ground in fitting_grounds(REGIMES["CA-SEMA"], XPSB)] == [
        "ca-sema.participated"
    ]
    assert not any(s.weight == "bar" for s in eligibility(REGIMES["CA-SEMA"], XPSB))


def test_mass_detention_needs_the_victim_class_under_jvcfoa() -> None:
    case = Case("person", frozenset({"arbitrary-detention"}))
    gap = found("CA-JVCFOA", case)["regime.victim-class"]
    assert (gap.weight, gap.offers) == ("gap", ("CA-SEMA",))
    assert "not recorded" in gap.sentence
    shown = Case("person", frozenset({"arbitrary-detention"}), victims_defended_rights=True)
    assert "regime.victim-class" not in found("CA-JVCFOA", shown)
    assert [g.id for g in fitting_grounds(REGIMES["CA-JVCFOA"], shown)] == ["ca-jvcfoa.a"]
    corrupt = Case("person", frozenset({"bribery"}))
    assert "regime.victim-class" not in found("CA-JVCFOA", corrupt)


def test_detention_alone_is_no_right_under_uk_ghr() -> None:
    gap = found("UK-GHR", XPSB)["regime.right-out-of-scope"]
    assert gap.weight == "gap"
    assert "arbitrary detention" in gap.sentence
    assert gap.offers == ()
    with_torture = found("UK-GHR", CHEN)["regime.right-out-of-scope"]
    assert "stand on torture" in with_torture.sentence
    based_anew = Case("person", frozenset({"torture"}))
    assert "regime.right-out-of-scope" not in found("UK-GHR", based_anew)
    assert [g.id for g in fitting_grounds(REGIMES["UK-GHR"], based_anew)] == ["uk-ghr.torture"]
    for broad in ("US-GLOMAG", "EU-HR", "CA-SEMA"):
        assert "regime.right-out-of-scope" not in found(broad, XPSB)


def test_uk_corruption_covers_bribery_and_misappropriation_only() -> None:
    case = Case("person", frozenset({"other-corruption", "bribery"}))
    gap = found("UK-GAC", case)["regime.conduct-out-of-scope"]
    assert "other corruption" in gap.sentence
    assert "stand on bribery" in gap.sentence
    offered = found("UK-GHR", Case("person", frozenset({"bribery"})))
    assert offered["regime.conduct-out-of-scope"].offers == ("UK-GAC",)


def test_leaders_and_officials_are_argued_differently_in_each_country() -> None:
    canada = found("CA-SEMA", CHEN)["regime.association-ground"]
    assert (canada.weight, "senior official" in canada.sentence) == ("advice", True)
    britain = found("UK-GHR", CHEN)["regime.association-ground"]
    assert (britain.weight, "uk-ghr.associated" in britain.sentence) == ("gap", True)
    magnitsky = found("CA-JVCFOA", CHEN)["regime.association-ground"]
    assert "ca-jvcfoa.b" in magnitsky.sentence
    assert magnitsky.offers == ("CA-SEMA",)


def test_support_for_abuse_is_no_ground_under_jvcfoa() -> None:
    supporter = Case("person", frozenset({"torture", "bribery"}), frozenset({"support"}))
    gap = found("CA-JVCFOA", supporter)["regime.support-ground"]
    assert "not for torture" in gap.sentence
    assert "regime.support-ground" not in found("US-GLOMAG", supporter)


def test_threshold_is_quoted_and_never_converted() -> None:
    case = Case("person", frozenset({"torture"}), partner_threshold="reason to believe")
    for name, regime in REGIMES.items():
        advice = found(name, case)["regime.threshold"]
        assert regime.threshold.text in advice.sentence
        assert "reason to believe" in advice.sentence
        assert "never converted" in advice.sentence
        assert advice.weight == "advice"


@pytest.mark.parametrize("sources", [None, 0, 1])
def test_uk_and_eu_need_a_releasable_source(sources: int | None) -> None:
    case = Case("person", frozenset({"torture"}), releasable_sources=sources)
    wanting = {name for name in REGIMES if "regime.reasons-publishable" in found(name, case)}
    assert wanting == (set() if sources else {"UK-GHR", "UK-GAC", "EU-HR"})


def test_uk_urgent_route_follows_a_partners_listing_and_needs_its_provision() -> None:
    here = found("UK-GHR", CHEN)
    assert "56" in here["regime.urgent-route"].sentence
    assert here["regime.partner-provision"].weight == "gap"
    by_canada = Case(
        "person", CHEN.conduct, listed_by=frozenset({"CA"}), partner_provision="SOR/2021-49"
    )
    named = found("UK-GHR", by_canada)
    assert "regime.partner-provision" not in named
    alone = found("UK-GHR", Case("person", CHEN.conduct, listed_by=frozenset({"UK", "NZ"})))
    assert "regime.urgent-route" not in alone
    for other in ("US-GLOMAG", "CA-JVCFOA", "CA-SEMA", "EU-HR"):
        assert REGIMES[other].urgent is None


def test_each_regime_asks_for_the_instant_that_counts() -> None:
    wanted = {name: regime.binding_instant for name, regime in REGIMES.items()}
    assert wanted["CA-SEMA"] == wanted["CA-JVCFOA"] == "registered"
    assert wanted["UK-GHR"] == "in-force"
    announced = Case("person", frozenset({"torture"}), instants=frozenset({"announced"}))
    assert "America/Toronto" in found("CA-SEMA", announced)["regime.effect-time"].sentence
    both = Case("person", frozenset({"torture"}), instants=frozenset({"announced", "registered"}))
    assert "regime.effect-time" not in found("CA-SEMA", both)


def test_nationality_excludes_or_binds() -> None:
    citizen = Case("person", frozenset({"bribery"}), countries=frozenset({"CA"}))
    assert found("CA-JVCFOA", citizen)["regime.nationality"].weight == "bar"
    stranger = Case("person", frozenset({"torture"}), countries=frozenset({"TR"}), state="CN")
    assert found("CA-SEMA", stranger)["regime.nationality"].weight == "gap"
    assert "regime.nationality" not in found("CA-SEMA", CHEN)


def test_uk_clocks_run_56_and_112_days() -> None:
    day = date(2026, 11, 23)
    running = clocks(REGIMES["UK-GHR"], {"urgent-designated": day})
    assert [(clock.id, clock.due) for clock in running] == [
        ("uk-ghr.urgent-56", day + timedelta(days=56)),
        ("uk-ghr.urgent-112", day + timedelta(days=112)),
    ]
    assert running[0].days_left(day) == 56
    assert running[0].days_left(day + timedelta(days=57)) == -1
    renewed = {"urgent-designated": day, "urgent-renewed": day + timedelta(days=50)}
    assert [c.id for c in clocks(REGIMES["UK-GHR"], renewed)] == ["uk-ghr.urgent-112"]
    confirmed = {"urgent-designated": day, "designated": day + timedelta(days=10)}
    assert clocks(REGIMES["UK-GHR"], confirmed) == []
    earlier = {"urgent-designated": day, "revoked": day - timedelta(days=400)}
    assert len(clocks(REGIMES["UK-GHR"], earlier)) == 2


def test_canadian_clocks() -> None:
    day = date(2026, 1, 1)
    jvcfoa = clocks(
        REGIMES["CA-JVCFOA"],
        {"review-requested": day, "identity-certificate-requested": day, "made": day},
    )
    assert [(c.id, c.due and (c.due - day).days) for c in jvcfoa] == [
        ("ca-jvcfoa.tabling", 15),
        ("ca-jvcfoa.identity-certificate", 45),
        ("ca-jvcfoa.review", 90),
    ]
    sema = clocks(REGIMES["CA-SEMA"], {"identity-certificate-requested": day, "made": day})
    assert [(c.id, c.due and (c.due - day).days) for c in sema] == [
        ("ca-sema.identity-certificate", 30),
        ("ca-sema.tabling", None),
    ]
    assert "five sitting days" in sema[1].text.en
    assert sema[1].days_left(day) is None


def test_unknown_event_is_refused() -> None:
    with pytest.raises(RegimeError):
        clocks(REGIMES["UK-GHR"], {"coronation": date(2026, 1, 1)})


def test_crosswalk_refounds_the_us_case() -> None:
    us, uk, sema = REGIMES["US-GLOMAG"], REGIMES["UK-GHR"], REGIMES["CA-SEMA"]
    abuse = {match.ground.id: match for match in crosswalk(us.grounds["us-glomag.abuse"], us, uk)}
    assert abuse["uk-ghr.torture"].fit == "narrower"
    assert "arbitrary detention" in abuse["uk-ghr.torture"].sentence
    official = crosswalk(us.grounds["us-glomag.official"], us, sema)
    assert official[0].ground.id == "ca-sema.official"
    assert official[0].fit == "close"
    assert {m.fit for m in crosswalk(us.grounds["us-glomag.official"], us, uk)} == {"re-argue"}
    jvcfoa = crosswalk(us.grounds["us-glomag.abuse"], us, REGIMES["CA-JVCFOA"])
    assert jvcfoa[0].fit == "narrower"
    assert "victims" in jvcfoa[0].sentence
    support = crosswalk(us.grounds["us-glomag.support"], us, REGIMES["CA-JVCFOA"])
    assert "Does not cover arbitrary detention" in support[0].sentence
    with pytest.raises(RegimeError):
        crosswalk(us.grounds["us-glomag.abuse"], uk, sema)


def test_match_is_known_no_better_than_its_weaker_ground() -> None:
    us, eu = REGIMES["US-GLOMAG"], REGIMES["EU-HR"]
    match = crosswalk(us.grounds["us-glomag.support"], us, eu)[0]
    assert match.basis == "general_knowledge"


cases = st.builds(
    Case,
    subject_kind=st.sampled_from(sorted(SUBJECT_KINDS)),
    conduct=st.frozensets(st.sampled_from(sorted(CONDUCT))),
    involvement=st.frozensets(st.sampled_from(sorted(INVOLVEMENT))),
    victims_defended_rights=st.sampled_from([None, True, False]),
    countries=st.frozensets(st.sampled_from(["CN", "CA", "US"])),
    state=st.sampled_from(["", "CN"]),
    releasable_sources=st.sampled_from([None, 0, 3]),
    listed_by=st.frozensets(st.sampled_from(["US", "UK", "CA", "EU"])),
    partner_provision=st.sampled_from(["", "EO 13818"]),
    instants=st.one_of(st.none(), st.frozensets(st.sampled_from(INSTANTS))),
)


@given(regime=st.sampled_from(sorted(REGIMES)), case=cases)
def test_suggestions_are_sentences_with_a_basis_bars_first(regime: str, case: Case) -> None:
    suggestions = eligibility(REGIMES[regime], case)
    assert suggestions == eligibility(REGIMES[regime], case)
    weights = [suggestion.weight for suggestion in suggestions]
    assert weights == sorted(weights, key=("bar", "gap", "advice").index)
    for suggestion in suggestions:
        assert suggestion.code.startswith("regime.")
        assert suggestion.sentence[0].isupper()
        assert suggestion.sentence.endswith(".")
        assert suggestion.sources or suggestion.basis == "general_knowledge"
        assert all(
            REGIMES[o].jurisdiction == REGIMES[regime].jurisdiction for o in suggestion.offers
        )
    if case.subject_kind not in REGIMES[regime].subject_kinds:
        assert "bar" in weights
        assert fitting_grounds(REGIMES[regime], case) == []


@given(
    regime=st.sampled_from(sorted(REGIMES)),
    events=st.dictionaries(
        st.sampled_from(sorted(CLOCK_EVENTS)), st.dates(date(2017, 1, 1), date(2100, 1, 1))
    ),
)
def test_clocks_never_end_before_they_start(regime: str, events: dict[str, date]) -> None:
    running = clocks(REGIMES[regime], events)
    dues = [clock.due or date.max for clock in running]
    assert dues == sorted(dues)
    assert all(clock.due is None or clock.due > clock.started for clock in running)
    assert all(clock.started in events.values() for clock in running)


@pytest.mark.parametrize(
    "words",
    [
        {"subject_kind": "ship"},
        {"conduct": frozenset({"rudeness"})},
        {"involvement": frozenset({"friend"})},
        {"instants": frozenset({"noon"})},
    ],
)
def test_case_in_unknown_words_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(RegimeError):
        Case(**{"subject_kind": "person", **words})


def damaged(path: list[Any], value: Any) -> Any:
    document = copy.deepcopy(DOCUMENTS["CA-SEMA"])
    target = document
    for step in path[:-1]:
        target = target[step]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["name"], ...),
        (["name"], " "),
        (["surplus"], 1),
        (["subject_kinds"], ["ship"]),
        (["subject_kinds"], "person"),
        (["subject_kinds"], [["person"]]),
        (["subject_kinds"], ["person"]),
        (["reasons_required"], "yes"),
        (["binding_instant"], "noon"),
        (["grounds"], []),
        (["grounds", 1, "id"], "ca-sema.participated"),
        (["grounds", 0, "conduct"], ["rudeness"]),
        (["grounds", 0, "fact", "basis"], "hearsay"),
        (["grounds", 0, "fact", "sources"], ...),
        (["clocks", 0, "days"], 0),
        (["clocks", 0, "days"], True),
        (["clocks", 0, "days"], 3661),
        (["edition"], "0001-01-01"),
        (["edition"], "9999-12-31"),
        (["clocks", 0, "starts"], "noon"),
        (["facts"], []),
        (["facts", "measures"], "freeze"),
        (["alternatives", 0, "conduct"], ["rudeness"]),
    ],
)
def test_damaged_document_is_refused(path: list[Any], value: Any) -> None:
    with pytest.raises(RegimeError):
        parse(damaged(path, value))


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_any_other_document_is_refused(document: Any) -> None:
    with pytest.raises(RegimeError):
        parse(document)
