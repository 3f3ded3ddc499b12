"""The feed of a page: told at once, a number and no more, and over with session, right and process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from api.records.notices import RECORDED
from api.services.audit.export import underway
from api.services.desk import recusing, suspending
from api.services.desk.recusing import Aside
from api.services.operations import console_sessions
from api.web.console import feeds
from tests.support import exchange, foreign
from tests.support.browsing import console_served
from tests.support.console import UK, US

WAIT = 30


@pytest.fixture(scope="module")
def served(federation):
    """A console on which nothing has happened yet."""
    with console_served(federation, US) as found:
        yield found


class Told:
    """What one open feed has told."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self) -> tuple[str, dict] | None:
        """The next event; ``None`` when the feed is over or gave two signs of life instead."""
        kind, alive = "", 0
        for line in self._lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return kind, json.loads(line.removeprefix("data: "))
            alive += line == ":"
            if alive > 1:
                break
        return None


@contextmanager
def feed(served, name: str, since: str = "", signed=None) -> Iterator[Told]:
    signed = signed or served.console.browser(name)
    cookies = {one.name: one.value for one in signed.client.cookies.jar}
    with (
        httpx2.Client(cookies=cookies, trust_env=False, timeout=WAIT) as web,
        web.stream(
            "GET", f"{served.address}/console/feed", params={"since": since} if since else {}
        ) as answer,
    ):
        yield Told(answer)


def over(served, *told: Told) -> None:
    """End all feeds; these told nothing until then."""
    served.console.app.state.feeds.close()
    try:
        assert [each.next() for each in told] == [None] * len(told)
    finally:
        served.console.app.state.feeds.closed = False


@pytest.fixture(scope="module")
def thread(federation) -> str:
    """A request with a question that is to be answered."""
    listed = exchange.designate(federation, US, "ZHU Hailun")
    made = exchange.request(federation, US, UK, {"s1": listed})
    federation.settle()
    exchange.say(federation, UK, made, "question", question="q1", text="Which unit?")
    federation.settle()
    return made


def waiting_answer(federation, thread: str, text: str) -> None:
    """A draft of the analyst's that a reviewer has to decide on."""
    federation.clock.sleep(1)
    content = {"question": "q1", "text": text}
    exchange.draft(federation, US, "mirror-answer/1", (UK,), content, thread)


def test_a_task_is_told_at_once_as_a_number_to_whom_it_waits_for(federation, thread, served):
    since = federation[US].now()
    with feed(served, "reviewer", since) as reviewer, feed(served, "auditor", since) as auditor:
        assert reviewer.answer.headers["content-type"].startswith("text/event-stream")
        assert reviewer.answer.headers["x-accel-buffering"] == "no"
        assert reviewer.answer.headers["cache-control"] == "no-store"
        waiting_answer(federation, thread, "The bureau.")
        kind, members = reviewer.next()
        assert kind == "tasks"
        assert list(members) == ["new"]
        assert members["new"] > 0
        over(served, auditor)


def test_who_is_recused_is_told_nothing(federation, thread, served):
    reviewer = federation.officer(US, "reviewer2")
    recusing.recuse(federation[US], reviewer, Aside("", thread, "A relative."))
    since = federation[US].now()
    with feed(served, "reviewer", since) as free, feed(served, "reviewer2", since) as recused:
        waiting_answer(federation, thread, "The bureau, so it seems.")
        assert free.next()[1]["new"] > 0
        over(served, recused)


def test_it_is_no_use_of_the_session_and_ends_with_it(federation, served):
    signed = served.console.browser("reviewer")
    caller = federation.officer(US, "reviewer")
    seen = console_sessions.own(federation[US], caller)[0].seen_at
    with feed(served, "reviewer", signed=signed) as told:
        federation.clock.sleep(600)
        federation[US].db.ring(RECORDED)
        federation.clock.sleep(1201)
        federation[US].db.ring(RECORDED)
        assert told.next() == ("ended", {})
        assert told.next() is None
    with feed(served, "reviewer", signed=signed) as late:
        assert late.answer.status_code == 401
    assert all(one.seen_at != seen for one in console_sessions.own(federation[US], caller))


