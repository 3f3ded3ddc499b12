"""What a partner says of this node's streams and cosignatures.

Owns one question to one partner; what follows from the answer is decided by who asks.
"""

from dataclasses import dataclass
from typing import Any

from api.domain.errors import NotFound, Unavailable
from api.services.log.log_client import get_json, origin_name
from api.services.node import Node


@dataclass(frozen=True, slots=True)
class View:
    """What a partner says of this node's streams and cosignatures.

    Attributes:
        received: epoch, next number and last digest of this node's stream there; ``None`` if it
            got nothing.
        early: numbers it holds beyond a gap.
        sent: epoch and next number of its own stream to this node; ``None`` if it sent nothing.
        cosigned: the newest head of its log with this node's cosignature, as a note; empty if none.
    """

    received: tuple[int, int, str | None] | None
    early: tuple[int, ...]
    sent: tuple[int, int] | None
    cosigned: bytes


def view_of(node: Node, peer: str) -> View:
    """Ask a partner how far this node had come with it.

    Raises:
        Unavailable: ``peer.unreachable``, ``peer.refused``.
    """
    try:
        value = get_json(node, peer, f"{origin_name(node.me.origin)}/stream")
    except NotFound as error:
        raise Unavailable("peer.refused", "The member's node does not know streams.") from error
    try:
        received, sent, cosigned = (value.get(name) for name in ("received", "sent", "cosigned"))
        return View(
            None if received is None else _received(received),
            tuple(int(number) for number in value.get("early", [])),
            None if sent is None else (int(sent["epoch"]), int(sent["next"])),
            b"" if cosigned is None else str(cosigned).encode(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("peer.refused", "The member's answer cannot be read.") from error


def _received(value: Any) -> tuple[int, int, str | None]:
    previous = value["prev"]
    return int(value["epoch"]), int(value["next"]), None if previous is None else str(previous)
