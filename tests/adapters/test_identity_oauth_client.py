"""The signing-in client against a provider that misbehaves, one answer at a time."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from api.adapters.identity.fetching import FetchFailed
from api.adapters.identity.form_sign_in import REDIRECT_URI, sign_in_by_forms
from api.adapters.identity.machine import client_assertion
from api.adapters.identity.oauth_client import OAuthClient
from api.adapters.identity.provider import find_provider
from api.adapters.system import SystemEntropy
from api.domain.errors import ComityError, Unavailable
from tests.support.sign_in import NODE, MachineClock

CLOCK = MachineClock()


class Misbehaving:
    """A loopback server that answers every path with what the test put there."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.seen: list[tuple[str, str, bytes]] = []
        outer = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                path = self.path.partition("?")[0]
                outer.seen.append((self.command, path, self.rfile.read(length)))
                status, headers, body = outer.answers.get(path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.put("/.well-known/openid-configuration", self.metadata())

    def metadata(self, **changes: Any) -> dict[str, Any]:
        paths = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "device_authorization_endpoint": "/device_authorization",
        }
        document = {name: f"{self.issuer}{path}" for name, path in paths.items()}
        return {"issuer": self.issuer, **document, **changes}

    def put(self, path: str, body: object, status: int = 200, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = (status, headers, data)


@pytest.fixture
def provider() -> Iterator[Misbehaving]:
    provider = Misbehaving()
    with provider.server:
        threading.Thread(target=provider.server.serve_forever, args=(0.02,), daemon=True).start()
        yield provider
        provider.server.shutdown()


@pytest.fixture
def client(provider: Misbehaving) -> Iterator[OAuthClient]:
    client = OAuthClient(find_provider(provider.issuer), "comity-cli", NODE, CLOCK)
    yield client
    client.close()


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ComityError) as refusal:
        act()
    return refusal.value.code


GOOD = {"access_token": "a", "token_type": "Bearer", "expires_in": 60}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": "invalid_grant", "error_description": "<script>"}, "sign-in.refused"),
        ({"error": "invalid_target"}, "sign-in.refused"),
        ({"error": "<script>alert(1)</script>"}, "sign-in.refused"),
        ({"error": 7}, "sign-in.refused"),
        ({}, "issuer.unavailable"),
        ([], "issuer.unavailable"),
        (b"<html>", "issuer.unavailable"),
        (GOOD | {"token_type": "mac"}, "issuer.unavailable"),
        (GOOD | {"access_token": 7}, "issuer.unavailable"),
        (GOOD | {"expires_in": "soon"}, "issuer.unavailable"),
        (GOOD | {"expires_in": -1}, "issuer.unavailable"),
        (GOOD | {"refresh_token": []}, "issuer.unavailable"),
    ],
)
def test_a_strange_token_answer_is_refused_without_repeating_it(
    provider: Misbehaving, client: OAuthClient, answer: object, code: str
) -> None:
    provider.put("/token", answer, status=400 if isinstance(answer, dict) else 200)
    with pytest.raises(ComityError) as refusal:
        client.refresh("secret-refresh-token")
    assert refusal.value.code == code
    assert "<" not in refusal.value.message
    assert "secret" not in str(refusal.value)


def test_a_failing_or_redirecting_token_endpoint_is_unavailable(
    provider: Misbehaving, client: OAuthClient
) -> None:
    provider.put("/token", GOOD, status=500)
    assert code_of(lambda: client.refresh("r")) == "issuer.unavailable"
    provider.put("/token", b"", status=307, Location="http://127.0.0.1:9/steal")
    assert code_of(lambda: client.refresh("r")) == "issuer.unavailable"


def test_a_refresh_answer_without_a_new_token_keeps_the_old(
    provider: Misbehaving, client: OAuthClient
) -> None:
    provider.put("/token", GOOD)
    assert client.refresh("r-1").refresh_token == "r-1"
    assert b"scope" not in provider.seen[-1][2]
    assert b"resource=" in provider.seen[-1][2]


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://127.0.0.1:1"},
        {"token_endpoint": None},
        {"token_endpoint": "https://id.evil.example/token"},
        {"authorization_endpoint": "http://[::1/authorize"},
        {"device_authorization_endpoint": 7},
    ],
)
def test_metadata_that_leads_elsewhere_is_not_used(
    provider: Misbehaving, change: dict[str, object]
) -> None:
    provider.put("/.well-known/openid-configuration", provider.metadata(**change))
    assert code_of(lambda: find_provider(provider.issuer)) == "issuer.unavailable"


