"""Peer tokens: five minutes, one audience, one path, both message keys, nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from api.domain.errors import NotSignedIn
from api.services.log import peer_tokens
from api.wire.canonical import canonical, parse
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.envelope import MANIFEST, MESSAGE, PEER, seal
from api.wire.keys import Purpose
from tests.support.bad_peer import altered, flip_signature
from tests.support.federation import Federation

PATH = "/log/checkpoint"


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("tokens"))
    yield made
    made.close()


def refused(federation: Federation, token: str, path: str = PATH) -> str:
    with pytest.raises(NotSignedIn) as caught:
        peer_tokens.verify(federation["us-treasury"], token, path)
    return caught.value.code


def forged(federation: Federation, claims: dict[str, Any], typ: str = PEER) -> str:
    """A token the other ministry really signed, with other members."""
    uk = federation["uk-fcdo"]
    now = int(federation.clock.at.timestamp())
    full: dict[str, Any] = {"iss": "uk-fcdo", "aud": "us-treasury", "path": PATH}
    full |= {"iat": now, "exp": now + 300, **claims}
    purpose = Purpose.SEAL if typ == MANIFEST else Purpose.MESSAGE
    return b64u_encode(seal(canonical(full), typ, uk.signer.keys(purpose), uk.signer.sign))


def test_a_fresh_token_names_its_sender(federation: Federation) -> None:
    token = peer_tokens.mint(federation["uk-fcdo"], "us-treasury", f"{PATH}?after=x")
    assert len(token) <= peer_tokens.LARGEST
    assert peer_tokens.token_in(peer_tokens.authorization(token)) == token
    assert peer_tokens.token_in(f"Bearer {token}") is None
    assert peer_tokens.verify(federation["us-treasury"], token, PATH) == "uk-fcdo"
    assert refused(federation, token, "/log/tile/0/000") == "peer-token.wrong-path"
    assert refused(federation, peer_tokens.mint(federation["uk-fcdo"], "ca-gac", PATH)) == (
        "peer-token.wrong-audience"
    )
    assert peer_tokens.verify(federation["us-treasury"], forged(federation, {}), PATH) == "uk-fcdo"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "ca-gac"}, "unknown-key"),
        ({"iss": "us-treasury"}, "unknown-key"),
        ({"iss": "nobody"}, "unknown-key"),
        ({"iss": 7}, "unknown-key"),
        ({"aud": ["us-treasury"]}, "wrong-audience"),
        ({"path": "/log/"}, "wrong-path"),
        ({"path": None}, "wrong-path"),
        ({"scope": "all"}, "malformed"),
        ({"exp": 2**40}, "expired"),
        ({"exp": "soon"}, "malformed"),
        ({"iat": True}, "malformed"),
        ({"iat": 0, "exp": 300}, "expired"),
        ({"iat": 2**40, "exp": 2**40 + 300}, "expired"),
        ({"padding": "x" * 9000}, "malformed"),
    ],
)
def test_any_other_token_is_refused(
    federation: Federation, claims: dict[str, Any], code: str
) -> None:
    assert refused(federation, forged(federation, claims)) == f"peer-token.{code}"


@pytest.mark.parametrize("typ", [MESSAGE, MANIFEST])
def test_other_envelopes_of_a_ministry_are_no_tokens(federation: Federation, typ: str) -> None:
    assert refused(federation, forged(federation, {}, typ)) == "peer-token.malformed"


@pytest.mark.parametrize("number", [0, 1])
def test_each_of_both_signatures_counts(federation: Federation, number: int) -> None:
    """With one algorithm broken, a token still opens nothing."""
    raw = b64u_decode(forged(federation, {}))
    token = b64u_encode(altered(raw, flip_signature(number)))
    assert refused(federation, token) == "peer-token.bad-signature"


def test_a_changed_or_shortened_token_is_refused(federation: Federation) -> None:
    token = peer_tokens.mint(federation["uk-fcdo"], "us-treasury", PATH)
    value = parse(b64u_decode(token), limit=1 << 20)
    assert isinstance(value, dict)
    other = dict(value) | {"payload": b64u_encode(b"{}")}
    alone = dict(value) | {"signatures": list(value["signatures"])[:1]}  # type: ignore[arg-type]
    for changed in (other, alone):
        assert refused(federation, b64u_encode(canonical(changed))) == "peer-token.malformed"
    for text in ("", "no token", token[:-2], token + "A", token + "="):
        assert refused(federation, text) == "peer-token.malformed"


def test_the_old_form_is_gone(federation: Federation) -> None:
    """A JWT of one signature, as nodes sent it before."""
    uk = federation["uk-fcdo"]
    key = uk.signer.keys(Purpose.MESSAGE)[0]
    parts = [
        b64u_encode(canonical(each))
        for each in (
            {"alg": "ES384", "kid": key.kid, "typ": "comity-peer+jwt"},
            {"iss": "uk-fcdo", "aud": "us-treasury", "iat": 0, "exp": 300},
        )
    ]
    signature = uk.signer.sign(key.kid, ".".join(parts).encode())
    assert refused(federation, ".".join([*parts, b64u_encode(signature)])) == "peer-token.malformed"


def test_it_ends_after_five_minutes(federation: Federation) -> None:
    token = peer_tokens.mint(federation["uk-fcdo"], "us-treasury", PATH)
    federation.clock.at += timedelta(minutes=5)
    # Within the skew of both clocks.
    assert peer_tokens.verify(federation["us-treasury"], token, PATH) == "uk-fcdo"
    federation.clock.at += timedelta(minutes=1, seconds=1)
    assert refused(federation, token) == "peer-token.expired"
