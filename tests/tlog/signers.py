"""Key pairs for notes, from fixed seeds: what a signer port would hold."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from api.tlog.note import KeyKind, SignatureLine, VerifierKey, format_note, signed_message


@dataclass(frozen=True)
class NoteSigner:
    """A private key with the verifier key it belongs to."""

    key: VerifierKey
    private: Ed25519PrivateKey | MLDSA44PrivateKey

    def line(self, text: str, timestamp: int | None = None) -> SignatureLine:
        message = signed_message(self.key.kind, self.key.name, timestamp, text)
        return self.key.line(self.private.sign(message), timestamp)


def note_signer(name: str, kind: KeyKind, seed: int) -> NoteSigner:
    material = bytes([seed]) * 32
    private: Ed25519PrivateKey | MLDSA44PrivateKey
    if kind is KeyKind.COSIGNATURE_ML_DSA_44:
        private = MLDSA44PrivateKey.from_seed_bytes(material)
    else:
        private = Ed25519PrivateKey.from_private_bytes(material)
    return NoteSigner(VerifierKey(name, kind, private.public_key().public_bytes_raw()), private)


ORIGIN = "us.example/log"
LOG = note_signer(ORIGIN, KeyKind.ED25519, 1)
LOG_PQ = note_signer(ORIGIN, KeyKind.COSIGNATURE_ML_DSA_44, 2)
UK = note_signer("uk.example/log/witness", KeyKind.COSIGNATURE_ED25519, 3)
UK_PQ = note_signer("uk.example/log/witness", KeyKind.COSIGNATURE_ML_DSA_44, 4)
CA = note_signer("ca.example/log/witness", KeyKind.COSIGNATURE_ED25519, 5)
CA_PQ = note_signer("ca.example/log/witness", KeyKind.COSIGNATURE_ML_DSA_44, 6)
STRANGER = note_signer("stranger.example", KeyKind.COSIGNATURE_ED25519, 7)
LOG_KEYS = [LOG.key, LOG_PQ.key]
WITNESSES = [
    ("uk-fcdo", UK.key),
    ("uk-fcdo", UK_PQ.key),
    ("ca-gac", CA.key),
    ("ca-gac", CA_PQ.key),
]
NOW = 1_795_000_000


def sign(text: str, *signers: NoteSigner, at: int = NOW) -> bytes:
    """Note of a checkpoint text, signed by each signer in its own form."""
    return format_note(
        text, [who.line(text, at if who.key.kind.timestamped else None) for who in signers]
    )
