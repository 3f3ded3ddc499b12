"""The console as a relying party at a real provider: the demo's, on a loopback port."""

import json
import re
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import ECKey

from api.adapters.identity.fetching import HttpFetch
from api.adapters.identity.issuer_keys import IssuerKeys, TrustedIssuer
from api.adapters.identity.relying_party import OpenIdRelyingParty
from api.adapters.system import SystemEntropy
from api.demo.sign_in.app import create_app
from api.demo.sign_in.config import Client
from api.domain.errors import Invalid, NotSignedIn, Unavailable
from api.ports.identity import SignInRequest
from tests.support import sign_in as support
from tests.support.federation import ISSUER, SimulatedClock
from tests.support.issuer import FakeIssuer
from tests.support.sign_in import NODE, PASSWORD, SUBJECT, USERNAME

CALLBACK = f"{NODE}/console/sign-in/done"
PUBLIC, PROVEN = "console-public", "console-proven"


class Clock(support.MachineClock):
    """The machine's time, moved by a test."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@dataclass
class Setting:
    issuer: str
    key: ECKey
    clock: Clock

    def party(self, client: str = PUBLIC, **changes: Any) -> OpenIdRelyingParty:
        keys = IssuerKeys(TrustedIssuer(self.issuer), HttpFetch(), self.clock)
        parts: dict[str, Any] = {
            "keys": keys,
            "client_id": client,
            "resource": NODE,
            "clock": self.clock,
            "entropy": SystemEntropy(),
            "key": self.key if client == PROVEN else None,
        }
        return OpenIdRelyingParty(**(parts | changes))

    def answer(self, request: SignInRequest, *, deny: bool = False) -> str:
        """Fill in the provider's form; returns the query with which the browser comes back."""
        with httpx2.Client(trust_env=False) as browser:
            page = browser.get(request.url)
            ticket = re.search(r'name="ticket" value="([^"]+)"', page.text).group(1)
            fields = {"ticket": ticket, "username": USERNAME, "password": PASSWORD}
            if deny:
                fields["answer"] = "deny"
            sent = browser.post(request.url, data=fields)
        assert sent.status_code == 303, sent.text
        assert sent.headers["location"].startswith(CALLBACK)
        return urlsplit(sent.headers["location"]).query


@contextmanager
def provider():
    key = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = support.provider_config(issuer, key)
        shared = {
            "redirect_uris": [CALLBACK],
            "sign_out_uris": [f"{NODE}/en/signed-out"],
            "grant_types": ["authorization_code"],
        }
        clients = [
            Client(client_id=PUBLIC, name="Console", **shared),
            Client(
                client_id=PROVEN,
                name="Console",
                token_endpoint_auth_method="private_key_jwt",
                jwks={"keys": [key.as_dict(private=False)]},
                **shared,
            ),
        ]
        app = create_app(config.model_copy(update={"clients": [*config.clients, *clients]}))
        with support.serving(app, listener):
            yield Setting(issuer, key, Clock())


@pytest.fixture(scope="module")
def setting():
    with provider() as found:
        yield found


@pytest.mark.parametrize("client", [PUBLIC, PROVEN])
def test_both_kinds_of_client_sign_a_person_in(setting, client):
    party = setting.party(client)
    for _ in range(2):  # an assertion that repeated its jti would fail at the second
        request = party.begin(CALLBACK, "fr-CA", fresh=True)
        asked = parse_qs(urlsplit(request.url).query)
        assert asked["ui_locales"] == ["fr-CA"]
        assert asked["prompt"] == ["login"]
        assert asked["code_challenge_method"] == ["S256"]
        assert request.verifier not in request.url
        who = party.finish(request, CALLBACK, setting.answer(request))
        assert (who.iss, who.sub) == (setting.issuer, SUBJECT)
        assert abs(who.auth_time - datetime.now(UTC)) < timedelta(seconds=30)


def test_a_client_that_must_prove_itself_is_refused_without_its_key(setting):
    party = setting.party(PROVEN, key=None)
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    with pytest.raises(NotSignedIn, match=r"sign-in\.refused"):
        party.finish(request, CALLBACK, setting.answer(request))


