"""Private keys: making, storing as PKCS #8, and signing in the raw form the protocol uses.

Owns the table from algorithm names to key objects of `cryptography`. Must not read or write files.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from api.domain.errors import Invalid
from api.wire import ecdsa, keys

PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA87PrivateKey
)

_GENERATE: Final[Mapping[str, Callable[[], PrivateKey]]] = {
    keys.ES256: lambda: ec.generate_private_key(ec.SECP256R1()),
    keys.ES384: lambda: ec.generate_private_key(ec.SECP384R1()),
    keys.ED25519: ed25519.Ed25519PrivateKey.generate,
    keys.ML_DSA_44: mldsa.MLDSA44PrivateKey.generate,
    keys.ML_DSA_87: mldsa.MLDSA87PrivateKey.generate,
}


def generate(alg: str) -> PrivateKey:
    """Make a key for one of the signature algorithms of `api.wire.keys`."""
    return _GENERATE[alg]()


def public_jwk(private: PrivateKey) -> dict[str, str]:
    """Return the exact JWK of the public half."""
    return keys.public_jwk(private.public_key())


def to_pkcs8(private: PrivateKey) -> bytes:
    """Return the unencrypted PKCS #8 DER form (RFC 5958; RFC 9881 seed form for ML-DSA)."""
    return private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def from_pkcs8(data: bytes) -> PrivateKey:
    """Load a key written by `to_pkcs8`.

    Raises:
        Invalid: ``keystore.malformed``.
    """
    try:
        private = serialization.load_der_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _malformed_key() from None
    return accepted(private)


def accepted(private: PrivateKeyTypes) -> PrivateKey:
    """Return a loaded key if it is of a kind that the protocol uses.

    Raises:
        Invalid: ``keystore.malformed``.
    """
    if not isinstance(
        private,
        ec.EllipticCurvePrivateKey
        | ed25519.Ed25519PrivateKey
        | mldsa.MLDSA44PrivateKey
        | mldsa.MLDSA87PrivateKey,
    ):
        raise _malformed_key()
    return private


def sign(private: PrivateKey, data: bytes) -> bytes:
    """Sign `data`; ECDSA as raw ``r || s`` in the accepted half, others as they are."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        alg = keys.algorithm(public_jwk(private))
        der = private.sign(data, ec.ECDSA(ecdsa.hash_of(alg)))
        return ecdsa.raw_from_der(alg, der)
    return private.sign(data)


def _malformed_key() -> Invalid:
    return Invalid("keystore.malformed", "This file holds no private key that Comity uses.")
