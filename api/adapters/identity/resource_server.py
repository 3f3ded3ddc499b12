"""Access tokens at the node's door: an OAuth resource server after RFC 9068.

Owns the judgement of a token; fetches nothing itself (see ``issuer_keys``), knows no roles, and
never lets a token or a part of one into a message. JOSE is joserfc's work; in front of it stands
our strict JSON parser, because joserfc reads a header with two ``alg`` members last-wins.
"""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Never

from joserfc import jws
from joserfc.errors import JoseError
from typing_extensions import override

from api.adapters.identity.claims import (
    SKEW,
    ClaimFaultError,
    Fault,
    check_claims,
    name_in,
    numeric_date,
)
from api.adapters.identity.issuer_keys import IssuerKeys
from api.domain.errors import NotSignedIn
from api.ports.identity import Identity
from api.ports.system import Clock
from api.wire.canonical import Json, parse
from api.wire.encoding import b64u_decode
from api.wire.errors import WireError

LONGEST_LIFE: Final = timedelta(hours=12)
"""Longest life of an access token (``exp`` minus ``iat``): one working day.

A bearer token cannot be called back from whoever copied it (RFC 9700 section 2.2.1 asks for a short
life), so a provider that is set up to issue them for months is noticed here.
"""

REMEMBERED: Final = timedelta(seconds=60)
"""How long a verified token is not verified again."""

_MAX_TOKEN: Final = 16 * 1024
_MAX_HEADER: Final = 2048
_MAX_REMEMBERED: Final = 4096
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})

# Members by which a token could bring its own key, or change how it is to be read.
_FORBIDDEN_HEADERS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64"})

_CODES: Final[Mapping[Fault, str]] = {
    Fault.MALFORMED: "token.malformed",
    Fault.AUDIENCE: "token.wrong-audience",
    Fault.EXPIRED: "token.expired",
    Fault.EARLY: "token.not-yet-valid",
}

_SENTENCES: Final[Mapping[str, str]] = {
    "token.malformed": "The access token cannot be read; sign in again.",
    "token.not-access-token": (
        "This is not an access token (typ at+jwt); send the access token, not the ID token."
    ),
    "token.unknown-issuer": "The access token comes from an issuer this node does not trust.",
    "token.wrong-algorithm": (
        "The access token is signed with an algorithm not allowed for its issuer."
    ),
    "token.unknown-key": (
        "The access token is signed with a key its issuer does not publish; sign in again."
    ),
    "token.bad-signature": "The signature of the access token is not valid; sign in again.",
    "token.wrong-audience": "The access token was issued for another service; sign in to this one.",
    "token.expired": "The access token has expired; sign in again.",
    "token.too-long-lived": (
        "The access token lives longer than 12 hours; the provider has to issue shorter ones."
    ),
    "token.not-yet-valid": "The access token is not valid yet; check the clocks of both machines.",
}


class _TokenRegistry(jws.JWSRegistry):
    """joserfc's rules with our sizes, and without its warning about the name ``EdDSA``.

    RFC 9864 deprecates that name in favour of ``Ed25519``, but deployed providers still use it;
    which names an issuer may use is decided by its own allow-list.
    """

    max_header_length = _MAX_HEADER
    max_payload_length = _MAX_TOKEN

    @override
    def get_alg(self, name: str) -> Any:
        if name == "EdDSA" and self.allowed and name in self.allowed:
            return self.algorithms[name]
        return super().get_alg(name)


@dataclass(frozen=True, slots=True)
class _Remembered:
    identity: Identity
    until: datetime


@dataclass(frozen=True, slots=True)
class _Parts:
    header: Mapping[str, Json]
    claims: Mapping[str, Json]


