"""Small secret files: encrypted under one or more passphrases, written atomically.

Owns the format of keystores and escrow exports, and the durable writing of all secret files. It
must not know what the plaintext means.

Format: JCS of ``{comity_sealed, kind, argon2id: {iterations, lanes, memory_kib}, salts, nonce,
ciphertext}``. Each passphrase gives 32 bytes by Argon2id (RFC 9106) with its own salt; their
concatenation goes through HKDF-SHA-256 into one AES-256-GCM key, so *all* passphrases are needed
and each alone gives nothing. Everything but the ciphertext is associated data.

Refusal codes: ``keystore.passphrase`` (wrong, or the file was changed: AES-GCM cannot tell),
``keystore.passphrase-short``, ``keystore.malformed``, ``keystore.missing``, ``keystore.exists``,
``keystore.permissions``.
"""

import itertools
import os
import secrets
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from api import durable
from api.domain.errors import Conflict, Invalid, NotFound
from api.wire.canonical import canonical, parse_canonical
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.errors import WireError
from api.wire.members import Members

SHORTEST_PASSPHRASE: Final = 12
"""Fewest characters of a passphrase."""

_VERSION: Final = 1
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_LARGEST: Final = 4 * 1024 * 1024
_CODE: Final = "keystore.malformed"
_MOST_PASSPHRASES: Final = 4
_MOST_MEMORY_KIB: Final = 1024 * 1024
_MOST_ITERATIONS: Final = 64
_MOST_LANES: Final = 16


@dataclass(frozen=True, slots=True)
class KdfCost:
    """Cost of Argon2id; the default is the second recommendation of RFC 9106 §4."""

    memory_kib: int = 65536
    iterations: int = 3
    lanes: int = 4


def encrypt(
    plaintext: bytes, passphrases: Sequence[str], kind: str, cost: KdfCost | None = None
) -> bytes:
    """Encrypt under all of the passphrases together.

    Raises:
        Invalid: ``keystore.passphrase-short``.
    """
    cost = cost or KdfCost()
    for passphrase in passphrases:
        require_long(passphrase)
    salts = [secrets.token_bytes(_SALT_BYTES) for _ in passphrases]
    nonce = secrets.token_bytes(_NONCE_BYTES)
    header: dict[str, object] = {
        "comity_sealed": _VERSION,
        "kind": kind,
        "argon2id": {
            "iterations": cost.iterations,
            "lanes": cost.lanes,
            "memory_kib": cost.memory_kib,
        },
        "salts": [b64u_encode(salt) for salt in salts],
        "nonce": b64u_encode(nonce),
    }
    key = _derive(passphrases, salts, cost, kind)
    ciphertext = AESGCM(key).encrypt(nonce, plaintext, canonical(header))
    return canonical(header | {"ciphertext": b64u_encode(ciphertext)})


def require_long(passphrase: str) -> None:
    """Refuse a passphrase that is soon guessed.

    Raises:
        Invalid: ``keystore.passphrase-short``.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise Invalid(
            "keystore.passphrase-short",
            f"Choose a passphrase of at least {SHORTEST_PASSPHRASE} characters.",
        )


def decrypt(data: bytes, passphrases: Sequence[str], kind: str) -> bytes:
    """Decrypt; the passphrases may come in any order.

    Raises:
        Invalid: ``keystore.passphrase``, ``keystore.malformed``.
    """
    try:
        value = parse_canonical(data, limit=_LARGEST)
        names = ("comity_sealed", "kind", "argon2id", "salts", "nonce", "ciphertext")
        file = Members(value, _CODE, names)
        file.integer("comity_sealed", _VERSION, _VERSION)
        file.word("kind", (kind,))
        costs = Members(file.raw("argon2id"), _CODE, ("iterations", "lanes", "memory_kib"))
        cost = KdfCost(
            costs.integer("memory_kib", 8, _MOST_MEMORY_KIB),
            costs.integer("iterations", 1, _MOST_ITERATIONS),
            costs.integer("lanes", 1, _MOST_LANES),
        )
        salts = [b64u_decode(str(salt)) for salt in file.items("salts", 1, _MOST_PASSPHRASES)]
        nonce, ciphertext = file.b64u("nonce", _NONCE_BYTES), file.b64u("ciphertext")
    except WireError:
        raise Invalid(_CODE, "This is no file of that kind, or it was damaged.") from None
    if len(passphrases) == len(salts) and isinstance(value, dict):
        header = canonical({name: value[name] for name in names if name != "ciphertext"})
        for order in itertools.permutations(passphrases):
            try:
                key = _derive(order, salts, cost, kind)
                return AESGCM(key).decrypt(nonce, ciphertext, header)
            except InvalidTag:
                continue
    raise Invalid("keystore.passphrase", "Wrong passphrase, or the file was changed.")


def _derive(passphrases: Sequence[str], salts: Sequence[bytes], cost: KdfCost, kind: str) -> bytes:
    material = b"".join(
        Argon2id(
            salt=salt,
            length=_KEY_BYTES,
            iterations=cost.iterations,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        ).derive(unicodedata.normalize("NFC", passphrase).encode())
        for passphrase, salt in zip(passphrases, salts, strict=True)
    )
    info = f"comity/sealed/v1/{kind}".encode()
    return HKDF(hashes.SHA256(), _KEY_BYTES, None, info).derive(material)


def read_passphrase(path: Path) -> str:
    """Return the first line of a passphrase file that only its owner may read.

    Args:
        path: the file, or a descriptor such as ``/dev/fd/3``.

    Raises:
        NotFound: ``keystore.missing``.
        Invalid: ``keystore.permissions``, ``keystore.passphrase-empty``.
    """
    line = read_private(path).decode("utf-8", "replace").split("\n", 1)[0].rstrip("\r")
    if not line:
        raise Invalid(
            "keystore.passphrase-empty", f"Write a passphrase on the first line of {path}."
        )
    return line


def read_private(path: Path) -> bytes:
    """Read a file that only its owner may read or write.

    Raises:
        NotFound: ``keystore.missing``.
        Invalid: ``keystore.permissions``.
    """
    try:
        with path.open("rb") as source:
            mode = os.fstat(source.fileno()).st_mode
            # A pipe or terminal is nobody else's to read; its mode says nothing.
            if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Invalid(
                    "keystore.permissions", f"Let nobody but the owner read {path} (mode 0600)."
                )
            return source.read(_LARGEST + 1)
    except FileNotFoundError:
        raise NotFound("keystore.missing", f"There is no file {path}.") from None


def write_private(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file of mode 0600 so that after a crash it is the old one or the new one, whole.

    Args:
        path: Where; its folder exists.
        data: The content.
        replace: Whether a file that is there may be replaced.

    Raises:
        Conflict: ``keystore.exists``.
    """
    try:
        durable.write(path, data, replace=replace)
    except FileExistsError:
        raise Conflict("keystore.exists", "There is a file already; it was not touched.") from None
