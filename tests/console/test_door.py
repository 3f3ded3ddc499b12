"""The console's door: what it lets in, what it sends, and to whom."""

import re

import pytest

from api.ports.policy import Action
from api.web.console import door
from api.web.console.pages import PAGES
from api.web.console.words import LANGUAGES
from api.web.routing import PUBLIC
from tests.support.campaigns import long
from tests.support.console import open_console
from tests.support.federation import ISSUER

OFFICERS = {
    "analyst": "analyst",
    "reviewer": "reviewer",
    "auditor": "auditor",
    "admin": "administrator",
}
# A subject is named in the query; `test_pages` opens its page.
PLAIN = [
    page for page in PAGES if "{" not in page.path and not page.download and page.name != "subject"
]


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    with open_console(tmp_path_factory.mktemp("console")) as found:
        yield found


@pytest.fixture(scope="module")
def browsers(console):
    return {name: console.browser(name) for name in OFFICERS}


def test_every_page_has_a_route_in_each_language_with_its_action():
    routes = {
        (method, route.path): (route.openapi_extra or {})["x-comity-action"]
        for router in door.ROUTERS
        for route in router.routes
        for method in route.methods
    }
    known = {str(action) for action in Action} | {PUBLIC}
    assert set(routes.values()) <= known
    for page in PAGES:
        for language in LANGUAGES:
            assert routes["GET", f"/{language}{page.path}"] == str(page.action)
            assert (("POST", f"/{language}{page.path}") in routes) is (page.act is not None)
    assert len({page.name for page in PAGES}) == len(PAGES)


@pytest.mark.parametrize("page", PLAIN, ids=lambda page: page.name)
@pytest.mark.parametrize("language", ["en", *long("fr")])
def test_pages_open_for_their_roles_and_for_nobody_else(console, browsers, page, language):
    path = f"/{language}{page.path}"
    for name, role in OFFICERS.items():
        answer = browsers[name].get(path)
        wanted = 200 if role in page.roles else 403
        assert answer.status_code == wanted, (name, answer.text[-1500:])
        assert f'<html lang="{language}-CA"' in answer.text
        assert answer.text.count("<h1") == 1
    answer = console.stranger().get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/{language}/sign-in")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "path", ["/sign-in", "/signed-out", "/help", "/accessibility", "/nothing/here"]
)
def test_strangers_get_the_pages_that_are_for_them(console, language, path):
    answer = console.stranger().get(f"/{language}{path}")
    assert answer.status_code == (404 if "nothing" in path else 200)
    assert f'<html lang="{language}-CA"' in answer.text


def test_the_toggle_leads_to_the_same_page_in_the_other_language(browsers):
    page = browsers["analyst"].get("/en/drafts?state=returned").text
    assert 'href="/fr/drafts?state=returned"' in page
    page = browsers["analyst"].get("/fr/drafts?state=returned").text
    assert 'href="/en/drafts?state=returned"' in page


@pytest.mark.parametrize(
    ("accept", "home"),
    [("fr-CA,fr;q=0.9,en;q=0.5", "/fr/"), ("en", "/en/"), ("de", "/en/"), ("", "/en/")],
)
def test_the_root_leads_to_the_language_that_the_browser_asks_for(console, accept, home):
    answer = console.stranger().get("/", headers={"accept-language": accept})
    assert answer.headers["location"] == home


def test_headers_let_nothing_in_from_elsewhere(browsers):
    one, two = (browsers["reviewer"].get("/en/") for _ in range(2))
    policy = one.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]{20,})'", policy).group(1)
    assert nonce not in two.headers["content-security-policy"], "a nonce serves once"
    assert f'nonce="{nonce}"' in one.text
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert f"form-action 'self' {ISSUER}" in policy
    assert one.headers["x-frame-options"] == "DENY"
    assert one.headers["referrer-policy"] == "same-origin"
    assert one.headers["x-content-type-options"] == "nosniff"
    assert one.headers["cache-control"] == "no-store"
    assert "<style" not in one.text
    assert " style=" not in one.text
    assert not re.search(r"<script(?![^>]*\bsrc=)", one.text)
    assert not re.search(r"\bon\w+=\"", one.text)
    hosts = set(re.findall(r'(?:src|href|action)="(https?://[^"]+)"', one.text))
    assert hosts == set()


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/en//evil.example",
        "/api/v1/me",
        "javascript:alert(1)",
        "/en/\r\nset-cookie: a=b",
        "/de/packages",
    ],
)
def test_signing_in_leads_to_pages_of_this_console_only(console, to):
    browser = console.stranger()
    answer = console.sign_in(browser, "analyst", to=to)
    assert answer.status_code == 303
    assert answer.headers["location"] in {"/en/", "/fr/"}


