"""Contract of sign-in as the node sees it: an access token becomes a verified identity.

Owns the shape of an identity and of its verifier; must not know HTTP, JOSE or any provider, and
grants nothing: roles are the node's own records, found by ``(iss, sub)``.
"""

from dataclasses import dataclass
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
