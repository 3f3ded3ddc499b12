"""Digests as the protocol writes them: ``sha256:`` and 64 lower-case hex digits.

Owns the text form. Must not choose another hash: a second algorithm is a protocol version.
Refusal code: ``digest.malformed``.
"""

import hashlib
import re
from typing import Final

from api.wire.errors import WireError

PREFIX: Final = "sha256:"
PATTERN: Final = r"sha256:[0-9a-f]{64}"
_DIGEST: Final = re.compile(PATTERN, re.ASCII)


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` as ``sha256:<hex>``."""
    return PREFIX + hashlib.sha256(data).hexdigest()


def digest_bytes(text: str) -> bytes:
    """Return the 32 raw bytes of a digest.

    Raises:
        WireError: ``digest.malformed``.
    """
    if not is_digest(text):
        raise WireError("digest.malformed", "Write digests as sha256: and 64 lower-case digits.")
    return bytes.fromhex(text[len(PREFIX) :])


def is_digest(text: object) -> bool:
    """Say whether `text` is a well-formed digest."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None
