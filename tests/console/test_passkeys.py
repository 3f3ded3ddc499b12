"""An officer's passkey at the console: asked for, let by two administrators, and signed with."""

import html
import json
import re

import pytest

from api.services.desk import relying_parties
from api.services.statements import drafting
from api.wire.encoding import b64u_decode
from api.wire.envelope import parse_envelope
from tests.support import exchange
from tests.support.authenticator import Authenticator
from tests.support.console import UK, US, Browser, HeldConsole, console_on
from tests.support.federation import Federation
from tests.support.looking import seen

MARKING = {
    "tlp": "AMBER",
    "releasable_to": [UK],
    "originator_control": True,
    "permitted_use": ["consideration of designation"],
}


def site(federation: Federation, ministry: str = US) -> None:
    """Two administrators set where passkeys are used."""
    node = federation[ministry]
    party = relying_parties.propose(
        node,
        federation.officer(ministry, "admin"),
        f"{ministry}.example",
        [f"https://{ministry}.example"],
    )
    seen(relying_parties.approve, node, federation.officer(ministry, "admin2"), party.id)


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def console(federation) -> HeldConsole:
    site(federation)
    return console_on(federation, US)


def options_of(page: str) -> dict:
    """The options that the page hands to the browser's dialogue."""
    return json.loads(html.unescape(re.search(r'data-options="([^"]*)"', page).group(1)))


def hidden(page: str) -> dict[str, str]:
    form = re.search(r"<form[^>]*data-passkey.*?</form>", page, re.DOTALL).group(0)
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def stands(browser: Browser) -> list[str]:
    """The states of the officer's passkeys, as their page says."""
    page = browser.get("/en/account/passkeys").text
    rows = re.findall(r"<td[^>]*>Passkey</td>\s*<td[^>]*>(.*?)</td>", page, re.DOTALL)
    return [one.strip() for one in rows]


def registered(console: HeldConsole, browser: Browser, key: Authenticator):
    """Ask for a passkey through the page."""
    page = browser.get("/en/account/passkeys/new").text
    answer = key.register(options_of(page)["challenge"])
    fields = {**hidden(page), "answer": json.dumps(answer)}
    return browser.post("/en/account/passkeys/new", fields)


def enrolled(console: HeldConsole, name: str) -> tuple[Browser, Authenticator]:
    """An officer with a passkey that counts, all through pages."""
    browser, key = console.browser(name), Authenticator()
    assert registered(console, browser, key).status_code == 303
    for who, kind in (("admin", "key-requests"), ("admin2", "keys")):
        administrator = console.browser(who)
        people = administrator.get("/en/people").text
        path = re.search(rf"/en/people/{kind}/[^/]+/approve", people).group(0)
        assert administrator.submit(path).status_code == 303
    return browser, key


def assertion(page: str, key: Authenticator, data: bytes) -> dict[str, str]:
    """The form's fields with the passkey's answer to what the page asks."""
    made = key.endorse("approved", data).to_json()
    response = {
        "signature": made["signature"],
        "authenticatorData": made["authenticatorData"],
        "clientDataJSON": made["clientDataJSON"],
    }
    asked = options_of(page)
    client = json.loads(b64u_decode(made["clientDataJSON"]))
    assert client["challenge"] == asked["challenge"], "the page asks for exactly these bytes"
    credential = asked["allowCredentials"][0]["id"]
    answer = {"id": credential, "type": "public-key", "response": response}
    return {**hidden(page), "answer": json.dumps(answer)}


def release(federation: Federation) -> str:
    package = exchange.package(federation, US)
    body = {
        "package": package,
        "recipient": UK,
        "marking": MARKING,
        "legal_basis": "For the test.",
    }
    return str(exchange.draft(federation, US, "release/1", (UK,), body).id)


def test_a_passkey_counts_when_two_administrators_have_let_it(federation, console):
    browser, key = console.browser("reviewer"), Authenticator()
    assert stands(browser) == []
    asked = registered(console, browser, key)
    assert asked.status_code == 303, asked.text[-1500:]
    assert "Passkey asked for" in browser.get(asked.headers["location"]).text
    assert stands(browser) == ["Waits for the first administrator"]
    for who, kind, state in (
        ("admin", "key-requests", "Waits for the second administrator"),
        ("admin2", "keys", "Counts"),
    ):
        administrator = console.browser(who)
        people = administrator.get("/en/people").text
        path = re.search(rf"/en/people/{kind}/[^/]+/approve", people).group(0)
        assert f'href="{path}"' in administrator.get("/en/").text, "the task leads to the decision"
        assert administrator.submit(path).status_code == 303
        assert stands(browser) == [state]