@pytest.mark.parametrize("member", ["nonce", "verifier"])
def test_an_answer_to_another_request_is_refused(setting, member):
    party = setting.party()
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    other = replace(request, **{member: "x" * 64})
    with pytest.raises(NotSignedIn):
        party.finish(other, CALLBACK, setting.answer(request))


def test_a_code_serves_once(setting):
    party = setting.party()
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    answer = setting.answer(request)
    party.finish(request, CALLBACK, answer)
    with pytest.raises(NotSignedIn, match="refused"):
        party.finish(request, CALLBACK, answer)


def test_cancelling_is_told(setting):
    party = setting.party()
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    with pytest.raises(NotSignedIn, match="access_denied"):
        party.finish(request, CALLBACK, setting.answer(request, deny=True))


@pytest.mark.parametrize("issuer", ["https://evil.example", ""])
def test_an_answer_of_another_issuer_is_refused(setting, issuer):
    """RFC 9207: the provider names itself in its answers."""
    party = setting.party()
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    answer = re.sub(r"iss=[^&]*", f"iss={issuer}", setting.answer(request))
    with pytest.raises(NotSignedIn, match="mixed-up"):
        party.finish(request, CALLBACK, answer)


def test_a_clock_that_is_off_is_told(setting):
    party = setting.party()
    request = party.begin(CALLBACK, "en-CA", fresh=False)
    answer = setting.answer(request)
    setting.clock.ahead = timedelta(minutes=20)
    try:
        with pytest.raises(NotSignedIn, match="clocks"):
            party.finish(request, CALLBACK, answer)
    finally:
        setting.clock.ahead = timedelta()


def test_signing_out_names_the_client_and_carries_no_token(setting):
    there = setting.party().sign_out_url(f"{NODE}/en/signed-out", "en-CA")
    asked = parse_qs(urlsplit(there).query)
    assert asked["client_id"] == [PUBLIC]
    assert "id_token_hint" not in asked
    with httpx2.Client(trust_env=False) as browser:
        answer = browser.get(there)
        assert answer.headers["location"] == f"{NODE}/en/signed-out"
        evil = browser.get(there.replace("%2Fen%2Fsigned-out", "%40evil.example"))
        assert "location" not in evil.headers


def test_a_provider_that_is_away_is_told(setting):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"http://127.0.0.1:{listener.getsockname()[1]}"
    keys = IssuerKeys(TrustedIssuer(nobody), HttpFetch(timeout=1.0), setting.clock)
    with pytest.raises(Unavailable, match=r"issuer\.unavailable"):
        setting.party(keys=keys).begin(CALLBACK, "en-CA", fresh=False)


EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def issuer():
    return FakeIssuer(ISSUER, SimulatedClock(datetime.fromtimestamp(time.time(), UTC)))


@pytest.fixture
def party(issuer):
    keys = IssuerKeys(issuer.trusted(), issuer.fetch, issuer.clock)
    return OpenIdRelyingParty(
        keys=keys, client_id=PUBLIC, resource=NODE, clock=issuer.clock, entropy=SystemEntropy()
    )


def logout_token(issuer: FakeIssuer, **changes: Any) -> str:
    members: dict[str, Any] = {"events": {EVENT: {}}, "sid": "session-1"} | changes
    sub, audience = members.pop("sub", SUBJECT), members.get("aud", PUBLIC)
    return issuer.token(sub, audience, **members)


def test_a_logout_token_names_whose_sessions_end(issuer, party):
    found = party.logged_out(logout_token(issuer))
    assert (found.iss, found.sub, found.sid) == (ISSUER, SUBJECT, "session-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"events": {}},
        {"events": {EVENT: "yes"}},
        {"nonce": "n"},
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        {"iat": 1},
        {"sub": "", "sid": None},
        {"header": {"kid": "unpublished"}},
        {"key": ECKey.generate_key("P-256", auto_kid=True)},
    ],
    ids=lambda one: json.dumps(one, default=str)[:40],
)
def test_other_tokens_end_no_session(issuer, party, changes):
    token = logout_token(issuer, **changes)
    with pytest.raises(Invalid, match=r"logout\.token"):
        party.logged_out(token)
    with pytest.raises(Invalid):
        party.logged_out(f"{token}x")


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "x" * 20000]
)
def test_what_is_no_token_ends_no_session(party, token):
    with pytest.raises(Invalid, match=r"logout\.token"):
        party.logged_out(token)
