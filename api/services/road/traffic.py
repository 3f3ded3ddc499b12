"""What a partner may move in a day: bytes of its messages, of exhibits to it and from it.

Owns the counting of ``domain.quotas.Share`` in the database, so that neither a restart nor another
process gives a partner a second share. Nothing that is kept is touched: who is told to wait comes
again after midnight (UTC), and a message that waits makes no dead letter (PROTOCOL §9).
"""

from api.domain.quotas import Share, day_of, seconds_left, too_many
from api.records import traffic
from api.records.unit_of_work import Unit
from api.services.node import Node


def require_room(node: Node, peer: str, share: Share, amount: int) -> None:
    """Refuse bytes for which nothing is left today; counts nothing.

    Raises:
        TooMany: ``peer.quota``, with the seconds that are left of the day.
    """
    if left(node, peer, share) < amount:
        raise too_many(seconds_left(node.clock.now()))


def left(node: Node, peer: str, share: Share) -> int:
    """Return how many bytes of a share are left to a partner today."""
    day = day_of(node.clock.now())
    used = node.db.read(lambda connection: traffic.of_day(connection, peer, share.value, day))
    return max(0, node.quotas.daily[share] - used)


def charge(node: Node, unit: Unit, peer: str, share: Share, amount: int) -> None:
    """Count bytes in the transaction that stores or serves them.

    Raises:
        TooMany: ``peer.quota``: no room is left today.
    """
    # One that is larger than the whole share goes through once a day, or it would never.
    if note(node, unit, peer, share, amount) > max(node.quotas.daily[share], amount):
        raise too_many(seconds_left(node.clock.now()))


def note(node: Node, unit: Unit, peer: str, share: Share, amount: int) -> int:
    """Count bytes that have moved already; returns what is counted today."""
    return traffic.add(unit, peer, share.value, day_of(node.clock.now()), amount)
