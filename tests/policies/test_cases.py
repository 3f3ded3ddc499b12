"""Every example in policies/cases holds, and every policy has examples on both sides."""

from pathlib import Path

import pytest

from api.adapters.policy.cedar import CedarDecider
from api.ports.policy import PERMITTED, Action, ResourceKind
from tests.policies.cases import POLICIES, Case, Questions, load_cases, read

DECIDER = CedarDecider.from_directory(POLICIES)
ALL_CASES = load_cases(Questions(DECIDER.four_eyes))


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: case.id)
def test_example_holds(case: Case) -> None:
    decision = DECIDER.decide(case.principal, case.action, case.resource, case.context)
    assert decision.allowed is (case.expect == "allowed"), (case.because, decision)
    assert decision.code == (PERMITTED if decision.allowed else case.expect), case.because
    policy = DECIDER.policies[case.policy]
    decides = policy.effect == ("permit" if decision.allowed else "forbid")
    if decides and (policy.effect == "permit" or case.expect == policy.code):
        assert case.policy in decision.policies, case.because
    assert len(decision.reasons) == max(1, len(decision.policies))
    assert decision.policy_set == DECIDER.policy_set
    assert decision.errors == ()


@pytest.mark.parametrize("policy", sorted(DECIDER.policies))
def test_policy_has_an_example_it_decides_and_one_it_does_not(policy: str) -> None:
    allowed = [case for case in ALL_CASES if case.policy == policy and case.expect == "allowed"]
    refused = [case for case in ALL_CASES if case.policy == policy and case.expect != "allowed"]
    assert allowed
    assert refused
    text = DECIDER.policies[policy]
    if text.effect == "forbid":
        assert any(case.expect == text.code for case in refused)


def test_examples_speak_of_policies_that_exist() -> None:
    assert {case.policy for case in ALL_CASES} == set(DECIDER.policies)
    assert all(case.action in set(Action) for case in ALL_CASES)
    assert set(read("questions.toml")) == set(ResourceKind)


def test_first_deciding_guardrail_gives_the_code() -> None:
    ranks = [policy.rank for policy in DECIDER.policies.values()]
    assert ranks == sorted(ranks)
    first_permit = next(p.rank for p in DECIDER.policies.values() if p.effect == "permit")
    assert all(p.rank < first_permit for p in DECIDER.policies.values() if p.effect == "forbid")


def test_policy_file_names_its_capability() -> None:
    for path in Path(POLICIES).glob("*.cedar"):
        prefix = "guard" if path.stem == "guardrails" else path.stem
        ids = [policy for policy in DECIDER.policies if policy.startswith(f"{prefix}.")]
        assert ids, path.name
