"""Decisions name law that exists, and one against a bar says why; facts are never inferred."""

from pathlib import Path
from typing import Any

import pytest

from api.domain.designations import shareable
from api.domain.errors import ComityError, Invalid
from api.domain.regimes.assessment import Status
from api.services.desk import proposals, suggesting
from api.wire.errors import WireError
from tests.support.bodies import body
from tests.support.exchange import CA, US, designate, find, person, request, state
from tests.support.federation import Federation
from tests.support.signing import CA as CA_KEYS
from tests.support.signing import US as US_KEYS

BODY = {
    "schema": "PublicBody",
    "names": [{"text": "A Bureau", "script": "Latn"}],
    "countries": ["CN"],
}
DETENTION = {"conduct": "arbitrary-detention", "part": "responsible", "state": "CN"}


@pytest.fixture
def federation(tmp_path: Path):
    made = Federation(tmp_path, ministries=(US_KEYS, CA_KEYS))
    yield made
    made.close()


def refused(make: Any) -> str:
    with pytest.raises(ComityError) as refusal:
        make()
    return refusal.value.code


def asked(federation: Federation, subject: dict[str, Any], **more: Any) -> str:
    listed = designate(federation, US, "A Bureau", to=(CA,), subject=subject)
    thread = request(
        federation,
        US,
        CA,
        {"s1": listed},
        {"s1": "A Bureau"},
        subjects=[{"key": "s1", **subject}],
        **more,
    )
    federation.settle()
    return thread


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"regime": "US-GLOMAGG"}, "regime.unknown"),
        ({"regime": "US-GLOMAG", "grounds": ["nonsense-ground"]}, "regime.ground"),
        ({"regime": "US-GLOMAG", "grounds": ["uk-ghr.torture"]}, "regime.ground"),
        ({"regime_edition": "1999-01-01"}, "regime.edition"),
    ],
)
def test_a_designation_names_law_that_exists(
    federation: Federation, members: dict[str, Any], code: str
) -> None:
    assert refused(lambda: designate(federation, US, "A Person", to=(CA,), **members)) == code


def test_the_nearest_name_is_said(federation: Federation) -> None:
    with pytest.raises(Invalid, match=r"nearest is us-glomag\.abuse"):
        designate(federation, US, "A Person", to=(CA,), grounds=["us-glomag.abusee"])


def test_a_body_under_an_act_for_individuals_needs_a_reason(federation: Federation) -> None:
    def made(**more: Any) -> str:
        return designate(
            federation, CA, "A Bureau", to=(US,), regime="CA-JVCFOA", subject=BODY, **more
        )

    assert refused(made) == "law.barred"
    with pytest.raises(WireError, match="reason"):
        made(against_bar={"reason": "   "})
    assert made(against_bar={"reason": "Counsel reads section 2 otherwise; minute 12."})


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"regime": "CA-JVCFOA", "ground": "nonsense-ground"}, "regime.ground"),
        ({"regime": "CA-JVCFOA", "ground": "ca-jvcfoa.a"}, "law.barred"),
        ({"regime": "CA-JVCFOA"}, "law.barred"),
        ({"regime": "CA-SEMA", "ground": "ca-sema.official"}, "law.barred"),
    ],
)
def test_a_finding_against_a_bar(
    federation: Federation, members: dict[str, Any], code: str
) -> None:
    thread = asked(federation, BODY, case_facts=[DETENTION])
    members = {"ground": None, **members}
    given = {name: value for name, value in members.items() if value is not None}
    assert refused(lambda: find(federation, CA, thread, "s1", **given)) == code
    if code == "law.barred":
        reason = {"reason": "Decided on advice; minute 12."}
        find(federation, CA, thread, "s1", **given, against_bar=reason)
        federation.settle()
        assert state(federation, US, thread).subjects["s1"].findings


def test_a_finding_that_fits_needs_no_reason(federation: Federation) -> None:
    thread = asked(federation, BODY, case_facts=[DETENTION])
    find(federation, CA, thread, "s1", regime="CA-SEMA", ground="ca-sema.participated")


def test_a_proposal_is_asked_too(federation: Federation) -> None:
    analyst = federation.officer(CA, "analyst")
    content = body(
        "designation-proposal/1",
        regime="CA-JVCFOA",
        subjects=[{"key": "s1", **BODY}],
        case_facts=[DETENTION],
    )
    content["grounds"] = [{**content["grounds"][0], "evidence": []}]
    assert refused(lambda: proposals.create(federation[CA], analyst, content)) == "law.barred"
    content["against_bar"] = {"reason": "To be argued; minute 12."}
    assert proposals.create(federation[CA], analyst, content)
    assert shareable(content)["against_bar"] == content["against_bar"], "partners read it too"


def test_suggestions_stand_on_recorded_facts_alone(federation: Federation) -> None:
    """An official listed under a ground that covers corruption is not thereby corrupt."""
    official = {**person("An Official"), "countries": ["CN"]}
    listed = designate(
        federation, US, "An Official", to=(CA,), subject=official, grounds=["us-glomag.official"]
    )
    names = {"s1": "An Official"}
    subjects = [{"key": "s1", **official}]
    thread = request(federation, US, CA, {"s1": listed}, names, subjects=subjects)
    federation.settle()
    analyst = federation.officer(CA, "analyst")
    found = {one.regime: one for one in suggesting.suggestions(federation[CA], analyst, thread)}
    assert found["CA-JVCFOA"].assessment.status is Status.UNKNOWN
    assert found["CA-JVCFOA"].case.conduct == frozenset()


def test_suggestions_know_who_is_barred_and_what_to_try(federation: Federation) -> None:
    thread = asked(federation, BODY, case_facts=[{**DETENTION, "subjects": ["s1"]}])
    analyst = federation.officer(CA, "analyst")
    found = {one.regime: one for one in suggesting.suggestions(federation[CA], analyst, thread)}
    assert found["CA-JVCFOA"].assessment.status is Status.NOT_COVERED
    assert found["CA-JVCFOA"].assessment.instead == ("CA-SEMA",)
    assert found["CA-SEMA"].assessment.status is Status.MET
    assert found["CA-SEMA"].assessment.ground == "ca-sema.participated"


def test_the_regime_that_the_requester_suggests_comes_first_with_grounds_that_match(
    federation: Federation,
) -> None:
    plain = asked(federation, BODY, regimes={})
    asking = asked(federation, BODY, regimes={"s1": "CA-SEMA"})
    analyst = federation.officer(CA, "analyst")
    found = suggesting.suggestions(federation[CA], analyst, asking)
    assert [(one.regime, one.asked) for one in found] == [("CA-SEMA", True), ("CA-JVCFOA", False)]
    assert {(one.asked_on, one.ground) for one in found[0].matches} == {
        ("us-glomag.abuse", "ca-sema.participated")
    }
    assert found[0].matches[0].fit in {"close", "narrower"}
    found = suggesting.suggestions(federation[CA], analyst, plain)
    assert [(one.regime, one.asked) for one in found] == [("CA-JVCFOA", False), ("CA-SEMA", False)]
    (only,) = suggesting.suggestions(federation[CA], analyst, asking, ["CA-JVCFOA"])
    assert (only.regime, only.asked) == ("CA-JVCFOA", False)


def test_a_fact_names_only_subjects_of_its_statement(federation: Federation) -> None:
    with pytest.raises(Exception, match="fact of the case"):
        asked(federation, BODY, case_facts=[{**DETENTION, "subjects": ["s9"]}])
