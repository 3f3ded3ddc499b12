"""Peer tokens: five minutes, one audience, the message key, nothing else."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import NotSignedIn
from api.services.log import peer_tokens
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.keys import Purpose
from tests.support.federation import Federation


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("tokens"))
    yield made
    made.close()


def refused(federation: Federation, token: str) -> str:
    with pytest.raises(NotSignedIn) as caught:
        peer_tokens.verify(federation["us-treasury"], token)
    return caught.value.code


def forged(federation: Federation, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token the other ministry really signed, with other members."""
    uk = federation["uk-fcdo"]
    key = uk.signer.keys(Purpose.MESSAGE)[0]
    now = int(federation.clock.at.timestamp())
    full_header = {"alg": "ES384", "kid": key.kid, "typ": peer_tokens.TYP, **header}
    full = {"iss": "uk-fcdo", "aud": "us-treasury", "iat": now, "exp": now + 300, **claims}
    parts = [b64u_encode(json.dumps(each).encode()) for each in (full_header, full)]
    signed = ".".join(parts)
    return f"{signed}.{b64u_encode(uk.signer.sign(key.kid, signed.encode()))}"


def test_a_fresh_token_names_its_sender(federation: Federation) -> None:
    token = peer_tokens.mint(federation["uk-fcdo"], "us-treasury")
    assert peer_tokens.looks_like_one(token)
    assert peer_tokens.verify(federation["us-treasury"], token) == "uk-fcdo"
    assert refused(federation, peer_tokens.mint(federation["uk-fcdo"], "ca-gac")) == (
        "peer-token.wrong-audience"
    )
    assert peer_tokens.verify(federation["us-treasury"], forged(federation, {}, {})) == "uk-fcdo"


@pytest.mark.parametrize(
    ("header", "claims", "code"),
    [
        ({"typ": "at+jwt"}, {}, "malformed"),
        ({"typ": "comity-message"}, {}, "malformed"),
        ({"jwk": {}}, {}, "malformed"),
        ({"alg": "HS384"}, {}, "unknown-key"),
        ({"alg": "none"}, {}, "unknown-key"),
        ({"kid": "0" * 43}, {}, "unknown-key"),
        ({}, {"iss": "ca-gac"}, "unknown-key"),
        ({}, {"iss": "us-treasury"}, "unknown-key"),
        ({}, {"iss": "nobody"}, "unknown-key"),
        ({}, {"aud": ["us-treasury"]}, "wrong-audience"),
        ({}, {"scope": "all"}, "malformed"),
        ({}, {"exp": 2**40}, "expired"),
        ({}, {"exp": "soon"}, "malformed"),
        ({}, {"iat": True}, "malformed"),
        ({}, {"iat": 0, "exp": 300}, "expired"),
    ],
)
def test_any_other_token_is_refused(
    federation: Federation, header: dict[str, Any], claims: dict[str, Any], code: str
) -> None:
    assert refused(federation, forged(federation, header, claims)) == f"peer-token.{code}"


def test_the_other_keys_of_a_ministry_make_no_tokens(federation: Federation) -> None:
    seal = federation["uk-fcdo"].signer.keys(Purpose.SEAL)[0]
    assert refused(federation, forged(federation, {"kid": seal.kid}, {})) == (
        "peer-token.unknown-key"
    )


def test_a_changed_character_is_refused(federation: Federation) -> None:
    token = peer_tokens.mint(federation["uk-fcdo"], "us-treasury")
    head, claims, signature = token.split(".")
    other = json.loads(b64u_decode(claims)) | {"exp": 1}
    changed = f"{head}.{b64u_encode(json.dumps(other).encode())}.{signature}"
    assert refused(federation, changed) == "peer-token.bad-signature"
    assert refused(federation, token + "A") in {"peer-token.malformed", "peer-token.bad-signature"}
    assert refused(federation, f"{head}.{claims}") == "peer-token.malformed"
    assert refused(federation, "no token") == "peer-token.malformed"


def test_a_header_with_two_algorithms_is_refused(federation: Federation) -> None:
    token = peer_tokens.mint(federation["uk-fcdo"], "us-treasury")
    _, claims, signature = token.split(".")
    header = b64u_encode(b'{"alg":"none","alg":"ES384","kid":"x","typ":"comity-peer+jwt"}')
    assert refused(federation, f"{header}.{claims}.{signature}") == "peer-token.malformed"


def test_it_ends_after_five_minutes(federation: Federation, tmp_path: Path) -> None:
    token = peer_tokens.mint(federation["uk-fcdo"], "us-treasury")
    federation.clock.at += timedelta(minutes=5)
    assert peer_tokens.verify(federation["us-treasury"], token) == "uk-fcdo"  # within the skew
    federation.clock.at += timedelta(minutes=1, seconds=1)
    assert refused(federation, token) == "peer-token.expired"
