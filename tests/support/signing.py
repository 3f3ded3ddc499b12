"""Ministries and officers with real keys, derived from their names so that runs are alike.

Signs with `cryptography` directly, not with the project's keystore, so that a fault there cannot
hide a fault in the checks.
"""

import functools
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

from api.wire import canonical, ecdsa, keys
from api.wire.encoding import b64u_encode
from api.wire.endorsements import jws_endorsement, officer_input, webauthn_endorsement
from api.wire.envelope import MESSAGE, STATEMENT, Endorsement, seal
from api.wire.keys import KeyRecord, Purpose
from api.wire.membership import Member, Membership, compose_membership, parse_membership
from api.wire.messages import MessageBody, compose_message
from api.wire.statements import (
    NONCE_BYTES,
    By,
    Content,
    Officer,
    Place,
    compose_payload,
    prepared_bytes,
)

NOW = datetime(2026, 11, 23, 17, 25, 39, 123000, tzinfo=UTC)
ISS = "https://id.example"

PrivateKey = (
    ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA87PrivateKey
)


@functools.cache
def private_key(alg: str, name: str) -> PrivateKey:
    """A private key that is always the same for one name: for tests only."""
    seed = hashlib.sha384(f"{alg} {name}".encode()).digest()
    if alg == keys.ES384:
        return ec.derive_private_key(int.from_bytes(seed) >> 1, ec.SECP384R1())
    if alg == keys.ES256:
        return ec.derive_private_key(int.from_bytes(seed[:32]) >> 1, ec.SECP256R1())
    if alg == keys.ED25519:
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed[:32])
    if alg == keys.ML_DSA_44:
        return mldsa.MLDSA44PrivateKey.from_seed_bytes(seed[:32])
    return mldsa.MLDSA87PrivateKey.from_seed_bytes(seed[:32])


def raw_signature(private: PrivateKey, data: bytes) -> bytes:
    """Sign; ECDSA in the accepted raw form."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        alg = keys.ES384 if private.curve.name == "secp384r1" else keys.ES256
        der = private.sign(data, ec.ECDSA(ecdsa.hash_of(alg)))
        return ecdsa.raw_from_der(alg, der)
    return private.sign(data)


def record(alg: str, purpose: Purpose, name: str) -> KeyRecord:
    """The public record of a derived key."""
    jwk = keys.public_jwk(private_key(alg, name).public_key())
    return KeyRecord(keys.thumbprint(jwk), alg, purpose, jwk)


@dataclass(frozen=True)
class Signatory:
    """An officer with an own key."""

    name: str
    role: str = "analyst"
    alg: str = keys.ES384
    form: str = "jws"

    @property
    def private(self) -> PrivateKey:
        return private_key(self.alg, f"officer {self.name}")

    @property
    def jwk(self) -> dict[str, str]:
        return keys.public_jwk(self.private.public_key())

    @property
    def officer(self) -> Officer:
        kid = None if self.form == "recorded" else keys.thumbprint(self.jwk)
        return Officer(ISS, self.name, self.role, self.form, kid)

    def prepare(
        self, content: Content, ministry: str, nonce: bytes | None = None
    ) -> dict[str, Any]:
        """A preparer's own signature over a content, with the nonce that it covers."""
        text = b64u_encode(nonce or secrets.token_bytes(NONCE_BYTES))
        signed = prepared_bytes(content, issuer=ministry, nonce=text)
        return self.endorse("prepared", signed).to_json() | {"nonce": text}

    def endorse(self, part: str, data: bytes, **client: Any) -> Endorsement:
        """Sign `data` in this officer's form."""
        if self.form == "jws":
            signature = raw_signature(self.private, officer_input(self.jwk, data))
            return jws_endorsement(part, self.jwk, signature)
        challenge = b64u_encode(hashlib.sha256(data).digest())
        content = {"type": "webauthn.get", "challenge": challenge, "origin": "https://us.example"}
        client_data = json.dumps(content | client).encode()
        authenticator = hashlib.sha256(b"us.example").digest() + b"\x05" + bytes(4)
        assert isinstance(self.private, ec.EllipticCurvePrivateKey)
        der = self.private.sign(
            authenticator + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256())
        )
        return webauthn_endorsement(part, self.jwk, der, authenticator, client_data)


