"""Size limits of protocol 1, in bytes unless said otherwise (PROTOCOL §1).

Owns numbers only. Both sides of a border must use the same ones: an object one node accepts and
another refuses for its size would stop a stream, so these are not settings.
"""

from typing import Final

MIB: Final = 1024 * 1024

PAYLOAD: Final = 4 * MIB
"""Largest statement payload."""

ENVELOPE: Final = 8 * MIB
"""Largest envelope of one statement."""

MESSAGE: Final = 16 * MIB
"""Largest body of one `POST /peer/messages`."""

EXHIBIT_RANGE: Final = 4 * MIB
"""Largest piece of an exhibit asked for at once."""

PACKAGE_FILE: Final = 2048 * MIB
"""A package file is smaller than this."""

DEPTH: Final = 32
"""Deepest nesting of arrays and objects."""

NODES: Final = 200_000
"""Most values in one JSON text: 1, and for each array or object 1 or its length, if that is more.

Equal to the commas, brackets and braces (opening ones) outside of strings, plus 1, so that it is
known before a parser builds anything: a value of two bytes becomes some sixty in memory.
"""

DIGITS: Final = 400
"""Longest number, in characters; the longest that a double needs is 327."""

SAFE_INTEGER: Final = 2**53 - 1
"""Largest magnitude of a number that is whole (RFC 8785 §3.2.2.3, RFC 7493 §2.2)."""

MEMBERSHIP: Final = 4 * MIB
"""Largest membership file."""

PROTECTED: Final = 512
"""Largest decoded protected header."""

ACCOMPANYING: Final = 64
"""Most statements that come along with one item."""

ITEMS: Final = 64
"""Most statements in one message."""
