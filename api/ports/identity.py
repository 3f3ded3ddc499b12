"""Contract of sign-in as the node sees it: a token or a browser's answer becomes an identity.

Owns the shape of an identity and of its verifier; must not know HTTP, JOSE or any provider, and
grants nothing: roles are the node's own records, found by ``(iss, sub)``.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid access token says about its bearer (RFC 9068 section 2.2).

    Attributes:
        iss: the pinned issuer, exactly as in the token; with ``sub`` it names an account.
        sub: the account at that issuer.
        client_id: the software that obtained the token; None where a verifier is not OAuth.
        scopes: values of the ``scope`` claim, empty when absent.
        expires_at: aware, UTC; the identity must not be used at or after it (60 s skew allowed).
        auth_time: when the person last proved themselves to the issuer, aware, UTC; or None.
        acr: authentication context class the issuer asserts; or None.
    """

    iss: str
    sub: str
    client_id: str | None
    scopes: frozenset[str]
    expires_at: datetime
    auth_time: datetime | None = None
    acr: str | None = None


class TokenVerifier(Protocol):
    """Turns a bearer token into an identity, or refuses it.

    Implementations are thread-safe, never echo a token or a part of one, and fail closed.
    """

    def verify(self, token: str) -> Identity:
        """Return the identity that ``token`` proves to this node.

        Args:
            token: the credential of an ``Authorization: Bearer`` header, without the scheme.

        Raises:
            NotSignedIn: with one of the codes ``token.malformed``, ``token.not-access-token``
                (an ID token, or another ``typ`` than ``at+jwt``), ``token.unknown-issuer``,
                ``token.wrong-algorithm``, ``token.unknown-key``, ``token.bad-signature``,
                ``token.wrong-audience``, ``token.expired``, ``token.not-yet-valid``.
            Unavailable: ``issuer.unavailable``; the issuer's keys could not be fetched and no
                copy that may still be trusted is held. Trying again later can help.
        """
        ...


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """A person's way to the provider, and what the answer must fit.

    Attributes:
        url: where the browser goes.
        state: value that the answer must carry.
        nonce: value that the ID token must carry.
        verifier: PKCE verifier (RFC 7636); never leaves the node before the code is redeemed.
    """

    url: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who came back from the provider.

    Attributes:
        iss: the issuer.
        sub: the account.
        auth_time: when the person last proved themselves, aware, UTC.
        sid: the provider's session, or ``None`` where it names none.
        locale: language in which the person left the provider (``fr-CA``), or empty.
    """

    iss: str
    sub: str
    auth_time: datetime
    sid: str | None = None
    locale: str = ""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """Whose session the provider ended (OpenID Connect Back-Channel Logout 1.0 section 2.4)."""

    iss: str
    sub: str | None
    sid: str | None


class RelyingParty(Protocol):
    """The console's side of OpenID Connect at one provider.

    Implementations are thread-safe and keep nothing between calls: the caller stores what a
    request must be compared with. No token leaves them.
    """

    @property
    def issuer(self) -> str:
        """The provider's identifier."""
        ...

    def begin(self, redirect_uri: str, locale: str, *, fresh: bool) -> SignInRequest:
        """Prepare a sign-in by code with PKCE.

        Args:
            redirect_uri: where the answer comes back to.
            locale: ``en-CA`` or ``fr-CA``, sent as ``ui_locales``.
            fresh: the person must prove themselves anew (``prompt=login``, ``max_age=0``).

        Raises:
            Unavailable: ``issuer.unavailable``.
            Invalid: ``issuer.no-code-flow``.
        """
        ...

    def finish(self, request: SignInRequest, redirect_uri: str, answer: str) -> SignedIn:
        """Redeem the answer of the provider and verify the ID token.

        Args:
            request: as ``begin`` returned it (``url`` may be empty).
            redirect_uri: as given to ``begin``.
            answer: query of the address that the browser came back to.

        Raises:
            NotSignedIn: ``sign-in.refused``, ``sign-in.mixed-up``, ``sign-in.token``.
            Unavailable: ``issuer.unavailable``.
        """
        ...

    def sign_out_url(self, return_to: str, locale: str) -> str | None:
        """Return where the browser ends the provider's session, if the provider offers that."""
        ...

    def logged_out(self, token: str) -> LoggedOut:
        """Verify a logout token that the provider sent.

        Raises:
            Invalid: ``logout.token``.
            Unavailable: ``issuer.unavailable``.
        """
        ...
