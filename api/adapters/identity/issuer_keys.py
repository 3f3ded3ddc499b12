"""Keys of one pinned issuer: discovery, key set, and a cache that outlives short outages.

Owns which keys are believed and for how long; must not look into tokens. Everything is fetched
from the issuer's own origin (see ``discovery``).
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import cast

from joserfc.errors import JoseError
from joserfc.jwk import DictKey, JWKRegistry, Key, OctKey

from api.adapters.identity.discovery import (
    BadDocument,
    check_issuer,
    discover,
    endpoint,
    read_object,
)
from api.adapters.identity.fetching import Fetch, FetchFailed
from api.domain.errors import Unavailable
from api.ports.system import Clock
from api.wire.canonical import Json
from api.wire.encoding import b64u_decode

_log = logging.getLogger(__name__)

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA"})
"""Everything a trusted issuer may be allowed to sign with; there is no symmetric one."""

_RSA_MIN_BITS = 2048
_MAX_KEYS = 64


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An OpenID Provider this node believes.

    Args:
        issuer: its identifier, compared byte for byte with ``iss``; https, or http on loopback.
        algorithms: what it may sign access tokens with, a subset of ``ALGORITHMS``.

    Raises:
        ValueError: the configuration names no usable issuer or an unknown algorithm.
    """

    issuer: str
    algorithms: frozenset[str] = ALGORITHMS

    def __post_init__(self) -> None:
        check_issuer(self.issuer)
        if not self.algorithms or not self.algorithms <= ALGORITHMS:
            raise ValueError(f"algorithms of an issuer are some of {sorted(ALGORITHMS)}")


@dataclass(frozen=True, slots=True)
class CacheTimes:
    """How long fetched keys serve.

    Args:
        refresh: age at which the set is fetched again although nothing asked for it.
        refetch: shortest time between two fetches, however many unknown key ids arrive.
        trust: age to which a set serves while the issuer cannot be reached; then fail closed.
    """

    refresh: timedelta = timedelta(minutes=5)
    refetch: timedelta = timedelta(seconds=15)
    trust: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    keys: Mapping[str, Key]
    fetched_at: datetime

    def find(self, kid: str | None) -> Key | None:
        """RFC 9068 lets a token name no key; then only a set of one is unambiguous."""
        if kid is None:
            return next(iter(self.keys.values())) if len(self.keys) == 1 else None
        return self.keys.get(kid)


class IssuerKeys:
    """The signature keys of one issuer.

    Args:
        trusted: the pinned issuer.
        fetch: GET of a document; called by one thread at a time.
        clock: ages of the cache are measured with it.
        times: bounds of the cache.
    """

    def __init__(
        self, trusted: TrustedIssuer, fetch: Fetch, clock: Clock, times: CacheTimes | None = None
    ) -> None:
        self.trusted = trusted
        self._fetch = fetch
        self._clock = clock
        self._times = times or CacheTimes()
        self._lock = threading.Lock()
        self._snapshot: _Snapshot | None = None
        self._attempted_at: datetime | None = None

    def find(self, kid: str | None) -> Key | None:
        """Return the key with this id, or None when the issuer publishes no such key.

        An unknown id makes the set be fetched anew, at most once per ``refetch``. A set that is
        merely due for refresh never makes a second caller wait.

        Raises:
            Unavailable: ``issuer.unavailable``, no set is held that may still be trusted.
        """
        now = self._clock.now()
        held = self._trusted_snapshot(now)
        if held is None:
            self._refresh(now, wait=True)
        elif now - held.fetched_at >= self._times.refresh:
            self._refresh(now, wait=False)
        key = self._require_snapshot(now).find(kid)
        if key is None:
            self._refresh(now, wait=True)
            key = self._require_snapshot(now).find(kid)
        return key

    def _trusted_snapshot(self, now: datetime) -> _Snapshot | None:
        held = self._snapshot
        return held if held and now - held.fetched_at <= self._times.trust else None

    def _require_snapshot(self, now: datetime) -> _Snapshot:
        held = self._trusted_snapshot(now)
        if held is None:
            raise Unavailable(
                "issuer.unavailable",
                "The sign-in service's keys cannot be fetched at the moment; try again shortly.",
            )
        return held

    def _refresh(self, now: datetime, *, wait: bool) -> None:
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if self._attempted_at and now - self._attempted_at < self._times.refetch:
                return
            self._attempted_at = now
            self._snapshot = _Snapshot(self._load(), now)
        except (FetchFailed, BadDocument) as error:
            # Both errors carry sentences of this program, never what the issuer sent.
            members = {"issuer": self.trusted.issuer, "reason": str(error)}
            _log.warning("keys of an issuer not refreshed", extra=members)
        finally:
            self._lock.release()

    def _load(self) -> Mapping[str, Key]:
        jwks_uri = endpoint(discover(self.trusted.issuer, self._fetch), "jwks_uri")
        if jwks_uri is None:
            raise BadDocument("discovery names no jwks_uri")
        entries = read_object(self._fetch(jwks_uri)).get("keys")
        if not isinstance(entries, list) or len(entries) > _MAX_KEYS:
            raise BadDocument(f"the key set is no list of at most {_MAX_KEYS} keys")
        keys = dict(filter(None, map(_import_key, entries)))
        if not keys:
            raise BadDocument("the key set holds no signature key")
        return MappingProxyType(keys)


def _import_key(entry: Json) -> tuple[str, Key] | None:
    """One entry of the set; keys of other kinds or uses are passed over (RFC 7517 section 5)."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        if _is_weak_rsa(entry):
            return None
        key = JWKRegistry.import_key(cast("DictKey", entry))
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None if isinstance(key, OctKey) else (key.kid or key.thumbprint(), key)


def _is_weak_rsa(entry: dict[str, Json]) -> bool:
    """Judged before import: joserfc only warns of a short modulus, and then uses it."""
    if entry.get("kty") != "RSA":
        return False
    modulus = b64u_decode(str(entry.get("n")))
    return int.from_bytes(modulus).bit_length() < _RSA_MIN_BITS
