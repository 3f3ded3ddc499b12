"""Taking a parsed JSON object apart, refusing everything that is not expected.

Owns `Members`, the reader all closed objects of the protocol are read with: no member missing,
none extra, each of its exact type. Bodies of statements are open objects and are not read here.
"""

import re
from collections.abc import Collection
from typing import Final

from api.wire import digests, encoding, limits
from api.wire.canonical import Json
from api.wire.errors import WireError

MINISTRY: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
"""A member's id, such as ``us-treasury``."""

JURISDICTION: Final = re.compile(r"[A-Z]{2,8}(-[A-Z0-9]{1,8})?", re.ASCII)
"""A jurisdiction's code, such as ``UK``."""

MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,99}", re.ASCII)
"""The id of a message."""

KID: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
"""A key's name: 32 bytes in base64url."""

_DIGEST: Final = re.compile(digests.PATTERN, re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Members:
    """The members of one closed object.

    Args:
        value: The parsed object.
        code: Code of every refusal this reader raises.
        required: Names that must be there.
        optional: Names that may be there.

    Raises:
        WireError: `code`, if `value` is no object or its members differ.
    """

    __slots__ = ("_code", "_value")

    def __init__(
        self, value: Json, code: str, required: Collection[str], optional: Collection[str] = ()
    ) -> None:
        self._code = code
        if not isinstance(value, dict):
            raise self.refusal("Put an object here.")
        missing = set(required) - set(value)
        if missing or not set(value) <= set(required) | set(optional):
            names = ", ".join(sorted(required))
            raise self.refusal(f"Give exactly the members of this object ({names}).")
        self._value = value

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def refusal(self, message: str) -> WireError:
        """Return an error with this reader's code, to be raised."""
        return WireError(self._code, message)

    def raw(self, name: str) -> Json:
        """Return the member as parsed."""
        return self._value[name]

    def but(self, **others: Json) -> dict[str, Json]:
        """Return the object as parsed, but for some members."""
        return {**self._value, **others}

    def text(self, name: str, pattern: re.Pattern[str] | None = None, longest: int = 1024) -> str:
        """Return a non-empty text of at most `longest` characters that fits `pattern`."""
        value = self._value[name]
        if not isinstance(value, str) or not 0 < len(value) <= longest:
            raise self.refusal(f"Give a text of 1 to {longest} characters as {name}.")
        if pattern is not None and not pattern.fullmatch(value):
            raise self.refusal(f"Give a well-formed {name}.")
        return value

    def word(self, name: str, allowed: Collection[str]) -> str:
        """Return a text that is one of `allowed`."""
        value = self._value[name]
        if not isinstance(value, str) or value not in allowed:
            raise self.refusal(f"Give one of the known words as {name}.")
        return value

    def integer(self, name: str, least: int = 0, most: int = limits.SAFE_INTEGER) -> int:
        """Return a whole number from `least` to `most`."""
        value = self._value[name]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refusal(f"Give a whole number from {least} on as {name}.")
        return value

    def digest(self, name: str) -> str:
        """Return a well-formed digest."""
        value = self._value[name]
        if not isinstance(value, str) or not digests.is_digest(value):
            raise self.refusal(f"Give a digest as {name}.")
        return value

    def instant(self, name: str) -> str:
        """Return an instant in its exact text form."""
        text = self.text(name)
        try:
            encoding.parse_instant(text)
        except WireError:
            raise self.refusal(f"Give an instant in UTC with milliseconds as {name}.") from None
        return text

    def b64u(self, name: str, length: int | None = None) -> bytes:
        """Return decoded base64url, of exactly `length` bytes if given."""
        value = self._value[name]
        try:
            data = encoding.b64u_decode(value) if isinstance(value, str) else None
        except WireError:
            data = None
        if data is None or (length is not None and len(data) != length):
            raise self.refusal(f"Give exact base64url as {name}.")
        return data

    def hex(self, name: str, length: int = 32) -> bytes:
        """Return decoded lower-case hex of exactly `length` bytes."""
        value = self._value[name]
        try:
            return encoding.hex_decode(value if isinstance(value, str) else "?", length)
        except WireError:
            raise self.refusal(f"Give {length} bytes of lower-case hex as {name}.") from None

    def items(self, name: str, least: int = 0, most: int = limits.ITEMS) -> list[Json]:
        """Return a list with `least` to `most` entries."""
        value = self._value[name]
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.refusal(f"Give a list of {least} to {most} entries as {name}.")
        return value

    def texts(
        self, name: str, pattern: re.Pattern[str], least: int, most: int, longest: int = 1024
    ) -> tuple[str, ...]:
        """Return a list of texts that fit `pattern`."""
        texts = tuple(
            entry
            for entry in self.items(name, least, most)
            if isinstance(entry, str) and len(entry) <= longest and pattern.fullmatch(entry)
        )
        if len(texts) != len(self.items(name, least, most)):
            raise self.refusal(f"Give a list of well-formed texts as {name}.")
        return texts

    def digests(self, name: str, most: int) -> tuple[str, ...]:
        """Return a list of digests."""
        return self.texts(name, _DIGEST, 0, most)

    def hashes(self, name: str, most: int) -> tuple[bytes, ...]:
        """Return a list of 32-byte hashes written as lower-case hex."""
        return tuple(bytes.fromhex(text) for text in self.texts(name, _HASH, 0, most))
