"""Authlib's authorization server, joined to Starlette's responses and this provider's memory.

Owns which grants, clients and scopes exist; must not read requests (see ``requests``) or write
pages (see ``pages``).
"""

import json
import time
from collections.abc import Callable
from typing import Any

from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE
from authlib.oauth2.rfc9207 import IssuerParameter
from starlette.responses import Response
from typing_extensions import override

from api.demo.sign_in import grants
from api.demo.sign_in.clients import (
    PRIVATE_KEY_JWT,
    SCOPES,
    ClientAssertion,
    RegisteredClient,
)
from api.demo.sign_in.config import ProviderConfig, User
from api.demo.sign_in.keys import ALGORITHM, SigningKeys
from api.demo.sign_in.passwords import check_password
from api.demo.sign_in.requests import ProviderRequest
from api.demo.sign_in.state import Code, ProviderState, Refresh, SignIn
from api.demo.sign_in.tokens import AccessTokens, CodeIdTokens, DeviceIdTokens

_FOUND = 302
_SEE_OTHER = 303


class Answer(Response):
    """A response whose ``location`` Authlib's issuer extension can read and set."""

    @property
    def location(self) -> str | None:
        """Return where a redirect leads, or None."""
        return self.headers.get("Location")

    @location.setter
    def location(self, url: str) -> None:
        self.headers["Location"] = url


class _Issuer(IssuerParameter):  # type: ignore[misc]  # Authlib ships no types
    """Puts ``iss`` into every authorization response (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    @override
    def get_issuer(self) -> str:
        return self._issuer


class SignInServer(AuthorizationServer):  # type: ignore[misc]  # Authlib ships no types
    """The provider behind its HTTP doors.

    Args:
        config: users, clients, audiences.
        now: seconds since the epoch; Authlib itself reads the machine's clock.
    """

    def __init__(self, config: ProviderConfig, now: Callable[[], float] = time.time) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.config = config
        self.state = ProviderState(now)
        self.keys = SigningKeys(now, config.rotate_keys_seconds)
        self._clients = {client.client_id: RegisteredClient(client) for client in config.clients}
        self._users = {user.username: user for user in config.users}
        self._issuer = _Issuer(config.issuer)
        self._register()

    def _register(self) -> None:
        issuer, state, keys = self.config.issuer, self.state, self.keys
        self.register_token_generator(
            "default", AccessTokens(issuer, keys, self.config.access_token_seconds)
        )
        self.register_client_auth_method(
            PRIVATE_KEY_JWT, ClientAssertion([issuer, f"{issuer}/token"], state)
        )
        self.register_grant(
            grants.AuthorizationCodeGrant,
            [
                grants.S256Only(required=True),
                grants.ResourceIndicator(self.config.audiences),
                CodeIdTokens(issuer, keys, state),
            ],
        )
        self.register_grant(grants.DeviceCodeGrant, [DeviceIdTokens(issuer, keys)])
        self.register_grant(grants.RefreshTokenGrant)
        self.register_grant(grants.ClientCredentialsGrant)
        self.register_endpoint(grants.DeviceEndpoint)
        self.register_endpoint(grants.Revocation)
        self._issuer(self)

    def sign_in(self, username: str, password: str, audience: str) -> SignIn | None:
        """Return the sign-in of a person who proved themselves, or None; takes about 40 ms."""
        user: User | None = self._users.get(username)
        if not check_password(password, user.password_hash if user else None) or user is None:
            return None
        return SignIn(user.sub, user.name, audience, int(self.state.now()))

    def name_issuer(self, answer: Answer) -> Answer:
        """Add ``iss`` to an error redirect that was made outside Authlib's own hook."""
        self._issuer.add_issuer_parameter(self, answer)
        return answer

    @override
    def query_client(self, client_id: str) -> RegisteredClient | None:
        return self._clients.get(client_id)

    @override
    def save_token(self, token: dict[str, Any], request: ProviderRequest) -> None:
        refresh_token = token.get("refresh_token")
        if refresh_token is None:
            return
        origin: Code | Refresh | None = request.refresh_token or request.authorization_code
        family = origin.family if origin else refresh_token
        refresh = Refresh(request.client.client_id, token.get("scope", ""), family, request.user)
        self.state.keep_refresh(refresh_token, refresh)

    @override
    def create_oauth2_request(self, request: ProviderRequest) -> ProviderRequest:
        return request

    @override
    def handle_response(
        self, status: int, body: str | dict[str, Any], headers: list[tuple[str, str]]
    ) -> Answer:
        content = json.dumps(body) if isinstance(body, dict) else body
        # After a posted form the browser must fetch the redirect with GET, its form left behind.
        answer = Answer(content, status_code=_SEE_OTHER if status == _FOUND else status)
        for name, value in headers:
            answer.headers[name] = value
        return answer

    @override
    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Do nothing: nobody listens."""

    def metadata(self) -> dict[str, object]:
        """Return the discovery document (OpenID Connect Discovery 1.0, RFC 8414)."""
        issuer = self.config.issuer
        methods = ["none", PRIVATE_KEY_JWT]
        algorithms = ["ES256", "RS256"]
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks.json",
            "device_authorization_endpoint": f"{issuer}/device_authorization",
            "revocation_endpoint": f"{issuer}/revoke",
            "end_session_endpoint": f"{issuer}/sign-out",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "client_credentials",
                DEVICE_CODE_GRANT_TYPE,
            ],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
