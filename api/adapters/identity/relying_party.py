"""The console's sign-in at one OpenID Provider (implements ``api.ports.identity.RelyingParty``).

Owns the code flow of a web application: PKCE, ``state``, ``nonce``, ``ui_locales``, the ID token's
judgement (OpenID Connect Core section 3.1.3.7), and logout tokens (Back-Channel Logout 2.6).
Must not keep sessions or know pages. Authlib speaks OAuth, joserfc JOSE; tokens stay in here.
"""

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs, urlencode

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc6749.errors import OAuth2Error
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key

from api.adapters.identity.claims import SKEW, ClaimFaultError, check_claims, name_in, numeric_date
from api.adapters.identity.discovery import BadDocument
from api.adapters.identity.fetching import Fetch
from api.adapters.identity.issuer_keys import IssuerKeys
from api.adapters.identity.machine import client_assertion
from api.adapters.identity.oauth_client import ASSERTION_TYPE
from api.adapters.identity.provider import Provider, find_provider
from api.domain.errors import Invalid, NotSignedIn, Unavailable
from api.ports.identity import LoggedOut, SignedIn, SignInRequest
from api.ports.system import Clock, Entropy
from api.wire.canonical import Json, parse
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.errors import WireError

_TIMEOUT: Final = 15.0
_LOGOUT_LIFE: Final = timedelta(minutes=5)
_MAX_TOKEN: Final = 16 * 1024
_SEGMENTS: Final = 3
_LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_FORBIDDEN_HEADERS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64"})


class _TokenFault(Exception):  # noqa: N818 - reads as what happened
    """A token is not what it must be; carries a sentence of this program, never the token."""


