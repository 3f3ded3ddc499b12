"""The Cedar decider: what it answers when things go wrong, and that its short cuts change nothing."""

import dataclasses
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.adapters.policy.cedar import CedarDecider
from api.adapters.policy.loading import load, policy_set
from api.ports.policy import EVALUATION_ERROR, NO_PERMIT, PERMITTED, Action, Principal, Resource
from tests.policies.cases import POLICIES, Case, Questions, load_cases

DECIDER = CedarDecider.from_directory(POLICIES)
BUNDLE = load(POLICIES)
CASES = load_cases(Questions(DECIDER.four_eyes))
REVIEWER = Principal("officer", "boris", "us-treasury", frozenset({"reviewer"}), "boris")
NOW = {"now": 500}


def package(identity: str = "sha256:1", **changes: Any) -> Resource:
    attributes: dict[str, Any] = {
        "ministry": "us-treasury",
        "recused": frozenset(),
        "released_to": frozenset(),
        "own_key": frozenset({"prepared"}),
    }
    return Resource("package", identity, {**attributes, **changes})


def without(resource: Resource, *names: str) -> Resource:
    kept = {name: value for name, value in resource.attributes.items() if name not in names}
    return dataclasses.replace(resource, attributes=kept)


def test_permit_names_policy_reason_and_set() -> None:
    decision = DECIDER.decide(REVIEWER, Action.PACKAGE_READ, package(), NOW)
    assert decision.allowed
    assert decision.code == PERMITTED
    assert decision.policies == ("evidence.desk-reads",)
    assert decision.reasons[0].endswith("that this ministry holds.")
    assert decision.policy_set == BUNDLE.digest
    assert decision.policy_set.startswith("sha256:")


def test_absence_of_a_permit_is_said_in_words() -> None:
    nobody = dataclasses.replace(REVIEWER, roles=frozenset())
    decision = DECIDER.decide(nobody, Action.PACKAGE_READ, package(), NOW)
    assert (decision.allowed, decision.code, decision.policies) == (False, NO_PERMIT, ())
    assert decision.reasons == ("No policy permits package.read here.",)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("package.read", package(), {}),
        ("package.read", package(), {"now": "today"}),
        ("package.read", package(), {"now": 1, "weather": "fair"}),
        ("package.read", package(), {"now": 2**80}),
        ("package.read", without(package(), "recused"), NOW),
        ("package.read", package(recused="boris"), NOW),
        ("package.read", package(recused=frozenset({1})), NOW),
        ("package.read", package(surplus=True), NOW),
        ("package.read", package(ministry=None), NOW),
        ("package.read", package(ministry=1.5), NOW),
        ("package.read", package(ministry=b"x"), NOW),
        ("package.read", package("\ud800"), NOW),
        ("package.read", Resource("exhibit", "x", package().attributes), NOW),
        ("package.read", Resource("exhibit", "x", {}), NOW),
        ("package.read", Resource("treasure", "x"), NOW),
        ("package.burn", package(), NOW),
        ('package.read" || "', package(), NOW),
        ("evidence", package(), NOW),
        ("", package(), NOW),
    ],
)
def test_question_that_cannot_be_evaluated_is_refused(
    action: str, resource: Resource, context: Mapping[str, Any]
) -> None:
    decision = DECIDER.decide(REVIEWER, action, resource, context)
    assert not decision.allowed
    assert decision.code == EVALUATION_ERROR
    assert decision.errors
    assert decision.policies == ()


@pytest.mark.parametrize("value", ["secret-name", frozenset({7})])
def test_complaint_names_the_attribute_and_echoes_no_value(value: Any) -> None:
    resource = package(released_to=value, ministry="secret-ministry")
    decision = DECIDER.decide(REVIEWER, Action.PACKAGE_READ, resource, NOW)
    assert "released_to" in decision.errors[0]
    assert "secret" not in "".join(decision.errors)


def with_errors(tmp_path: Path, policy: str) -> CedarDecider:
    """The shipped set with one more policy, which parses, fits the schema, and fails when asked."""
    copy = tmp_path / "policies"
    shutil.copytree(POLICIES, copy)
    (copy / "evidence.cedar").write_text(f"{(copy / 'evidence.cedar').read_text()}\n{policy}\n")
    return CedarDecider.from_directory(copy)


