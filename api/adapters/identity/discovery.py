"""What an issuer says about itself, read from its own origin only.

Owns the addresses of the discovery document and the rules an issuer and its endpoints must keep
(OpenID Connect Discovery section 4, RFC 8414 section 3); must not cache and must not judge keys.
"""

import ipaddress
from urllib.parse import urlsplit

from api.adapters.identity.fetching import MAX_DOCUMENT, Fetch, FetchFailed
from api.wire.canonical import Json, parse
from api.wire.errors import WireError


class BadDocument(Exception):  # noqa: N818 - reads as what happened
    """Discovery, or something it led to, is not what an issuer may publish."""


def check_issuer(issuer: str) -> str:
    """Return ``issuer`` if it can be pinned.

    Raises:
        ValueError: it is no absolute URL, carries a query, fragment or user name, or uses plain
            http anywhere but on the loopback interface.
    """
    parts = urlsplit(issuer)
    if parts.query or parts.fragment or parts.username or not parts.hostname:
        raise ValueError("an issuer is an absolute URL without query, fragment or user name")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("an issuer uses https (plain http only on the loopback interface)")
    return issuer


def is_loopback(host: str | None) -> bool:
    """Say whether ``host`` names this machine only (127.0.0.0/8, ::1, localhost)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def discover(issuer: str, fetch: Fetch) -> dict[str, Json]:
    """Return the metadata of ``issuer``.

    OpenID Connect's address is tried first, then the one of RFC 8414 section 3.1.

    Raises:
        FetchFailed: neither could be fetched.
        BadDocument: what was fetched is no metadata, or speaks for another issuer.
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    root = f"{parts.scheme}://{parts.netloc}"
    try:
        body = fetch(f"{root}{path}/.well-known/openid-configuration")
    except FetchFailed:
        body = fetch(f"{root}/.well-known/oauth-authorization-server{path}")
    metadata = read_object(body)
    if metadata.get("issuer") != issuer:
        raise BadDocument("discovery speaks for another issuer")
    return metadata


def endpoint(metadata: dict[str, Json], name: str) -> str | None:
    """Return the address ``metadata`` gives for ``name``, or None when it gives none.

    Raises:
        BadDocument: the address is not at the issuer's own origin.
    """
    url = metadata.get(name)
    if url is None:
        return None
    if not isinstance(url, str):
        raise BadDocument(f"{name} is no address")
    if _origin(url) != _origin(str(metadata["issuer"])):
        raise BadDocument(f"{name} is not at the issuer's own origin")
    return url


def read_object(body: bytes) -> dict[str, Json]:
    """Read one JSON object strictly.

    Raises:
        BadDocument: the bytes are something else.
    """
    try:
        document = parse(body, limit=MAX_DOCUMENT)
    except WireError as error:
        raise BadDocument(f"the document is not acceptable JSON ({error.code})") from error
    if not isinstance(document, dict):
        raise BadDocument("the document is no JSON object")
    return document


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port (RFC 6454 section 4)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadDocument("an address cannot be read") from error
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port or default
