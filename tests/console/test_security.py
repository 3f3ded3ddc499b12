"""What somebody with a browser, a link or a form tries, on every page: refused, and nothing kept.

The matrix of pages, roles and ministries is in `test_pages`; what forms carry, in `test_door`.
"""

import re

import pytest

from api.services.desk.recusing import Aside, recuse
from api.web.console.pages import PAGES
from tests.support.campaigns import short
from tests.support.console import UK, US, console_on

ROLES = {
    "analyst": "analyst",
    "reviewer": "reviewer",
    "auditor": "auditor",
    "admin": "administrator",
}
SOME = PAGES[:: 6 if short(__file__) else 1]
"""A short run reads the headers of every third page."""


SEARCHES = {"search": ("/en/search?q=ZHU+Hailun", "/en/search?q={0:.12}", "/en/search?q={1:.12}")}
"""Further addresses of a page on which a colleague finds what is hidden: thread, package, designation."""

SHOWN = {"packages", "mirror_requests", "designations", "search"}
"""Pages on which a colleague must see some of it, so that the comparison is one of something."""


@pytest.fixture(scope="module")
def browsers(console):
    return {name: console.browser(name) for name in ROLES}


def words_of(answer) -> str:
    """What a page says in its main part."""
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"<[^>]+>", " ", main)


def opened_by(page) -> str:
    return next(name for name, role in ROLES.items() if role in page.roles)


def test_no_page_and_no_file_is_kept_or_framed(browsers, matter):
    """Cache-Control: no-store keeps a page out of caches and out of the back button's memory."""
    for page in SOME:
        answer = browsers[opened_by(page)].get(f"/en{matter.paths[page.name]}")
        assert answer.headers["cache-control"] == "no-store", page.name
        assert answer.headers["x-frame-options"] == "DENY", page.name
        policy = answer.headers["content-security-policy"]
        if answer.headers["content-type"].startswith("text/html"):
            assert "frame-ancestors 'none'" in policy, page.name
            assert "'unsafe" not in policy, page.name
        else:
            assert answer.headers["content-disposition"].startswith("attachment;"), page.name
            assert "sandbox" in policy, page.name
        assert answer.headers["x-content-type-options"] == "nosniff", page.name


def test_no_form_is_taken_without_its_token_on_any_page(browsers, matter):
    for page in PAGES:
        if page.act is None:
            continue
        browser = browsers[opened_by(page)]
        path = f"/en{matter.paths[page.name]}"
        for fields in ({"x": ""}, {"csrf": "0" * 64, "tag": ""}):
            assert browser.post(path, fields).status_code == 403, page.name
        answer = browser.post(path, {"x": ""}, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403, page.name


def test_a_form_of_one_page_is_taken_by_no_other(browsers, matter):
    """The token covers the address: one form's hidden fields open no other page's act."""
    page = browsers["admin"].get("/en/people/new").text.partition("<footer")[0]
    fields = dict(re.findall(r'<input type="hidden" name="(csrf|tag)" value="([^"]*)"', page))
    for other in PAGES:
        if other.act is None or "administrator" not in other.roles or other.name == "officer_new":
            continue
        answer = browsers["admin"].post(f"/en{matter.paths[other.name]}", fields)
        assert answer.status_code == 403, other.name


def test_every_page_sends_a_stranger_to_sign_in_and_shows_nothing(console, matter):
    stranger = console.stranger()
    for page in PAGES:
        path = f"/fr{matter.paths[page.name]}"
        answer = stranger.get(path)
        assert answer.status_code == 303, page.name
        assert answer.headers["location"].startswith("/fr/sign-in?to=/fr"), page.name
        assert answer.content == b""
        if page.act is not None:
            assert stranger.post(path, {"x": ""}).status_code in {303, 401, 403}, page.name


def test_other_roles_cannot_post_either(browsers, matter):
    for page in PAGES:
        if page.act is None:
            continue
        for name, role in ROLES.items():
            if role not in page.roles:
                answer = browsers[name].post(f"/en{matter.paths[page.name]}", {"x": ""})
                assert answer.status_code == 403, (page.name, name)


def test_a_session_of_one_ministry_opens_nothing_at_another(federation, console, browsers):
    other = console_on(federation, UK)
    stranger = other.stranger()
    for one in browsers["reviewer"].client.cookies.jar:
        stranger.client.cookies.set(one.name.replace(US, UK), one.value or "")
    assert stranger.get("/en/packages").status_code == 303


def test_a_recused_officer_finds_no_trace_in_lists_files_and_searches(federation, console, matter):
    caller = federation.officer(US, "analyst2")
    for object_id in (matter.thread, matter.package, matter.listed):
        recuse(federation[US], caller, Aside("", object_id, "A relative."))
    browser = console.browser("analyst2")
    hidden = [one[7:] for one in (matter.thread, matter.package, matter.listed)]
    colleague = console.browser("analyst")
    shown = set()
    for page in PAGES:
        # Who stands aside sees that they do.
        if "analyst" not in page.roles or page.name == "absences" or page.name not in matter.paths:
            continue
        path = f"/en{matter.paths[page.name]}"
        asked_for = next((one for one in hidden if one in path), "")
        if asked_for:
            answer = browser.get(path)
            unknown = browser.get(path.replace(asked_for, "0" * 64))
            # A page that names two descriptions says the same of one that there is not.
            same = words_of(answer).replace(asked_for, "0" * 64) == words_of(unknown)
            assert answer.status_code == 404 or ("?" in path and same), page.name
            continue
        for asked in (path, *SEARCHES.get(page.name, ())):
            text = browser.get(asked.format(*hidden)).text
            assert [one for one in hidden if one in text] == [], (page.name, asked)
            mine = colleague.get(asked.format(*hidden)).text
            shown |= {page.name} if any(one in mine for one in hidden) else set()
    assert shown >= SHOWN
    assert "Detention in Xinjiang" not in browser.get("/en/subjects?q=Hailun").text


def test_a_cell_that_a_spreadsheet_would_run_is_text(federation, console):
    from tests.support import exchange

    for title in ("=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tcmd"):
        exchange.package(federation, US, title=title.strip() or title)
    text = console.browser("analyst").get("/en/packages.csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text
    assert not re.search(r'(^|,)"?[=+@]', text, re.MULTILINE)