def test_flows_the_provider_does_not_offer_are_named(provider: Misbehaving) -> None:
    document = {"issuer": provider.issuer, "token_endpoint": f"{provider.issuer}/token"}
    provider.put("/.well-known/openid-configuration", document)
    client = OAuthClient(find_provider(provider.issuer), "comity-cli", NODE, CLOCK)
    assert code_of(lambda: client.authorize(REDIRECT_URI)) == "issuer.no-code-flow"
    assert code_of(client.start_device) == "issuer.no-device-flow"
    client.revoke("nothing to tell")
    client.close()


def test_offline_access_is_asked_for_where_it_is_offered(provider: Misbehaving) -> None:
    document = provider.metadata(scopes_supported=["openid", "offline_access"])
    provider.put("/.well-known/openid-configuration", document)
    client = OAuthClient(find_provider(provider.issuer), "comity-cli", NODE, CLOCK)
    url = client.authorize(REDIRECT_URI).url
    assert "offline_access" in url
    assert "prompt=consent" in url
    client.close()


def test_an_issuer_away_is_unavailable() -> None:
    def away(_url: str) -> bytes:
        raise FetchFailed("away")

    with pytest.raises(Unavailable):
        find_provider("https://id.example", away)


DEVICE = {
    "user_code": "AAAA-BBBB",
    "verification_uri": "https://id.example/device",
    "device_code": "d",
    "expires_in": 60,
    "interval": 1,
}


@pytest.mark.parametrize("name", ["user_code", "verification_uri", "device_code"])
def test_a_device_answer_needs_its_members(
    provider: Misbehaving, client: OAuthClient, name: str
) -> None:
    provider.put("/device_authorization", DEVICE | {name: 7})
    assert code_of(client.start_device) == "issuer.unavailable"


def test_a_refused_device_request_is_a_refusal(provider: Misbehaving, client: OAuthClient) -> None:
    provider.put("/device_authorization", {"error": "unauthorized_client"}, status=400)
    assert code_of(client.start_device) == "sign-in.refused"


def test_a_device_nobody_approves_is_given_up(provider: Misbehaving, client: OAuthClient) -> None:
    provider.put("/device_authorization", DEVICE | {"expires_in": 0})
    assert code_of(lambda: client.await_device(client.start_device())) == "sign-in.expired"


def test_the_password_does_not_follow_a_form_to_another_host(provider: Misbehaving) -> None:
    page = (
        b'<form method="post" action="http://127.0.0.1:9/steal">'
        b'<input type="text" name="u"><input type="password" name="p"></form>'
    )
    provider.put("/authorize", page)
    assert code_of(lambda: forms(provider)) == "issuer.unavailable"


@pytest.mark.parametrize(
    "page",
    [
        b"<p>nothing to fill in</p>",
        b'<form action="/search"><input type="text" name="q"></form>',
        b'<form method="post"><input type="hidden" name="again" value="1"></form>',
        b" " * 300_000,
    ],
)
def test_pages_of_another_kind_are_given_up(provider: Misbehaving, page: bytes) -> None:
    provider.put("/authorize", page)
    assert code_of(lambda: forms(provider)) == "issuer.unavailable"


def test_a_redirect_to_another_host_is_not_followed(provider: Misbehaving) -> None:
    provider.put("/authorize", b"", status=302, Location="http://127.0.0.1:9/elsewhere")
    assert code_of(lambda: forms(provider)) == "issuer.unavailable"


def test_only_the_first_button_is_pressed(provider: Misbehaving) -> None:
    page = (
        b'<form method="post" action="/authorize"><input type="text" name="u">'
        b'<input type="password" name="p"><button name="answer" value="allow">Yes</button>'
        b'<button name="answer" value="deny">No</button>'
        b'<input type="checkbox" name="all"></form>'
    )
    provider.put("/authorize", page)
    assert code_of(lambda: forms(provider)) == "sign-in.refused"
    posted = [body for method, _, body in provider.seen if method == "POST"]
    assert posted == [b"u=anna&p=pass+phrase&answer=allow"]


def forms(provider: Misbehaving) -> object:
    return sign_in_by_forms(provider.issuer, "comity-cli", "anna", "pass phrase", NODE, CLOCK)


def test_machine_keys_choose_their_algorithm() -> None:
    for key, algorithm in (
        (ECKey.generate_key("P-256"), "ES256"),
        (ECKey.generate_key("P-384"), "ES384"),
        (RSAKey.generate_key(2048), "PS256"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ):
        signed = client_assertion("m", "https://id.example", key, CLOCK, SystemEntropy())
        token = jwt.decode(signed, key, algorithms=[algorithm])
        assert token.claims["exp"] - token.claims["iat"] == 60
        assert token.header["kid"] == (key.kid or key.thumbprint())


@pytest.mark.parametrize("key", [OctKey.generate_key(256), ECKey.generate_key("P-521")])
def test_other_keys_are_refused(key: Any) -> None:
    act = lambda: client_assertion("m", "https://id.example", key, CLOCK, SystemEntropy())  # noqa: E731
    assert code_of(act) == "client-key.unusable"
