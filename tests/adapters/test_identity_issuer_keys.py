"""Key sets of a pinned issuer: where they come from, how long they serve, when they fail closed."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from joserfc.jwk import ECKey, OctKey

from api.adapters.identity.fetching import FetchFailed, HttpFetch
from api.adapters.identity.issuer_keys import CacheTimes, IssuerKeys, TrustedIssuer
from api.domain.errors import Unavailable
from api.wire.encoding import b64u_encode
from tests.support.issuer import FakeIssuer

ISSUER = "https://id.ministry.example/realms/staff"


class HandClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def issuer(clock: HandClock) -> FakeIssuer:
    return FakeIssuer(ISSUER, clock)


def keys_of(issuer: FakeIssuer, times: CacheTimes | None = None) -> IssuerKeys:
    return IssuerKeys(issuer.trusted(), issuer.fetch, issuer.clock, times)


def test_a_rotated_key_is_fetched_once_and_the_old_one_still_serves(
    issuer: FakeIssuer, clock: HandClock
) -> None:
    keys = keys_of(issuer)
    old = issuer.keys[0].kid
    assert keys.find(old) is not None
    issuer.rotate()
    clock.sleep(15)
    assert keys.find(issuer.keys[-1].kid) is not None
    assert keys.find(old) is not None
    assert issuer.fetched.count(issuer.jwks_uri) == 2


def test_unknown_key_ids_cannot_make_the_node_hammer_the_issuer(
    issuer: FakeIssuer, clock: HandClock
) -> None:
    keys = keys_of(issuer)
    for number in range(100):
        assert keys.find(f"made-up-{number}") is None
        clock.sleep(0.5)
    # 50 seconds passed: the first fetch, then one in each 15 seconds.
    assert issuer.fetched.count(issuer.jwks_uri) == 4


def test_a_withdrawn_key_stops_serving_at_the_next_refresh(
    issuer: FakeIssuer, clock: HandClock
) -> None:
    keys = keys_of(issuer)
    old = issuer.keys[0].kid
    assert keys.find(old) is not None
    issuer.rotate(keep_old=False)
    clock.sleep(300)
    assert keys.find(old) is None


def test_an_outage_is_bridged_up_to_the_bound_and_then_fails_closed(
    issuer: FakeIssuer, clock: HandClock
) -> None:
    keys = keys_of(issuer, CacheTimes(trust=timedelta(hours=1)))
    kid = issuer.keys[0].kid
    assert keys.find(kid) is not None
    issuer.reachable = False
    clock.sleep(3600)
    assert keys.find(kid) is not None
    clock.sleep(1)
    with pytest.raises(Unavailable) as refusal:
        keys.find(kid)
    assert refusal.value.code == "issuer.unavailable"
    issuer.reachable = True
    clock.sleep(15)
    assert keys.find(kid) is not None


def test_a_due_refresh_makes_no_second_caller_wait(issuer: FakeIssuer, clock: HandClock) -> None:
    entered, let_go = threading.Event(), threading.Event()
    fetch = issuer.fetch

    def slow(url: str) -> bytes:
        if entered_once.is_set():
            entered.set()
            assert let_go.wait(10)
        return fetch(url)

    entered_once = threading.Event()
    keys = IssuerKeys(issuer.trusted(), slow, clock)
    kid = issuer.keys[0].kid
    keys.find(kid)
    entered_once.set()
    clock.sleep(300)
    refreshing = threading.Thread(target=keys.find, args=(kid,))
    refreshing.start()
    assert entered.wait(10)
    assert keys.find(kid) is not None
    let_go.set()
    refreshing.join(10)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://id.other.example"},
        {"issuer": None},
        {"jwks_uri": "https://keys.elsewhere.example/jwks.json"},
        {"jwks_uri": "http://id.ministry.example/realms/staff/jwks.json"},
        {"jwks_uri": "https://id.ministry.example:8443/realms/staff/jwks.json"},
        {"jwks_uri": "https://id.ministry.example:99999/realms/staff/jwks.json"},
        {"jwks_uri": None},
        {"jwks_uri": 7},
    ],
)
def test_keys_come_from_the_pinned_origin_only(
    issuer: FakeIssuer, metadata: dict[str, object]
) -> None:
    issuer.metadata = metadata
    with pytest.raises(Unavailable):
        keys_of(issuer).find(issuer.keys[0].kid)


def test_metadata_of_a_plain_authorization_server_is_found_too(issuer: FakeIssuer) -> None:
    rfc8414 = "https://id.ministry.example/.well-known/oauth-authorization-server/realms/staff"

    def fetch(url: str) -> bytes:
        if url.endswith("openid-configuration"):
            raise FetchFailed("404")
        if url == rfc8414:
            return json.dumps({"issuer": ISSUER, "jwks_uri": issuer.jwks_uri}).encode()
        return issuer.fetch(url)

    keys = IssuerKeys(issuer.trusted(), fetch, issuer.clock)
    assert keys.find(issuer.keys[0].kid) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"keys":{}}',
        b'{"keys":[]}',
        b'{"keys":[7]}',
        b'{"keys":[],"keys":[]}',
        b"\xff",
    ],
)
def test_a_broken_key_set_is_not_believed(issuer: FakeIssuer, body: bytes) -> None:
    def fetch(url: str) -> bytes:
        return body if url == issuer.jwks_uri else issuer.fetch(url)

    with pytest.raises(Unavailable):
        IssuerKeys(issuer.trusted(), fetch, issuer.clock).find("any")


def test_unusable_keys_are_passed_over_and_good_ones_kept(issuer: FakeIssuer) -> None:
    good = issuer.keys[0].as_dict(private=False)
    encryption = ECKey.generate_key("P-256", {"use": "enc", "kid": "enc"}).as_dict(private=False)
    secret = OctKey.generate_key(256, {"kid": "oct"}).as_dict()
    post_quantum = {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA", "kid": "pq"}
    weak = {"kty": "RSA", "kid": "weak", "n": b64u_encode(b"\xab" * 128), "e": "AQAB"}
    broken = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "broken"}

    def fetch(url: str) -> bytes:
        if url == issuer.jwks_uri:
            return json.dumps(
                {"keys": [encryption, secret, post_quantum, weak, broken, good]}
            ).encode()
        return issuer.fetch(url)

    keys = IssuerKeys(issuer.trusted(), fetch, issuer.clock)
    assert keys.find(good["kid"]) is not None
    assert [keys.find(kid) for kid in ("enc", "oct", "pq", "weak", "broken")] == [None] * 5


@pytest.mark.parametrize(
    "url",
    [
        "http://id.ministry.example",
        "ftp://id.ministry.example",
        "https://id.ministry.example?x=1",
        "https://id.ministry.example#x",
        "https://user@id.ministry.example",
        "id.ministry.example",
        "",
    ],
)
def test_an_issuer_that_cannot_be_pinned_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ValueError):
        TrustedIssuer(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://[::1]:9", "http://localhost:9"])
def test_plain_http_is_for_loopback(url: str) -> None:
    assert TrustedIssuer(url).issuer == url


@pytest.mark.parametrize("algorithms", [frozenset(), frozenset({"HS256"}), frozenset({"none"})])
def test_only_asymmetric_algorithms_can_be_allowed(algorithms: frozenset[str]) -> None:
    with pytest.raises(ValueError):
        TrustedIssuer(ISSUER, algorithms)


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = {
            "/good": (200, {}, b"{}"),
            "/moved": (302, {"Location": "/good"}, b""),
            "/large": (200, {}, b" " * 2000),
            "/broken": (500, {}, b""),
        }[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


def test_the_http_fetch_takes_a_plain_answer_within_its_limits() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        fetch = HttpFetch(timeout=5, max_bytes=1000)
        assert fetch(f"{address}/good") == b"{}"
        for path in ("/moved", "/large", "/broken"):
            with pytest.raises(FetchFailed):
                fetch(f"{address}{path}")
        fetch.close()
        server.shutdown()
    with pytest.raises(FetchFailed):
        HttpFetch(timeout=1)(f"{address}/good")
