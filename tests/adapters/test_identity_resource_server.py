"""The node's token verifier: what it lets in, and the code of everything it does not."""

import base64
import hmac
import json
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from api.adapters.identity.issuer_keys import CacheTimes, IssuerKeys, TrustedIssuer
from api.adapters.identity.resource_server import ResourceServer
from api.domain.errors import ComityError, NotSignedIn, Unavailable
from tests.support.issuer import FakeIssuer, sign

ISSUER = "https://id.ministry.example"
NODE = "https://comity.ministry.example"
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class HandClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = START

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


@pytest.fixture
def server(issuer: FakeIssuer, clock: HandClock) -> ResourceServer:
    return ResourceServer(NODE, [IssuerKeys(issuer.trusted(), issuer.fetch, clock)], clock)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(ComityError) as refusal:
        act()
    return refusal.value.code


def test_a_valid_token_becomes_an_identity(issuer: FakeIssuer, server: ResourceServer) -> None:
    token = issuer.token(
        "anna", NODE, "console", ["read", "write"], acr="aal2", auth_time=int(START.timestamp())
    )
    identity = server.verify(token)
    assert (identity.iss, identity.sub, identity.client_id) == (ISSUER, "anna", "console")
    assert identity.scopes == {"read", "write"}
    assert identity.expires_at == START + timedelta(minutes=10)
    assert (identity.auth_time, identity.acr) == (START, "aal2")


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT"])
def test_both_spellings_of_the_type_are_accepted(
    issuer: FakeIssuer, server: ResourceServer, typ: str
) -> None:
    assert server.verify(issuer.token("anna", NODE, header={"typ": typ})).sub == "anna"


def test_one_of_several_audiences_suffices(issuer: FakeIssuer, server: ResourceServer) -> None:
    assert server.verify(issuer.token("anna", NODE, aud=["https://other.example", NODE]))


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("token.not-access-token", {"header": {"typ": "JWT"}}),
        ("token.not-access-token", {"header": {"typ": None}}),
        ("token.wrong-audience", {"aud": "https://comity.other.example"}),
        ("token.wrong-audience", {"aud": NODE + "/"}),
        ("token.wrong-audience", {"aud": None}),
        ("token.wrong-audience", {"aud": []}),
        ("token.expired", {"exp": int(START.timestamp()) - 60}),
        ("token.too-long-lived", {"exp": int(START.timestamp()) + 12 * 3600 + 1}),
        ("token.too-long-lived", {"exp": int(START.timestamp()) + 70 * 365 * 86400}),
        ("token.too-long-lived", {"iat": 0}),
        ("token.not-yet-valid", {"iat": int(START.timestamp()) + 61}),
        ("token.not-yet-valid", {"nbf": int(START.timestamp()) + 61}),
        ("token.unknown-issuer", {"iss": "https://id.ministry.example/"}),
        ("token.unknown-issuer", {"iss": None}),
        ("token.unknown-issuer", {"iss": 7}),
        ("token.unknown-key", {"header": {"kid": "another"}}),
        ("token.malformed", {"header": {"kid": 7}}),
        ("token.malformed", {"header": {"jku": "https://evil.example/jwks"}}),
        ("token.malformed", {"header": {"crit": ["exp"], "exp": 1}}),
        ("token.malformed", {"exp": None}),
        ("token.malformed", {"exp": True}),
        ("token.malformed", {"exp": 10**14}),
        ("token.malformed", {"iat": "now"}),
        ("token.malformed", {"sub": ""}),
        ("token.malformed", {"sub": "a" * 256}),
        ("token.malformed", {"client_id": None}),
        ("token.malformed", {"jti": None}),
        ("token.malformed", {"scope": ["read"]}),
        ("token.malformed", {"acr": 2}),
        ("token.malformed", {"auth_time": "then"}),
    ],
)
def test_a_wrong_token_is_refused_with_its_code(
    issuer: FakeIssuer, server: ResourceServer, code: str, changes: dict[str, Any]
) -> None:
    header = changes.get("header", {})
    if not isinstance(header.get("kid", ""), str) or "crit" in header:
        token = forge(issuer, {"alg": "ES256", "typ": "at+jwt", **header})
    else:
        token = issuer.token(**{"sub": "anna", "audience": NODE, **changes})
    assert code_of(lambda: server.verify(token)) == code