def test_deep_links_survive_signing_in(console):
    browser = console.stranger()
    sent = browser.get("/fr/drafts?state=returned")
    assert sent.headers["location"] == "/fr/sign-in?to=/fr/drafts%3Fstate%3Dreturned"
    answer = console.sign_in(browser, "analyst", to="/fr/drafts?state=returned")
    assert answer.headers["location"] == "/fr/drafts?state=returned"
    assert console.party.begun[-1]["locale"] == "fr-CA"


def test_a_form_without_its_token_does_nothing(browsers):
    browser = browsers["analyst"]
    page = browser.get("/en/account").text
    session = re.search(r'name="session" value="([0-9a-f]{32})"', page).group(1)
    token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page).group(1)
    wrong = [
        {},
        {"csrf": "0" * 64},
        {"csrf": token, "tag": "another-version"},
    ]
    for fields in wrong:
        answer = browser.post("/en/account", {"session": session, "tag": "", **fields})
        assert answer.status_code == 403
        assert "form.foreign" in answer.text
    assert browser.get("/en/account").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_from_elsewhere_does_nothing_even_with_its_token(browsers, headers):
    browser = browsers["analyst"]
    page = browser.get("/en/account").text
    hidden = dict(
        re.findall(r'<input type="hidden" name="(csrf|tag|session)" value="([^"]*)"', page)
    )
    answer = browser.post("/en/account", hidden, headers=headers)
    assert answer.status_code == 403


def test_the_token_of_one_officer_serves_no_other(browsers):
    page = browsers["reviewer"].get("/en/account").text
    token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page).group(1)
    answer = browsers["analyst"].post(
        "/en/account", {"csrf": token, "tag": "", "session": "0" * 32}
    )
    assert answer.status_code == 403


def test_an_unexpected_error_is_a_page_with_a_reference_and_no_detail(
    console, browsers, monkeypatch
):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("api.web.console.pages.account.console_sessions.own", broken)
    answer = browsers["analyst"].get("/en/account")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.headers["x-request-id"] in answer.text


def test_a_nul_in_an_address_or_a_form_ends_at_the_door(browsers):
    browser = browsers["analyst"]
    for address, status, words in (
        ("/en/drafts/a%00b", 404, "Page not found"),
        ("/fr/a%00b", 404, "Page introuvable"),
        ("/en/subjects?q=a%00b", 422, "This cannot be accepted"),
        ("/fr/subjects?q=a%00b", 422, "Un texte contient"),
        ("/console/sign-in?to=%00", 422, "Un texte contient"),
        ("/?x=%00", 422, "Un texte contient"),
    ):
        found = browser.get(address, headers={"accept-language": "fr-CA"})
        assert found.status_code == status
        assert found.headers["content-type"] == "text/html; charset=utf-8"
        assert words in found.text, found.text[-3000:]
        assert "%00" not in found.text
    assert browser.get("/api/v1/me?x=%00").headers["content-type"] == "application/problem+json"
    assert browser.get("/api%00/v1").headers["content-type"] == "application/problem+json"
    page = browser.get("/en/account").text
    token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page).group(1)
    answer = browser.post("/en/account", {"csrf": token, "tag": "", "session": "a\0b"})
    assert answer.status_code == 422
    assert "text.nul" in answer.text


@pytest.mark.parametrize("charset", ["undefined", "punycode", "no-such"])
def test_a_form_in_a_character_set_that_cannot_be_read(browsers, charset):
    content = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n'
    media = f"multipart/form-data; boundary=b; charset={charset}"
    answer = browsers["analyst"].client.post(
        "/en/lists/new", content=content, headers={"content-type": media}, follow_redirects=False
    )
    assert answer.status_code in {403, 422}
