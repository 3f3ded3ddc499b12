"""Both ends of a thread are compared; a difference is raised and goes when it is gone."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from api.domain.errors import ComityError, Unavailable
from api.jobs.reconcile import reconcile
from api.ports.peers import PeerReply
from api.records import log, threads
from api.records.unit_of_work import Unit
from api.services.authorising import peer_caller
from api.services.desk import mirroring
from api.services.desk import tasks as lists
from api.services.desk.deadlines import expire_clocks
from api.services.desk.tasks import Scope
from api.services.log import peer_tokens
from api.services.road import thread_comparison
from api.services.road.thread_comparison import GRACE, ComparisonOutcome, SharedThreads
from api.web import problems, shapes
from tests.support.campaigns import campaign
from tests.support.exchange import CA, UK, US, designate, find, request
from tests.support.federation import Federation, Wire


class Reading(Wire):
    """A network on which members' nodes also read each other's threads."""

    def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
        parts = urlsplit(path)
        if parts.path != thread_comparison.PATH:
            return super().get(peer, path, token=token, headers=headers)
        node = self.federation[peer]
        after = parse_qs(parts.query).get("after", [""])[0]
        try:
            caller = peer_caller(node, peer_tokens.verify(node, token, parts.path))
            found = thread_comparison.serve(node, caller, thread_comparison.cursor_of(after))
        except ComityError as error:
            return PeerReply(problems.status_of(error), b"{}")
        return PeerReply(200, json.dumps(shapes.document(found)).encode())


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("nodes"))
    for ministry, node in made.nodes.items():
        object.__setattr__(node, "transport", Reading(made, ministry))
    yield made
    made.close()


@pytest.fixture
def thread(federation: Federation, request: pytest.FixtureRequest) -> str:
    return asked(federation, request.node.name)


def asked(federation: Federation, name: str) -> str:
    made = request(federation, US, UK, {"s1": designate(federation, US, name)})
    federation.settle()
    return made


def events(federation: Federation, ministry: str) -> int:
    """How many events a node has recorded."""
    federation.settle()
    head = federation[ministry].db.read(log.newest_head)
    return 0 if head is None else head.size


def test_equal_ends_leave_no_trace(
    federation: Federation, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(federation, "a second one, for the second page")
    monkeypatch.setattr(thread_comparison, "PAGE", 1)
    before = events(federation, US)
    found = thread_comparison.sweep(federation[US], UK)
    assert found["equal"] >= 2
    assert (found["behind"], found["different"]) == (0, 0)
    assert not any(thread_comparison.sweep(federation[US], CA).values())
    assert events(federation, US) == before


def test_what_is_still_travelling_is_behind_and_no_difference(
    federation: Federation, thread: str
) -> None:
    find(federation, UK, thread, "s1")
    assert thread_comparison.sweep(federation[US], UK)["behind"] == 1
    # The UK is ahead of us; seen from there, we are behind it, at a point it can fold up to.
    assert thread_comparison.sweep(federation[UK], US)["different"] == 0
    federation.settle()
    assert thread_comparison.sweep(federation[US], UK)["behind"] == 0
    row = federation[US].db.read(lambda c: threads.comparison(c, thread, UK))
    assert row is not None
    assert row.outcome == "equal"


def test_what_never_arrives_becomes_a_difference(federation: Federation, thread: str) -> None:
    find(federation, UK, thread, "s1")
    us = federation[US]
    assert thread_comparison.sweep(us, UK)["behind"] == 1
    federation.clock.sleep(GRACE.total_seconds() + 1)
    assert thread_comparison.sweep(us, UK)["different"] == 1
    federation.settle()
    assert thread_comparison.sweep(us, UK)["different"] == 0


def test_a_difference_is_raised_and_goes_when_it_is_gone(
    federation: Federation, thread: str
) -> None:
    us, analyst = federation[US], federation.officer(US, "analyst")
    real = us.db.read(lambda c: threads.by_id(c, thread))
    assert real is not None
    wrong = thread_comparison.SharedThread(thread, 1, 0, (), "sha256:" + "0" * 64)
    assert thread_comparison.compare(us, UK, [wrong]) == [ComparisonOutcome.DIFFERENT]
    raised = lists.tasks_page(us, analyst, Scope.MINE, limit=50)
    assert [(one.kind, one.about.id) for one in raised] == [("reconcile", thread)]
    view = mirroring.read(us, analyst, thread)
    assert view.comparison is not None
    assert view.comparison.ours == real.state_digest
    before = events(federation, US)
    assert thread_comparison.compare(us, UK, [wrong]) == [ComparisonOutcome.DIFFERENT]
    assert events(federation, US) == before
    assert not reconcile(us, UK)
    assert lists.tasks_page(us, analyst, Scope.MINE, limit=50) == []


def test_a_third_member_learns_nothing_of_a_thread(federation: Federation, thread: str) -> None:
    shown = thread_comparison.serve(federation[US], peer_caller(federation[US], CA), "")
    assert shown == SharedThreads((), None)
    # What a member claims about a thread that it has no part in is not compared.
    claim = thread_comparison.SharedThread(thread, 1, 0, (), "sha256:" + "0" * 64)
    assert thread_comparison.compare(federation[US], CA, [claim]) == [ComparisonOutcome.UNKNOWN]


class Saying(Reading):
    """A network on which what members say of threads is made up, page by page."""

    def __init__(self, made: Federation, pages: Iterator[dict[str, Any]]) -> None:
        super().__init__(made, US)
        self.pages = pages
        self.asked = 0

    def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
        self.asked += 1
        return PeerReply(200, json.dumps(next(self.pages)).encode())


def claimed(number: int) -> dict[str, Any]:
    """What a member says of a thread that nobody else has heard of."""
    return {
        "thread": f"sha256:{number:064x}",
        "requester": 1,
        "addressee": 0,
        "voided": [],
        "state": "sha256:" + "0" * 64,
    }


def swept(federation: Federation, pages: Iterator[dict[str, Any]]) -> tuple[Saying, dict[str, int]]:
    us = federation[US]
    wire, saying = us.transport, Saying(federation, pages)
    object.__setattr__(us, "transport", saying)
    try:
        return saying, thread_comparison.sweep(us, UK)
    finally:
        object.__setattr__(us, "transport", wire)


@campaign("test_nonsense_and_absence_change_nothing")
def test_an_endless_list_writes_nothing_and_ends(federation: Federation, thread: str) -> None:
    """Pages without end of threads that nobody knows: no leaf, no row, no task, few pages."""
    us = federation[US]

    def pages() -> Iterator[dict[str, Any]]:
        for page in count():
            held = [claimed(page * 500 + number + 1) for number in range(500)]
            yield {"threads": held, "next": held[-1]["thread"]}

    known = us.db.read(lambda c: threads.count_with_party(c, UK))
    before = events(federation, US), len(us.db.read(threads.differences))
    saying, found = swept(federation, pages())
    assert saying.asked == known + 1
    assert found["unknown"] == saying.asked * 500
    federation.clock.sleep(GRACE.total_seconds() + 1)
    swept(federation, pages())
    assert (events(federation, US), len(us.db.read(threads.differences))) == before


@pytest.mark.parametrize(
    "page",
    [
        {"threads": [claimed(2), claimed(1)]},
        {"threads": [claimed(1), claimed(1)]},
        {"threads": [claimed(1)], "next": claimed(9)["thread"]},
        {"threads": [], "next": claimed(9)["thread"]},
        {"threads": [claimed(number + 1) for number in range(501)]},
    ],
    ids=["backwards", "twice", "next elsewhere", "next of nothing", "too many"],
)
def test_a_page_out_of_order_is_not_compared(
    federation: Federation, thread: str, page: dict[str, Any]
) -> None:
    with pytest.raises(Unavailable, match="The member's node answers"):
        swept(federation, iter([page]))


def test_a_member_that_changes_its_mind_writes_a_bounded_number_of_events(
    federation: Federation, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    us = federation[US]
    asked(federation, "another")
    monkeypatch.setattr(thread_comparison, "_MOST_WRITTEN", 1)
    rows = us.db.read(lambda c: threads.with_party(c, UK, after="", limit=500))
    wrong = [{**claimed(0), "thread": row.id} for row in rows]
    before = events(federation, US)
    _, found = swept(federation, iter([{"threads": wrong}]))
    assert found["deferred"] == len(rows) - 1
    assert events(federation, US) == before + 1
    assert not reconcile(us, UK)
    assert us.db.read(threads.differences) == []


def test_two_hundred_shared_threads_are_compared(federation: Federation, thread: str) -> None:
    """More than a list in a message may hold: every one is compared, and a false one is found."""
    us, uk = federation[US], federation[UK]
    row = uk.db.read(lambda c: threads.by_id(c, thread))
    assert row is not None
    for node in (us, uk):
        copies = [{**asdict(row), "id": f"sha256:{number:064x}"} for number in range(200)]
        copies[150] |= {"state_digest": f"sha256:{ord(node.ministry[1]):064x}"}

        def write(unit: Unit, copies: list[dict[str, Any]] = copies) -> None:
            unit.connection.execute(threads.THREADS.insert(), copies)

        node.db.write(write)
    found = thread_comparison.sweep(us, UK)
    assert found["equal"] >= 200
    assert found["different"] == 1
    for node in (us, uk):

        def clear(unit: Unit) -> None:
            copied = threads.THREADS.c.id.like("sha256:" + "0" * 32 + "%")
            unit.connection.execute(threads.THREADS.delete().where(copied))

        node.db.write(clear)


def test_nonsense_and_absence_change_nothing(federation: Federation, thread: str) -> None:
    us = federation[US]
    for answer in (b"[]", b'{"threads":[{}]}', b'{"threads":[],"next":"x"}', b"\xff"):
        wire = us.transport

        class Nonsense(Reading):
            def get(
                self,
                peer: str,
                path: str,
                *,
                token: str,
                headers: dict[str, str],
                body: bytes = answer,
            ) -> PeerReply:
                return PeerReply(200, body)

        object.__setattr__(us, "transport", Nonsense(federation, US))
        assert not reconcile(us, UK)
        object.__setattr__(us, "transport", wire)
    assert us.db.read(lambda c: threads.comparison(c, thread, UK)) is None


def test_passed_deadlines_are_noted_once(federation: Federation) -> None:
    listed = designate(federation, US, "Late")
    request(federation, US, UK, {"s1": listed}, respond_by="2026-11-24T00:00:00.000Z")
    federation.settle()
    before = {ministry: events(federation, ministry) for ministry in (US, UK)}
    for ministry in (US, UK):
        assert not expire_clocks(federation[ministry])
    federation.clock.sleep(48 * 3600)
    for ministry in (US, UK):
        expire_clocks(federation[ministry])
        noted = events(federation, ministry)
        assert noted > before[ministry]
        expire_clocks(federation[ministry])
        assert events(federation, ministry) == noted
    overdue = lists.tasks_page(
        federation[UK], federation.officer(UK, "analyst"), Scope.OVERDUE, limit=50
    )
    assert {one.kind for one in overdue} == {"acknowledge", "find"}
