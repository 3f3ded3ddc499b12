"""Both ends of a thread are compared; a difference is raised and goes when it is gone."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from api.domain.errors import ComityError
from api.jobs.reconcile import reconcile
from api.ports.peers import PeerReply
from api.records import log, threads
from api.services.authorising import peer_caller
from api.services.desk import mirroring
from api.services.desk import tasks as lists
from api.services.desk.deadlines import expire_clocks
from api.services.desk.tasks import Scope
from api.services.log import peer_tokens
from api.services.road import thread_comparison
from api.services.road.thread_comparison import GRACE, Outcome
from api.web import problems
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
            caller = peer_caller(node, peer_tokens.verify(node, token))
            found = thread_comparison.serve(node, caller, thread_comparison.cursor_of(after))
        except ComityError as error:
            return PeerReply(problems.status_of(error), b"{}")
        return PeerReply(200, json.dumps(found).encode())


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
    return 0 if head is None else int(head["size"])


def test_equal_ends_leave_no_trace(
    federation: Federation, thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(federation, "a second one, for the second page")
    monkeypatch.setattr(thread_comparison, "PAGE", 1)
    before = events(federation, US)
    found = thread_comparison.sweep(federation[US], UK)
    assert found["equal"] >= 2
    assert (found["behind"], found["different"]) == (0, 0)
    assert thread_comparison.sweep(federation[US], CA) == {"equal": 0, "behind": 0, "different": 0}
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
    wrong = thread_comparison.Held(thread, 1, 0, frozenset(), "sha256:" + "0" * 64)
    assert thread_comparison.compare(us, UK, [wrong]) == [Outcome.DIFFERENT]
    raised = lists.tasks_page(us, analyst, Scope.MINE, limit=50)
    assert [(one.kind, one.about.id) for one in raised] == [("reconcile", thread)]
    view = mirroring.read(us, analyst, thread)
    assert view.comparison is not None
    assert view.comparison.ours == real.state_digest
    before = events(federation, US)
    assert thread_comparison.compare(us, UK, [wrong]) == [Outcome.DIFFERENT]
    assert events(federation, US) == before
    assert not reconcile(us, UK)
    assert lists.tasks_page(us, analyst, Scope.MINE, limit=50) == []


def test_a_third_member_learns_nothing_of_a_thread(federation: Federation, thread: str) -> None:
    shown = thread_comparison.serve(federation[US], peer_caller(federation[US], CA), "")
    assert shown == {"threads": []}
    # What a member claims about a thread that it has no part in is not compared.
    claim = thread_comparison.Held(thread, 1, 0, frozenset(), "sha256:" + "0" * 64)
    assert thread_comparison.compare(federation[US], CA, [claim]) == [Outcome.BEHIND]


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
