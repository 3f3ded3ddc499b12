"""Where an OpenID Provider offers what, for clients that sign in there.

Owns the addresses a client needs; must not talk to them. Light enough to import that the command
line can look before it loads the OAuth library.
"""

from dataclasses import dataclass

from api.adapters.identity.discovery import BadDocument, check_issuer, discover, endpoint
from api.adapters.identity.fetching import Fetch, FetchFailed, HttpFetch
from api.domain.errors import Invalid, Unavailable
from api.wire.canonical import Json


@dataclass(frozen=True, slots=True)
class Provider:
    """Where one issuer offers what; every address is at its own origin.

    Attributes:
        issuer: its identifier.
        token_endpoint: for codes, refresh tokens and assertions.
        authorization_endpoint: for browsers, or None.
        device_authorization_endpoint: RFC 8628, or None.
        revocation_endpoint: RFC 7009, or None.
        end_session_endpoint: OpenID Connect RP-Initiated Logout 1.0, or None.
        names_itself: it puts ``iss`` into its answers (RFC 9207).
        offers_offline: it gives refresh tokens for the scope ``offline_access``
            (OpenID Connect Core section 11).
    """

    issuer: str
    token_endpoint: str
    authorization_endpoint: str | None
    device_authorization_endpoint: str | None
    revocation_endpoint: str | None
    end_session_endpoint: str | None
    names_itself: bool
    offers_offline: bool


def find_provider(issuer: str, fetch: Fetch | None = None) -> Provider:
    """Discover ``issuer``.

    Raises:
        Invalid: ``issuer.address``, it cannot be an issuer.
        Unavailable: ``issuer.unavailable``, it cannot be reached or publishes nonsense.
    """
    try:
        check_issuer(issuer)
    except ValueError as error:
        raise Invalid("issuer.address", f"Check the issuer's address: {error}.") from error
    try:
        return _read_provider(discover(issuer, fetch or HttpFetch()))
    except (FetchFailed, BadDocument) as error:
        raise Unavailable(
            "issuer.unavailable", f"The sign-in service at {issuer} cannot be used: {error}."
        ) from error


def _read_provider(metadata: dict[str, Json]) -> Provider:
    token_endpoint = endpoint(metadata, "token_endpoint")
    if token_endpoint is None:
        raise BadDocument("discovery names no token_endpoint")
    scopes = metadata.get("scopes_supported")
    return Provider(
        issuer=str(metadata["issuer"]),
        token_endpoint=token_endpoint,
        authorization_endpoint=endpoint(metadata, "authorization_endpoint"),
        device_authorization_endpoint=endpoint(metadata, "device_authorization_endpoint"),
        revocation_endpoint=endpoint(metadata, "revocation_endpoint"),
        end_session_endpoint=endpoint(metadata, "end_session_endpoint"),
        names_itself=metadata.get("authorization_response_iss_parameter_supported") is True,
        offers_offline=isinstance(scopes, list) and "offline_access" in scopes,
    )
