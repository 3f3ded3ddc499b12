"""Text forms of bytes and instants that have exactly one spelling.

Owns base64url, hex and timestamps as PROTOCOL writes them. Each decoder refuses every spelling
but the one its encoder gives, so that a changed character is never the same value. It must not
read a clock.

Refusal codes: ``encoding.b64u``, ``encoding.hex``, ``encoding.instant``.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Final

from api.wire.errors import WireError

_INSTANT: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z", re.ASCII
)
# Decoded piece by piece, because each call into C keeps every other thread of the process waiting.
_PIECE: Final = 256 * 1024
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)


def b64u_encode(data: bytes) -> str:
    """Write base64url without padding (RFC 4648 §5, RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64u_decode(text: str) -> bytes:
    """Read base64url without padding.

    Raises:
        WireError: ``encoding.b64u`` unless `text` is exactly what `b64u_encode` would write.
    """
    # Four characters are three bytes: whatever is no last piece stands for whole bytes.
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    return b"".join(map(_b64u_piece, pieces))


def _b64u_piece(text: str) -> bytes:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise _not_b64u() from None
    # That lets '+', '/', '=' and, at the end, non-zero bits through: one spelling only.
    if (
        any(each in text for each in "+/=")
        or b64u_encode(data[len(data) // 3 * 3 :]) != text[len(text) // 4 * 4 :]
    ):
        raise _not_b64u()
    return data


def hex_decode(text: str, length: int) -> bytes:
    """Read lower-case hex of exactly `length` bytes.

    Raises:
        WireError: ``encoding.hex``.
    """
    if len(text) != 2 * length or not _HEX.fullmatch(text):
        raise WireError("encoding.hex", f"Write {length} bytes as lower-case hex.")
    return bytes.fromhex(text)


def format_instant(instant: datetime) -> str:
    """Write an instant as RFC 3339 UTC with milliseconds; finer parts are cut off.

    Raises:
        WireError: ``encoding.instant`` for a datetime without zone.
    """
    if instant.tzinfo is None:
        raise _not_instant()
    utc = instant.astimezone(UTC)
    return f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 UTC instant with exactly three fraction digits and ``Z``.

    Raises:
        WireError: ``encoding.instant``.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise _not_instant()
    year, month, day, hour, minute, second, milli = (int(part) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, milli * 1000, tzinfo=UTC)
    except ValueError:
        raise _not_instant() from None


def _not_b64u() -> WireError:
    return WireError("encoding.b64u", "Write base64url without padding, in its one exact form.")


def _not_instant() -> WireError:
    return WireError(
        "encoding.instant", "Write instants as UTC with milliseconds, 2026-11-23T17:25:39.123Z."
    )