class ResourceServer:
    """The node's token verifier (implements ``api.ports.identity.TokenVerifier``).

    Args:
        audience: this node's resource indicator, its public URL; must be in ``aud``.
        issuers: keys of every pinned issuer; more than one is normal during a change of provider.
        clock: the node's clock.
    """

    def __init__(self, audience: str, issuers: Iterable[IssuerKeys], clock: Clock) -> None:
        self._audience = audience
        self._issuers = {keys.trusted.issuer: keys for keys in issuers}
        self._registries = {
            issuer: _TokenRegistry(
                algorithms=sorted(keys.trusted.algorithms), strict_check_header=False
            )
            for issuer, keys in self._issuers.items()
        }
        self._clock = clock
        self._remembered: dict[bytes, _Remembered] = {}
        self._lock = threading.Lock()

    def verify(self, token: str) -> Identity:
        """Return the identity ``token`` proves; see ``TokenVerifier`` for what it refuses."""
        try:
            raw = token.encode("ascii")
        except UnicodeEncodeError:
            _refuse("token.malformed")
        digest = hashlib.sha256(raw).digest()
        now = self._clock.now()
        hit = self._remembered.get(digest)
        if hit is not None and now < hit.until:
            return hit.identity
        identity = self._verify(raw, now)
        self._remember(digest, identity, now)
        return identity

    def _verify(self, raw: bytes, now: datetime) -> Identity:
        parts = _split(raw)
        issuer = parts.claims.get("iss")
        keys = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if keys is None:
            _refuse("token.unknown-issuer")
        self._check_signature(raw, parts.header, keys)
        return self._judge(parts.claims, keys.trusted.issuer, now)

    def _check_signature(self, raw: bytes, header: Mapping[str, Json], keys: IssuerKeys) -> None:
        algorithm = header.get("alg")
        if algorithm not in keys.trusted.algorithms:
            _refuse("token.wrong-algorithm")
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            _refuse("token.malformed")
        key = keys.find(kid)
        if key is None:
            _refuse("token.unknown-key")
        # A key that names its algorithm serves that one only (RFC 7517 section 4.4).
        if key.alg is not None and key.alg != algorithm:
            _refuse("token.wrong-algorithm")
        registry = self._registries[keys.trusted.issuer]
        try:
            jws.deserialize_compact(raw, key, registry=registry)
        except (JoseError, ValueError):
            _refuse("token.bad-signature")

    def _judge(self, claims: Mapping[str, Json], issuer: str, now: datetime) -> Identity:
        """Check the claims of RFC 9068 section 2.2 after the signature held."""
        try:
            check_claims(claims, now, self._audience)
            expires_at = numeric_date(claims, "exp")
            issued_at = numeric_date(claims, "iat")
            subject, client_id, _ = (name_in(claims, one) for one in ("sub", "client_id", "jti"))
            auth_time = numeric_date(claims, "auth_time") if "auth_time" in claims else None
        except ClaimFaultError as error:
            _refuse(_CODES[error.fault])
        if expires_at - issued_at > LONGEST_LIFE:
            _refuse("token.too-long-lived")
        scope = claims.get("scope", "")
        acr = claims.get("acr")
        if not isinstance(scope, str) or not (acr is None or isinstance(acr, str)):
            _refuse("token.malformed")
        return Identity(
            iss=issuer,
            sub=subject,
            client_id=client_id,
            scopes=frozenset(scope.split()),
            expires_at=expires_at,
            auth_time=auth_time,
            acr=acr,
        )

    def _remember(self, digest: bytes, identity: Identity, now: datetime) -> None:
        until = min(now + REMEMBERED, identity.expires_at + SKEW)
        with self._lock:
            self._remembered.pop(digest, None)
            while len(self._remembered) >= _MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[digest] = _Remembered(identity, until)


def _refuse(code: str) -> Never:
    # Raised without a cause: a library's message may quote the token.
    raise NotSignedIn(code, _SENTENCES[code]) from None


def _split(raw: bytes) -> _Parts:
    """Read header and claims strictly, before any library sees the bytes."""
    segments = raw.split(b".")
    if len(raw) > _MAX_TOKEN or len(segments) != 3:  # noqa: PLR2004 - RFC 7515 section 7.1
        _refuse("token.malformed")
    try:
        header, claims = (
            parse(b64u_decode(segment.decode("ascii")), limit=_MAX_TOKEN, max_depth=8)
            for segment in segments[:2]
        )
        b64u_decode(segments[2].decode("ascii"))
    except WireError:
        _refuse("token.malformed")
    if not isinstance(header, dict) or not isinstance(claims, dict):
        _refuse("token.malformed")
    if _FORBIDDEN_HEADERS & header.keys() or len(segments[0]) > _MAX_HEADER:
        _refuse("token.malformed")
    typ = header.get("typ")
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        _refuse("token.not-access-token")
    return _Parts(header, claims)
