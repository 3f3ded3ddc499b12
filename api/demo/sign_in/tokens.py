"""Access tokens (RFC 9068) and ID tokens (OpenID Connect Core) of the provider.

Owns their claims; the signature keys come from ``keys``.
"""

import secrets
from typing import Any

from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core import OpenIDCode, OpenIDToken
from joserfc.jwk import KeySet
from typing_extensions import override

from api.demo.sign_in.clients import RegisteredClient
from api.demo.sign_in.keys import ALGORITHM, SigningKeys
from api.demo.sign_in.requests import ProviderRequest
from api.demo.sign_in.state import ProviderState, SignIn

_ID_TOKEN_SECONDS = 300


class AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]  # Authlib ships no types
    """Access tokens whose audience is the one node the person or machine asked for."""

    def __init__(self, issuer: str, keys: SigningKeys, seconds: int) -> None:
        super().__init__(
            issuer=issuer,
            alg=ALGORITHM,
            refresh_token_generator=lambda **_: secrets.token_urlsafe(32),
            expires_generator=seconds,
        )
        self._keys = keys

    @override
    def get_jwks(self) -> KeySet:
        return self._keys.signing()

    @override
    def get_audiences(self, client: RegisteredClient, user: SignIn, scope: str) -> str:
        return user.audience

    @override
    def get_auth_time(self, user: SignIn) -> int | None:
        return user.auth_time

    @override
    def get_amr(self, user: SignIn) -> list[str] | None:
        return None if user.auth_time is None else ["pwd"]


class _IdTokens:
    """What both flows say in an ID token; mixed into Authlib's two classes."""

    issuer: str
    keys: SigningKeys

    def resolve_client_private_key(self, _client: RegisteredClient) -> KeySet:
        """Return the one key that signs now."""
        return self.keys.signing()

    def get_client_algorithm(self, _client: RegisteredClient) -> str:
        """Return the algorithm, the same for every client."""
        return ALGORITHM

    def get_client_claims(self, client: RegisteredClient) -> dict[str, Any]:
        """Return issuer and audience: the client, never a node."""
        return {"iss": self.issuer, "aud": [client.client_id]}

    def generate_user_info(self, user: SignIn, scope: str) -> dict[str, str]:
        """Return the subject, and the name where ``profile`` was granted."""
        named = {"name": user.name} if "profile" in scope.split() else {}
        return {"sub": user.sub, **named}


class CodeIdTokens(_IdTokens, OpenIDCode):  # type: ignore[misc]  # Authlib ships no types
    """ID tokens of the code flow; a nonce serves once per client."""

    DEFAULT_EXPIRES_IN = _ID_TOKEN_SECONDS

    def __init__(self, issuer: str, keys: SigningKeys, state: ProviderState) -> None:
        super().__init__(require_nonce=False)
        self.issuer = issuer
        self.keys = keys
        self._state = state

    @override
    def exists_nonce(self, nonce: str, request: ProviderRequest) -> bool:
        return self._state.nonces.get(f"{request.payload.client_id} {nonce}") is not None


class DeviceIdTokens(_IdTokens, OpenIDToken):  # type: ignore[misc]  # Authlib ships no types
    """ID tokens of the device flow."""

    DEFAULT_EXPIRES_IN = _ID_TOKEN_SECONDS

    def __init__(self, issuer: str, keys: SigningKeys) -> None:
        self.issuer = issuer
        self.keys = keys
