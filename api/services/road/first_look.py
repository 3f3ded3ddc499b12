"""A first look at a large request of a partner, before it is read: whose keys signed it.

Owns that question. It looks at the end of the request alone, where the signatures stand (RFC 8785
puts ``signatures`` last in the envelope and ``message`` last in the request), so a stranger's
megabytes cost what they cost on the disk. It proves nothing: whether the signatures are true is
``receiving``'s, once the request is read.
"""

from typing import Final

from api.services.node import Node
from api.wire import canonical
from api.wire.encoding import b64u_decode
from api.wire.envelope import MESSAGE
from api.wire.errors import WireError
from api.wire.keys import Purpose
from api.wire.limits import PROTECTED
from api.wire.members import Members

TAIL: Final = 16 * 1024
"""Bytes at the end of a request that hold its signatures."""

_SIGNATURES: Final = b'","signatures":['
_END: Final = b"}}"


def sender_of(node: Node, tail: bytes) -> str:
    """Return the member whose message keys a request names.

    Args:
        node: this node.
        tail: the last `TAIL` bytes of the request.

    Raises:
        WireError: ``message.request``: no signatures are there; ``key.unknown``: they name no keys
            of one member.
    """
    start = tail.rfind(_SIGNATURES)
    if start < 0 or not tail.endswith(_END):
        raise WireError("message.request", "End the request with the signatures of its message.")
    # From the quote that ends the payload; the last brace is the request's own.
    value = canonical.parse(b"{" + tail[start + 2 : -1], limit=TAIL)
    entries = Members(value, "message.request", ("signatures",)).items("signatures")
    kids = {_kid(entry) for entry in entries}
    owners = {
        member.id
        for member in node.membership.members
        if member.id != node.ministry
        and kids
        and kids <= {key.kid for key in member.keys if key.purpose is Purpose.MESSAGE}
    }
    if len(owners) != 1:
        raise WireError("key.unknown", "Sign with a key the membership lists for the signer.")
    return owners.pop()


def _kid(entry: canonical.Json) -> str:
    signature = Members(entry, "message.request", ("protected", "signature"))
    protected = b64u_decode(signature.text("protected"))
    header = Members(
        canonical.parse(protected, limit=PROTECTED), "message.request", ("alg", "kid", "typ")
    )
    header.word("typ", (MESSAGE,))
    return header.text("kid")