@pytest.mark.parametrize("effect", ["forbid", "permit"])
def test_a_policy_that_errs_denies_what_others_permit(tmp_path: Path, effect: str) -> None:
    """A forbid that cannot be evaluated must not count as one that did not match.

    The schema allows the sum and the engine does not: a long has 64 bits.
    """
    erring = with_errors(
        tmp_path,
        f"""@id("trial.errs")
@reason("For a test.")
@code("policy.trial")
{effect} (principal is Officer, action == Action::"package.read", resource)
when {{ context.now + 9223372036854775807 < 0 }};""",
    )
    assert DECIDER.decide(REVIEWER, Action.PACKAGE_READ, package(), NOW).allowed
    decision = erring.decide(REVIEWER, Action.PACKAGE_READ, package(), NOW)
    assert (decision.allowed, decision.code) == (False, EVALUATION_ERROR)
    assert decision.errors
    assert "9223372036854775807" not in decision.reasons[0]
    # A page is denied as its members are; where nothing errs, and other actions, are as before.
    pages = erring.decide_many(REVIEWER, Action.PACKAGE_READ, [package(), package("x")], NOW)
    assert [(one.allowed, one.code) for one in pages] == [(False, EVALUATION_ERROR)] * 2
    assert erring.decide(REVIEWER, Action.PACKAGE_READ, package(), {"now": 0}).allowed
    assert erring.decide(REVIEWER, Action.PACKAGE_HOLDERS, package(), NOW).allowed


@pytest.mark.parametrize(
    "named",
    ['resource == Package::"x"', 'resource) when { resource == Package::"x" } when { true'],
)
def test_a_policy_that_names_an_object_is_asked_of_each(tmp_path: Path, named: str) -> None:
    """Objects with the same facts are one question only while no policy tells them apart."""
    head, _, rest = named.partition(")")
    naming = with_errors(
        tmp_path,
        f"""@id("trial.names")
@reason("For a test.")
@code("policy.trial")
forbid (principal is Officer, action == Action::"package.read", {head}){rest}{"}" if rest else ""};""",
    )
    page = [package(), package("x"), package("y")]
    found = naming.decide_many(REVIEWER, Action.PACKAGE_READ, page, NOW)
    assert [one.allowed for one in found] == [True, False, True]


def test_the_same_question_at_another_time_or_of_other_facts_is_another_question() -> None:
    leaving = dataclasses.replace(REVIEWER, expires=600)
    for _ in range(2):
        for now, expected in ((500, True), (700, False)):
            found = DECIDER.decide(leaving, Action.PACKAGE_READ, package(), {"now": now})
            assert found.allowed is expected
        walled = package(recused=frozenset({"boris"}))
        assert not DECIDER.decide(leaving, Action.PACKAGE_READ, walled, NOW).allowed
        other = dataclasses.replace(leaving, roles=frozenset())
        assert not DECIDER.decide(other, Action.PACKAGE_READ, package(), NOW).allowed


def test_strange_ids_are_data_and_never_syntax() -> None:
    for identity in ('"', 'x"::Officer::"boris', "a\nb", "\x00", "Ω" * 300, ""):
        decision = DECIDER.decide(REVIEWER, Action.PACKAGE_READ, package(identity), NOW)
        assert decision.allowed
        walled = package(identity, recused=frozenset({"boris"}))
        assert DECIDER.decide(REVIEWER, Action.PACKAGE_READ, walled, NOW).code == "policy.recused"


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_dropping_any_attribute_never_allows(data: st.DataObject) -> None:
    case: Case = data.draw(st.sampled_from(CASES))
    names = sorted(case.resource.attributes)
    dropped = data.draw(st.sets(st.sampled_from(names), min_size=1)) if names else set()
    keep_now = data.draw(st.booleans()) if dropped else False
    context = {k: v for k, v in case.context.items() if k != "now" or keep_now}
    crippled = without(case.resource, *dropped)
    decision = DECIDER.decide(case.principal, case.action, crippled, context)
    assert not decision.allowed
    assert decision.code == EVALUATION_ERROR


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_page_is_decided_as_its_members_are(data: st.DataObject) -> None:
    case: Case = data.draw(st.sampled_from(CASES))
    kinds = st.sampled_from(["same", "walled", "broken", "twin"])
    page = []
    for number, kind in enumerate(data.draw(st.lists(kinds, max_size=6))):
        attributes = dict(case.resource.attributes)
        if kind == "walled" and "recused" in attributes:
            attributes["recused"] = frozenset({case.principal.person})
        if kind == "broken":
            attributes["surplus"] = number
        identity = "twin" if kind == "twin" else f"r{number}"
        if kind == "twin" and "ministry" in attributes:
            attributes["ministry"] = f"m{number}"
        page.append(Resource(case.resource.kind, identity, attributes))
    together = DECIDER.decide_many(case.principal, case.action, page, case.context)
    alone = [DECIDER.decide(case.principal, case.action, one, case.context) for one in page]
    assert together == alone


