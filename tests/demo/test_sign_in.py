"""The demo's provider over real loopback: every flow, and everything it must refuse."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey

from api.adapters.identity.form_sign_in import REDIRECT_URI, sign_in_by_forms
from api.adapters.identity.machine import MachineTokens, client_assertion
from api.adapters.identity.oauth_client import ASSERTION_TYPE, DeviceRequest, OAuthClient
from api.adapters.identity.tokens import Tokens
from api.cli.profiles import ProfileStore
from api.demo import sign_in as demo
from api.domain.errors import ComityError, NotSignedIn
from tests.support.command_line import CommandLine
from tests.support.sign_in import (
    NODE,
    OTHER_NODE,
    PASSWORD,
    SUBJECT,
    USERNAME,
    RunningProvider,
    running_provider,
)

VERIFIER = "v" * 64
SPENT = datetime(2000, 1, 1, tzinfo=UTC)


class Chance:
    """Entropy from the machine."""

    def token(self, size: int) -> bytes:
        import os

        return os.urandom(size)

    def identifier(self) -> str:
        return self.token(16).hex()


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def client(provider: RunningProvider) -> Iterator[OAuthClient]:
    client = OAuthClient(
        provider.provider(), "comity-cli", NODE, provider.clock, scope="openid profile"
    )
    yield client
    client.close()


def sign_in(provider: RunningProvider, resource: str = NODE) -> Tokens:
    return sign_in_by_forms(
        provider.issuer, "comity-cli", USERNAME, PASSWORD, resource, provider.clock
    )


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ComityError) as refusal:
        act()
    return refusal.value.code


def authorize_url(provider: RunningProvider, **changes: str | None) -> str:
    query = {
        "response_type": "code",
        "client_id": "comity-cli",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile",
        "state": "some-state",
        "nonce": None,
        "resource": NODE,
        "code_challenge": create_s256_code_challenge(VERIFIER),
        "code_challenge_method": "S256",
    } | changes
    given = {name: value for name, value in query.items() if value is not None}
    return f"{provider.issuer}/authorize?{urlencode(given)}"


def answer_of(reply: httpx2.Response) -> dict[str, str]:
    """Query parameters of the redirect back to the client."""
    assert reply.status_code == 303, reply.text
    location = reply.headers["Location"]
    assert location.startswith(f"{REDIRECT_URI}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def ticket_in(page: str) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found
    return found[1]


def submit(http: httpx2.Client, url: str, **changes: str) -> httpx2.Response:
    page = http.get(url)
    assert page.status_code == 200, page.text
    fields = {"ticket": ticket_in(page.text), "username": USERNAME, "password": PASSWORD}
    return http.post(url, data={**fields, "answer": "allow", **changes})


def fresh_code(provider: RunningProvider, http: httpx2.Client, **changes: str) -> str:
    return answer_of(submit(http, authorize_url(provider, **changes)))["code"]


def token_request(
    provider: RunningProvider, http: httpx2.Client, **form: str | list[str]
) -> httpx2.Response:
    return http.post(f"{provider.issuer}/token", data=form)


def redeem(
    provider: RunningProvider, http: httpx2.Client, code: str, **changes: str
) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "client_id": "comity-cli",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    return token_request(provider, http, **{**form, **changes})


# --- code with PKCE


def test_a_person_signs_in_through_the_forms_and_the_node_knows_them(
    provider: RunningProvider,
) -> None:
    tokens = sign_in(provider)
    identity = provider.resource_server().verify(tokens.access_token)
    assert (identity.iss, identity.sub) == (provider.issuer, SUBJECT)
    assert identity.client_id == "comity-cli"
    assert identity.auth_time is not None
    assert abs((identity.expires_at - tokens.expires_at).total_seconds()) < 5
    assert tokens.refresh_token


def test_the_launcher_signs_people_in_by_the_machines_clock(provider: RunningProvider) -> None:
    tokens = demo.sign_in_by_forms(provider.issuer, "comity-cli", USERNAME, PASSWORD, NODE)
    assert provider.resource_server().verify(tokens.access_token).sub == SUBJECT


def test_a_token_for_one_node_is_refused_by_another(provider: RunningProvider) -> None:
    tokens = sign_in(provider, OTHER_NODE)
    node = provider.resource_server(NODE)
    assert code_of(lambda: node.verify(tokens.access_token)) == "token.wrong-audience"


def test_a_wrong_password_and_an_unknown_user_look_the_same(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    wrong = submit(http, authorize_url(provider), password="guess")
    unknown = submit(http, authorize_url(provider), username="nobody")
    assert wrong.status_code == unknown.status_code == 401
    blank = re.compile(r'value="[^"]+"')
    assert blank.sub("", wrong.text) == blank.sub("", unknown.text)
    with pytest.raises(NotSignedIn):
        sign_in_by_forms(provider.issuer, "comity-cli", USERNAME, "guess", NODE, provider.clock)


def test_the_code_flow_needs_pkce_with_s256(provider: RunningProvider, http: httpx2.Client) -> None:
    for changes in (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "short"},
    ):
        answer = answer_of(http.get(authorize_url(provider, **changes)))
        assert answer["error"] == "invalid_request"
        assert answer["state"] == "some-state"
        assert answer["iss"] == provider.issuer


def test_a_code_needs_its_own_verifier(provider: RunningProvider, http: httpx2.Client) -> None:
    code = fresh_code(provider, http)
    assert redeem(provider, http, code, code_verifier="w" * 64).json()["error"] == "invalid_grant"
    missing = {"code_verifier": ""}
    code = fresh_code(provider, http)
    assert redeem(provider, http, code, **missing).json()["error"] == "invalid_request"


def test_a_code_serves_once_and_its_second_use_ends_what_it_bought(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    code = fresh_code(provider, http)
    first = redeem(provider, http, code)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "no-store"
    assert redeem(provider, http, code).json()["error"] == "invalid_grant"
    refreshed = token_request(
        provider,
        http,
        grant_type="refresh_token",
        client_id="comity-cli",
        refresh_token=first.json()["refresh_token"],
    )
    assert refreshed.json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_client_redirect_and_resource(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    for changes, error in (
        ({"client_id": "code-only"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/callback"}, "invalid_grant"),
        ({"resource": OTHER_NODE}, "invalid_target"),
        ({"client_id": "unheard-of"}, "invalid_client"),
    ):
        code = fresh_code(provider, http)
        assert redeem(provider, http, code, **changes).json()["error"] == error


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"resource": None}, "invalid_target"),
        ({"resource": "http://127.0.0.1:1"}, "invalid_target"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_an_authorization_request_that_cannot_be_met_is_sent_back(
    provider: RunningProvider,
    http: httpx2.Client,
    changes: dict[str, str | None],
    error: str,
) -> None:
    answer = answer_of(http.get(authorize_url(provider, **changes)))
    assert (answer["error"], answer["iss"]) == (error, provider.issuer)


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unheard-of"},
        {"client_id": "machine"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1/other"},
        {"redirect_uri": "http://127.0.0.1.evil.example/callback"},
        {"redirect_uri": "http://user@127.0.0.1/callback"},
        {"redirect_uri": "http://127.0.0.1:bad/callback"},
        {"redirect_uri": 'http://127.0.0.1/"<ü'},
    ],
)
def test_nothing_is_sent_to_an_address_that_is_not_the_clients(
    provider: RunningProvider, http: httpx2.Client, changes: dict[str, str]
) -> None:
    reply = http.get(authorize_url(provider, **changes))
    assert reply.status_code == 400
    assert "Location" not in reply.headers
    assert "<ü" not in reply.text


def test_a_loopback_redirect_matches_on_any_port(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    assert http.get(
        authorize_url(provider, redirect_uri="http://127.0.0.1:54321/callback")
    ).is_success


def test_a_nonce_serves_once(provider: RunningProvider, http: httpx2.Client) -> None:
    code = fresh_code(provider, http, nonce="n-1")
    claims = id_claims(provider, redeem(provider, http, code).json()["id_token"])
    assert claims["nonce"] == "n-1"
    answer = answer_of(http.get(authorize_url(provider, nonce="n-1")))
    assert answer["error"] == "invalid_request"


def test_the_id_token_names_the_person_to_the_client_and_nobody_to_the_node(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    id_token = redeem(provider, http, fresh_code(provider, http)).json()["id_token"]
    claims = id_claims(provider, id_token)
    assert claims["iss"] == provider.issuer
    assert claims["aud"] == ["comity-cli"]
    assert (claims["sub"], claims["name"]) == (SUBJECT, "Ana Lyst")
    node = provider.resource_server()
    assert code_of(lambda: node.verify(id_token)) == "token.not-access-token"


def id_claims(provider: RunningProvider, id_token: str) -> dict[str, object]:
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set(httpx2.get(f"{provider.issuer}/jwks.json").json())
    return jwt.decode(id_token, keys, algorithms=["ES256"]).claims


# --- forms


def test_cancelling_tells_the_client(provider: RunningProvider, http: httpx2.Client) -> None:
    answer = answer_of(submit(http, authorize_url(provider), answer="deny", password=""))
    assert (answer["error"], answer["iss"]) == ("access_denied", provider.issuer)


def test_a_forged_form_signs_nobody_in(provider: RunningProvider, http: httpx2.Client) -> None:
    url = authorize_url(provider)
    good = {"username": USERNAME, "password": PASSWORD, "answer": "allow"}
    ticket = ticket_in(http.get(url).text)
    assert http.post(url, data=good).status_code == 403
    assert http.post(url, data=good | {"ticket": "made-up"}).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert http.post(url, data=good | {"ticket": ticket}, headers=headers).status_code == 403
    with httpx2.Client(trust_env=False) as other_browser:
        other_browser.get(url)
        assert other_browser.post(url, data=good | {"ticket": ticket}).status_code == 403


def test_a_ticket_serves_once(provider: RunningProvider, http: httpx2.Client) -> None:
    url = authorize_url(provider)
    form = {"username": USERNAME, "password": PASSWORD, "ticket": ticket_in(http.get(url).text)}
    assert http.post(url, data=form).status_code == 303
    assert http.post(url, data=form).status_code == 403


def test_pages_cannot_be_framed_stored_or_scripted(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    page = http.get(authorize_url(provider))
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1" in policy
    assert page.headers["Cache-Control"] == "no-store"
    cookie = page.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


def test_another_host_name_gets_no_answer(provider: RunningProvider, http: httpx2.Client) -> None:
    reply = http.get(f"{provider.issuer}/jwks.json", headers={"Host": "rebound.example"})
    assert reply.status_code == 400


# --- device


def approve(
    provider: RunningProvider, http: httpx2.Client, request: DeviceRequest, **changes: str
) -> httpx2.Response:
    assert request.verification_uri == f"{provider.issuer}/device"
    assert "form" in http.get(request.verification_uri).text
    typed = request.user_code.lower().replace("-", " ")
    return submit(http, f"{request.verification_uri}?{urlencode({'user_code': typed})}", **changes)


def test_a_device_is_signed_in_from_another_browser(
    provider: RunningProvider, http: httpx2.Client, client: OAuthClient
) -> None:
    request = client.start_device()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.await_device, request)
        page = approve(provider, http, request)
        assert page.status_code == 200, page.text
        tokens = waiting.result(20)
    assert provider.resource_server().verify(tokens.access_token).sub == SUBJECT
    again = token_request(
        provider,
        http,
        grant_type="urn:ietf:params:oauth:grant-type:device_code",
        client_id="comity-cli",
        device_code=request.device_code,
    )
    assert again.status_code == 400


def test_polling_waits_and_too_much_of_it_is_slowed(
    provider: RunningProvider, http: httpx2.Client, client: OAuthClient
) -> None:
    request = client.start_device()
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "comity-cli",
        "device_code": request.device_code,
    }
    assert token_request(provider, http, **form).json()["error"] == "authorization_pending"
    assert token_request(provider, http, **form).json()["error"] == "slow_down"
    other = form | {"client_id": "code-only"}
    assert token_request(provider, http, **other).json()["error"] == "unauthorized_client"
    unknown = form | {"device_code": "made-up"}
    assert token_request(provider, http, **unknown).json()["error"] == "invalid_request"


def test_a_refused_device_is_told(
    provider: RunningProvider, http: httpx2.Client, client: OAuthClient
) -> None:
    request = client.start_device()
    assert approve(provider, http, request, answer="deny").status_code == 200
    with pytest.raises(NotSignedIn) as refusal:
        client.await_device(request)
    assert refusal.value.details["error"] == "access_denied"


def test_a_device_code_ends(
    provider: RunningProvider, client: OAuthClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = client.start_device()
    monkeypatch.setattr(provider.server.state, "now", lambda: time.time() + 601)
    device = provider.server.state.devices.get(request.device_code)
    assert device is not None
    monkeypatch.setattr(device, "now", lambda: time.time() + 601)
    with pytest.raises(NotSignedIn) as refusal:
        client.await_device(request)
    assert refusal.value.details["error"] == "expired_token"


def test_an_unknown_user_code_is_refused(provider: RunningProvider, http: httpx2.Client) -> None:
    assert http.get(f"{provider.issuer}/device?user_code=AAAA-AAAA").status_code == 400


def test_a_wrong_password_signs_no_device_in(
    provider: RunningProvider, http: httpx2.Client, client: OAuthClient
) -> None:
    request = client.start_device()
    assert approve(provider, http, request, password="guess").status_code == 401
    device = provider.server.state.devices.get(request.device_code)
    assert device is not None
    assert device.decision is None


def test_a_client_without_the_device_grant_gets_no_code(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    form = {"client_id": "code-only", "resource": NODE}
    reply = http.post(f"{provider.issuer}/device_authorization", data=form)
    assert reply.json()["error"] == "invalid_request"


# --- refresh and revocation


def test_a_refresh_token_is_exchanged_for_new_ones(
    provider: RunningProvider, client: OAuthClient
) -> None:
    first = sign_in(provider)
    assert first.refresh_token
    second = client.refresh(first.refresh_token)
    assert second.access_token != first.access_token
    assert second.refresh_token not in {None, first.refresh_token}
    identity = provider.resource_server().verify(second.access_token)
    assert identity.sub == SUBJECT
    assert identity.auth_time is not None


def test_a_stolen_refresh_token_ends_the_whole_family(
    provider: RunningProvider, client: OAuthClient
) -> None:
    first = sign_in(provider)
    assert first.refresh_token
    second = client.refresh(first.refresh_token)
    assert second.refresh_token
    assert code_of(lambda: client.refresh(first.refresh_token or "")) == "sign-in.refused"
    assert code_of(lambda: client.refresh(second.refresh_token or "")) == "sign-in.refused"


def test_a_refresh_token_is_for_the_node_it_was_granted_for(provider: RunningProvider) -> None:
    tokens = sign_in(provider)
    assert tokens.refresh_token
    other = OAuthClient(provider.provider(), "comity-cli", OTHER_NODE, provider.clock)
    assert code_of(lambda: other.refresh(tokens.refresh_token or "")) == "sign-in.refused"
    other.close()


def test_a_revoked_refresh_token_is_dead(provider: RunningProvider, client: OAuthClient) -> None:
    tokens = sign_in(provider)
    assert tokens.refresh_token
    client.revoke(tokens.refresh_token)
    assert code_of(lambda: client.refresh(tokens.refresh_token or "")) == "sign-in.refused"
    client.revoke("unknown tokens are no error (RFC 7009)")


# --- machines


def assertion(provider: RunningProvider, key: ECKey | None = None, audience: str = "") -> str:
    return client_assertion(
        "machine",
        audience or provider.issuer,
        key or provider.machine_key,
        provider.clock,
        Chance(),
    )


def machine_request(
    provider: RunningProvider, http: httpx2.Client, signed: str, resource: str = NODE
) -> httpx2.Response:
    return token_request(
        provider,
        http,
        grant_type="client_credentials",
        client_assertion_type=ASSERTION_TYPE,
        client_assertion=signed,
        resource=resource,
    )


def test_a_machine_proves_itself_by_its_key(provider: RunningProvider) -> None:
    machine = MachineTokens(
        provider=provider.provider(),
        client_id="machine",
        key=provider.machine_key,
        resource=NODE,
        clock=provider.clock,
        entropy=Chance(),
    )
    token = machine.access_token()
    assert machine.access_token() == token
    identity = provider.resource_server().verify(token)
    assert (identity.sub, identity.client_id, identity.auth_time) == ("machine", "machine", None)
    machine.close()


def test_the_command_line_signs_a_machine_in_by_its_key(
    provider: RunningProvider, tmp_path: Path
) -> None:
    key = tmp_path / "machine.pem"
    key.write_bytes(provider.machine_key.as_pem(private=True))
    comity = CommandLine(tmp_path / "home")
    login = ("login", "--node", NODE, "--issuer", provider.issuer, "--client-id", "machine")
    key.chmod(0o644)
    open_to_all = comity(*login, "--client-key", key, profile="archive", as_json=True)
    assert open_to_all.problem["code"] == "keystore.permissions"
    key.chmod(0o600)
    signed_in = comity(*login, "--client-key", key, profile="archive", as_json=True)
    assert signed_in.code == 0, signed_in.err
    assert (signed_in.document["sub"], signed_in.document["client_id"]) == ("machine", "machine")
    store = ProfileStore(tmp_path / "home")
    held = store.load("archive")
    assert held.tokens is not None
    # Nothing but the key renews it: a machine has no refresh token.
    assert held.tokens.refresh_token is None
    store.save("archive", replace(held, tokens=replace(held.tokens, expires_at=SPENT)))
    renewed = comity("token", profile="archive", as_json=True)
    assert renewed.code == 0, renewed.err
    assert renewed.document["access_token"] != held.tokens.access_token
    text = tmp_path / "text.pem"
    text.write_text("no key")
    text.chmod(0o600)
    unusable = comity(*login, "--client-key", text, profile="other", as_json=True)
    assert unusable.problem["code"] == "client-key.unusable"


def test_a_replayed_assertion_is_refused(provider: RunningProvider, http: httpx2.Client) -> None:
    signed = assertion(provider)
    assert machine_request(provider, http, signed).status_code == 200
    assert machine_request(provider, http, signed).json()["error"] == "invalid_client"


def test_two_assertions_never_share_an_id(provider: RunningProvider) -> None:
    assert assertion(provider) != assertion(provider)


def test_an_assertion_by_another_key_or_for_another_provider_is_refused(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    stranger = ECKey.generate_key("P-256", {"kid": provider.machine_key.kid})
    for signed in (
        assertion(provider, stranger),
        assertion(provider, audience="https://id.example"),
        long_assertion(provider, seconds=3600),
        long_assertion(provider, jti=None),
        long_assertion(provider, jti=["a"]),
        long_assertion(provider, exp="never"),
        "no.such.assertion",
    ):
        assert machine_request(provider, http, signed).json()["error"] == "invalid_client"


def long_assertion(provider: RunningProvider, seconds: int = 60, **changes: object) -> str:
    now = int(time.time())
    claims = {
        "iss": "machine",
        "sub": "machine",
        "aud": provider.issuer,
        "jti": str(time.time_ns()),
    }
    claims |= {"iat": now, "exp": now + seconds} | changes
    return jwt.encode(
        {"alg": "ES256"}, {k: v for k, v in claims.items() if v is not None}, provider.machine_key
    )


def test_a_machine_needs_a_known_node_and_its_assertion(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    unknown = machine_request(provider, http, assertion(provider), "http://127.0.0.1:1")
    assert unknown.json()["error"] == "invalid_target"
    bare = token_request(
        provider, http, grant_type="client_credentials", client_id="machine", resource=NODE
    )
    assert bare.json()["error"] == "invalid_client"


def test_a_public_client_cannot_use_client_credentials(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    reply = token_request(
        provider, http, grant_type="client_credentials", client_id="comity-cli", resource=NODE
    )
    assert reply.json()["error"] == "invalid_client"


# --- keys and documents


def test_tokens_survive_one_rotation_of_the_keys(provider: RunningProvider) -> None:
    node = provider.resource_server()
    before = sign_in(provider)
    node.verify(before.access_token)
    provider.server.keys.rotate()
    after = sign_in(provider)
    assert node.verify(after.access_token).sub == SUBJECT
    fresh = provider.resource_server()
    assert fresh.verify(before.access_token).sub == SUBJECT
    provider.server.keys.rotate()
    stranger = provider.resource_server()
    assert code_of(lambda: stranger.verify(before.access_token)) == "token.unknown-key"


def test_the_next_key_is_published_before_it_signs(provider: RunningProvider) -> None:
    node = provider.resource_server(refetch=3600)
    node.verify(sign_in(provider).access_token)
    provider.server.keys.rotate()
    assert node.verify(sign_in(provider).access_token).sub == SUBJECT


def test_no_private_key_is_published(provider: RunningProvider, http: httpx2.Client) -> None:
    keys = http.get(f"{provider.issuer}/jwks.json").json()["keys"]
    assert len(keys) >= 2
    assert all("d" not in key and key["alg"] == "ES256" for key in keys)


def test_both_metadata_addresses_say_the_same(
    provider: RunningProvider, http: httpx2.Client
) -> None:
    documents = [
        http.get(f"{provider.issuer}/.well-known/{name}").json()
        for name in ("openid-configuration", "oauth-authorization-server")
    ]
    assert documents[0] == documents[1]
    assert documents[0]["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"grant_type=refresh_token&grant_type=refresh_token", None),
        (b"grant_type=refresh_token", "application/json"),
        (b"a=" + b"b" * 70_000, None),
        (b"&".join(b"a=b" for _ in range(60)), None),
        (b"a=\xff", None),
    ],
)
def test_a_token_request_that_is_no_clean_form_is_refused(
    provider: RunningProvider, http: httpx2.Client, body: bytes, kind: str | None
) -> None:
    headers = {"Content-Type": kind or "application/x-www-form-urlencoded"}
    reply = http.post(f"{provider.issuer}/token", content=body, headers=headers)
    assert reply.status_code == 400
    assert reply.json()["error"] == "invalid_request"


def test_an_unknown_grant_is_refused(provider: RunningProvider, http: httpx2.Client) -> None:
    reply = token_request(provider, http, grant_type="password", username="a", password="b")
    assert reply.json()["error"] == "unsupported_grant_type"


# --- the client's side


def test_an_answer_from_another_request_or_issuer_is_not_redeemed(client: OAuthClient) -> None:
    request = client.authorize(REDIRECT_URI)
    issuer = client.provider.issuer
    for query in (
        {"code": "c", "state": "other", "iss": issuer},
        {"code": "c", "iss": issuer},
        {"code": "c", "state": request.state, "iss": "https://id.evil.example"},
        {"code": "c", "state": request.state},
    ):
        url = f"{REDIRECT_URI}?{urlencode(query)}"
        assert code_of(lambda url=url: client.redeem(request, url)) == "sign-in.mixed-up"
    for query in ({"error": "access_denied"}, {"error": "<script>"}, {}):
        url = f"{REDIRECT_URI}?{urlencode({**query, 'state': request.state, 'iss': issuer})}"
        with pytest.raises(NotSignedIn) as refusal:
            client.redeem(request, url)
        assert refusal.value.code == "sign-in.refused"
        assert "<" not in refusal.value.message


def test_tokens_do_not_show_in_logs(provider: RunningProvider) -> None:
    tokens = sign_in(provider)
    assert tokens.access_token not in repr(tokens)
    assert str(tokens.refresh_token) not in repr(tokens)
    assert not tokens.fresh(tokens.expires_at - timedelta(seconds=30))
