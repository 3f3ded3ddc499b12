"""An OpenID Provider without sockets: mints access tokens and answers the verifier's fetches.

issuer = FakeIssuer("https://id.example", clock)
server = ResourceServer(AUDIENCE, [IssuerKeys(issuer.trusted(), issuer.fetch, clock)], clock)
server.verify(issuer.token("anna", AUDIENCE))
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, Key, KeySet

from api.adapters.identity.fetching import FetchFailed
from api.adapters.identity.issuer_keys import ALGORITHMS, TrustedIssuer
from api.ports.system import Clock


class FakeIssuer:
    """An issuer that does what it is told, rightly or wrongly.

    Args:
        issuer_url: its identifier; https, or http on loopback.
        clock: gives ``iat`` and ``exp``.
        key: signature key to start with; a fresh P-256 key otherwise.
        algorithm: algorithm it signs with.

    Attributes:
        keys: everything its key set publishes, newest last (the newest signs).
        fetched: every address asked for, in order.
        reachable: set to False to play an outage.
        metadata: members to override in the discovery document; None removes one.
    """

    def __init__(
        self, issuer_url: str, clock: Clock, key: Key | None = None, algorithm: str = "ES256"
    ) -> None:
        self.issuer = issuer_url
        self.clock = clock
        self.algorithm = algorithm
        self.keys: list[Key] = [key or ECKey.generate_key("P-256", auto_kid=True)]
        self.keys[0].ensure_kid()
        self.fetched: list[str] = []
        self.reachable = True
        self.metadata: dict[str, Any] = {}
        self._minted = 0

    def trusted(self, algorithms: frozenset[str] = ALGORITHMS) -> TrustedIssuer:
        return TrustedIssuer(self.issuer, algorithms)

    @property
    def jwks_uri(self) -> str:
        return f"{self.issuer.rstrip('/')}/jwks.json"

    def rotate(self, *, keep_old: bool = True) -> None:
        """Sign with a fresh key from now on; ``keep_old`` leaves the others in the set."""
        fresh = ECKey.generate_key("P-256", auto_kid=True)
        self.keys = [*(self.keys if keep_old else []), fresh]
        self.algorithm = "ES256"

    def claims(
        self, sub: str, audience: str, client_id: str = "tests", scopes: Sequence[str] = ()
    ) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        self._minted += 1
        return {
            "iss": self.issuer,
            "sub": sub,
            "aud": audience,
            "client_id": client_id,
            "iat": now,
            "exp": now + int(timedelta(minutes=10).total_seconds()),
            "jti": f"token-{self._minted}",
            "scope": " ".join(scopes),
        }

    def token(
        self,
        sub: str,
        audience: str,
        client_id: str = "tests",
        scopes: Sequence[str] = (),
        **overrides: Any,
    ) -> str:
        """Mint an access token.

        ``overrides`` replace claims; the value None removes one. ``header`` (a dict) changes the
        JOSE header in the same way, ``key`` signs with another key.
        """
        key: Key = overrides.pop("key", self.keys[-1])
        header = {"alg": self.algorithm, "typ": "at+jwt", "kid": self.keys[-1].kid}
        header |= overrides.pop("header", {})
        claims = self.claims(sub, audience, client_id, scopes) | overrides
        return sign(_without_none(header), json.dumps(_without_none(claims)), key)

    def id_token(self, sub: str, audience: str) -> str:
        """Mint an ID token: same key, but ``typ: JWT`` and the client as audience."""
        return self.token(sub, audience, header={"typ": "JWT"}, nonce="n", client_id=None)

    def fetch(self, url: str) -> bytes:
        """Answer GET ``url`` as the verifier's injected fetch."""
        self.fetched.append(url)
        if not self.reachable:
            raise FetchFailed("the issuer is away")
        well_known = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        if url == well_known:
            document = {"issuer": self.issuer, "jwks_uri": self.jwks_uri} | self.metadata
            return json.dumps(_without_none(document)).encode()
        if urlsplit(url).path == urlsplit(self.jwks_uri).path:
            return json.dumps(KeySet(self.keys).as_dict(private=False)).encode()
        raise FetchFailed("the issuer answered with status 404")


def sign(header: dict[str, Any], payload: str, key: Key) -> str:
    """A compact JWS whose header may say anything."""
    registry = jws.JWSRegistry(
        algorithms=[str(header.get("alg"))],
        strict_check_header=False,
    )
    return jws.serialize_compact(header, payload, key, registry=registry)


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
