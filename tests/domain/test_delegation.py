"""Delegation lends exactly what was lent, and never thins out the four eyes."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.adapters.policy.cedar import CedarDecider
from api.domain.delegation import (
    LENDABLE_ACTS,
    LONGEST,
    ActingStanding,
    Delegation,
    in_place_of,
    may_approve,
    may_propose,
)
from api.domain.four_eyes import conflicting
from api.ports.policy import Action, Principal, Resource

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GRANTED = {
    "amina": frozenset({"analyst"}),
    "boris": frozenset({"reviewer", "analyst"}),
    "carla": frozenset({"administrator"}),
    "dana": frozenset({"reviewer"}),
    "frida": frozenset({"auditor"}),
    "gil": frozenset[str](),
}
LEAVE = Delegation(
    id="d1",
    delegator="boris",
    delegate="amina",
    role="reviewer",
    acts=frozenset({"draft.approve", "draft.return"}),
    starts=NOW - DAY,
    ends=NOW + 7 * DAY,
    proposer="boris",
    approved_by="carla",
)
PROPOSED = dataclasses.replace(LEAVE, approved_by="")
DECIDER = CedarDecider.from_directory(Path(__file__).resolve().parents[2] / "policies")


def test_sound_proposal_is_allowed() -> None:
    assert may_propose(PROPOSED, GRANTED, NOW)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"delegate": "boris"}, "delegation.to-self"),
        ({"role": "administrator", "delegator": "carla"}, "delegation.role"),
        ({"delegator": "amina", "delegate": "dana"}, "delegation.not-held"),
        ({"delegator": "zoe"}, "delegation.not-held"),
        ({"delegate": "zoe"}, "delegation.unknown-officer"),
        ({"delegate": "carla"}, "policy.separation-of-duties"),
        ({"delegate": "frida"}, "policy.separation-of-duties"),
        ({"acts": frozenset()}, "delegation.acts"),
        ({"acts": frozenset({"delegation.propose"})}, "delegation.acts"),
        ({"ends": LEAVE.starts}, "delegation.period"),
        ({"starts": NOW - 3 * DAY, "ends": NOW}, "delegation.period"),
        ({"ends": LEAVE.starts + LONGEST + DAY}, "delegation.too-long"),
    ],
)
def test_unsound_proposal_is_refused_with_its_code(changes: dict[str, Any], code: str) -> None:
    assert may_propose(dataclasses.replace(PROPOSED, **changes), GRANTED, NOW).code == code


def test_borrowed_role_cannot_be_lent_on() -> None:
    onward = dataclasses.replace(PROPOSED, delegator="amina", delegate="gil")
    assert may_propose(onward, GRANTED, NOW).code == "delegation.not-held"


def test_approval_needs_someone_apart() -> None:
    assert may_approve(PROPOSED, "carla", NOW)
    for part in ("boris", "amina"):
        assert may_approve(PROPOSED, part, NOW).code == "policy.own-delegation"
    by_carla = dataclasses.replace(PROPOSED, proposer="carla")
    assert may_approve(by_carla, "carla", NOW).code == "policy.own-delegation"
    assert may_approve(LEAVE, "erik", NOW).code == "delegation.decided"
    ended = dataclasses.replace(PROPOSED, ended_at=NOW)
    assert may_approve(ended, "carla", NOW).code == "delegation.decided"
    assert may_approve(PROPOSED, "carla", LEAVE.ends).code == "delegation.period"


def test_period_is_half_open_and_ends_early_when_ended() -> None:
    assert not LEAVE.in_force(LEAVE.starts - timedelta(microseconds=1))
    assert LEAVE.in_force(LEAVE.starts)
    assert LEAVE.in_force(LEAVE.ends - timedelta(microseconds=1))
    assert not LEAVE.in_force(LEAVE.ends)
    assert not PROPOSED.in_force(NOW)
    ended = dataclasses.replace(LEAVE, ended_at=NOW)
    assert ended.in_force(NOW - timedelta(microseconds=1))
    assert not ended.in_force(NOW)


def test_delegate_stands_in_for_the_named_acts_only() -> None:
    approving = in_place_of("boris", "amina", "draft.approve", GRANTED, [LEAVE], NOW)
    assert approving == ActingStanding(
        "amina", frozenset({"analyst", "reviewer"}), frozenset({"boris"})
    )
    assert in_place_of("boris", "amina", "draft.read", GRANTED, [LEAVE], NOW) is not None
    assert in_place_of("boris", "amina", "draft.confirm", GRANTED, [LEAVE], NOW) is None
    assert in_place_of("boris", "gil", "draft.approve", GRANTED, [LEAVE], NOW) is None
    assert in_place_of("dana", "amina", "draft.approve", GRANTED, [LEAVE], NOW) is None
    assert in_place_of("boris", "amina", "draft.approve", GRANTED, [LEAVE], LEAVE.ends) is None
    assert in_place_of("boris", "amina", "draft.approve", GRANTED, [], NOW) is None


def test_lent_role_falls_with_the_lenders() -> None:
    without = {**GRANTED, "boris": frozenset({"analyst"})}
    assert in_place_of("boris", "amina", "draft.approve", without, [LEAVE], NOW) is None
    suspended = {person: roles for person, roles in GRANTED.items() if person != "boris"}
    assert in_place_of("boris", "amina", "draft.approve", suspended, [LEAVE], NOW) is None
    gone = {person: roles for person, roles in GRANTED.items() if person != "amina"}
    assert in_place_of("boris", "amina", "draft.approve", gone, [LEAVE], NOW) is None


def test_lent_role_lapses_when_the_delegate_becomes_auditor() -> None:
    now_auditor = {**GRANTED, "amina": frozenset({"auditor"})}
    assert in_place_of("boris", "amina", "draft.approve", now_auditor, [LEAVE], NOW) is None


def test_every_lendable_act_is_an_action() -> None:
    assert set(Action) >= LENDABLE_ACTS
    assert not any(act.startswith(("delegation.", "grant.", "recusal.")) for act in LENDABLE_ACTS)


people = st.sampled_from(sorted(GRANTED))
desk_roles = st.frozensets(st.sampled_from(["analyst", "reviewer"]))
grants = st.dictionaries(
    people,
    st.one_of(desk_roles, st.just(frozenset({"administrator"})), st.just(frozenset({"auditor"}))),
)
instants = st.integers(-5, 5).map(lambda days: NOW + days * DAY)
delegations = st.builds(
    Delegation,
    id=st.just("d"),
    delegator=people,
    delegate=people,
    role=st.sampled_from(["analyst", "reviewer", "administrator", "auditor"]),
    acts=st.frozensets(st.sampled_from(sorted(LENDABLE_ACTS)), max_size=3),
    starts=instants,
    ends=instants,
    proposer=people,
    approved_by=st.one_of(st.just(""), people),
    ended_at=st.one_of(st.none(), instants),
)


@given(
    lender=people,
    person=people,
    action=st.sampled_from(sorted(Action)),
    granted=grants,
    register=st.lists(delegations, max_size=5),
    now=instants,
)
def test_standing_in_anothers_place_is_never_more_than_was_lent(
    lender: str,
    person: str,
    action: str,
    granted: dict[str, frozenset[str]],
    register: list[Delegation],
    now: datetime,
) -> None:
    officer = in_place_of(lender, person, action, granted, register, now)
    if officer is None:
        return
    assert officer.acting_for == {lender}
    assert not conflicting(officer.roles)
    for role in officer.roles - granted[person]:
        assert role in granted[lender]
        assert role in {"analyst", "reviewer"}
        assert any(
            d.role == role
            and (d.delegator, d.delegate) == (lender, person)
            and d.approved_by
            and d.starts <= now < d.ends
            and not (d.ended_at and d.ended_at <= now)
            for d in register
        )


@given(proposal=delegations, granted=grants, now=instants)
def test_what_may_be_proposed_and_approved_comes_into_force_as_lent(
    proposal: Delegation, granted: dict[str, frozenset[str]], now: datetime
) -> None:
    proposal = dataclasses.replace(proposal, approved_by="", ended_at=None)
    if not may_propose(proposal, granted, now) or not may_approve(proposal, "erik", now):
        return
    approved = dataclasses.replace(proposal, approved_by="erik")
    begun = max(now, proposal.starts)
    for act in proposal.acts:
        officer = in_place_of(
            proposal.delegator, proposal.delegate, act, granted, [approved], begun
        )
        assert officer is not None
        assert proposal.role in officer.roles


def refused(authors: frozenset[str], officer: ActingStanding, walled: frozenset[str]) -> set[str]:
    """The codes that must keep this officer from approving, told once more without Cedar."""
    codes = set()
    if officer.person in authors:
        codes.add("policy.own-work")
    elif officer.acting_for & authors:
        codes.add("policy.delegated-own-work")
    if walled & {officer.person, *officer.acting_for}:
        codes.add("policy.recused")
    return codes


@given(
    authors=st.frozensets(people, min_size=1, max_size=3),
    person=people,
    acting_for=st.frozensets(people, max_size=1),
    walled=st.frozensets(people, max_size=2),
)
@settings(max_examples=300, deadline=None)
def test_policies_keep_authors_stand_ins_and_recused_persons_away(
    authors: frozenset[str],
    person: str,
    acting_for: frozenset[str],
    walled: frozenset[str],
) -> None:
    officer = ActingStanding(person, frozenset({"reviewer"}), acting_for)
    refusals = refused(authors, officer, walled)
    draft = Resource(
        "draft",
        "d1",
        {
            "statement_type": "release",
            "authors": authors,
            "preparer": "amina",
            "prepared_by": frozenset({"analyst"}),
            "approved_by": frozenset({"reviewer"}),
            "confirmed_by": frozenset(),
            "own_key": frozenset(),
            "recused": walled,
            "ministry": "us-treasury",
            "state": "open",
        },
    )
    principal = Principal(
        "officer", person, "us-treasury", officer.roles, person, acting_for=acting_for
    )
    decision = DECIDER.decide(principal, Action.DRAFT_APPROVE, draft, {"now": 1})
    assert decision.allowed is (not refusals)
    if refusals:
        assert decision.code in refusals
        codes = {DECIDER.policies[policy].code for policy in decision.policies}
        assert codes >= refusals
