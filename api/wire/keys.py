"""Public keys: their JSON form, their names, and checking one signature with one key.

Owns the closed table of algorithms and what each purpose may use, key records with their bounds
in the owner's log (PROTOCOL §4), and raw signature checks. The algorithm always comes from the
record or the key, never from the signed object (RFC 8725 §3.1). It must not hold private keys.

Refusal codes: ``key.malformed``, ``key.unknown``, ``key.algorithm``, ``key.purpose``,
``key.not-yet-valid``, ``key.retired``, ``key.revoked``, ``time-unproven``, ``signature.malformed``,
``signature.false``.
"""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

from api.wire import canonical, ecdsa, encoding
from api.wire.errors import WireError

Jwk: TypeAlias = Mapping[str, str]
PublicKey: TypeAlias = (
    ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA87PublicKey
)

ES256: Final = ecdsa.ES256
ES384: Final = ecdsa.ES384
ED25519: Final = "Ed25519"
ML_DSA_44: Final = "ML-DSA-44"
ML_DSA_87: Final = "ML-DSA-87"
ML_KEM_1024: Final = "ML-KEM-1024"

# Members of each key type that are hashed into its thumbprint: RFC 7638 §3.2, RFC 8037 §2,
# RFC 9964 §6 for AKP. A key object may have no other member: it would be unsigned text.
_THUMBPRINT_MEMBERS: Final = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "AKP": ("alg", "kty", "pub"),
}
_POST_QUANTUM: Final = frozenset({ML_DSA_44, ML_DSA_87, ML_KEM_1024})
_CURVE_ALGORITHM: Final = {"P-256": ES256, "P-384": ES384}


class Purpose(StrEnum):
    """What a ministry's key may be used for; one key has one purpose."""

    SEAL = "seal"
    MESSAGE = "message"
    LOG = "log"
    LOG_PQ = "log-pq"
    WITNESS = "witness"
    WITNESS_PQ = "witness-pq"
    ENCRYPTION = "encryption"


ALGORITHMS: Final[Mapping[Purpose, tuple[str, ...]]] = {
    Purpose.SEAL: (ES384, ML_DSA_87),
    Purpose.MESSAGE: (ES384, ML_DSA_87),
    Purpose.LOG: (ED25519,),
    Purpose.LOG_PQ: (ML_DSA_44,),
    Purpose.WITNESS: (ED25519,),
    Purpose.WITNESS_PQ: (ML_DSA_44,),
    Purpose.ENCRYPTION: (ML_KEM_1024,),
}
"""Algorithms of each purpose, in the order signatures are written."""

OFFICER_ALGORITHMS: Final = frozenset({ES256, ES384})
"""Algorithms an officer's own key or passkey may use."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One public key of a ministry, as the membership lists it.

    Attributes:
        kid: Thumbprint of `public`.
        alg: The only algorithm this key is used with.
        purpose: The only purpose this key is used for.
        public: The key as an exact JWK.
        from_: First index in the owner's log at which the key is valid.
        until: Index from which the key is retired (exclusive bound), or None.
        revoked_from: Index from which the key is not trusted, or None.
    """

    kid: str
    alg: str
    purpose: Purpose
    public: Jwk = field(hash=False)
    from_: int = 0
    until: int | None = None
    revoked_from: int | None = None

    def while_in_use(self) -> "KeyRecord":
        """Return the record as it was before the key was retired; a revocation stays."""
        return replace(self, until=None)

    def to_json(self) -> dict[str, canonical.Json]:
        """Return the record as protocol JSON; bounds that are not set are null."""
        return {
            "kid": self.kid,
            "alg": self.alg,
            "purpose": self.purpose.value,
            "public": dict(self.public),
            "from": self.from_,
            "until": self.until,
            "revoked_from": self.revoked_from,
        }

    @classmethod
    def from_json(cls, value: canonical.Json) -> "KeyRecord":
        """Read a key record and check that its parts agree.

        Raises:
            WireError: ``key.malformed``, ``key.algorithm``.
        """
        if not isinstance(value, dict) or set(value) != _RECORD_MEMBERS:
            raise _malformed("Give a key record exactly its seven members.")
        public = value["public"]
        if value["purpose"] not in list(Purpose) or not isinstance(public, dict):
            raise _malformed("Name a known purpose and give the public key as an object.")
        purpose = Purpose(str(value["purpose"]))
        jwk = {name: part for name, part in public.items() if isinstance(part, str)}
        alg = algorithm(jwk) if len(jwk) == len(public) else None
        if alg is None or alg != value["alg"] or alg not in ALGORITHMS[purpose]:
            raise WireError("key.algorithm", "Use the algorithm that belongs to key and purpose.")
        if value["kid"] != thumbprint(jwk):
            raise _malformed("Name the key by its RFC 7638 thumbprint.")
        if purpose is not Purpose.ENCRYPTION:
            load_public(jwk)
        from_, until, revoked_from = (
            _bound(value[name]) for name in ("from", "until", "revoked_from")
        )
        if from_ is None:
            raise _malformed("Say from which log index the key is valid.")
        return cls(thumbprint(jwk), alg, purpose, jwk, from_, until, revoked_from)


_RECORD_MEMBERS: Final = frozenset(
    {"kid", "alg", "purpose", "public", "from", "until", "revoked_from"}
)