def test_an_answer_to_another_challenge_is_refused_on_the_page(federation, console):
    browser, key = console.browser("reviewer"), Authenticator()
    page = browser.get("/en/account/passkeys/new").text
    other = options_of(browser.get("/en/account/passkeys/new").text)["challenge"]
    fields = {**hidden(page), "answer": json.dumps(key.register(other))}
    answer = browser.post("/en/account/passkeys/new", fields)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert stands(browser) == []


@pytest.mark.parametrize("answer", ["", "{", "[]", "null", '{"id": 3}', "x" * 70_000, "[" * 9000])
def test_what_is_no_answer_is_a_fault_of_the_form(console, answer):
    browser = console.browser("reviewer")
    page = browser.get("/en/account/passkeys/new").text
    sent = browser.post("/en/account/passkeys/new", {**hidden(page), "answer": answer})
    assert sent.status_code == 422


def test_where_no_address_is_set_the_page_says_who_must_set_it(federation):
    browser = console_on(federation, US).browser("analyst")
    for path in ("/en/account/passkeys", "/en/account/passkeys/new"):
        page = browser.get(path)
        assert page.status_code == 200
        assert "Two administrators must first set" in page.text
        assert "data-passkey" not in page.text


def test_a_reviewer_approves_with_a_passkey_and_the_statement_carries_it(federation, console):
    browser, key = enrolled(console, "reviewer")
    draft = release(federation)
    path = f"/en/drafts/{draft}/approve"
    browser.get(f"/en/drafts/{draft}")
    page = browser.get(path).text
    assert "needs a browser with JavaScript" in page
    payload = b64u_decode(hidden(page)["payload"])
    fields = assertion(page, key, payload)
    assert browser.post(path, fields).status_code == 422, "the tick is missing"
    page = browser.get(path).text
    fields = assertion(page, key, b64u_decode(hidden(page)["payload"]))
    sealed = browser.post(path, {**fields, "sure": "yes"})
    assert sealed.headers["location"] == f"/en/drafts/{draft}/done", sealed.text[-1500:]
    node, officer = federation[US], federation.officer(US, "reviewer")
    statement = drafting.read(node, officer, draft).statement
    row = node.db.read(lambda c: exchange.statements.by_id(c, statement))
    envelope = parse_envelope(row.envelope)
    assert [(one.part, one.form) for one in envelope.endorsements] == [("approved", "webauthn")]


def test_a_signature_over_another_draft_approves_nothing(federation, console):
    browser, key = enrolled(console, "reviewer")
    one, other = release(federation), release(federation)
    for draft in (one, other):
        browser.get(f"/en/drafts/{draft}")
    wrong = browser.get(f"/en/drafts/{one}/approve").text
    page = browser.get(f"/en/drafts/{other}/approve").text
    fields = assertion(wrong, key, b64u_decode(hidden(wrong)["payload"]))
    mixed = {**hidden(page), "answer": fields["answer"], "sure": "yes"}
    answer = browser.post(f"/en/drafts/{other}/approve", mixed)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    node, officer = federation[US], federation.officer(US, "reviewer")
    assert str(drafting.read(node, officer, other).state) == "drafted"


def test_a_reviewer_with_a_passkey_may_approve_without_it(federation, console):
    browser, _ = enrolled(console, "reviewer")
    draft = release(federation)
    browser.get(f"/en/drafts/{draft}")
    page = browser.get(f"/en/drafts/{draft}/approve?without=1").text
    assert "data-passkey" not in page
    form = re.search(r'<form[^>]*/approve".*?</form>', page, re.DOTALL).group(0)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    done = browser.post(f"/en/drafts/{draft}/approve", {**fields, "sure": "yes"})
    assert done.status_code == 303


def test_a_preparer_signs_a_draft_and_nobody_else_does(federation, console):
    browser, key = enrolled(console, "analyst")
    draft = release(federation)
    assert f"/drafts/{draft}/sign" in browser.get(f"/en/drafts/{draft}").text
    path = f"/en/drafts/{draft}/sign"
    page = browser.get(path).text
    node, officer = federation[US], federation.officer(US, "analyst")
    seen = drafting.read(node, officer, draft)
    fields = assertion(page, key, drafting.signable(node, seen))
    assert browser.post(path, fields).status_code == 303
    signed = drafting.read(node, officer, draft)
    assert (signed.prepared.form, signed.version) == ("webauthn", 2)
    assert "Only whoever prepared a draft" in console.browser("analyst2").get(path).text
    late = browser.post(path, fields)
    assert late.status_code == 409, "the form was made for the version before"
