"""What partners change reaches those who relied on it: reviews, tasks, holdings, coverage."""

from collections.abc import Iterator

import pytest

from api.domain.dating import Times
from api.domain.errors import Conflict, Invalid, NotFound, Refused
from api.records import designations, tasks
from api.services.authorising import Caller
from api.services.desk import coverage, evidence, holdings
from api.services.desk import designations as use
from api.services.desk import tasks as lists
from api.services.desk.tasks import Closing, Scope, TaskView
from api.services.node import Node
from api.services.statements.effects import EFFECTS
from api.services.statements.effects.base import Received
from tests.support.bodies import body
from tests.support.exchange import (
    CA,
    UK,
    US,
    approve,
    designate,
    draft,
    find,
    issue,
    package,
    release,
    request,
    say,
)
from tests.support.federation import Federation
from tests.support.statements import statement

NAME = "Ripple Person"


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("nodes"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def story(federation: Federation) -> dict[str, str]:
    """The US lists, shows evidence and asks; the UK finds on it, lists, and says so."""
    found = {"us": designate(federation, US, NAME, day="2020-07-09")}
    found["package"] = package(federation, US, "Ripple")
    found["release"] = release(federation, US, found["package"], UK)
    evidence_named = [{"release": found["release"], "package": found["package"]}]
    found["thread"] = request(
        federation, US, UK, {"s1": found["us"]}, {"s1": NAME}, evidence=evidence_named
    )
    federation.settle()
    found["finding"] = find(federation, UK, found["thread"], "s1", relies_on=[found["package"]])
    found["uk"] = designate(federation, UK, NAME, day="2021-03-22", to=(US,))
    found["effect"] = say(
        federation, UK, found["thread"], "effect", subject="s1", designation=found["uk"]
    )
    federation.settle()
    return found


def mine(
    federation: Federation, ministry: str, who: str, scope: Scope = Scope.MINE
) -> list[TaskView]:
    return lists.tasks_page(
        federation[ministry], federation.officer(ministry, who), scope, limit=50
    )


def test_effects_and_mirrors_make_coverage(federation: Federation, story: dict[str, str]) -> None:
    for ministry in (US, UK):
        node, reader = federation[ministry], federation.officer(ministry, "auditor")
        table = coverage.compare(node, reader, "US:2020-07", "UK", "2021-03-22")
        assert (table.listed, table.of) == (1, 1)
        assert table.subjects[0].lag_days == 256
        assert coverage.compare(node, reader, "US:2020-07", "UK", "2021-03-21").listed == 0
        board = coverage.board(node, reader, "2021-03-22")
        assert board.subjects[0].jurisdictions["CA"] is None
    with pytest.raises(Invalid):
        coverage.compare(federation[US], federation.officer(US, "analyst"), "us", "UK", None)


def held_by(node: Node, caller: Caller, peer: str, at: str | None = None) -> holdings.Holdings:
    return holdings.of_peer(node, caller, peer, at, limit=100, start=None)


def test_what_a_partner_holds_is_proven_by_its_receipts(
    federation: Federation, story: dict[str, str]
) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    now = held_by(us, analyst, UK)
    held = {one.package: one for one in now.items}[story["package"]]
    assert (held.state, held.proven) == ("applied", True)
    assert set(held.proofs) == {"release", "message", "disposition"}
    assert now.delivered["mirror-request/1"] >= 1
    assert held.title is not None
    audited = held_by(us, federation.officer(US, "auditor"), UK)
    assert [(one.package, one.title) for one in audited.items] == [
        (one.package, None) for one in now.items
    ]
    before = held_by(us, analyst, UK, "2020-01-01T00:00:00.000Z")
    assert before.items == ()
    assert held_by(us, analyst, CA).items == ()
    with pytest.raises(NotFound):
        held_by(us, analyst, US)
    with pytest.raises(Invalid):
        held_by(us, analyst, UK, "yesterday")


def test_what_a_partner_holds_comes_in_pages(federation: Federation, story: dict[str, str]) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    release(federation, US, package(federation, US, title="Another"), UK)
    whole = held_by(us, analyst, UK).items
    assert story["package"] in {one.package for one in whole}
    found: list[holdings.HeldView] = []
    start = None
    while page := holdings.of_peer(us, analyst, UK, None, limit=1, start=start).items:
        found += page
        start = holdings.place_of(page[-1])
    assert len(found) > 1
    assert [one.package for one in found] == [one.package for one in whole]


def test_an_amendment_goes_to_all_who_know_and_opens_reviews(
    federation: Federation, story: dict[str, str]
) -> None:
    change = {
        "changes": {"list_reference": "Item 2"},
        "instants": {"in_force": {"at": "2022-01-01", "zone": "Etc/UTC"}},
    }
    with pytest.raises(Invalid) as narrow:
        draft(
            federation,
            US,
            "designation-amendment/1",
            (CA,),
            {**change, "designation": story["us"]},
        )
    assert narrow.value.code == "designation.recipients"
    us = federation[US]
    made = use.change(
        us, federation.officer(US, "analyst"), story["us"], "designation-amendment/1", change
    )
    amended = approve(federation, US, made)
    federation.settle()
    for ministry in (US, UK, CA):
        view = use.read(federation[ministry], federation.officer(ministry, "auditor"), story["us"])
        assert view.standing["list_reference"] == "Item 2"
        assert (view.amendments, view.statements[-1].id) == (1, amended)
    reviews = [one for one in mine(federation, UK, "reviewer") if one.kind == "review"]
    assert {one.about.kind for one in reviews} == {"finding", "designation"}
    assert {one.cause for one in reviews} == {amended}
    assert {one.key for one in reviews} == {"amended"}
    assert [one for one in mine(federation, UK, "analyst") if one.kind == "review"] == []
    assert [one for one in mine(federation, CA, "reviewer") if one.kind == "review"] == []


def test_a_review_is_closed_with_a_reason_or_by_deciding_again(
    federation: Federation, story: dict[str, str]
) -> None:
    uk = federation[UK]
    reviews = {
        one.about.kind: one for one in mine(federation, UK, "reviewer") if one.kind == "review"
    }
    with pytest.raises(Refused):
        lists.close(
            uk, federation.officer(UK, "analyst"), reviews["designation"].id, Closing("kept", "x")
        )
    reviewer = federation.officer(UK, "reviewer")
    with pytest.raises(Invalid):
        lists.close(uk, reviewer, reviews["designation"].id, Closing("kept", " "))
    lists.close(uk, reviewer, reviews["designation"].id, Closing("kept", "The item alone changed."))
    with pytest.raises(Conflict):
        lists.close(uk, reviewer, reviews["designation"].id, Closing("kept", "Again."))
    find(federation, UK, story["thread"], "s1", relies_on=[story["package"]])
    left = [one for one in mine(federation, UK, "reviewer") if one.kind == "review"]
    assert left == []
    row = uk.db.read(lambda c: tasks.review(c, reviews["finding"].id))
    assert row is not None
    assert row.outcome == "decided-again"


def test_a_recall_reaches_the_finding_and_the_designation_under_it(
    federation: Federation, story: dict[str, str]
) -> None:
    us = federation[US]
    recall = evidence.recall(
        us,
        federation.officer(US, "reviewer"),
        story["package"],
        {"reason": "A wrong exhibit.", "instruction": "stop-use"},
    )
    waiting = [one for one in mine(federation, US, "reviewer2") if one.kind == "confirm"]
    assert [one.about.id for one in waiting] == [recall.id]
    assert [one for one in mine(federation, US, "reviewer") if one.kind == "confirm"] == []
    owed = mine(federation, US, "analyst", Scope.PARTNERS)
    assert [one.about.id for one in owed if one.kind == "acknowledge-recall"] == [story["package"]]
    federation.clock.sleep(25 * 3600)
    overdue = mine(federation, US, "reviewer2", Scope.OVERDUE)
    assert [one.kind for one in overdue] == ["confirm"]
    federation.settle()
    owed = mine(federation, US, "analyst", Scope.PARTNERS)
    assert [one for one in owed if one.kind == "acknowledge-recall"] == []
    reviews = [one for one in mine(federation, UK, "reviewer") if one.kind == "review"]
    assert {one.key for one in reviews} == {"recalled"}
    paths = {one.about.kind: len(one.path) for one in reviews}
    assert paths == {"finding": 1, "designation": 2}
    later = held_by(us, federation.officer(US, "auditor"), UK)
    held = {one.package: one for one in later.items}[story["package"]]
    assert (held.state, held.proven) == ("recalled", False)


def test_a_delisting_ends_coverage_and_cannot_be_amended(
    federation: Federation, story: dict[str, str]
) -> None:
    uk = federation[UK]
    ended = {
        "reason": "No longer met.",
        "instants": {"in_force": {"at": "2024-06-01", "zone": "Europe/London"}},
    }
    made = use.change(uk, federation.officer(UK, "analyst"), story["uk"], "delisting/1", ended)
    approve(federation, UK, made)
    federation.settle()
    row = federation[US].db.read(lambda c: designations.by_id(c, story["uk"]))
    assert row is not None
    assert row.ended_on == "2024-06-01"
    auditor = federation.officer(US, "auditor")
    us = federation[US]
    assert coverage.compare(us, auditor, "US", "UK", "2024-05-31").listed == 1
    assert coverage.compare(us, auditor, "US", "UK", "2024-06-01").listed == 0
    with pytest.raises(Conflict) as refusal:
        use.change(uk, federation.officer(UK, "analyst"), story["uk"], "delisting/1", ended)
    assert refusal.value.code == "designation.delisted"


def test_designations_are_stated_by_their_own_jurisdiction(federation: Federation) -> None:
    foreign = body("designation/1", mirrors=[])
    with pytest.raises(Invalid) as refusal:
        issue(federation, US, "designation/1", (UK,), foreign)
    assert refusal.value.code == "designation.jurisdiction"
    backwards = body(
        "designation/1",
        jurisdiction="US",
        regime="US-GLOMAG",
        mirrors=[],
        instants={
            "made": {"at": "2021-02-01", "zone": "Etc/UTC"},
            "in_force": {"at": "2021-01-01", "zone": "Etc/UTC"},
        },
    )
    with pytest.raises(Invalid) as order:
        issue(federation, US, "designation/1", (UK,), backwards)
    assert order.value.code == "instants.order"


def test_clocks_run_from_own_designations(federation: Federation) -> None:
    designate(
        federation,
        UK,
        "Urgent Person",
        day="2026-11-01",
        to=(US,),
        procedure="urgent",
        partner_provision="EO 13818, section 1(a)(ii)(A)",
    )
    clocks = mine(federation, UK, "analyst", Scope.CLOCKS)
    assert ("clock", "2026-12-27") in {(one.kind, one.due) for one in clocks}
    assert mine(federation, US, "analyst", Scope.CLOCKS) == []


@pytest.mark.parametrize(
    ("at", "zone"),
    [("0001-01-01T00:00:00.000Z", "America/Toronto"), ("9999-12-31T23:59:59.000Z", "Asia/Tokyo")],
)
def test_instants_beyond_the_calendar_are_refused_and_stop_nothing(
    federation: Federation, at: str, zone: str
) -> None:
    content = body("designation/1", mirrors=[], instants={"in_force": {"at": at, "zone": zone}})
    came = statement("designation/1", content, issuer=CA, to=(US,))
    us = federation[US]
    received = Received(came, us.now(), CA, "a message", {}, Times(us.now()))
    decision = us.db.write(lambda unit: EFFECTS["designation/1"].receive(us, unit, received))
    assert decision.code == "instants.range"


def test_what_is_named_twice_counts_once(federation: Federation, story: dict[str, str]) -> None:
    mirrors = [{"jurisdiction": "US", "designation": story["us"]}] * 2
    listed = designate(federation, CA, NAME, day="2024-12-09", mirrors=mirrors)
    federation.settle()
    view = use.read(federation[US], federation.officer(US, "auditor"), story["us"])
    assert [one.id for one in view.rests_on_it].count(listed) == 1