def algorithm(jwk: Jwk) -> str:
    """Return the one algorithm a public key is used with.

    Raises:
        WireError: ``key.malformed`` for an unknown key type, a missing or extra member.
    """
    kty = jwk.get("kty", "")
    if set(jwk) != set(_THUMBPRINT_MEMBERS.get(kty, ())):
        raise _malformed("Give a public key exactly the members of its key type.")
    if kty == "AKP" and jwk["alg"] in _POST_QUANTUM:
        return jwk["alg"]
    if kty == "OKP" and jwk["crv"] == ED25519:
        return ED25519
    if kty == "EC" and jwk["crv"] in _CURVE_ALGORITHM:
        return _CURVE_ALGORITHM[jwk["crv"]]
    raise _malformed("Use an EC P-256 or P-384, Ed25519, ML-DSA or ML-KEM key.")


def thumbprint(jwk: Jwk) -> str:
    """Return the key's name (RFC 7638; RFC 9964 §6 for AKP keys).

    Raises:
        WireError: ``key.malformed``.
    """
    return _thumbprint(tuple(sorted(jwk.items())))


@functools.lru_cache(maxsize=1024)
def _thumbprint(parts: tuple[tuple[str, str], ...]) -> str:
    jwk = dict(parts)
    algorithm(jwk)
    return encoding.b64u_encode(hashlib.sha256(canonical.canonical(jwk)).digest())


def public_jwk(public_key: PublicKey) -> dict[str, str]:
    """Return the exact JWK of a loaded public key.

    Raises:
        WireError: ``key.malformed`` for a curve outside the table.
    """
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        curve = {"secp256r1": "P-256", "secp384r1": "P-384"}.get(public_key.curve.name)
        if curve is None:
            raise _malformed("Use an EC key on P-256 or P-384.")
        numbers = public_key.public_numbers()
        size = ecdsa.SIZE[_CURVE_ALGORITHM[curve]]
        x, y = (encoding.b64u_encode(n.to_bytes(size, "big")) for n in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": curve, "x": x, "y": y}
    raw = encoding.b64u_encode(public_key.public_bytes_raw())
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": ED25519, "x": raw}
    alg = ML_DSA_44 if isinstance(public_key, mldsa.MLDSA44PublicKey) else ML_DSA_87
    return {"kty": "AKP", "alg": alg, "pub": raw}


def load_public(jwk: Jwk) -> PublicKey:
    """Load a signature key; loaded keys are cached by their full content.

    Raises:
        WireError: ``key.malformed``, also for a point that is not on its curve and for
            encryption keys, which verify nothing.
    """
    return _load(tuple(sorted(jwk.items())))


@functools.lru_cache(maxsize=1024)
def _load(parts: tuple[tuple[str, str], ...]) -> PublicKey:
    jwk = dict(parts)
    alg = algorithm(jwk)
    try:
        if alg in ecdsa.SIZE:
            size = ecdsa.SIZE[alg]
            x, y = (encoding.b64u_decode(jwk[name]) for name in ("x", "y"))
            if len(x) != size or len(y) != size:
                raise _malformed("Write each coordinate in its full length.")
            curve = ecdsa.CURVE[alg]
            return ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y)
        if alg == ED25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(encoding.b64u_decode(jwk["x"]))
        raw = encoding.b64u_decode(jwk["pub"])
        if alg == ML_DSA_44:
            return mldsa.MLDSA44PublicKey.from_public_bytes(raw)
        if alg == ML_DSA_87:
            return mldsa.MLDSA87PublicKey.from_public_bytes(raw)
    except WireError:
        raise
    except ValueError:
        raise _malformed("Give the bytes of a valid public key.") from None
    raise _malformed("An encryption key verifies no signature.")


def verify_signature(key: KeyRecord | Jwk, signature: bytes, data: bytes) -> None:
    """Check one signature over `data`.

    Args:
        key: A key record, or an exact JWK (officers' keys, which no record lists).
        signature: Raw signature; for ES256 and ES384 ``r || s`` with low ``s``.
        data: The signed bytes.

    Raises:
        WireError: ``signature.malformed``, ``signature.false``, ``key.malformed``.
    """
    jwk = key.public if isinstance(key, KeyRecord) else key
    public_key = load_public(jwk)
    try:
        if isinstance(public_key, ec.EllipticCurvePublicKey):
            alg = algorithm(jwk)
            public_key.verify(ecdsa.to_der(alg, signature), data, ec.ECDSA(ecdsa.hash_of(alg)))
        else:
            public_key.verify(signature, data)
    except InvalidSignature:
        raise WireError("signature.false", "The signature does not fit key and content.") from None


def check_bounds(record: KeyRecord, log_index: int | None) -> None:
    """Check that a key was valid where the owner's log says it was used (PROTOCOL §4).

    Args:
        record: The key.
        log_index: Proven index of the signed object in the owner's log, or None without proof.

    Raises:
        WireError: ``key.not-yet-valid``, ``key.retired``, ``key.revoked``; ``time-unproven``
            for a retired or revoked key when there is no proof.
    """
    if log_index is None:
        if record.until is not None or record.revoked_from is not None:
            raise WireError(
                "time-unproven", "Bring an inclusion proof: the signing key is no longer in use."
            )
    elif log_index < record.from_:
        raise WireError("key.not-yet-valid", "The log index lies before the key became valid.")
    elif record.revoked_from is not None and log_index >= record.revoked_from:
        raise WireError("key.revoked", "The log index lies after the key was revoked.")
    elif record.until is not None and log_index >= record.until:
        raise WireError("key.retired", "The log index lies after the key was retired.")


def _bound(value: canonical.Json) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _malformed("Write key bounds as log indexes or null.")
    return value


def _malformed(message: str) -> WireError:
    return WireError("key.malformed", message)