@dataclass(frozen=True)
class SealingMinistry:
    """A ministry with keys of every signing purpose."""

    id: str = "us-treasury"
    jurisdiction: str = "US"
    epoch: str = "first"
    records: tuple[KeyRecord, ...] = field(init=False, hash=False)

    def __post_init__(self) -> None:
        found = [
            record(alg, purpose, self._key_name(purpose))
            for purpose, algs in keys.ALGORITHMS.items()
            for alg in algs
            if alg != keys.ML_KEM_1024
        ]
        object.__setattr__(self, "records", tuple(found))

    def _key_name(self, purpose: Purpose) -> str:
        return f"{self.id} {purpose} {self.epoch}"

    def records_for(self, purpose: Purpose) -> tuple[KeyRecord, ...]:
        return tuple(r for r in self.records if r.purpose is purpose)

    def keys(self, purpose: Purpose) -> tuple[KeyRecord, ...]:
        """With `public_keys` and `sign`: the contract of `api.ports.signer.Signer`."""
        return self.records_for(purpose)

    def public_keys(self) -> tuple[KeyRecord, ...]:
        return self.records

    def sign(self, kid: str, data: bytes) -> bytes:
        """Sign with the key of that name, as the keystore does."""
        found = next(r for r in self.records if r.kid == kid)
        return raw_signature(private_key(found.alg, self._key_name(found.purpose)), data)

    def member(self) -> Member:
        return Member(
            self.id,
            self.jurisdiction,
            f"Ministry {self.id}",
            f"https://{self.id}.example",
            f"{self.id}.example/log",
            self.records,
        )

    def seal(self, payload: bytes, endorsements: tuple[Endorsement, ...] = ()) -> bytes:
        return seal(
            payload, STATEMENT, self.records_for(Purpose.SEAL), self.sign, endorsements=endorsements
        )

    def seal_message(self, message: MessageBody) -> bytes:
        payload = compose_message(message)
        return seal(payload, MESSAGE, self.records_for(Purpose.MESSAGE), self.sign)

    def statement(
        self,
        content: Content,
        prepared: Signatory | None = None,
        approved: Signatory | None = None,
        place: Place | None = None,
        nonce: bytes = bytes(16),
        issued_at: datetime = NOW,
    ) -> bytes:
        """Compose, endorse and seal a statement; returns the raw envelope."""
        by = None
        if prepared is not None:
            by = By(prepared.officer, None if approved is None else approved.officer)
        payload = compose_payload(
            content, issuer=self.id, issued_at=issued_at, nonce=nonce, by=by, place=place
        )
        endorsements = []
        if prepared is not None and prepared.form != "recorded":
            signed = prepared_bytes(content, issuer=self.id, nonce=b64u_encode(nonce))
            endorsements.append(prepared.endorse("prepared", signed))
        if approved is not None and approved.form != "recorded":
            endorsements.append(approved.endorse("approved", payload))
        return self.seal(payload, tuple(endorsements))


US = SealingMinistry("us-treasury", "US")
UK = SealingMinistry("uk-fcdo", "UK")
CA = SealingMinistry("ca-gac", "CA")
ANALYST = Signatory("analyst-1")
REVIEWER = Signatory("reviewer-1", "reviewer", keys.ES256, "webauthn")


def membership(*ministries: SealingMinistry) -> Membership:
    """A first membership of these ministries (all three if none is named)."""
    return compose_membership(1, None, [m.member() for m in ministries or (US, UK, CA)])


def with_bounds(found: Membership, bounds: Mapping[str, Mapping[str, int]]) -> Membership:
    """The same membership with bounds set on some keys, by kid."""
    value = json.loads(found.raw)
    for member in value["members"]:
        for entry in member["keys"]:
            entry.update(bounds.get(entry["kid"], {}))

    return parse_membership(canonical.canonical(value))
