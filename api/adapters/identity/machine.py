"""Access tokens for machine clients: client credentials proved by ``private_key_jwt``.

Owns the client assertion (RFC 7523), the reading of a machine's key and the reuse of the token it
bought. The assertion is made here, with joserfc, because Authlib's own helper repeats one ``jti``
for every call that sets an audience and lets assertions live for an hour.
"""

import threading
from datetime import timedelta
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from api.adapters.crypto import sealed_file
from api.adapters.identity.oauth_client import OAuthClient
from api.adapters.identity.provider import Provider
from api.adapters.identity.tokens import Tokens
from api.domain.errors import Invalid
from api.ports.system import Clock, Entropy

ASSERTION_LIFE = timedelta(seconds=60)

_JTI_BYTES = 16
_EC_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384"}


def client_assertion(
    client_id: str, audience: str, key: Key, clock: Clock, entropy: Entropy
) -> str:
    """Return a fresh assertion that ``client_id`` is who holds ``key`` (RFC 7523 section 3).

    Args:
        client_id: both ``iss`` and ``sub``.
        audience: the issuer's identifier; RFC 7523 names the token endpoint too, but the issuer
            is the one value a provider for several endpoints cannot confuse.
        key: private key; its public half is registered at the provider.
        clock: gives ``iat`` and ``exp``, 60 s apart.
        entropy: gives ``jti``, which no other assertion has.

    Raises:
        Invalid: ``client-key.unusable``, a key of another kind.
    """
    now = int(clock.now().timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": entropy.token(_JTI_BYTES).hex(),
        "iat": now,
        "exp": now + int(ASSERTION_LIFE.total_seconds()),
    }
    algorithm = _algorithm(key)
    header = {"alg": algorithm, "typ": "JWT", "kid": key.kid or key.thumbprint()}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


class MachineTokens:
    """A source of access tokens for one machine client; thread-safe.

    Args:
        provider: from ``provider.find_provider``.
        client_id: the machine's registration.
        key: its private key.
        resource: node URL the tokens are for.
        clock: time.
        entropy: randomness for ``jti``.
    """

    def __init__(
        self,
        *,
        provider: Provider,
        client_id: str,
        key: Key,
        resource: str,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._client = OAuthClient(provider, client_id, resource, clock, scope="")
        self._client_id = client_id
        self._key = key
        self._clock = clock
        self._entropy = entropy
        self._lock = threading.Lock()
        self._held: Tokens | None = None

    def access_token(self) -> str:
        """Return an access token that can still be sent, as :meth:`tokens`."""
        return self.tokens().access_token

    def tokens(self) -> Tokens:
        """Return a token that can still be sent; fetch one when the last is spent.

        Raises:
            NotSignedIn: ``sign-in.refused``, the provider does not know the client or its key.
            Unavailable: ``issuer.unavailable``.
        """
        with self._lock:
            if self._held is None or not self._held.fresh(self._clock.now()):
                self._held = self._client.with_assertion(self._assertion())
            return self._held

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _assertion(self) -> str:
        issuer = self._client.provider.issuer
        return client_assertion(self._client_id, issuer, self._key, self._clock, self._entropy)


def read_client_key(path: Path) -> Key:
    """Return a machine's private key from its PEM file, which its owner alone may read.

    Raises:
        Invalid: ``client-key.unusable``, ``keystore.permissions``.
        NotFound: ``keystore.missing``.
    """
    data = sealed_file.read_private(path)
    for kind in (ECKey, OKPKey, RSAKey):
        try:
            key = kind.import_key(data)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if key.is_private:
            _algorithm(key)
            return key
    raise _unusable()


def _unusable() -> Invalid:
    return Invalid(
        "client-key.unusable", "Sign in with a P-256, P-384, Ed25519 or RSA private key."
    )


def _algorithm(key: Key) -> str:
    if isinstance(key, ECKey) and key.curve_name in _EC_ALGORITHMS:
        return _EC_ALGORITHMS[key.curve_name]
    if isinstance(key, RSAKey):
        return "PS256"
    if isinstance(key, OKPKey) and key.curve_name == "Ed25519":
        return "Ed25519"
    raise _unusable()
