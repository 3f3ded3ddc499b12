import dataclasses
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from api.wire import ecdsa, keys
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.errors import WireError
from api.wire.keys import KeyRecord, Purpose, check_bounds, thumbprint, verify_signature
from tests.support.cases import numbered
from tests.support.signing import US, private_key, raw_signature, record

SIGNING = (keys.ES256, keys.ES384, keys.ED25519, keys.ML_DSA_44, keys.ML_DSA_87)


def refused(code: str) -> Any:
    return pytest.raises(WireError, match=rf"^{code}: ")


# RFC 9964 appendix A.1: keys made from an all-zero seed.
@pytest.mark.parametrize(
    ("private", "expected"),
    [
        (mldsa.MLDSA44PrivateKey, "T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o"),
        (mldsa.MLDSA87PrivateKey, "tRn1JNIkgMsABVQBlXeDHxAIcclh-2IX0UdDEzPt5XU"),
    ],
)
def test_thumbprints_of_the_rfc(private: Any, expected: str) -> None:
    public = private.from_seed_bytes(bytes(32)).public_key()
    assert thumbprint(keys.public_jwk(public)) == expected


def test_thumbprint_of_the_ed25519_rfc() -> None:
    """RFC 8037 appendix A.3."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("alg", SIGNING)
def test_signatures_verify_and_any_changed_bit_fails(alg: str) -> None:
    private = private_key(alg, "key test")
    jwk = keys.public_jwk(private.public_key())
    assert keys.algorithm(jwk) == alg
    signature = raw_signature(private, b"data")
    verify_signature(jwk, signature, b"data")
    with refused("signature.false"):
        verify_signature(jwk, signature, b"Data")
    for position in range(0, len(signature), max(1, len(signature) // 64)):
        changed = bytearray(signature)
        changed[position] ^= 1
        with pytest.raises(WireError, match=r"^signature\."):
            verify_signature(jwk, bytes(changed), b"data")
    for cut in (signature[:-1], signature + b"\0", b""):
        with pytest.raises(WireError, match=r"^signature\."):
            verify_signature(jwk, cut, b"data")


@pytest.mark.parametrize("alg", [keys.ES256, keys.ES384])
def test_the_other_half_of_an_ecdsa_signature_is_refused_until_normalised(alg: str) -> None:
    private = private_key(alg, "half")
    jwk = keys.public_jwk(private.public_key())
    low = raw_signature(private, b"data")
    size, order = ecdsa.SIZE[alg], ecdsa.CURVE[alg].group_order
    high = low[:size] + (order - int.from_bytes(low[size:])).to_bytes(size)
    with refused("signature.malformed"):
        verify_signature(jwk, high, b"data")
    assert ecdsa.normalise(alg, high) == ecdsa.normalise(alg, low) == low


@given(st.binary(max_size=120))
def test_der_of_any_shape_is_one_signature_or_refused(data: bytes) -> None:
    try:
        raw = ecdsa.raw_from_der(keys.ES384, data)
    except WireError:
        return
    assert ecdsa.normalise(keys.ES384, raw) == raw


@pytest.mark.parametrize("r", [0, ecdsa.CURVE[keys.ES384].group_order])
def test_numbers_outside_the_group_are_refused(r: int) -> None:
    with refused("signature.malformed"):
        ecdsa.raw_from_der(keys.ES384, encode_dss_signature(r, 1))


def test_records_round_trip() -> None:
    for entry in US.records:
        bounded = dataclasses.replace(entry, from_=3, until=9, revoked_from=7)
        for original in (entry, bounded):
            value = original.to_json()
            assert set(value) == {
                "kid", "alg", "purpose", "public", "from", "until", "revoked_from"
            }  # fmt: skip
            assert KeyRecord.from_json(value) == original


def _jwk(edit: Any) -> Any:
    def apply(value: dict[str, Any]) -> None:
        edit(value["public"])

    return apply


@pytest.mark.parametrize(
    ("edit", "code"),
    numbered(
        [
            (lambda v: v.pop("until"), "key.malformed"),
            (lambda v: v.update(note=1), "key.malformed"),
            (lambda v: v.update(purpose="signing"), "key.malformed"),
            (lambda v: v.update(purpose=7), "key.malformed"),
            (lambda v: v.update(public="x"), "key.malformed"),
            (lambda v: v.update({"from": None}), "key.malformed"),
            (lambda v: v.update({"from": -1}), "key.malformed"),
            (lambda v: v.update(until=True), "key.malformed"),
            (lambda v: v.update(until="9"), "key.malformed"),
            (lambda v: v.update(kid="../../etc/passwd"), "key.malformed"),
            (lambda v: v.update(kid=thumbprint(US.records[1].public)), "key.malformed"),
            (lambda v: v.update(alg="none"), "key.algorithm"),
            (lambda v: v.update(alg="HS256"), "key.algorithm"),
            (lambda v: v.update(purpose="log"), "key.algorithm"),
            (_jwk(lambda j: j.update(x=5)), "key.algorithm"),
            (_jwk(lambda j: j.update(use="sig")), "key.malformed"),
            (_jwk(lambda j: j.update(d="AAAA")), "key.malformed"),
            (_jwk(lambda j: j.pop("y")), "key.malformed"),
            (_jwk(lambda j: j.update(kty="RSA")), "key.malformed"),
            (_jwk(lambda j: j.update(crv="P-521")), "key.malformed"),
        ]
    ),
)
def test_record_refusals(edit: Any, code: str) -> None:
    value: Any = US.records[0].to_json()
    edit(value)
    with refused(code):
        KeyRecord.from_json(value)


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "EC", "crv": "P-384", "x": b64u_encode(bytes(48)), "y": b64u_encode(bytes(48))},
        {"kty": "EC", "crv": "P-384", "x": b64u_encode(bytes(47)), "y": b64u_encode(bytes(48))},
        {"kty": "OKP", "crv": "Ed25519", "x": b64u_encode(bytes(31))},
        {"kty": "AKP", "alg": "ML-DSA-87", "pub": b64u_encode(bytes(5))},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "+"},
        {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA"},
        {"kty": "AKP", "alg": "ML-KEM-1024", "pub": b64u_encode(bytes(1568))},
    ],
)
def test_keys_that_cannot_verify_are_refused(jwk: dict[str, str]) -> None:
    with pytest.raises(WireError):
        keys.load_public(jwk)


def test_a_point_written_shorter_is_refused() -> None:
    jwk = dict(US.records[0].public)
    jwk["x"] = b64u_encode(b"\0" + b64u_decode(jwk["x"]))
    with refused("key.malformed"):
        keys.load_public(jwk)


def test_other_curves_have_no_jwk() -> None:
    with refused("key.malformed"):
        keys.public_jwk(ec.generate_private_key(ec.SECP521R1()).public_key())


def test_loaded_keys_are_cached() -> None:
    assert keys.load_public(US.records[0].public) is keys.load_public(dict(US.records[0].public))


@pytest.mark.parametrize(
    ("bounds", "log_index", "expected"),
    [
        ({}, None, ""),
        ({"from_": 5}, None, ""),
        ({"from_": 5}, 5, ""),
        ({"from_": 5}, 4, "key.not-yet-valid"),
        ({"until": 9}, 8, ""),
        ({"until": 9}, 9, "key.retired"),
        ({"until": 9}, None, "time-unproven"),
        ({"revoked_from": 7}, 6, ""),
        ({"revoked_from": 7}, 7, "key.revoked"),
        ({"revoked_from": 0}, 0, "key.revoked"),
        ({"revoked_from": 7}, None, "time-unproven"),
        ({"revoked_from": 7, "until": 9}, 8, "key.revoked"),
    ],
)
def test_bounds_are_indexes_in_the_log(
    bounds: dict[str, int], log_index: int | None, expected: str
) -> None:
    entry = dataclasses.replace(record(keys.ES384, Purpose.SEAL, "bounds"), **bounds)
    if not expected:
        check_bounds(entry, log_index)
        return
    with refused(expected):
        check_bounds(entry, log_index)
