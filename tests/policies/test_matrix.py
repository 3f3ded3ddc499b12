"""Every action against every role, and every type of statement against the four-eyes table."""

import pytest

from api.adapters.policy.cedar import CedarDecider
from api.adapters.policy.loading import load
from api.ports.policy import Action
from api.wire.types import STATEMENT_TYPES
from tests.policies.cases import (
    POLICIES,
    ROLE_COLUMNS,
    Questions,
    context,
    principal,
    principal_of,
    read,
)

DECIDER = CedarDecider.from_directory(POLICIES)
QUESTIONS = Questions(DECIDER.four_eyes)
MATRIX = read("matrix.toml")
SIGNED = context({"form": "jws"})


def test_every_action_has_a_row() -> None:
    assert set(MATRIX["roles"]) == set(Action)
    assert set(MATRIX["favourable"]) == set(Action)


def test_schema_declares_exactly_the_actions_of_the_port() -> None:
    declarations = load(POLICIES).schema.split("\n\n")
    names = {
        text.split('"')[1]
        for text in declarations
        if text.startswith("action ") and "appliesTo" in text
    }
    assert names == set(Action)


def test_enumeration_is_alphabetical() -> None:
    assert list(Action) == sorted(Action)
    assert all(action.value.count(".") == 1 for action in Action)


@pytest.mark.parametrize("action", sorted(MATRIX["roles"]))
def test_role_may_exactly_what_the_row_says(action: str) -> None:
    words = MATRIX["roles"][action].split()
    assert len(words) == len(ROLE_COLUMNS)
    assert set(words) <= {"yes", "no"}
    for column, word in zip(ROLE_COLUMNS, words, strict=True):
        who = principal_of(column)
        resource = QUESTIONS.resource(who, MATRIX["favourable"][action])
        decision = DECIDER.decide(who, action, resource, SIGNED)
        assert decision.errors == ()
        assert decision.allowed is (word == "yes"), (column, decision)


@pytest.mark.parametrize("action", sorted(MATRIX["roles"]))
def test_officer_without_role_may_only_see_themselves(action: str) -> None:
    who = principal(roles=[])
    resource = QUESTIONS.resource(who, MATRIX["favourable"][action])
    assert DECIDER.decide(who, action, resource, SIGNED).allowed is (action == Action.ME_READ)


@pytest.mark.parametrize("action", sorted(MATRIX["roles"]))
def test_inactive_and_conflicted_principals_may_nothing(action: str) -> None:
    suspects = [principal(roles=[role], active=False) for role in ROLE_COLUMNS[:4]]
    suspects += [principal(kind="peer", active=False)]
    suspects += [
        principal(roles=["administrator", "analyst"]),
        principal(roles=["administrator", "reviewer"]),
        principal(roles=["auditor", "analyst"]),
        principal(roles=["auditor", "reviewer"]),
        principal(roles=["auditor", "administrator"]),
    ]
    for who in suspects:
        resource = QUESTIONS.resource(who, MATRIX["favourable"][action])
        assert not DECIDER.decide(who, action, resource, SIGNED).allowed, who


def test_every_type_of_statement_has_a_row() -> None:
    assert set(MATRIX["statements"]) == {row.kind for row in STATEMENT_TYPES.values()}


@pytest.mark.parametrize("statement_type", sorted(MATRIX["statements"]))
@pytest.mark.parametrize("verb", ["create", "approve", "send", "confirm"])
def test_type_of_statement_takes_exactly_the_roles_of_its_row(
    statement_type: str, verb: str
) -> None:
    expected = MATRIX["statements"][statement_type][verb]
    for column in ROLE_COLUMNS:
        who = principal_of(column)
        authors = ["self"] if verb == "send" else ["amina"]
        on = {"kind": "draft", "of": statement_type, "authors": authors}
        decision = DECIDER.decide(who, f"draft.{verb}", QUESTIONS.resource(who, on), SIGNED)
        assert decision.errors == ()
        assert decision.allowed is (column in expected), (column, decision)


@pytest.mark.parametrize("statement_type", sorted(MATRIX["statements"]))
def test_no_author_is_the_second_person(statement_type: str) -> None:
    both = principal(roles=["analyst", "reviewer"])
    on = {"kind": "draft", "of": statement_type, "authors": ["amina", "self"]}
    for verb in ("draft.approve", "draft.confirm"):
        decision = DECIDER.decide(both, verb, QUESTIONS.resource(both, on), SIGNED)
        assert not decision.allowed
        assert decision.code == "policy.own-work"
