"""Signing in at an OpenID Provider, as a public or assertion-holding client.

Owns the conversation with the token, device and revocation endpoints of one issuer; must not
store tokens, open browsers or listen on sockets. Authlib speaks OAuth; this module pins what it
leaves open: the issuer's own origin, PKCE always, the ``resource`` asked for (RFC 8707), the
``iss`` of the answer (RFC 9207), and our error codes.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc6749.errors import OAuth2Error

from api.adapters.identity.discovery import BadDocument, read_object
from api.adapters.identity.provider import Provider
from api.adapters.identity.tokens import Tokens
from api.domain.errors import Invalid, NotSignedIn, Unavailable
from api.ports.system import Clock

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_TIMEOUT = 15.0
_VERIFIER_BYTES = 48
_DEFAULT_INTERVAL = 5
_SLOW_DOWN = 5
_DEFAULT_LIFETIME = 300
_REASONS: Final = {
    # RFC 8707 section 2; RFC 6749 section 5.2.
    "invalid_target": "The sign-in service does not know this node's address; check --node.",
    "invalid_client": "The sign-in service does not know this client; check --client-id.",
}


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A code request on its way through the person's browser.

    Attributes:
        url: where the browser goes.
        redirect_uri: where the answer comes back to.
        state: value the answer must carry.
        verifier: PKCE verifier (RFC 7636), known to this client alone.
    """

    url: str
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A device request waiting for the person (RFC 8628 section 3.2).

    Attributes:
        user_code: what the person types.
        verification_uri: where they type it.
        verification_uri_complete: the same with the code filled in, or None.
        device_code: what the client polls with.
        interval: seconds between two polls.
        expires_in: seconds until the codes end.
    """

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    device_code: str = field(repr=False)
    interval: int
    expires_in: int


class OAuthClient:
    """One client's conversation with one provider, for one resource.

    Args:
        provider: from ``provider.find_provider``.
        client_id: this client's registration there.
        resource: node URL the access token is for.
        clock: gives the end of a token's life.
        scope: scopes asked for, space-separated; by default ``openid``, and ``offline_access``
            where the provider offers it.
    """

    def __init__(
        self,
        provider: Provider,
        client_id: str,
        resource: str,
        clock: Clock,
        scope: str | None = None,
    ) -> None:
        if scope is None:
            scope = "openid offline_access" if provider.offers_offline else "openid"
        self.provider = provider
        self._resource = resource
        self._clock = clock
        self._http = OAuth2Client(
            client_id=client_id,
            scope=scope,
            code_challenge_method="S256",
            token_endpoint_auth_method="none",  # noqa: S106 - a method's name, not a secret
            trust_env=False,
            follow_redirects=False,
            timeout=_TIMEOUT,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def authorize(self, redirect_uri: str) -> AuthorizationRequest:
        """Prepare the code flow with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).

        Raises:
            Invalid: ``issuer.no-code-flow``, the provider has no authorization endpoint.
        """
        if self.provider.authorization_endpoint is None:
            raise Invalid("issuer.no-code-flow", "The sign-in service offers no browser sign-in.")
        verifier = secrets.token_urlsafe(_VERIFIER_BYTES)
        url, state = self._http.create_authorization_url(
            self.provider.authorization_endpoint,
            state=secrets.token_urlsafe(),
            code_verifier=verifier,
            redirect_uri=redirect_uri,
            resource=self._resource,
            nonce=secrets.token_urlsafe(),
            **self._consent(),
        )
        return AuthorizationRequest(url, redirect_uri, state, verifier)

    def redeem(self, request: AuthorizationRequest, answer_url: str) -> Tokens:
        """Exchange the code in ``answer_url``, the address the browser was sent back to.

        Raises:
            NotSignedIn: ``sign-in.refused``, by the person or the provider; ``sign-in.mixed-up``,
                the answer belongs to another request or comes from another issuer.
            Unavailable: ``issuer.unavailable``.
        """
        # An answer without a code would make Authlib guess the client-credentials grant.
        answer = {name: values[-1] for name, values in parse_qs(urlsplit(answer_url).query).items()}
        issuer = answer.get("iss")
        if not secrets.compare_digest(answer.get("state", "").encode(), request.state.encode()) or (
            issuer != self.provider.issuer and (issuer is not None or self.provider.names_itself)
        ):
            raise NotSignedIn("sign-in.mixed-up", "The answer belongs to another sign-in; repeat.")
        if "error" in answer or "code" not in answer:
            raise _refused_by_provider(answer.get("error"))
        return self._token(
            "authorization_code",
            code=answer["code"],
            redirect_uri=request.redirect_uri,
            code_verifier=request.verifier,
        )

    def start_device(self) -> DeviceRequest:
        """Ask for a device and a user code (RFC 8628 section 3.1).

        Raises:
            Invalid: ``issuer.no-device-flow``.
            NotSignedIn: ``sign-in.refused``.
            Unavailable: ``issuer.unavailable``.
        """
        url = self.provider.device_authorization_endpoint
        if url is None:
            raise Invalid("issuer.no-device-flow", "The sign-in service offers no device sign-in.")
        form = {
            "client_id": self._http.client_id,
            "scope": self._http.scope,
            "resource": self._resource,
            **self._consent(),
        }
        with _provider_errors():
            reply = self._http.request("POST", url, data=form, withhold_token=True)
            answer = read_object(reply.content)
        if reply.status_code != httpx2.codes.OK:
            raise _refused_by_provider(answer.get("error"))
        with _provider_errors():
            return DeviceRequest(
                user_code=_text_member(answer, "user_code"),
                verification_uri=_text_member(answer, "verification_uri"),
                verification_uri_complete=_text_member(answer, "verification_uri_complete", "")
                or None,
                device_code=_text_member(answer, "device_code"),
                interval=_whole(answer, "interval", _DEFAULT_INTERVAL),
                expires_in=_whole(answer, "expires_in", _DEFAULT_LIFETIME),
            )

    def await_device(self, request: DeviceRequest) -> Tokens:
        """Poll until the person has decided (RFC 8628 section 3.4).

        Raises:
            NotSignedIn: ``sign-in.refused``, or ``sign-in.expired`` when nobody came in time.
            Unavailable: ``issuer.unavailable``.
        """
        interval = request.interval
        end = self._clock.now() + timedelta(seconds=request.expires_in)
        while self._clock.now() < end:
            self._clock.sleep(interval)
            try:
                return self._token(DEVICE_GRANT, device_code=request.device_code)
            except NotSignedIn as refusal:
                error = refusal.details.get("error")
                if error == "slow_down":
                    interval += _SLOW_DOWN
                elif error != "authorization_pending":
                    raise
        raise NotSignedIn("sign-in.expired", "Nobody entered the code in time; sign in again.")

    def refresh(self, refresh_token: str) -> Tokens:
        """Exchange a refresh token; a provider that rotates them returns a new one.

        Raises:
            NotSignedIn: ``sign-in.refused``, it is used up, revoked or too old.
            Unavailable: ``issuer.unavailable``.
        """
        renewed = self._token("refresh_token", refresh_token=refresh_token)
        if renewed.refresh_token is not None:
            return renewed
        return Tokens(renewed.access_token, renewed.expires_at, refresh_token)

    def revoke(self, refresh_token: str) -> None:
        """Tell the provider that the tokens are no longer needed (RFC 7009), if it can be told.

        Raises:
            Unavailable: ``issuer.unavailable``.
        """
        if self.provider.revocation_endpoint is None:
            return
        with _provider_errors():
            self._http.revoke_token(
                self.provider.revocation_endpoint,
                token=refresh_token,
                token_type_hint="refresh_token",  # noqa: S106 - a hint's name
            )

    def with_assertion(self, assertion: str) -> Tokens:
        """Client credentials proved by a signed assertion (RFC 7523 section 2.2).

        Raises:
            NotSignedIn: ``sign-in.refused``.
            Unavailable: ``issuer.unavailable``.
        """
        return self._token(
            "client_credentials", client_assertion_type=ASSERTION_TYPE, client_assertion=assertion
        )

    def _consent(self) -> dict[str, str]:
        """Offline access is only given to a person who is asked for it (Core section 11)."""
        return {"prompt": "consent"} if "offline_access" in self._http.scope.split() else {}

    def _token(self, grant: str, **parameters: str) -> Tokens:
        with _provider_errors():
            answer = self._http.fetch_token(
                self.provider.token_endpoint,
                grant_type=grant,
                resource=self._resource,
                scope="",  # what was granted; asking for more here would be refused
                **parameters,
            )
            if str(answer.get("token_type", "")).lower() != "bearer":
                raise BadDocument("the token is of an unknown type")
            refresh = _text_member(answer, "refresh_token", "")
            lifetime = timedelta(seconds=_whole(answer, "expires_in", _DEFAULT_LIFETIME))
            return Tokens(
                _text_member(answer, "access_token"), self._clock.now() + lifetime, refresh or None
            )


@contextmanager
def _provider_errors() -> Iterator[None]:
    """Turn the libraries' errors into ours; descriptions from the other side are not repeated."""
    try:
        yield
    except (OAuthError, OAuth2Error) as error:
        raise _refused_by_provider(error.error) from None
    except (httpx2.HTTPError, BadDocument, ValueError) as error:
        raise Unavailable(
            "issuer.unavailable",
            f"The sign-in service cannot be used at the moment ({type(error).__name__}).",
        ) from None


def _refused_by_provider(error: object) -> NotSignedIn:
    # Only OAuth's own short codes are passed on (RFC 6749 section 5.2): letters and underscores.
    name = error if isinstance(error, str) and error.replace("_", "").isalpha() else "unknown"
    said = _REASONS.get(name, f"The sign-in service refused ({name[:64]}).")
    return NotSignedIn("sign-in.refused", said, error=name[:64])


def _text_member(answer: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = answer.get(name, default)
    if not isinstance(value, str):
        raise BadDocument(f"{name} is missing")
    return value


def _whole(answer: Mapping[str, Any], name: str, default: int) -> int:
    value = answer.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadDocument(f"{name} is no number of seconds")
    return value
