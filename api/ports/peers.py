"""Contract of the way to another ministry's node.

Addresses come only from the pinned membership; an implementation must refuse redirects, must bound
what it reads, and must raise nothing but ``Unavailable`` for whatever the network does.
"""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PeerReply:
    """What the other node answered.

    Args:
        status: HTTP status code.
        body: the whole body, at most 16 MiB.
        headers: lower-case names; only ``content-type``, ``content-range`` and ``retry-after``.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class PeerTransport(Protocol):
    """Carries bytes to and from a peer; knows nothing of their meaning."""

    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        """Send ``body`` and return the reply.

        Args:
            peer: ministry id; the address is the membership's.
            path: absolute path on that node, such as ``/peer/messages``.
            body: sent as it is.
            content_type: media type of ``body``.

        Raises:
            Unavailable: ``peer.unreachable``, ``peer.oversize``, or ``peer.busy``: as many calls
                to this peer as may be are open. But for the last the peer may have received the
                request: callers must be safe to repeat.
        """
        ...

    def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
        """Read ``path`` with a token made for it (PROTOCOL §9, *Peer tokens*).

        Raises:
            Unavailable: ``peer.unreachable`` or ``peer.oversize``.
        """
        ...
