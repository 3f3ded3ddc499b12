"""Sign-in against a provider other people wrote: npm ``oidc-provider``.

Installed by ``npm ci --ignore-scripts`` in tests/oracles/oidc-provider.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import httpx2
import pytest
from joserfc.jwk import ECKey

from api.adapters.identity.fetching import HttpFetch
from api.adapters.identity.form_sign_in import REDIRECT_URI, sign_in_by_forms
from api.adapters.identity.issuer_keys import IssuerKeys, TrustedIssuer
from api.adapters.identity.machine import MachineTokens, client_assertion
from api.adapters.identity.oauth_client import OAuthClient
from api.adapters.identity.provider import find_provider
from api.adapters.identity.resource_server import ResourceServer
from api.adapters.system import SystemEntropy
from api.domain.errors import ComityError
from tests.support import foreign
from tests.support.oidc_provider import running
from tests.support.sign_in import NODE, OTHER_NODE, MachineClock

CLOCK = MachineClock()

pytestmark = foreign.needs("node", "npm oidc-provider")


@dataclass(frozen=True)
class Oracle:
    issuer: str
    machine_key: ECKey

    def client(self, resource: str = NODE) -> OAuthClient:
        return OAuthClient(find_provider(self.issuer), "comity-cli", resource, CLOCK)

    def node(self, audience: str = NODE) -> ResourceServer:
        trusted = TrustedIssuer(self.issuer, frozenset({"ES256"}))
        return ResourceServer(audience, [IssuerKeys(trusted, HttpFetch(), CLOCK)], CLOCK)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    key = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    with running([NODE, OTHER_NODE], key) as issuer:
        yield Oracle(issuer, key)


def sign_in(oracle: Oracle, resource: str = NODE) -> str:
    tokens = sign_in_by_forms(oracle.issuer, "comity-cli", "anna", "any", resource, CLOCK)
    return tokens.access_token


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ComityError) as refusal:
        act()
    return refusal.value.code


def test_the_code_flow_gives_a_token_the_node_accepts(oracle: Oracle) -> None:
    identity = oracle.node().verify(sign_in(oracle))
    assert (identity.iss, identity.sub) == (oracle.issuer, "anna")
    assert identity.client_id == "comity-cli"
    assert identity.expires_at > CLOCK.now() + timedelta(minutes=1)


def test_a_token_for_another_node_or_a_changed_one_is_refused(oracle: Oracle) -> None:
    other = sign_in(oracle, OTHER_NODE)
    assert code_of(lambda: oracle.node().verify(other)) == "token.wrong-audience"
    header, claims, signature = sign_in(oracle).split(".")
    forged = f"{header}.{claims}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}"
    forged += signature[11:]
    assert code_of(lambda: oracle.node().verify(forged)) == "token.bad-signature"


def test_its_id_token_is_no_access_token(oracle: Oracle) -> None:
    client = oracle.client()
    request = client.authorize(REDIRECT_URI)
    answer = sign_in_answer(request.url)
    form = {
        "grant_type": "authorization_code",
        "client_id": "comity-cli",
        "code": answer,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": request.verifier,
    }
    reply = httpx2.post(f"{oracle.issuer}/token", data=form, trust_env=False).json()
    client.close()
    assert oracle.node().verify(reply["access_token"]).sub == "anna"
    assert code_of(lambda: oracle.node().verify(reply["id_token"])) == "token.not-access-token"


def sign_in_answer(url: str) -> str:
    """Walk the provider's pages with a plain client and return the code."""
    with httpx2.Client(trust_env=False) as http:
        reply = http.get(url)
        for _ in range(12):
            while reply.is_redirect:
                target = str(httpx2.URL(str(reply.url)).join(reply.headers["Location"]))
                if target.startswith(f"{REDIRECT_URI}?"):
                    return httpx2.URL(target).params["code"]
                reply = http.get(target)
            action = re.search(r'action="([^"]+)"', reply.text)
            assert action, reply.text
            prompt = "login" if 'name="login"' in reply.text else "consent"
            form = {"prompt": prompt, "login": "anna", "password": "any"}
            reply = http.post(action[1], data=form)
    raise AssertionError("the provider never came back")


