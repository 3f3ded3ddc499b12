"""Private keys as PKCS #8 in PEM, which other software opens: ``openssl pkey -in FILE``.

Owns the two forms ``PRIVATE KEY`` and ``ENCRYPTED PRIVATE KEY`` (RFC 5958, RFC 7468). The second is
PBES2 (RFC 8018) with scrypt (RFC 7914 section 7) and AES-256-CBC. `cryptography` reads that form
and writes it only with 2048 rounds of PBKDF2, which a graphics card tries by the million: so its
parameters are put together here, of that library's scrypt, AES, padding and DER.
"""

import base64
import secrets
import textwrap
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.x509 import ObjectIdentifier

from api.adapters.crypto import private_keys
from api.adapters.crypto.private_keys import PrivateKey
from api.domain.errors import Invalid

PLAIN: Final = b"-----BEGIN PRIVATE KEY-----"
ENCRYPTED: Final = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"

_PBES2: Final = ObjectIdentifier("1.2.840.113549.1.5.13")
_SCRYPT: Final = ObjectIdentifier("1.3.6.1.4.1.11591.4.11")
_AES_256_CBC: Final = ObjectIdentifier("2.16.840.1.101.3.4.1.42")
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """Cost of scrypt: OWASP's advice for the most memory that openssl grants unasked (16 MiB)."""

    n: int = 1 << 14
    r: int = 8
    p: int = 5


@asn1.sequence
class _ScryptParameters:
    salt: bytes
    cost: int
    block_size: int
    parallelization: int


@asn1.sequence
class _Derivation:
    algorithm: ObjectIdentifier
    parameters: _ScryptParameters


@asn1.sequence
class _Encryption:
    algorithm: ObjectIdentifier
    initial: bytes


@asn1.sequence
class _Pbes2Parameters:
    derivation: _Derivation
    encryption: _Encryption


@asn1.sequence
class _Pbes2:
    algorithm: ObjectIdentifier
    parameters: _Pbes2Parameters


@asn1.sequence
class _EncryptedPrivateKey:
    algorithm: _Pbes2
    data: bytes


def written(private: PrivateKey, passphrase: str | None, cost: ScryptCost | None = None) -> bytes:
    """Return a key's file, encrypted if there is a passphrase."""
    if passphrase is None:
        return _pem("PRIVATE KEY", private_keys.to_pkcs8(private))
    cost, salt, initial = cost or ScryptCost(), secrets.token_bytes(16), secrets.token_bytes(16)
    key = Scrypt(salt, _KEY_BYTES, cost.n, cost.r, cost.p).derive(_octets(passphrase))
    pad = padding.PKCS7(algorithms.AES256.block_size).padder()
    padded = pad.update(private_keys.to_pkcs8(private)) + pad.finalize()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(initial)).encryptor()
    sealed = _EncryptedPrivateKey(
        algorithm=_Pbes2(
            algorithm=_PBES2,
            parameters=_Pbes2Parameters(
                derivation=_Derivation(
                    algorithm=_SCRYPT,
                    parameters=_ScryptParameters(
                        salt=salt, cost=cost.n, block_size=cost.r, parallelization=cost.p
                    ),
                ),
                encryption=_Encryption(algorithm=_AES_256_CBC, initial=initial),
            ),
        ),
        data=encryptor.update(padded) + encryptor.finalize(),
    )
    return _pem("ENCRYPTED PRIVATE KEY", asn1.encode_der(sealed))


def read(data: bytes, passphrase: str | None) -> PrivateKey:
    """Return the key in a file of either form, whoever wrote it.

    Raises:
        Invalid: ``keystore.passphrase``: wrong, or the file was changed, which cannot be told
            apart; ``keystore.malformed``.
    """
    secret = None if passphrase is None or data.startswith(PLAIN) else _octets(passphrase)
    try:
        private = serialization.load_pem_private_key(data, secret)
    except (ValueError, TypeError):
        if secret is not None:
            sentence = "Wrong passphrase, or the file was changed."
            raise Invalid("keystore.passphrase", sentence) from None
        raise Invalid("keystore.malformed", "This is no officer's key file.") from None
    return private_keys.accepted(private)


def _octets(passphrase: str) -> bytes:
    return unicodedata.normalize("NFC", passphrase).encode()


def _pem(label: str, der: bytes) -> bytes:
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