def whole_set(case: Case, policies: cedarpy.PolicySet) -> tuple[bool, frozenset[str]]:
    """Ask the engine with every policy and the whole schema: no slices, no cached entities."""
    kinds = {"officer": "Officer", "peer": "Partner", "node": "Node"}
    types = {"change": "Change", "officer": "OfficerRecord", "peer": "PeerRecord"}
    who: dict[str, Any] = {"ministry": case.principal.ministry}
    if case.principal.kind != "node":
        who["active"] = case.principal.active
    if case.principal.kind == "officer":
        who |= {
            "person": case.principal.person,
            "roles": list(case.principal.roles),
            "acting_for": list(case.principal.acting_for),
            "outside": case.principal.outside,
        }
        if case.principal.expires is not None:
            who["expires"] = case.principal.expires
    asker = {"type": kinds[case.principal.kind], "id": case.principal.id}
    thing = {
        "type": types.get(case.resource.kind, case.resource.kind.capitalize()),
        "id": case.resource.id,
    }
    about = {
        name: list(value) if isinstance(value, frozenset) else value
        for name, value in case.resource.attributes.items()
    }
    result = cedarpy.is_authorized(
        {
            "principal": asker,
            "action": {"type": "Action", "id": case.action},
            "resource": thing,
            "context": dict(case.context),
        },
        policies,
        [
            {"uid": asker, "attrs": who, "parents": []},
            {"uid": thing, "attrs": about, "parents": []},
        ],
        BUNDLE.schema,
    )
    assert result.diagnostics.errors == []
    return result.allowed, frozenset(result.diagnostics.reasons)


def test_slices_and_caches_change_no_answer() -> None:
    everything = policy_set(BUNDLE.policies.values())
    for case in CASES:
        decision = DECIDER.decide(case.principal, case.action, case.resource, case.context)
        expected = whole_set(case, everything)
        assert (decision.allowed, frozenset(decision.policies)) == expected, case


@pytest.mark.parametrize("removed", sorted(BUNDLE.policies))
def test_removing_any_policy_breaks_an_example(removed: str) -> None:
    rest = policy_set(policy for name, policy in BUNDLE.policies.items() if name != removed)
    everything = policy_set(BUNDLE.policies.values())
    own = [case for case in CASES if case.policy == removed]
    assert any(whole_set(case, rest) != whole_set(case, everything) for case in own)


def test_guardrails_hold_under_a_capability_file_that_permits_everything() -> None:
    permissive = cedarpy.policies_to_json_str("permit (principal, action, resource);")
    assert "policy0" in permissive
    guards = [policy for policy in BUNDLE.policies.values() if policy.effect == "forbid"]
    policies = policy_set(guards).with_added_str("permit (principal, action, resource);")
    for case in CASES:
        if case.policy.startswith("guard.") and case.expect != "allowed":
            allowed, deciding = whole_set(case, policies)
            assert not allowed
            assert case.policy in deciding


def test_threads_share_one_decider() -> None:
    wrong: list[Case] = []

    def ask(offset: int) -> None:
        for case in CASES[offset:] + CASES[:offset]:
            decision = DECIDER.decide(case.principal, case.action, case.resource, case.context)
            if decision.allowed != (case.expect == "allowed"):
                wrong.append(case)

    threads = [threading.Thread(target=ask, args=(number * 20,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_empty_page_asks_nothing() -> None:
    assert DECIDER.decide_many(REVIEWER, Action.PACKAGE_READ, [], {}) == []