class OpenIdRelyingParty:
    """One registration at one provider.

    Args:
        keys: the provider's published keys, with the issuer that is pinned.
        client_id: the console's registration there.
        resource: this node's URL, the resource that providers with several of them ask for.
        clock: judges times in tokens.
        entropy: for ``state``, ``nonce`` and the PKCE verifier.
        key: private key registered for ``private_key_jwt``; ``None`` for a public client.
        fetch: GET of the discovery document.
    """

    def __init__(  # noqa: PLR0913 - one registration, each part named
        self,
        *,
        keys: IssuerKeys,
        client_id: str,
        resource: str,
        clock: Clock,
        entropy: Entropy,
        key: Key | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        self._keys = keys
        self._client_id = client_id
        self._resource = resource
        self._clock = clock
        self._entropy = entropy
        self._key = key
        self._fetch = fetch
        self._provider: Provider | None = None
        self._lock = threading.Lock()
        self._registry = jws.JWSRegistry(
            algorithms=sorted(keys.trusted.algorithms), strict_check_header=False
        )

    @property
    def issuer(self) -> str:
        """The provider's identifier."""
        return self._keys.trusted.issuer

    def begin(self, redirect_uri: str, locale: str, *, fresh: bool) -> SignInRequest:
        """Prepare a sign-in; see the port."""
        provider = self._known_provider()
        if provider.authorization_endpoint is None:
            raise Invalid("issuer.no-code-flow", "The sign-in service offers no browser sign-in.")
        state, nonce, verifier = (b64u_encode(self._entropy.token(48)) for _ in range(3))
        again = {"prompt": "login", "max_age": "0"} if fresh else {}
        with self._client() as client:
            url, _ = client.create_authorization_url(
                provider.authorization_endpoint,
                state=state,
                code_verifier=verifier,
                redirect_uri=redirect_uri,
                resource=self._resource,
                nonce=nonce,
                ui_locales=locale,
                **again,
            )
        return SignInRequest(url, state, nonce, verifier)

    def finish(self, request: SignInRequest, redirect_uri: str, answer: str) -> SignedIn:
        """Redeem the answer and judge the ID token; see the port."""
        provider = self._known_provider()
        given = {name: values[-1] for name, values in parse_qs(answer).items()}
        issuer = given.get("iss")
        if issuer != provider.issuer and (issuer is not None or provider.names_itself):
            raise NotSignedIn("sign-in.mixed-up", "The answer belongs to another sign-in; repeat.")
        if "error" in given or "code" not in given:
            raise _refused_sign_in(given.get("error"))
        token = self._redeem(provider, given["code"], request.verifier, redirect_uri)
        try:
            claims = self._claims(token)
            return self._judge(claims, request.nonce)
        except (_TokenFault, ClaimFaultError) as fault:
            raise NotSignedIn(
                "sign-in.token", f"The sign-in service's answer cannot be accepted: {fault}."
            ) from None

    def sign_out_url(self, return_to: str, locale: str) -> str | None:
        """Return where the provider's own session ends (RP-Initiated Logout section 2).

        The request names the client instead of carrying the ID token, which never reaches the
        browser.
        """
        end = self._known_provider().end_session_endpoint
        if end is None:
            return None
        members = {
            "client_id": self._client_id,
            "post_logout_redirect_uri": return_to,
            "ui_locales": locale,
        }
        return f"{end}{'&' if '?' in end else '?'}{urlencode(members)}"

    def logged_out(self, token: str) -> LoggedOut:
        """Verify a logout token; see the port."""
        try:
            return self._named(self._claims(token))
        except (_TokenFault, ClaimFaultError) as fault:
            raise Invalid("logout.token", f"The logout token is refused: {fault}.") from None

    def _named(self, claims: Mapping[str, Json]) -> LoggedOut:
        """Return whom a logout token names (section 2.6 of its specification)."""
        self._check_audience(claims)
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
            raise _TokenFault("it is no logout token")
        if "nonce" in claims:
            raise _TokenFault("an ID token is no logout token")
        age = self._clock.now() - numeric_date(claims, "iat")
        if not -SKEW <= age <= _LOGOUT_LIFE:
            raise _TokenFault("it is too old")
        sub = name_in(claims, "sub") if "sub" in claims else None
        sid = name_in(claims, "sid") if "sid" in claims else None
        if sub is None and sid is None:
            raise _TokenFault("it names nobody")
        return LoggedOut(self.issuer, sub, sid)

    def _known_provider(self) -> Provider:
        with self._lock:
            if self._provider is None:
                self._provider = find_provider(self.issuer, self._fetch)
            return self._provider

    def _client(self) -> OAuth2Client:
        return OAuth2Client(
            client_id=self._client_id,
            scope="openid",
            code_challenge_method="S256",
            token_endpoint_auth_method="none",  # noqa: S106 - the assertion is added by hand
            trust_env=False,
            follow_redirects=False,
            timeout=_TIMEOUT,
        )

    def _redeem(self, provider: Provider, code: str, verifier: str, redirect_uri: str) -> str:
        proof: dict[str, str] = {}
        if self._key is not None:
            assertion = client_assertion(
                self._client_id, self.issuer, self._key, self._clock, self._entropy
            )
            proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        try:
            with self._client() as client:
                answer = client.fetch_token(
                    provider.token_endpoint,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=redirect_uri,
                    code_verifier=verifier,
                    resource=self._resource,
                    scope="",
                    **proof,
                )
        except (OAuthError, OAuth2Error) as error:
            raise _refused_sign_in(error.error) from None
        except (httpx2.HTTPError, BadDocument, ValueError) as error:
            raise Unavailable(
                "issuer.unavailable",
                f"The sign-in service cannot be used at the moment ({type(error).__name__}).",
            ) from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotSignedIn("sign-in.token", "The sign-in service sent no ID token.")
        return token

    def _claims(self, token: str) -> Mapping[str, Json]:
        """Return the claims of a token that the provider signed."""
        segments = token.split(".")
        if len(token) > _MAX_TOKEN or len(segments) != _SEGMENTS:
            raise _TokenFault("it cannot be read")
        try:
            header, claims = (
                parse(b64u_decode(segment), limit=_MAX_TOKEN, max_depth=8)
                for segment in segments[:2]
            )
        except WireError:
            raise _TokenFault("it cannot be read") from None
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise _TokenFault("it cannot be read")
        algorithm, kid = header.get("alg"), header.get("kid")
        allowed = algorithm in self._keys.trusted.algorithms and not _FORBIDDEN_HEADERS & set(
            header
        )
        if not allowed or not (kid is None or isinstance(kid, str)):
            raise _TokenFault("its header is not allowed")
        key = self._keys.find(kid)
        if key is None or (key.alg is not None and key.alg != algorithm):
            raise _TokenFault("its key is not published")
        try:
            jws.deserialize_compact(token.encode("ascii"), key, registry=self._registry)
        except (JoseError, ValueError):
            raise _TokenFault("its signature is not valid") from None
        if claims.get("iss") != self.issuer:
            raise _TokenFault("it comes from another issuer")
        return claims

    def _check_audience(self, claims: Mapping[str, Json]) -> None:
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if self._client_id not in named or claims.get("azp", self._client_id) != self._client_id:
            raise _TokenFault("it was made for another client")

    def _judge(self, claims: Mapping[str, Json], nonce: str) -> SignedIn:
        self._check_audience(claims)
        now = self._clock.now()
        check_claims(claims, now, self._client_id)
        if claims.get("nonce") != nonce:
            raise _TokenFault("it answers another sign-in")
        proven = (
            numeric_date(claims, "auth_time")
            if "auth_time" in claims
            else numeric_date(claims, "iat")
        )
        locale = claims.get("locale")
        return SignedIn(
            iss=self.issuer,
            sub=name_in(claims, "sub"),
            auth_time=min(proven, now),
            sid=name_in(claims, "sid") if "sid" in claims else None,
            locale=locale if isinstance(locale, str) else "",
        )


def _refused_sign_in(error: object) -> NotSignedIn:
    # Only OAuth's own short codes are passed on (RFC 6749 section 5.2): letters and underscores.
    name = error if isinstance(error, str) and error.replace("_", "").isalpha() else "unknown"
    return NotSignedIn(
        "sign-in.refused", f"The sign-in service refused ({name[:64]}).", error=name[:64]
    )