def test_signing_out_elsewhere_ends_it(federation, served):
    signed = served.console.browser("analyst")
    with feed(served, "analyst", signed=signed) as told:
        cookie = next(one.value for one in signed.client.cookies.jar)
        console_sessions.end(federation[US], cookie)
        assert told.next() == ("ended", {})


def test_an_officer_who_is_suspended_is_told_nothing_more(federation, served):
    node, admin = federation[US], federation.officer(US, "admin")
    with feed(served, "admin2") as told:
        suspending.suspend(node, admin, federation.officer(US, "admin2").person)
        assert told.next() == ("ended", {})


def test_strangers_and_other_sites_have_none(served):
    signed = served.console.browser("analyst")
    cookies = {one.name: one.value for one in signed.client.cookies.jar}
    address = f"{served.address}/console/feed"
    with httpx2.Client(trust_env=False) as web:
        assert web.get(address).status_code == 401
    with httpx2.Client(trust_env=False, cookies=cookies) as web:
        assert web.get(address, headers={"sec-fetch-site": "same-site"}).status_code == 403
        assert web.get(address, params={"since": "soon"}).status_code == 422


def test_an_officer_has_three_and_whoever_leaves_makes_room(served):
    signed = served.console.browser("analyst2")
    with feed(served, "analyst2", signed=signed), feed(served, "analyst2", signed=signed):
        with feed(served, "analyst2", signed=signed) as third:
            assert third.answer.status_code == 200
            with feed(served, "analyst2", signed=signed) as fourth:
                assert fourth.answer.status_code == 429
                assert fourth.answer.headers["retry-after"] == "60"
            with feed(served, "admin") as others:
                assert others.answer.status_code == 200
        for _ in range(200):
            with feed(served, "analyst2", signed=signed) as again:
                if again.answer.status_code == 200:
                    break
        else:
            pytest.fail("nobody left")


def test_a_process_has_no_more_than_it_may(served, monkeypatch):
    monkeypatch.setattr(feeds, "MOST", 1)
    with feed(served, "auditor") as one, feed(served, "admin") as other:
        assert [one.answer.status_code, other.answer.status_code] == [200, 429]


def test_a_node_that_ends_waits_for_no_feed(served):
    with feed(served, "auditor") as told:
        served.console.app.state.feeds.close()
        try:
            assert told.next() is None
            with feed(served, "auditor") as late:
                assert late.answer.status_code == 503
        finally:
            served.console.app.state.feeds.closed = False


def test_an_export_that_is_made_is_told_to_its_officer_alone(federation, served):
    node = federation[US]
    auditor = federation.officer(US, "auditor").person
    with feed(served, "auditor") as told, feed(served, "admin") as other:
        with underway.followed(node, auditor):
            assert told.next() == ("export", {"percent": 0})
            assert len(list(underway.counted(node, auditor, range(1001), 2000))) == 1001
            assert told.next() == ("export", {"percent": 50})
        assert told.next() == ("export", {"percent": None})
        over(served, other)


@foreign.needs("chromium")
def test_a_page_says_what_came_and_asks_where_it_has_no_feed(federation, thread, served, browser):
    context = served.context(browser, "reviewer")
    tab = context.new_page()
    with tab.expect_response("**/console/feed*"):
        tab.goto(f"{served.address}/fr/")
    waiting_answer(federation, thread, "The police.")
    told = tab.locator("[data-feed]")
    told.get_by_text("depuis que vous avez ouvert cette page").wait_for()
    assert told.get_attribute("role") == "status"
    tab.route("**/console/feed*", lambda route: route.fulfill(status=429))
    tab.clock.install()
    with tab.expect_response("**/console/feed*"):
        tab.goto(f"{served.address}/fr/")
    with tab.expect_response("**/fr/news*"):
        # The script hears of the refusal a moment after the browser does.
        for _ in range(5):
            tab.clock.run_for(61_000)
    context.close()
