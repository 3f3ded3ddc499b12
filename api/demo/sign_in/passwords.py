"""Password hashes of the demo's users: scrypt (RFC 7914) from ``cryptography``.

Owns the text form ``scrypt:N:r:p:salt:hash``; must not know users.
"""

import os

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from api.wire.encoding import b64u_decode, b64u_encode

_COST = 2**14
_BLOCK = 8
_PARALLEL = 1
_LENGTH = 32
_SALT = 16

_NOBODY = f"scrypt:{_COST}:{_BLOCK}:{_PARALLEL}:{b64u_encode(bytes(16))}:{b64u_encode(bytes(32))}"


def hash_password(password: str) -> str:
    """Return a salted hash of ``password`` (about 40 ms of work)."""
    salt = os.urandom(_SALT)
    derived = _scrypt(salt, _COST, _BLOCK, _PARALLEL).derive(password.encode())
    return f"scrypt:{_COST}:{_BLOCK}:{_PARALLEL}:{b64u_encode(salt)}:{b64u_encode(derived)}"


def check_password(password: str, password_hash: str | None) -> bool:
    """Say whether ``password`` is the one that was hashed.

    Args:
        password: as typed.
        password_hash: from ``hash_password``; None, for an unknown user, takes the same time.

    Raises:
        ValueError: the hash is in no known form.
    """
    scheme, cost, block, parallel, salt, derived = (password_hash or _NOBODY).split(":")
    if scheme != "scrypt":
        raise ValueError("the password hash is of an unknown scheme")
    work = _scrypt(b64u_decode(salt), int(cost), int(block), int(parallel))
    try:
        work.verify(password.encode(), b64u_decode(derived))
    except InvalidKey:
        return False
    return password_hash is not None


def _scrypt(salt: bytes, cost: int, block: int, parallel: int) -> Scrypt:
    return Scrypt(salt=salt, length=_LENGTH, n=cost, r=block, p=parallel)
