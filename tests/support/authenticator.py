"""A passkey in software: registers and signs as a browser with an authenticator would.

Owns the other side of WebAuthn (Level 3 §6.5, §7.2), built on `cbor2` and `cryptography` alone, so
that a fault in what the node reads cannot hide in what it is shown.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from api.wire import keys
from api.wire.encoding import b64u_encode
from api.wire.endorsements import webauthn_endorsement
from api.wire.envelope import Endorsement

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey of one person."""

    origin: str = "https://us-treasury.example"
    rp_id: str = "us-treasury.example"
    count: int = 0
    flags: int = _PRESENT | _VERIFIED
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def jwk(self) -> dict[str, str]:
        return keys.public_jwk(self.private.public_key())

    def register(self, challenge: str) -> dict[str, Any]:
        """`RegistrationResponseJSON` with attestation `none`."""
        numbers = self.private.public_key().public_numbers()
        cose = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
        length = len(self.credential).to_bytes(2)
        data = self._data(_ATTESTED) + bytes(16) + length + self.credential + cose
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            "id": b64u_encode(self.credential),
            "rawId": b64u_encode(self.credential),
            "type": "public-key",
            "response": {
                "clientDataJSON": b64u_encode(self._client("webauthn.create", challenge)),
                "attestationObject": b64u_encode(attestation),
            },
        }

    def endorse(self, part: str, data: bytes) -> Endorsement:
        """Sign `data` as a statement's officer; the counter rises first."""
        self.count += 1
        client = self._client("webauthn.get", b64u_encode(hashlib.sha256(data).digest()))
        authenticator = self._data()
        signed = authenticator + hashlib.sha256(client).digest()
        der = self.private.sign(signed, ec.ECDSA(hashes.SHA256()))
        return webauthn_endorsement(part, self.jwk, der, authenticator, client)

    def _data(self, more: int = 0) -> bytes:
        flags = (self.flags | more).to_bytes(1)
        return hashlib.sha256(self.rp_id.encode()).digest() + flags + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        content = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps(content | {"crossOrigin": False}).encode()
