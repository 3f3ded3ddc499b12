"""Registered clients as Authlib sees them, and how those with keys prove themselves.

Owns ``private_key_jwt`` (RFC 7523 section 2.2): short-lived assertions, each accepted once.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc.jwk import KeySet
from typing_extensions import override

from api.demo.sign_in.config import Client
from api.demo.sign_in.state import ProviderState

SCOPES = ("openid", "profile")
PRIVATE_KEY_JWT = "private_key_jwt"

_LOOPBACK = {"127.0.0.1", "::1"}
_MAX_ASSERTION_SECONDS = 300
_LEEWAY = 60


class RegisteredClient(ClientMixin):  # type: ignore[misc]  # Authlib ships no types
    """One client of the configuration; the ``check_*`` methods are Authlib's questions."""

    def __init__(self, client: Client) -> None:
        self.client_id = client.client_id
        self.name = client.name
        self.keys = KeySet.import_key_set(client.jwks) if client.jwks else None  # type: ignore[arg-type]
        self._client = client

    @override
    def get_client_id(self) -> str:
        return self.client_id

    @override
    def get_default_redirect_uri(self) -> str | None:
        uris = self._client.redirect_uris
        return uris[0] if len(uris) == 1 else None

    @override
    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(name for name in (scope or "").split() if name in SCOPES)

    @override
    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return any(_matches(redirect_uri, known) for known in self._client.redirect_uris)

    def allows_sign_out_to(self, uri: str) -> bool:
        """Say whether a browser may go there after signing out."""
        return uri in self._client.sign_out_uris

    @override
    def check_client_secret(self, client_secret: str) -> bool:
        return False  # nobody has one

    @override
    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self._client.token_endpoint_auth_method

    @override
    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.check_grant_type("authorization_code")

    @override
    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self._client.grant_types


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib ships no types
    """Authentication by a signed assertion.

    Args:
        audiences: names of this provider an assertion may be addressed to.
        state: remembers the assertions that were used.
    """

    CLIENT_AUTH_METHOD = PRIVATE_KEY_JWT

    def __init__(self, audiences: list[str], state: ProviderState) -> None:
        super().__init__(leeway=_LEEWAY)
        self._audiences = audiences
        self._state = state

    @override
    def get_audiences(self) -> list[str]:
        return self._audiences

    @override
    def verify_claims(self, claims: Mapping[str, Any]) -> None:
        # Authlib bounds neither the assertion's life nor the type of its id; both would let a
        # used assertion be forgotten before it ends.
        expires = claims.get("exp")
        identifier = claims.get("jti")
        if not isinstance(expires, int) or not isinstance(identifier, str) or not identifier:
            raise InvalidClientError(description="The assertion needs exp and jti.")
        if expires > self._state.now() + _MAX_ASSERTION_SECONDS:
            raise InvalidClientError(description="The assertion lives too long.")
        super().verify_claims(claims)

    @override
    def validate_jti(self, claims: Mapping[str, Any], jti: str) -> bool:
        remember = _MAX_ASSERTION_SECONDS + 2 * _LEEWAY
        name = f"{claims['sub']} {jti}"
        return self._state.assertions.put(name, value=True, seconds=remember)

    @override
    def resolve_client_public_key(self, client: RegisteredClient) -> KeySet:
        if client.keys is None:
            raise InvalidClientError(description="The client has no registered key.")
        return client.keys


def _matches(asked: str, known: str) -> bool:
    """Exact, but any port where a loopback address was registered without one."""
    if asked == known:
        return True
    try:
        given, wanted = urlsplit(asked), urlsplit(known)
        has_port = wanted.port is not None
        given_port_is_number = given.port is not None
    except ValueError:
        return False
    return (
        wanted.scheme == "http"
        and wanted.hostname in _LOOPBACK
        and not has_port
        and given_port_is_number
        and given.netloc.rpartition(":")[0] == wanted.netloc
        and given._replace(netloc="") == wanted._replace(netloc="")
    )
