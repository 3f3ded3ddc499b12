"""The console signs people in and out at a provider that other people wrote: npm ``oidc-provider``."""

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import ECKey
from starlette.testclient import TestClient

from api.adapters.identity.fetching import HttpFetch
from api.adapters.identity.issuer_keys import IssuerKeys, TrustedIssuer
from api.adapters.identity.relying_party import OpenIdRelyingParty
from api.adapters.identity.resource_server import ResourceServer
from api.adapters.system import SystemEntropy
from api.app import create_app
from api.domain.errors import NotSignedIn
from api.services.desk import grants, officers
from tests.support import foreign
from tests.support.console import US
from tests.support.federation import Federation
from tests.support.looking import seen
from tests.support.oidc_provider import running, walked
from tests.support.sign_in import MachineClock

CONSOLE = "https://console.example"
CALLBACK = f"{CONSOLE}/console/sign-in/done"
CLIENTS = ("console-public", "console-proven")
CLOCK = MachineClock()

pytestmark = foreign.needs("node", "npm oidc-provider")


@dataclass(frozen=True)
class Provider:
    issuer: str
    key: ECKey

    def keys(self) -> IssuerKeys:
        trusted = TrustedIssuer(self.issuer, frozenset({"ES256"}))
        return IssuerKeys(trusted, HttpFetch(), CLOCK)

    def party(self, client: str = "console-public", **changes) -> OpenIdRelyingParty:
        parts = {
            "keys": self.keys(),
            "client_id": client,
            "resource": CONSOLE,
            "clock": CLOCK,
            "entropy": SystemEntropy(),
            "key": self.key if client == "console-proven" else None,
        }
        return OpenIdRelyingParty(**(parts | changes))


@pytest.fixture(scope="module")
def provider():
    key = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    with running([CONSOLE], key, [CONSOLE]) as issuer:
        yield Provider(issuer, key)


@pytest.fixture
def person():
    """A browser at the provider: its cookies stay."""
    with httpx2.Client(trust_env=False) as http:
        yield http


def answered(person: httpx2.Client, url: str) -> str:
    return urlsplit(walked(person, url, CALLBACK)).query


@pytest.mark.parametrize("client", CLIENTS)
def test_both_kinds_of_client_sign_a_person_in_by_code_pkce_and_nonce(provider, person, client):
    party = provider.party(client)
    request = party.begin(CALLBACK, "fr-CA", fresh=True)
    asked = parse_qs(urlsplit(request.url).query)
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    who = party.finish(request, CALLBACK, answered(person, request.url))
    assert (who.iss, who.sub) == (provider.issuer, "anna")
    assert abs((who.auth_time - CLOCK.now()).total_seconds()) < 60


def test_a_fresh_sign_in_asks_for_the_password_again(provider, person):
    party = provider.party()
    first = party.begin(CALLBACK, "en-CA", fresh=False)
    party.finish(first, CALLBACK, answered(person, first.url))
    for fresh in (False, True):
        request = party.begin(CALLBACK, "en-CA", fresh=fresh)
        reply = person.get(request.url)
        while reply.is_redirect and not reply.headers["Location"].startswith(CALLBACK):
            reply = person.get(str(reply.url.join(reply.headers["Location"])))
        assert ('name="login"' in reply.text) == fresh


@pytest.mark.parametrize("member", ["nonce", "verifier"])
def test_an_answer_to_another_request_is_refused(provider, person, member):
    party = provider.party()
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    other = replace(request, **{member: "x" * 64})
    with pytest.raises(NotSignedIn):
        party.finish(other, CALLBACK, answered(person, request.url))


def test_a_code_serves_once_and_a_stranger_s_key_proves_nothing(provider, person):
    party = provider.party()
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    answer = answered(person, request.url)
    party.finish(request, CALLBACK, answer)
    with pytest.raises(NotSignedIn, match="refused"):
        party.finish(request, CALLBACK, answer)
    stranger = ECKey.generate_key("P-256", {"kid": provider.key.kid})
    party = provider.party("console-proven", key=stranger)
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    with pytest.raises(NotSignedIn, match="refused"):
        party.finish(request, CALLBACK, answered(person, request.url))


@pytest.fixture
def browser(provider, tmp_path):
    """A browser at a console whose node knows the provider's person as an auditor."""
    federation = Federation(tmp_path)
    node = federation[US]
    first, second = (federation.officer(US, name) for name in ("admin", "admin2"))
    anna = officers.NewOfficer("Anna Example", [(provider.issuer, "anna")])
    added = officers.propose_officer(node, first, anna)
    seen(officers.approve_officer, node, second, added.id)
    grant = grants.propose_grant(node, first, added.id, "auditor")
    seen(grants.approve_grant, node, second, grant.id)
    tokens = ResourceServer(CONSOLE, [provider.keys()], CLOCK)
    app = create_app(node, tokens, public_url=CONSOLE, relying_party=provider.party())
    with TestClient(app, base_url=CONSOLE, follow_redirects=False) as client:
        yield client
    federation.close()


def test_a_person_signs_in_to_the_console_and_out_at_both(provider, person, browser):
    assert browser.get("/en/audit/events").status_code == 303, "a stranger is led to sign in"
    sent = browser.get("/console/sign-in", params={"to": "/en/audit/events"})
    back = walked(person, sent.headers["location"], CALLBACK)
    done = browser.get(back.removeprefix(CONSOLE))
    assert done.headers["location"] == "/en/audit/events"
    page = browser.get("/en/audit/events")
    assert page.status_code == 200
    assert "Anna Example" in page.text
    again = browser.get(back.removeprefix(CONSOLE))
    assert "problem=sign-in.mixed-up" in again.headers["location"]
    form = re.search(r'action="/console/sign-out">(.*?)</form>', page.text, re.DOTALL)[1]
    hidden = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    out = browser.post("/console/sign-out", data=hidden)
    there = out.headers["location"]
    assert there.startswith(f"{provider.issuer}/")
    assert walked(person, there, CONSOLE) == f"{CONSOLE}/en/signed-out"
    assert browser.get("/en/audit/events").status_code == 303
    request = provider.party().begin(CALLBACK, "en-CA", fresh=False)
    reply = person.get(request.url)
    while reply.is_redirect:
        reply = person.get(str(reply.url.join(reply.headers["Location"])))
    assert 'name="login"' in reply.text, "the provider's own session ended too"


def test_the_provider_leads_no_one_elsewhere_after_signing_out(provider, person):
    url = provider.party().sign_out_url("https://evil.example/en/signed-out", "en-CA")
    reply = person.get(url)
    assert reply.status_code == 400
    assert "location" not in reply.headers
