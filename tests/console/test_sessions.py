"""Browser sessions: begun anew at each sign-in, ended in time, from elsewhere and by the provider."""

import re
from datetime import timedelta

import pytest

from api.records import console_sessions
from api.services.operations import console_sessions as sessions
from tests.support.console import US, HeldConsole, open_console

COOKIE = f"__Host-comity-{US}"


@pytest.fixture
def console(tmp_path):
    with open_console(tmp_path) as found:
        yield found


def signed_in(console: HeldConsole, browser) -> bool:
    return browser.get("/en/account").status_code == 200


def test_the_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(console):
    answer = console.sign_in(console.stranger(), "analyst")
    cookie = next(
        one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{COOKIE}=")
    )
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_a_session_fixed_before_signing_in_is_not_the_one_after_it(console):
    browser = console.stranger()
    planted = "A" * 43
    browser.client.cookies.set(COOKIE, planted, domain="us-treasury.example")
    console.sign_in(browser, "analyst")
    assert browser.client.cookies[COOKIE] != planted
    thief = console.stranger()
    thief.client.cookies.set(COOKIE, planted)
    assert not signed_in(console, thief)


def test_signing_in_again_ends_the_session_before(console):
    browser = console.browser("analyst")
    before = browser.client.cookies[COOKIE]
    console.sign_in(browser, "analyst")
    other = console.stranger()
    other.client.cookies.set(COOKIE, before)
    assert signed_in(console, browser)
    assert not signed_in(console, other)


@pytest.mark.parametrize(
    ("steps", "stands"),
    [
        ([timedelta(minutes=29)], True),
        ([timedelta(minutes=30)], False),
        ([timedelta(minutes=29)] * 3, True),
        ([timedelta(minutes=25)] * 25, False),
    ],
)
def test_it_ends_without_pages_and_at_its_absolute_end(console, steps, stands):
    browser = console.browser("analyst")
    for step in steps[:-1]:
        console.federation.clock.sleep(step.total_seconds())
        browser.get("/en/account")
    console.federation.clock.sleep(steps[-1].total_seconds())
    assert signed_in(console, browser) is stands


def test_an_officer_ends_a_session_in_another_browser(console):
    here, elsewhere = console.browser("analyst"), console.browser("analyst")
    page = here.get("/en/account").text
    assert "2 places" in page
    shown = re.findall(r'name="session" value="([0-9a-f]{32})"', page)
    own = console.node.db.read(
        lambda connection: console_sessions.by_cookie(
            connection, sessions.digest(here.client.cookies[COOKIE])
        )
    )
    target = next(one for one in shown if one != own.id)
    assert here.submit("/en/account", session=target).status_code == 303
    assert signed_in(console, here)
    assert not signed_in(console, elsewhere)


def test_nobody_ends_the_session_of_another_officer(console):
    analyst, reviewer = console.browser("analyst"), console.browser("reviewer")
    target = re.findall(r'name="session" value="([0-9a-f]{32})"', analyst.get("/en/account").text)[
        0
    ]
    answer = reviewer.submit("/en/account", session=target)
    assert answer.status_code == 404
    assert signed_in(console, analyst)


def test_the_provider_ends_sessions_by_back_channel(console):
    browser = console.browser("analyst")
    door = console.stranger()
    assert door.post("/console/back-channel-logout", {"logout_token": "forged"}).status_code == 400
    assert door.post("/console/back-channel-logout", {}).status_code == 400
    assert signed_in(console, browser)
    token = f"good:{US}:analyst"
    assert door.post("/console/back-channel-logout", {"logout_token": token}).status_code == 200
    assert not signed_in(console, browser)


def test_signing_out_ends_it_here_then_at_the_provider(console):
    browser = console.browser("analyst")
    cookie = browser.client.cookies[COOKIE]
    page = browser.get("/en/account").text
    form = re.search(r'action="/console/sign-out">(.*?)</form>', page, re.DOTALL).group(1)
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    assert browser.post("/console/sign-out", {"language": "en"}).headers["location"] != ""
    assert signed_in(console, browser), "a form without a token signs nobody out"
    answer = browser.post("/console/sign-out", hidden)
    assert answer.headers["location"].startswith("https://id.example/sign-out")
    assert "cache" in answer.headers["clear-site-data"]
    thief = console.stranger()
    thief.client.cookies.set(COOKIE, cookie)
    assert not signed_in(console, thief)
    assert thief.get("/en/account").headers["cache-control"] == "no-store"


def test_a_suspended_officer_is_out_at_the_next_page(console):
    from api.services.desk import suspending

    browser = console.browser("analyst")
    federation = console.federation
    target = federation.officer(US, "analyst").person
    suspending.suspend(console.node, federation.officer(US, "admin"), target)
    assert browser.get("/en/packages").status_code in {403, 404}


def test_rows_hold_nothing_that_opens_a_session(console):
    browser = console.browser("analyst")
    value = browser.client.cookies[COOKIE]
    rows = console.node.db.read(
        lambda connection: [
            dict(row)
            for table in (console_sessions.CONSOLE_SESSIONS, console_sessions.CONSOLE_SIGN_INS)
            for row in connection.execute(table.select()).mappings()
        ]
    )
    assert rows
    assert value not in str(rows)


def test_an_unknown_account_gets_a_page_and_no_console(console):
    browser = console.stranger()
    console.party.who = "nobody"
    sent = browser.get("/console/sign-in")
    state = sent.headers["location"].rpartition("state=")[2]
    console.party.who = "nobody"
    browser.get(f"/console/sign-in/done?state={state}&code=c")
    answer = browser.get("/en/")
    assert answer.status_code == 403
    assert "not known here" in answer.text
