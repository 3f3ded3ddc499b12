"""Officers, suspensions, grants and what one administrator alone cannot do; on both databases."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain import suspensions as rules
from api.domain.errors import ComityError, Conflict, NotFound, Refused
from api.domain.four_eyes import conflicting
from api.domain.suspensions import Suspension
from api.records import log
from api.records import officers as records
from api.services.desk import grants, officers, suspending
from api.services.desk.officers import NewOfficer
from api.services.node import Node
from api.wire.errors import WireError
from tests.support.exchange import US
from tests.support.federation import ISSUER, Federation
from tests.support.looking import seen
from tests.support.signing import NOW

ROUNDS = 6
DAY = timedelta(hours=24)


@pytest.fixture
def federation(tmp_path: Path, database_url: str) -> Iterator[Federation]:
    made = Federation(tmp_path, urls={US: database_url})
    yield made
    made.close()


def refusal(code: str, kind: type[ComityError] = Conflict) -> Any:
    return pytest.raises(kind, match=rf"\[{code}\]$")


def acts(node: Node) -> list[tuple[str, str]]:
    """Acts and objects of all events, oldest first."""
    rows = node.db.read(lambda connection: log.events_page(connection, limit=500))
    return [(row.act, row.object_id) for row in reversed(rows)]


def active(federation: Federation, name: str) -> bool:
    return federation.officer(US, name).principal.active


def third_administrator(federation: Federation) -> str:
    """One more administrator, made by the two there are."""
    us = federation[US]
    first, second = federation.officer(US, "admin"), federation.officer(US, "admin2")
    made = officers.propose_officer(us, first, NewOfficer("Third", [(ISSUER, f"{US}:admin3")]))
    seen(officers.approve_officer, us, second, made.id)
    grant = grants.propose_grant(us, first, made.id, "administrator")
    seen(grants.approve_grant, us, second, grant.id)
    return made.id


class TestSuspension:
    def test_by_one_lapses_after_a_day(self, federation: Federation) -> None:
        us, admin = federation[US], federation.officer(US, "admin")
        reviewer = federation.officer(US, "reviewer").person
        seen = suspending.suspend(us, admin, reviewer)
        assert (seen.state, active(federation, "reviewer")) == ("suspended", False)
        federation.clock.sleep(DAY.total_seconds() - 1)
        assert not active(federation, "reviewer")
        federation.clock.sleep(2)
        assert active(federation, "reviewer")
        assert officers.view(us, reviewer).state == "active"

    def test_by_one_comes_once_in_seven_days(self, federation: Federation) -> None:
        us, reviewer = federation[US], federation.officer(US, "reviewer").person
        suspending.suspend(us, federation.officer(US, "admin"), reviewer)
        with refusal("suspension.stands"):
            suspending.suspend(us, federation.officer(US, "admin"), reviewer)
        federation.clock.sleep(DAY.total_seconds() * 2)
        before = acts(us)
        with refusal("suspension.again"):
            suspending.suspend(us, federation.officer(US, "admin"), reviewer)
        assert acts(us) == before
        assert active(federation, "reviewer")
        suspending.suspend(us, federation.officer(US, "admin2"), reviewer)
        assert not active(federation, "reviewer")
        federation.clock.sleep(DAY.total_seconds() * 6)
        suspending.suspend(us, federation.officer(US, "admin"), reviewer)
        assert not active(federation, "reviewer")

    def test_stands_once_another_confirmed_it_and_takes_two_to_lift(
        self, federation: Federation
    ) -> None:
        us, reviewer = federation[US], federation.officer(US, "reviewer").person
        admin, admin2 = federation.officer(US, "admin"), federation.officer(US, "admin2")
        suspending.suspend(us, admin, reviewer)
        with refusal("policy.own-proposal", Refused):
            suspending.confirm(us, admin, reviewer)
        seen(suspending.confirm, us, admin2, reviewer)
        federation.clock.sleep(DAY.total_seconds() * 30)
        assert not active(federation, "reviewer")
        with refusal("reinstatement.none"):
            suspending.approve_reinstatement(us, admin, reviewer)
        suspending.propose_reinstatement(us, admin, reviewer)
        with refusal("policy.own-proposal", Refused):
            suspending.approve_reinstatement(us, admin, reviewer)
        assert not active(federation, "reviewer")
        assert seen(suspending.approve_reinstatement, us, admin2, reviewer).state == "active"
        assert active(federation, "reviewer")
        about = [act for act, thing in acts(us) if thing == reviewer]
        found = [act for act in about if act not in {"access.refused", "change.previewed"}]
        assert found == [
            "officer.suspended",
            "suspension.confirmed",
            "reinstatement.proposed",
            "officer.reinstated",
        ]

    def test_that_ended_can_be_confirmed_for_seven_days(self, federation: Federation) -> None:
        us, reviewer = federation[US], federation.officer(US, "reviewer").person
        suspending.suspend(us, federation.officer(US, "admin"), reviewer)
        federation.clock.sleep(DAY.total_seconds() * 3)
        seen(suspending.confirm, us, federation.officer(US, "admin2"), reviewer)
        assert not active(federation, "reviewer")
        analyst = federation.officer(US, "analyst").person
        suspending.suspend(us, federation.officer(US, "admin"), analyst)
        federation.clock.sleep(DAY.total_seconds() * 8)
        with refusal("suspension.none"):
            suspending.confirm(us, federation.officer(US, "admin2"), analyst)

    def test_of_everybody_by_one_administrator_ends_the_ministry_for_a_day(
        self, federation: Federation
    ) -> None:
        us = federation[US]
        people = ["admin2", "analyst", "analyst2", "reviewer", "reviewer2", "auditor"]
        for name in people:
            suspending.suspend(
                us, federation.officer(US, "admin"), federation.officer(US, name).person
            )
        assert not any(active(federation, name) for name in people)
        federation.clock.sleep(DAY.total_seconds() + 1)
        assert all(active(federation, name) for name in people)

    def test_suspends_what_was_lent_too(self, federation: Federation) -> None:
        from api.records import delegations

        us = federation[US]
        person = federation.officer(US, "reviewer").person
        suspending.suspend(us, federation.officer(US, "admin"), person)

        def granted() -> dict[str, frozenset[str]]:
            return us.db.read(lambda c: delegations.granted(c, us.now(), person))

        assert granted() == {}
        federation.clock.sleep(DAY.total_seconds() + 1)
        assert granted() == {person: frozenset({"reviewer"})}

    def test_tells_nobody_else_who_is_there(self, federation: Federation) -> None:
        us, analyst = federation[US], federation.officer(US, "analyst")
        known, absent = federation.officer(US, "reviewer").person, "0" * 32
        for use in (
            suspending.suspend,
            suspending.confirm,
            suspending.propose_reinstatement,
            suspending.approve_reinstatement,
            officers.approve_officer,
            grants.approve_grant,
            grants.revoke_grant,
        ):
            said = set()
            for officer in (known, absent):
                with pytest.raises(Refused) as caught:
                    use(us, analyst, officer)
                said.add(caught.value.code)
            assert said == {"policy.no-permit"}, use
        with refusal("officer.unknown", NotFound):
            suspending.suspend(us, federation.officer(US, "admin"), absent)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["suspend", "confirm"]),
            st.integers(0, 60),
        ),
        max_size=30,
    )
)
def test_one_administrator_alone_never_bars_a_person_longer_than_a_day_in_seven(
    steps: list[tuple[str, str, int]],
) -> None:
    now, known = NOW, list[Suspension]()
    for number, (who, what, hours) in enumerate(steps):
        now += timedelta(hours=hours)
        if what == "suspend" and rules.may_impose(known, who, now):
            known.append(Suspension(str(number), who, now, now + rules.ALONE))
        found = rules.to_confirm(known, now) if what == "confirm" else None
        if found is not None and found.imposed_by != who:
            known[known.index(found)] = Suspension(
                found.id, found.imposed_by, found.imposed_at, found.ends_at, confirmed=True
            )
    for one in known:
        alone = [
            other
            for other in known
            if not other.confirmed
            and other.imposed_by == one.imposed_by
            and one.imposed_at <= other.imposed_at < one.imposed_at + rules.AGAIN
        ]
        assert one.confirmed or len(alone) == 1


class TestLastAdministrators:
    def test_one_does_not_take_the_role_from_the_other(self, federation: Federation) -> None:
        us, admin = federation[US], federation.officer(US, "admin")
        other = federation.officer(US, "admin2").person
        for person in (other, admin.person):
            (grant,) = us.db.read(lambda c, p=person: records.grants(c, p))
            with refusal("grant.last-administrators"):
                grants.revoke_grant(us, admin, grant.id)
        third_administrator(federation)
        (grant,) = us.db.read(lambda c: records.grants(c, other))
        assert grants.revoke_grant(us, admin, grant.id).state == "revoked"

    def test_two_who_take_it_from_each_other_at_one_moment(self, federation: Federation) -> None:
        us = federation[US]
        third_administrator(federation)
        names = ("admin", "admin2", "admin3")
        people = {name: federation.officer(US, name) for name in names}
        held = us.db.read(records.grants)
        of = {grant.officer: grant.id for grant in held if grant.role == "administrator"}
        pairs = [("admin", "admin2"), ("admin2", "admin3"), ("admin3", "admin")]

        def take(pair: tuple[str, str]) -> object:
            try:
                return grants.revoke_grant(us, people[pair[0]], of[people[pair[1]].person])
            except ComityError as error:
                return error.code

        with ThreadPoolExecutor(3) as pool:
            done = list(pool.map(take, pairs))
        assert done.count("grant.last-administrators") == 2
        assert len(us.db.read(lambda c: records.able(c, "administrator", us.now()))) == 2


class TestBreakGlass:
    def test_is_needless_while_two_can_act(self, federation: Federation) -> None:
        us = federation[US]
        with refusal("break-glass.needless"):
            suspending.break_glass_appoint(us, NewOfficer("Eve", [(ISSUER, "eve")]))
        reviewer = federation.officer(US, "reviewer").person
        suspending.suspend(us, federation.officer(US, "admin"), reviewer)
        with refusal("break-glass.needless"):
            suspending.break_glass_reinstate(us, reviewer)

    def test_reinstates_and_appoints_and_leaves_events(self, federation: Federation) -> None:
        us, admin2 = federation[US], federation.officer(US, "admin2").person
        suspending.suspend(us, federation.officer(US, "admin"), admin2)
        before = len(acts(us))
        made = suspending.break_glass_appoint(us, NewOfficer("Helper", [(ISSUER, f"{US}:help")]))
        assert federation.officer(US, "help").principal.roles == {"administrator"}
        # Two can act again, so the operator's part is over.
        with refusal("break-glass.needless"):
            suspending.break_glass_reinstate(us, admin2)
        assert acts(us)[before:] == [("administrator.appointed", made.id)]

    def test_takes_back_a_suspension_when_one_is_left(self, federation: Federation) -> None:
        us, admin2 = federation[US], federation.officer(US, "admin2").person
        suspending.suspend(us, federation.officer(US, "admin"), admin2)
        assert suspending.break_glass_reinstate(us, admin2).state == "active"
        assert active(federation, "admin2")
        rows = us.db.read(lambda c: log.events_page(c, limit=1))
        event = json.loads(bytes(rows[0].body))
        assert (event["act"], event["origin"]) == ("officer.reinstated", "operator")
        assert event["actor"] == {"kind": "node"}

    def test_gives_no_analyst_the_role(self, federation: Federation) -> None:
        us = federation[US]
        admin2 = federation.officer(US, "admin2").person
        suspending.suspend(us, federation.officer(US, "admin"), admin2)
        with refusal("role.conflict"):
            suspending.break_glass_appoint(us, NewOfficer("A", [(ISSUER, f"{US}:analyst")]))


def test_grants_that_meet_never_put_two_roles_into_one_person(federation: Federation) -> None:
    us = federation[US]
    first, second = federation.officer(US, "admin"), federation.officer(US, "admin2")
    roles = ("administrator", "analyst", "auditor", "reviewer")
    for number in range(ROUNDS):
        new = NewOfficer(f"Racer {number}", [(ISSUER, f"r{number}"), (ISSUER, f"s{number}")])
        person = officers.propose_officer(us, first, new).id
        seen(officers.approve_officer, us, second, person)

        def grant(place: int, person: str = person, number: int = number) -> None:
            one, other = (first, second) if place % 2 else (second, first)
            sub = (f"r{number}", f"s{number}", None)[place % 3]
            try:
                made = grants.propose_grant(us, one, person, roles[place % 4], sub)
                seen(grants.approve_grant, us, other, made.id)
            except (Conflict, Refused):
                return

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(grant, range(8)))
        held = us.db.read(lambda c, p=person: records.roles_held(c, p))
        assert held
        assert not conflicting(held), held


def test_each_act_on_an_officer_has_its_own_name(federation: Federation) -> None:
    us = federation[US]
    before = len(acts(us))
    third = third_administrator(federation)
    suspending.suspend(us, federation.officer(US, "admin"), third)
    assert [act for act, _ in acts(us)[before:]] == [
        "officer.proposed",
        "change.previewed",
        "officer.approved",
        "grant.proposed",
        "change.previewed",
        "grant.approved",
        "officer.suspended",
    ]


def test_an_account_ends_at_an_instant_that_there_is(federation: Federation) -> None:
    person = NewOfficer("Third", [(ISSUER, f"{US}:admin3")], "2026-99-99T99:99:99.999Z")
    with pytest.raises(WireError, match=r"encoding\.instant"):
        officers.propose_officer(federation[US], federation.officer(US, "admin"), person)
