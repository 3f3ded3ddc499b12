"""Independent software judges our envelopes: each a true one and tampered ones."""

import base64
import copy
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey
from joserfc.registry import HeaderParameter
from jwcrypto import jwk as other_jwk
from jwcrypto import jws as other_jws

from api.wire import ecdsa, keys
from tests.support import foreign
from tests.vectors.test_vectors import FIXED, KEPT, SIGNERS

JOSE = Path(__file__).parent.parent / "oracles" / "jose"
ENVELOPE: dict[str, Any] = json.loads(KEPT["statements"]["release"]["envelope"])
PAYLOAD = FIXED["statements"]["release"]["payload"].encode()
ES384, ML_DSA_87 = (dict(SIGNERS[number].public) for number in (0, 1))


def tampered(part: str) -> dict[str, Any]:
    """The envelope with one changed character in its payload or in both signatures."""
    value = copy.deepcopy(ENVELOPE)
    if part == "payload":
        value["payload"] = value["payload"][:-8] + "AAAA" + value["payload"][-4:]
    for entry in value["signatures"] if part == "signature" else []:
        entry["signature"] = entry["signature"][:50] + "AAAA" + entry["signature"][54:]
    return value


def judged_by_jwcrypto(envelope: dict[str, Any], public: dict[str, str]) -> bytes:
    token = other_jws.JWS()
    token.allowed_algs = ["ES384", "ML-DSA-87"]
    token.deserialize(
        json.dumps({"payload": envelope["payload"], "signatures": envelope["signatures"]})
    )
    token.verify(other_jwk.JWK(**public))
    payload: bytes = token.payload
    return payload


@pytest.mark.parametrize("public", [ES384, ML_DSA_87], ids=["ES384", "ML-DSA-87"])
def test_jwcrypto(public: dict[str, str]) -> None:
    assert judged_by_jwcrypto(ENVELOPE, public) == PAYLOAD
    for part in ("payload", "signature"):
        with pytest.raises(other_jws.InvalidJWSSignature):
            judged_by_jwcrypto(tampered(part), public)


def test_jwcrypto_names_keys_as_we_do() -> None:
    for record in SIGNERS:
        assert other_jwk.JWK(**record.public).thumbprint() == record.kid


def judged_by_joserfc(envelope: dict[str, Any]) -> bytes:
    """The ES384 member alone: joserfc knows no ML-DSA and wants every member to verify."""
    registry = jws.JWSRegistry(
        {"typ": HeaderParameter("Type", "str")}, algorithms=["ES384"], strict_check_header=True
    )
    value: Any = {"payload": envelope["payload"], "signatures": envelope["signatures"][:1]}
    found = jws.deserialize_json(value, ECKey.import_key(ES384), registry=registry)
    return found.payload


def test_joserfc() -> None:
    assert judged_by_joserfc(ENVELOPE) == PAYLOAD
    for part in ("payload", "signature"):
        with pytest.raises(BadSignatureError):
            judged_by_joserfc(tampered(part))


@foreign.needs("openssl")
@pytest.mark.parametrize("number", [0, 1], ids=["seal", "preparer"])
def test_openssl(tmp_path: Path, number: int) -> None:
    entry = [ENVELOPE["signatures"][0], ENVELOPE["endorsements"][0]][number]
    signed = [PAYLOAD, FIXED["statements"]["release"]["prepared"].encode()][number]
    public = keys.load_public([ES384, entry.get("jwk")][number])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    payload = base64.urlsafe_b64encode(signed).rstrip(b"=")
    raw = base64.urlsafe_b64decode(entry["signature"] + "==")
    (tmp_path / "key.pem").write_bytes(
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "signature").write_bytes(ecdsa.to_der("ES384", raw))
    command = [
        foreign.oracle("openssl"),
        "dgst",
        "-sha384",
        "-verify",
        "key.pem",
        "-signature",
        "signature",
    ]
    for content, verdict in ((payload, 0), (payload[:-1] + b"_", 1)):
        (tmp_path / "input").write_bytes(entry["protected"].encode() + b"." + content)
        found = subprocess.run(
            [*command, "input"], cwd=tmp_path, capture_output=True, check=False, text=True
        )
        assert (found.returncode, "Verified OK" in found.stdout) == (verdict, verdict == 0)


def judged_by_jose(envelope: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    request = json.dumps({"envelope": envelope, "jwk": ES384})
    return subprocess.run(
        [foreign.oracle("node"), "verify.mjs"],
        cwd=JOSE,
        input=request,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


@foreign.needs("node", "npm jose")
def test_npm_jose() -> None:
    found = judged_by_jose(ENVELOPE)
    assert found.returncode == 0, found.stderr
    seen = json.loads(found.stdout)
    assert seen["sha256"] == hashlib.sha256(PAYLOAD).hexdigest()
    assert seen["header"] == {"alg": "ES384", "kid": SIGNERS[0].kid, "typ": "comity-statement"}
    for part in ("payload", "signature"):
        refused = judged_by_jose(tampered(part))
        assert refused.returncode != 0
        assert "signature verification failed" in refused.stderr