def test_the_skew_of_the_two_clocks_is_a_minute(
    issuer: FakeIssuer, server: ResourceServer, clock: HandClock
) -> None:
    token = issuer.token("anna", NODE, iat=int(START.timestamp()) + 60)
    assert server.verify(token)
    clock.at = START + timedelta(minutes=10, seconds=59)
    assert server.verify(token)
    clock.at += timedelta(seconds=1)
    assert code_of(lambda: server.verify(token)) == "token.expired"


def test_a_token_signed_by_another_key_under_a_known_id_is_refused(
    issuer: FakeIssuer, server: ResourceServer
) -> None:
    forged = issuer.token("anna", NODE, key=ECKey.generate_key("P-256"))
    assert code_of(lambda: server.verify(forged)) == "token.bad-signature"


def test_any_changed_claim_breaks_the_signature(issuer: FakeIssuer, server: ResourceServer) -> None:
    header, payload, signature = issuer.token("anna", NODE).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["sub"] = "berta"
    changed = b64(json.dumps(claims).encode())
    token = f"{header}.{changed}.{signature}"
    assert code_of(lambda: server.verify(token)) == "token.bad-signature"


def test_unsigned_and_symmetric_tokens_are_refused(
    issuer: FakeIssuer, server: ResourceServer
) -> None:
    claims = json.dumps(issuer.claims("anna", NODE))
    unsigned = b64(b'{"alg":"none","typ":"at+jwt"}') + "." + b64(claims.encode()) + "."
    assert code_of(lambda: server.verify(unsigned)) == "token.wrong-algorithm"
    # The classic confusion: the public key, which everybody has, used as an HMAC secret.
    header = {"alg": "HS256", "typ": "at+jwt", "kid": issuer.keys[0].kid}
    signed = b64(json.dumps(header).encode()) + "." + b64(claims.encode())
    secret = issuer.keys[0].as_pem(private=False)
    tag = hmac.digest(secret, signed.encode(), "sha256")
    assert code_of(lambda: server.verify(f"{signed}.{b64(tag)}")) == "token.wrong-algorithm"


def test_a_second_alg_member_is_malformed(issuer: FakeIssuer, server: ResourceServer) -> None:
    claims = b64(json.dumps(issuer.claims("anna", NODE)).encode())
    header = b64(b'{"alg":"ES256","typ":"at+jwt","alg":"none"}')
    assert code_of(lambda: server.verify(f"{header}.{claims}.AA")) == "token.malformed"


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", RSAKey.generate_key(2048)),
        ("PS256", RSAKey.generate_key(2048)),
        ("ES256", ECKey.generate_key("P-256")),
        ("ES384", ECKey.generate_key("P-384")),
        ("Ed25519", OKPKey.generate_key("Ed25519")),
        ("EdDSA", OKPKey.generate_key("Ed25519")),
    ],
    ids=["RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA"],
)
def test_every_allowed_algorithm_verifies_and_only_where_allowed(
    clock: HandClock, algorithm: str, key: Key
) -> None:
    issuer = FakeIssuer(ISSUER, clock, key, algorithm)
    keys = IssuerKeys(issuer.trusted(frozenset({algorithm})), issuer.fetch, clock)
    with warnings.catch_warnings():
        # joserfc warns whoever signs under the old name; the verifier must stay silent.
        warnings.simplefilter("ignore")
        token = issuer.token("anna", NODE)
    assert ResourceServer(NODE, [keys], clock).verify(token).sub == "anna"
    others = TrustedIssuer(ISSUER, frozenset({"ES256", "RS256"} - {algorithm}))
    narrow = ResourceServer(NODE, [IssuerKeys(others, issuer.fetch, clock)], clock)
    assert code_of(lambda: narrow.verify(token)) == "token.wrong-algorithm"