def test_it_refuses_a_code_request_without_pkce(oracle: Oracle) -> None:
    query = {
        "response_type": "code",
        "client_id": "comity-cli",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "resource": NODE,
    }
    reply = httpx2.get(f"{oracle.issuer}/auth", params=query, trust_env=False)
    assert "error=invalid_request" in reply.headers["Location"]


def test_refresh_tokens_rotate(oracle: Oracle) -> None:
    tokens = sign_in_by_forms(oracle.issuer, "comity-cli", "anna", "any", NODE, CLOCK)
    assert tokens.refresh_token
    client = oracle.client()
    renewed = client.refresh(tokens.refresh_token)
    assert oracle.node().verify(renewed.access_token).sub == "anna"
    assert renewed.refresh_token != tokens.refresh_token
    assert code_of(lambda: client.refresh(tokens.refresh_token or "")) == "sign-in.refused"
    client.close()


def test_a_revoked_refresh_token_is_dead(oracle: Oracle) -> None:
    tokens = sign_in_by_forms(oracle.issuer, "comity-cli", "anna", "any", NODE, CLOCK)
    client = oracle.client()
    client.revoke(tokens.refresh_token or "")
    assert code_of(lambda: client.refresh(tokens.refresh_token or "")) == "sign-in.refused"
    client.close()


def test_the_device_flow(oracle: Oracle) -> None:
    client = oracle.client()
    request = client.start_device()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.await_device, request)
        approve_device(request.verification_uri_complete or "")
        tokens = waiting.result(30)
    client.close()
    assert oracle.node().verify(tokens.access_token).sub == "anna"


def approve_device(url: str) -> None:
    """Confirm the code, sign in, consent: whatever the provider's next form is for."""
    with httpx2.Client(trust_env=False) as http:
        reply = http.get(url)
        for _ in range(20):
            if reply.is_redirect:
                target = str(httpx2.URL(str(reply.url)).join(reply.headers["Location"]))
                reply = http.get(target)
                continue
            action = re.search(r'action="([^"]+)"', reply.text)
            if action is None:
                break
            hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', reply.text))
            typed = {"login": "anna", "password": "any"} if 'name="login"' in reply.text else {}
            reply = http.post(str(reply.url.join(action[1])), data=hidden | typed)
        assert reply.status_code == 200, reply.text
        assert "successful" in reply.text.lower() or "signed" in reply.text.lower(), reply.text


def test_a_machine_signs_in_and_its_assertion_serves_once(oracle: Oracle) -> None:
    provider = find_provider(oracle.issuer)
    machine = MachineTokens(
        provider=provider,
        client_id="machine",
        key=oracle.machine_key,
        resource=NODE,
        clock=CLOCK,
        entropy=SystemEntropy(),
    )
    identity = oracle.node().verify(machine.access_token())
    machine.close()
    assert (identity.sub, identity.client_id) == ("machine", "machine")
    client = OAuthClient(provider, "machine", NODE, CLOCK, scope="")
    used = client_assertion("machine", oracle.issuer, oracle.machine_key, CLOCK, SystemEntropy())
    client.with_assertion(used)
    assert code_of(lambda: client.with_assertion(used)) == "sign-in.refused"
    client.close()


def test_an_assertion_by_another_key_is_refused(oracle: Oracle) -> None:
    stranger = ECKey.generate_key("P-256", {"kid": oracle.machine_key.kid})
    client = OAuthClient(find_provider(oracle.issuer), "machine", NODE, CLOCK, scope="")
    forged = client_assertion("machine", oracle.issuer, stranger, CLOCK, SystemEntropy())
    assert code_of(lambda: client.with_assertion(forged)) == "sign-in.refused"
    client.close()


def test_an_unknown_node_gets_no_token(oracle: Oracle) -> None:
    assert code_of(lambda: sign_in(oracle, "http://127.0.0.1:1")) == "sign-in.refused"
