"""The one accepted spelling of an ECDSA signature.

Owns the change between DER, which the cryptographic library and passkeys speak, and the raw
``r || s`` of JWS (RFC 7518 §3.4), always with ``s`` in the lower half: of the two values that
verify, only one is accepted, so a relay cannot make a second valid object from the first. It
signs and verifies nothing itself. Refusal code: ``signature.malformed``.
"""

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from api.wire.errors import WireError

ES256: Final = "ES256"
ES384: Final = "ES384"

CURVE: Final[dict[str, ec.EllipticCurve]] = {ES256: ec.SECP256R1(), ES384: ec.SECP384R1()}
"""Curve of each algorithm (RFC 7518 §3.4)."""

SIZE: Final = {ES256: 32, ES384: 48}
"""Bytes of one coordinate, and of each half of a signature."""


def hash_of(alg: str) -> hashes.HashAlgorithm:
    """Return the hash that belongs to the algorithm (RFC 7518 §3.4)."""
    return hashes.SHA256() if alg == ES256 else hashes.SHA384()


def raw_from_der(alg: str, der: bytes) -> bytes:
    """Turn a DER signature, with either half of ``s``, into the accepted raw form.

    Raises:
        WireError: ``signature.malformed``.
    """
    try:
        r, s = decode_dss_signature(der)
    except ValueError:
        raise _malformed() from None
    if encode_dss_signature(r, s) != der:
        raise _malformed()
    return _join(alg, r, s)


def normalise(alg: str, signature: bytes) -> bytes:
    """Return a raw signature, with either half of ``s``, in the accepted form.

    Raises:
        WireError: ``signature.malformed``.
    """
    return _join(alg, *_split(alg, signature))


def normalise_der(alg: str, der: bytes) -> bytes:
    """Return a DER signature, with either half of ``s``, in the accepted half.

    Raises:
        WireError: ``signature.malformed``.
    """
    return to_der(alg, raw_from_der(alg, der))


def to_der(alg: str, signature: bytes) -> bytes:
    """Return the DER form of a raw signature that is already in the accepted form.

    Raises:
        WireError: ``signature.malformed``.
    """
    if normalise(alg, signature) != signature:
        raise _malformed()
    return encode_dss_signature(*_split(alg, signature))


def _split(alg: str, signature: bytes) -> tuple[int, int]:
    size = SIZE[alg]
    if len(signature) != 2 * size:
        raise _malformed()
    return int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")


def _join(alg: str, r: int, s: int) -> bytes:
    order, size = CURVE[alg].group_order, SIZE[alg]
    if not (0 < r < order and 0 < s < order):
        raise _malformed()
    return r.to_bytes(size, "big") + min(s, order - s).to_bytes(size, "big")


def _malformed() -> WireError:
    return WireError(
        "signature.malformed", "Write ECDSA signatures in full length with s in the lower half."
    )