def test_a_key_that_names_its_algorithm_serves_no_other(clock: HandClock) -> None:
    key = RSAKey.generate_key(2048, {"alg": "PS256"})
    issuer = FakeIssuer(ISSUER, clock, key, "RS256")
    server = ResourceServer(NODE, [IssuerKeys(issuer.trusted(), issuer.fetch, clock)], clock)
    claims = json.dumps(issuer.claims("anna", NODE))
    unnamed = RSAKey.import_key(key.as_pem(private=True))
    token = sign({"alg": "RS256", "typ": "at+jwt", "kid": key.kid}, claims, unnamed)
    assert code_of(lambda: server.verify(token)) == "token.wrong-algorithm"


def test_two_issuers_do_not_sign_for_each_other(issuer: FakeIssuer, clock: HandClock) -> None:
    other = FakeIssuer("https://new-id.ministry.example", clock)
    server = ResourceServer(
        NODE, [IssuerKeys(each.trusted(), each.fetch, clock) for each in (issuer, other)], clock
    )
    assert server.verify(other.token("anna", NODE)).iss == other.issuer
    crossed = other.token("anna", NODE, iss=ISSUER)
    assert code_of(lambda: server.verify(crossed)) == "token.unknown-key"


def test_a_token_naming_no_key_needs_a_set_of_one(
    issuer: FakeIssuer, server: ResourceServer, clock: HandClock
) -> None:
    assert server.verify(issuer.token("anna", NODE, header={"kid": None}))
    issuer.rotate()
    clock.sleep(600)
    ambiguous = issuer.token("anna", NODE, header={"kid": None})
    assert code_of(lambda: server.verify(ambiguous)) == "token.unknown-key"


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){0,4}"))
def test_no_text_is_let_in_or_echoed(text: str) -> None:
    server = ResourceServer(NODE, [], HandClock())
    with pytest.raises(NotSignedIn) as refusal:
        server.verify(text)
    assert refusal.value.code.startswith("token.")
    assert len(text) < 8 or text not in str(refusal.value)


def test_an_oversized_token_is_refused_before_it_is_read(server: ResourceServer) -> None:
    assert code_of(lambda: server.verify("a" * 20_000)) == "token.malformed"


def test_a_verified_token_is_remembered_for_a_minute_only(
    issuer: FakeIssuer, clock: HandClock
) -> None:
    times = CacheTimes(trust=timedelta(seconds=30))
    keys = IssuerKeys(issuer.trusted(), issuer.fetch, clock, times)
    server = ResourceServer(NODE, [keys], clock)
    token = issuer.token("anna", NODE)
    assert server.verify(token) is server.verify(token)
    issuer.reachable = False
    clock.sleep(59)
    assert server.verify(token)
    clock.sleep(1)
    assert code_of(lambda: server.verify(token)) == "issuer.unavailable"


def test_many_threads_share_one_verifier(issuer: FakeIssuer, server: ResourceServer) -> None:
    tokens = [issuer.token(f"person-{n}", NODE) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        subjects = {identity.sub for identity in pool.map(server.verify, tokens * 5)}
    assert subjects == {f"person-{n}" for n in range(40)}
    assert issuer.fetched.count(issuer.jwks_uri) == 1


def test_an_outage_at_the_start_is_no_refusal_of_the_person(
    issuer: FakeIssuer, server: ResourceServer
) -> None:
    issuer.reachable = False
    with pytest.raises(Unavailable):
        server.verify(issuer.token("anna", NODE))


def forge(issuer: FakeIssuer, header: dict[str, object]) -> str:
    """A token whose header joserfc itself would not write."""
    claims = b64(json.dumps(issuer.claims("anna", NODE)).encode())
    return f"{b64(json.dumps(header).encode())}.{claims}.AAAA"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
