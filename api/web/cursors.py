"""Signed keyset cursors: opaque to the caller, bound to the list they came from.

Owns their form. Cursors of another list, another officer or another life of the node are refused.
"""

import hashlib
import hmac
import json
from typing import Any

from api.domain.errors import Invalid
from api.services.authorising import Caller
from api.services.node import Node
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.errors import WireError

_TAG = 16


def make(node: Node, caller: Caller, listing: str, place: list[Any]) -> str:
    """Return the cursor that continues ``listing`` after ``place``."""
    text = json.dumps(place, separators=(",", ":")).encode()
    return b64u_encode(_tag(node, caller, listing, text) + text)


def read(node: Node, caller: Caller, listing: str, cursor: str | None) -> list[Any] | None:
    """Return the place a cursor continues from, or ``None`` for the first page.

    Raises:
        Invalid: ``cursor.invalid``.
    """
    if cursor is None:
        return None
    try:
        data = b64u_decode(cursor)
    except WireError:
        data = b""
    if not hmac.compare_digest(data[:_TAG], _tag(node, caller, listing, data[_TAG:])):
        raise Invalid("cursor.invalid", "Use a cursor from this list, or start again without one.")
    place: list[Any] = json.loads(data[_TAG:])
    return place


def _tag(node: Node, caller: Caller, listing: str, text: bytes) -> bytes:
    message = f"{caller.person}\n{listing}\n".encode() + text
    return hmac.new(node.limits.cursor_secret, message, hashlib.sha256).digest()[:_TAG]
